"""Sequences and optionals: what is in them is known where the file tells."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from attainable.workload import Tensor, load
from tests.models import model, save, value


def scalar(name: str, element: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(element, np.int64), name)


def parts(tensor: Tensor) -> list[tuple[int, ...] | None]:
    assert tensor.container == "sequence"
    assert tensor.parts is not None
    return [part.shape for part in tensor.parts]


CONSTRUCT = helper.make_node("SequenceConstruct", ["a", "b", "c"], ["s"])
INPUTS = [value("a", [1, 2]), value("b", [2, 2]), value("c", [3, 2])]


def outputs(tmp_path: Path, nodes: list[onnx.NodeProto], *constants: onnx.TensorProto) -> tuple[Tensor, ...]:
    return load(save(model([CONSTRUCT, *nodes], INPUTS, ["y"], constants), tmp_path)).outputs


def test_a_sequence_holds_what_it_is_made_of(tmp_path: Path) -> None:
    (y,) = outputs(tmp_path, [helper.make_node("Identity", ["s"], ["y"])])
    assert parts(y) == [(1, 2), (2, 2), (3, 2)]
    assert (y.shape, y.dtype, y.bytes) == (None, "float32", (2 + 4 + 6) * 4)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (helper.make_node("SequenceAt", ["s", "one"], ["y"]), (2, 2)),
        (helper.make_node("ConcatFromSequence", ["s"], ["y"], axis=0), (1 + 2 + 3, 2)),
        (helper.make_node("SequenceLength", ["s"], ["y"]), ()),
    ],
)
def test_what_comes_out_of_a_sequence(tmp_path: Path, node: onnx.NodeProto, expected: tuple[int, ...]) -> None:
    (y,) = outputs(tmp_path, [node], scalar("one", 1))
    assert y.shape == expected
    assert not y.is_constant


def test_tensors_are_inserted_and_erased(tmp_path: Path) -> None:
    insert = helper.make_node("SequenceInsert", ["s", "c", "first"], ["y"])
    assert parts(outputs(tmp_path, [insert], scalar("first", 0))[0]) == [(3, 2), (1, 2), (2, 2), (3, 2)]
    erase = helper.make_node("SequenceErase", ["s", "last"], ["y"])
    assert parts(outputs(tmp_path, [erase], scalar("last", -1))[0]) == [(1, 2), (2, 2)]
    nodes = [helper.make_node("SequenceEmpty", [], ["e"]), helper.make_node("SequenceInsert", ["e", "a"], ["y"])]
    assert parts(outputs(tmp_path, nodes)[0]) == [(1, 2)]


def test_the_length_of_a_sequence_decides_a_shape(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("SequenceLength", ["s"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "zero"], ["n1"]),
        helper.make_node("ConstantOfShape", ["n1"], ["y"]),
    ]
    zero = numpy_helper.from_array(np.array([0], np.int64), "zero")
    assert outputs(tmp_path, nodes, zero)[0].shape == (3,)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (helper.make_node("SplitToSequence", ["x"], ["y"], axis=0), [(1, 4)] * 5),
        (helper.make_node("SplitToSequence", ["x"], ["y"], axis=0, keepdims=0), [(4,)] * 5),
        # the last one is what remains of 5
        (helper.make_node("SplitToSequence", ["x", "two"], ["y"], axis=0), [(2, 4), (2, 4), (1, 4)]),
        (helper.make_node("SplitToSequence", ["x", "parts"], ["y"], axis=1), [(5, 1), (5, 3)]),
    ],
)
def test_splitting_to_a_sequence(tmp_path: Path, node: onnx.NodeProto, expected: list[tuple[int, ...]]) -> None:
    stored = [scalar("two", 2), numpy_helper.from_array(np.array([1, 3], np.int64), "parts")]
    (y,) = load(save(model([node], [value("x", [5, 4])], ["y"], stored), tmp_path)).outputs
    assert parts(y) == expected


def test_splitting_a_huge_axis_makes_no_list(tmp_path: Path) -> None:
    node = helper.make_node("SplitToSequence", ["x"], ["y"], axis=0)
    (y,) = load(save(model([node], [value("x", [2**31 - 1])], ["y"]), tmp_path)).outputs
    assert (y.container, y.parts) == ("sequence", None)


def test_an_optional_is_full_or_empty(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Optional", ["x"], ["o"]),
        helper.make_node("OptionalGetElement", ["o"], ["y"]),
        helper.make_node("OptionalHasElement", ["o"], ["has"]),
    ]
    workload = load(save(model(nodes, [value("x", [2, 3])], ["y", "has"]), tmp_path))
    held = workload.ops[0].output
    assert (held.container, held.parts) == ("optional", (workload.inputs[0],))
    assert [tensor.shape for tensor in workload.outputs] == [(2, 3), ()]


def test_a_sequence_as_input_has_unknown_parts_until_it_is_given(tmp_path: Path) -> None:
    proto = model([helper.make_node("ConcatFromSequence", ["s"], ["y"], axis=0)], [], ["y"])
    proto.graph.input.append(helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, None))
    path = save(proto, tmp_path)
    unknown = load(path)
    assert (unknown.inputs[0].container, unknown.inputs[0].parts, unknown.outputs[0].shape) == ("sequence", None, None)
    given = load(path, values={"s": [np.ones((2, 3), np.float32), np.ones((5, 3), np.float32)]})
    assert parts(given.inputs[0]) == [(2, 3), (5, 3)]
    assert given.outputs[0].shape == (7, 3)
