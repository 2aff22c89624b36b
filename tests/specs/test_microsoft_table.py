"""Which operators of ONNX Runtime have rules, and that rules and schemas fit together."""

import importlib
from collections.abc import Sequence
from typing import Protocol, cast

import pytest
from ops import activation, constant, fused, make_op, work_of

from attainable.cost.rules import RULES, with_twins
from attainable.cost.rules.microsoft import TWINS
from attainable.cost.work import Rule, free


class Schema(Protocol):
    name: str
    domain: str
    inputs: Sequence[object]


class Schemas(Protocol):
    def get_all_operator_schema(self) -> Sequence[Schema]: ...


STATE = cast(Schemas, importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state"))
SCHEMAS = {f"{schema.domain}:{schema.name}": schema for schema in STATE.get_all_operator_schema()}
MICROSOFT = {kind for kind in SCHEMAS if kind.startswith("com.microsoft:")}

WITHOUT_RULE = {
    # run another graph as often as the values ask for
    "BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch",
    # hold a network that is compiled for a device, and say nothing of it
    "EPContext", "Snpe",
    # work on strings, or as far as two sequences agree
    "Tokenizer", "BifurcationDetector",
    # state machines of a cache whose lengths decide what is computed
    "SparseAttentionIndexer", "PackedSparseAttentionIndexer",
}  # fmt: skip


def test_operators_without_a_rule_are_known() -> None:
    """All others have one; none has a rule that ONNX Runtime does not know."""
    with_rule = {kind for kind in RULES if kind.startswith("com.microsoft:")}
    assert {kind.partition(":")[2] for kind in MICROSOFT - with_rule} == WITHOUT_RULE
    assert with_rule <= MICROSOFT


def test_parameters_are_positions_of_inputs() -> None:
    for kind in MICROSOFT & RULES.keys():
        assert all(position < len(SCHEMAS[kind].inputs) for position in RULES[kind].parameters or ()), kind


def test_twins_share_their_rule() -> None:
    assert all(RULES[kind] is RULES[twin] for kind, twin in TWINS.items())
    with pytest.raises(ValueError, match="rules for Other"):
        with_twins({"Conv": Rule(free), "Other": Rule(free)}, {"Other": "Conv"})


def test_twins_have_their_inputs_in_the_same_order() -> None:
    table, indices = constant(100, 8), activation(6, dtype="int64")
    gather = make_op("Gather", [table, indices])
    assert work_of(fused("TorchEmbedding", [table, indices], gather.output)) == work_of(gather)
    x, grid = activation(1, 2, 6, 6), activation(1, 4, 4, 2)
    sample = make_op("GridSample", [x, grid], attributes={"mode": "linear"})
    op = fused("GridSample", [x, grid], sample.output, attributes={"mode": "bilinear"})
    assert work_of(op) == work_of(sample)
    data, where = activation(4, 6), constant(3, 1, dtype="int64")
    gathered = make_op("GatherND", [data, where])
    assert work_of(fused("GatherND", [data, where], gathered.output)) == work_of(gathered)
    axis = constant(dtype="int32", value=(0,))
    assert work_of(fused("ExpandDims", [data, axis], activation(1, 4, 6))).bytes_moved == 0
