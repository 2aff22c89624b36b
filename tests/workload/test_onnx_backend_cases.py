"""ONNX's own backend tests, but for those of pooling, which onnx takes 13 s to make: output shapes, and a count."""

import importlib
import pkgutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import onnx
import pytest
from onnx import helper

from attainable.workload import Tensor, load
from benchmarks.backend_tests import Case, cases_of, fits, miss, stored_cases
from tests.models import model, save, value

SLOW_TO_MAKE = frozenset({"maxpool", "averagepool", "lppool"})


class _Named(Protocol):
    name: str


def _quick_cases() -> list[Case]:
    node = importlib.import_module("onnx.backend.test.case.node")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in pkgutil.iter_modules(node.__path__):
            if module.name not in SLOW_TO_MAKE:
                importlib.import_module(f"{node.__name__}.{module.name}")
    made = cast("Sequence[_Named]", vars(node)["_NodeTestCases"])
    return list(cases_of(made))


def test_shapes_of_single_operators_are_right(tmp_path: Path) -> None:
    cases = _quick_cases()
    assert len(cases) > 1700  # 1,884 in onnx 1.23, less some 90 of pooling
    # every other case, and of each operator the first one
    first = {case.model.graph.node[0].op_type: case for case in reversed(cases)}
    chosen = {case.name: case for case in (*cases[::2], *first.values())}
    reasons = {name: miss(case, tmp_path) for name, case in chosen.items()}
    assert {name: reason for name, reason in reasons.items() if reason} == {}


def test_every_registered_operator_has_a_case() -> None:
    """What the test above does not reach is named here, so that nobody believes it is covered."""
    reached = {node.op_type for case in _quick_cases() for node in case.model.graph.node}
    newest = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == "" and not schema.deprecated}
    assert newest - reached <= {
        "AveragePool", "MaxPool", "LpPool",  # pooling
        "GlobalLpPool", "MaxRoiPool", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
        "RandomUniformLike",  # no cases in onnx; test_operators_without_cases has them
        "Optional", "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceLength",
        "ConcatFromSequence",  # test_onnx_containers.py has them
    }  # fmt: skip


@pytest.mark.parametrize(
    ("node", "inputs", "expected"),
    [
        (helper.make_node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3]), [(1, 4, 8, 8)], (1, 4, 6, 6)),  # 8 - 3 + 1
        (helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2]), [(1, 4, 8, 8)], (1, 4, 4, 4)),
        (
            helper.make_node("LpPool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1] * 4),
            [(1, 4, 8, 8)],
            (1, 4, 8, 8),
        ),
        (helper.make_node("GlobalLpPool", ["x"], ["y"]), [(1, 4, 8, 8)], (1, 4, 1, 1)),
        (helper.make_node("MaxRoiPool", ["x", "z"], ["y"], pooled_shape=[2, 3]), [(1, 4, 8, 8), (5, 5)], (5, 4, 2, 3)),
        (helper.make_node("Multinomial", ["x"], ["y"], sample_size=7), [(2, 5)], (2, 7)),
        (helper.make_node("RandomNormal", [], ["y"], shape=[2, 3]), [], (2, 3)),
        (helper.make_node("RandomUniform", [], ["y"], shape=[4]), [], (4,)),
        (helper.make_node("RandomNormalLike", ["x"], ["y"]), [(2, 5)], (2, 5)),
        (helper.make_node("RandomUniformLike", ["x"], ["y"]), [(3,)], (3,)),
    ],
    ids=lambda value: value.op_type if isinstance(value, onnx.NodeProto) else "",
)
def test_operators_without_cases(
    tmp_path: Path, node: onnx.NodeProto, inputs: list[tuple[int, ...]], expected: tuple[int, ...]
) -> None:
    proto = model([node], [value(name, shape) for name, shape in zip("xz", inputs, strict=False)], ["y"])
    assert load(save(proto, tmp_path)).outputs[0].shape == expected


@pytest.mark.parametrize("kind", ["simple", "pytorch-converted", "pytorch-operator"])
def test_shapes_of_whole_models_are_right(tmp_path: Path, kind: str) -> None:
    reasons = {case.name: miss(case, tmp_path) for case in stored_cases(kind)}
    assert {name: reason for name, reason in reasons.items() if reason} == {}


def test_a_scalar_is_no_vector_and_every_part_counts() -> None:
    assert fits(Tensor("y", (), "float32"), np.array(1.0))
    assert not fits(Tensor("y", (1,), "float32"), np.array(1.0))
    pair = (Tensor("a", (2,), "float32"), Tensor("b", (3,), "float32"))
    sequence = Tensor("s", None, "float32", container="sequence", parts=pair)
    assert fits(sequence, [np.ones(2), np.ones(3)])
    assert not fits(sequence, [np.ones(2), np.ones(4)])
    assert not fits(sequence, [np.ones(2)])
