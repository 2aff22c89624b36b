"""The table of rules as a whole."""

import contextlib
import importlib
import subprocess
import sys
from typing import Any, cast

import onnx.defs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attainable.cost.rules import RULES, merged
from attainable.cost.work import Rule, free
from attainable.workload.graph import Op, Tensor, UnresolvedShape


def test_a_clash_is_an_error() -> None:
    with pytest.raises(ValueError, match="two families have rules for Conv"):
        merged({"Conv": Rule(free), "Add": Rule(free)}, {"Conv": Rule(free)})


def test_the_operators_exist() -> None:
    bindings = cast(Any, importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state"))
    schemas = [*onnx.defs.get_all_schemas_with_history(), *cast("list[Any]", bindings.get_all_operator_schema())]
    known = {f"{schema.domain}:{schema.name}" if schema.domain else schema.name for schema in schemas}
    # the other formats' domains are checked with their readers
    assert {kind for kind in RULES if not kind.startswith(("tflite:", "ncnn:"))} <= known


def test_parameters_are_positions_of_inputs() -> None:
    schemas = {
        schema.name: schema for schema in onnx.defs.get_all_schemas_with_history() if schema.domain == ""
    }  # the latest version comes last
    for kind, rule in RULES.items():
        if kind in schemas and rule.parameters is not None:
            assert all(position < schemas[kind].max_input for position in rule.parameters), kind


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("Conv", (1, 2)),
        ("Gemm", (0, 1, 2)),
        ("BatchNormalization", (1, 2)),  # running mean and variance are buffers
        ("Gather", (0,)),  # indices are no table
        ("QLinearConv", (3, 8)),  # scales and zero points are buffers
        ("Add", None),  # every floating constant with more than one element
    ],
)
def test_parameters(kind: str, parameters: tuple[int, ...] | None) -> None:
    assert RULES[kind].parameters == parameters


def test_rules_load_neither_onnx_nor_numpy() -> None:
    program = "import sys, attainable.cost.rules; print([m for m in ('onnx', 'numpy') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


TENSORS = st.one_of(
    st.none(),
    st.builds(
        Tensor,
        name=st.sampled_from("abcdef"),
        shape=st.one_of(st.none(), st.lists(st.integers(0, 9), max_size=5).map(tuple)),
        dtype=st.sampled_from(["float32", "int64", "bool"]),
        is_constant=st.booleans(),
        value=st.sampled_from([None, (), (0,), (-1,), (7,)]),
    ),
)


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(sorted(RULES)),
    opset=st.sampled_from([1, 7, 13, 22]),
    inputs=st.lists(TENSORS, max_size=6).map(tuple),
    outputs=st.lists(TENSORS, max_size=3).map(tuple),
    axis=st.integers(-3, 9),
)
def test_a_broken_op_is_refused_properly(
    kind: str, opset: int, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor | None, ...], axis: int
) -> None:
    """Shape inference lets broken ops pass; a rule raises only what the counter expects."""
    domain, _, name = kind.rpartition(":")
    attributes = (("axes", (axis,)), ("axis", axis), ("equation", "a...b,bc"), ("kernel_shape", (axis,)))
    with contextlib.suppress(UnresolvedShape, ValueError, IndexError, ZeroDivisionError):
        RULES[kind].work(Op("0", "", name, domain, opset, inputs, outputs, attributes))
