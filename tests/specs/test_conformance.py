"""Every rule counts every version of its operator, and moves the bytes of the arrays that ONNX's own tests hold."""

from dataclasses import replace
from functools import cache

import pytest
from conformance import NOT_COUNTABLE, bytes_in, bytes_out, every_version, node_cases, versions_of
from ops import Attributes, activation, integers, make_op, work_of
from samples import samples

from attainable.cost.control_flow import CONTROL_FLOW
from attainable.cost.rules import RULES
from attainable.workload.graph import Op

LEAST_CASES = 1_400
"""Node tests of ONNX 1.23; fewer would mean that they are no longer found."""

READS_LESS = {
    kind: reason
    for reason, kinds in {
        "reads what it takes": (
            "ArrayFeatureExtractor CenterCropPad Compress Gather GatherElements GatherND Resize RotaryEmbedding Slice"
        ),
        "of its input only the shape is used": (
            "ConstantOfShape EyeLike OptionalHasElement RandomNormalLike RandomUniformLike SequenceLength Shape Size"
        ),
        "copies references": "SequenceInsert",
    }.items()
    for kind in kinds.split()
}
"""Operators that read fewer bytes than their inputs have, with the reason."""

READS_MORE = {"TreeEnsemble": "the trees are attributes"}
"""Operators that read more bytes than their inputs have, with the reason."""

WRITES_LESS = {"Constant": "is done before the run", "SequenceInsert": "copies references"}
"""Operators that write fewer bytes than their outputs have, with the reason."""


@cache
def cases() -> tuple[tuple[str, Op], ...]:
    return tuple(
        (name, op)
        for name, op in node_cases()
        if op.type not in CONTROL_FLOW and not op.bodies  # FlexAttention with sub-graphs is refused: test_attention
    )


def test_traffic_is_that_of_the_arrays() -> None:
    """Each distinct input read once, each output written once, but for views and what the tables excuse."""
    faults: list[str] = []
    for name, op in cases():
        work = work_of(op)
        if RULES[op.type].storage == "view":
            if work.bytes_moved and op.kind != "Dropout":
                faults.append(f"{name}: a view moves {work.bytes_moved} bytes")
            continue
        least = 0 if op.kind in READS_LESS else bytes_in(op)
        if not least <= work.bytes_read <= (work.bytes_read if op.kind in READS_MORE else bytes_in(op)):
            faults.append(f"{name}: reads {work.bytes_read} of {bytes_in(op)} bytes")
        if work.bytes_written != bytes_out(op) and op.kind not in WRITES_LESS:
            faults.append(f"{name}: writes {work.bytes_written} of {bytes_out(op)} bytes")
    assert faults == []
    assert len(cases()) >= LEAST_CASES - 50


def test_the_excuses_are_needed() -> None:
    """Each kind in a table moves other bytes than its arrays have, in at least one test or sample."""
    ops = [*(op for _, op in cases()), *(op for op in samples() if _is_known(op))]
    assert READS_LESS.keys() <= {op.kind for op in ops if work_of(op).bytes_read < bytes_in(op)}
    assert READS_MORE.keys() <= {op.kind for op in ops if work_of(op).bytes_read > bytes_in(op)}
    assert WRITES_LESS.keys() <= {op.kind for op in ops if work_of(op).bytes_written < bytes_out(op)}


def _is_known(op: Op) -> bool:
    """Whether the bytes of every tensor are known; those of a map never are."""
    tensors = (*op.present_inputs, *op.present_outputs)
    return all(tensor.shape is not None or tensor.parts is not None for tensor in tensors)


def test_every_version_of_every_operator() -> None:
    """The node tests as every version that takes their attributes, and samples for the rest."""
    counted: set[tuple[str, int]] = set()
    for _, op in cases():
        for version in versions_of(op):
            work_of(replace(op, opset=version))
            counted.add((op.type, version))
    for op in samples():
        assert op.opset in versions_of(op), f"{op.type} {op.opset} does not exist in this form"
        work_of(op)
        counted.add((op.type, op.opset))
    missing = every_version() - counted
    assert {pair for pair in missing if pair[0] not in CONTROL_FLOW | NOT_COUNTABLE.keys()} == set()


@pytest.mark.parametrize(
    ("kind", "old", "attributes", "new"),
    [
        ("Clip", 6, {"min": 0.0, "max": 6.0}, None),
        ("Pad", 2, {"pads": (0, 0, 1, 1, 0, 0, 1, 1)}, (0, 0, 1, 1, 0, 0, 1, 1)),
        ("ReduceMean", 1, {"axes": (2, 3)}, (2, 3)),
        ("ReduceSum", 11, {"axes": (2, 3)}, (2, 3)),
        ("TopK", 1, {"k": 2}, (2,)),
        ("Squeeze", 1, {"axes": (0,)}, (0,)),
    ],
)
def test_an_attribute_costs_what_the_input_costs(
    kind: str, old: int, attributes: Attributes, new: tuple[int, ...] | None
) -> None:
    """An input that was an attribute adds its own bytes and nothing else."""
    x = activation(1, 4, 3, 5)
    before = work_of(make_op(kind, [x], attributes=attributes, outputs=2 if kind == "TopK" else 1, opset=old))
    bounds = [activation(), activation()] if new is None else [integers(*new)]
    after = work_of(make_op(kind, [x, *bounds], outputs=2 if kind == "TopK" else 1, opset=24))
    assert before.operations == after.operations
    assert before.bytes_activation_out == after.bytes_activation_out
