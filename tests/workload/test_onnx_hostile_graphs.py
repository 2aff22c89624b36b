"""Graphs that are impossible or ask for too much: a typed error that names the node, before anything is allocated."""

import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from attainable.errors import InputError, ModelFileError, ModelGraphError
from attainable.workload import load
from tests.models import constant, model, save, value

node = helper.make_node


def whole(name: str, *elements: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(elements, np.int64), name)


def scalar(name: str, element: float) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(element), name)


X = [value("x", [1, 3, 8, 8])]
WEIGHT = [constant("w", 4, 3, 3, 3)]
CONVOLUTIONS: tuple[tuple[onnx.NodeProto, str], ...] = (
    (node("Conv", ["x", "w"], ["y"], strides=[0, 0]), "Attribute strides must only contain positive values"),
    (node("Conv", ["x", "w"], ["y"], group=0), "attribute group is 0"),
    (
        node("Conv", ["x", "w"], ["y"], group=3),
        "group = 3 does not fit the shapes [1, 3, 8, 8] and [4, 3, 3, 3]",
    ),
    (node("Conv", ["x", "w"], ["y"], pads=[-9] * 4), "Attribute pads must not contain negative values"),
    (node("Conv", ["x", "w"], ["y"], pads=[2**30] * 4), "is [1073741824, 1073741824, 1073741824, 1073741824]"),
    (node("Conv", ["x", "w"], ["y"], dilations=[2**31] * 2), "is [2147483648, 2147483648], at most 16777216"),
    (node("Conv", ["x", "w"], ["y"], dilations=[2**20] * 2), "would make the shape [1, 4, -"),
    (
        node("MaxPool", ["x"], ["y"], kernel_shape=[3, 3], strides=[0, 0]),
        "Attribute strides must only contain positive",
    ),
)


@pytest.mark.parametrize(("wrong", "reason"), CONVOLUTIONS)
def test_impossible_windows_name_their_attribute(tmp_path: Path, wrong: onnx.NodeProto, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        load(save(model([wrong], X, ["y"], WEIGHT), tmp_path))
    assert reason in str(caught.value)
    assert "node 0" in str(caught.value)
    assert isinstance(caught.value, ModelGraphError | ModelFileError)


MATRIX = [value("x", [4, 3]), value("z", [4, 3])]
SHAPES: tuple[tuple[onnx.NodeProto, list[onnx.TensorProto], str], ...] = (
    (node("Reshape", ["x", "s"], ["y"]), [whole("s", 5, 2)], "cannot reshape [4, 3] to [5, 2]"),
    (node("Reshape", ["x", "s"], ["y"]), [whole("s", 5, -1)], "incompatible shapes; input shapes [4, 3], [2]"),
    (node("Split", ["x", "s"], ["y", ""]), [whole("s", 5, 2)], "'split' (7) and the split dimension of the input (4)"),
    (node("Einsum", ["x", "z"], ["y"], equation="ij,jk->ik"), [], "is 3 and 4; input shapes [4, 3], [4, 3]"),
    (node("MatMul", ["x", "z"], ["y"]), [], "matrix multiplication; input shapes [4, 3], [4, 3]"),
    (node("Gather", ["x", "s"], ["y"]), [whole("s", 0, 99)], "index 99 is not in an axis of 4, input shape [4, 3]"),
    (node("ScatterElements", ["x", "s", "x"], ["y"], axis=1), [whole("s", -4)], "index -4 is not in an axis of 3"),
    (node("Transpose", ["x"], ["y"], perm=[0, 5]), [], "Invalid attribute perm {0, 5}"),
)  # fmt: skip


@pytest.mark.parametrize(("wrong", "stored", "reason"), SHAPES)
def test_impossible_shapes_name_the_node_and_both_shapes(
    tmp_path: Path, wrong: onnx.NodeProto, stored: list[onnx.TensorProto], reason: str
) -> None:
    wrong.name = "the culprit"
    with pytest.raises(ModelGraphError) as caught:
        load(save(model([wrong], MATRIX, ["y"], stored), tmp_path))
    (fault,) = caught.value.faults
    assert reason in fault
    assert fault.endswith(f"@ node 0 {wrong.op_type} 'the culprit'")


HUGE = 2**40
BOMBS: tuple[tuple[onnx.NodeProto, list[onnx.TensorProto]], ...] = (
    (node("ConstantOfShape", ["s"], ["y"]), [whole("s", HUGE)]),
    (node("Expand", ["x", "s"], ["y"]), [whole("s", HUGE, 4, 3)]),
    (node("Tile", ["x", "s"], ["y"]), [whole("s", HUGE, 1)]),
    (node("Pad", ["x", "s"], ["y"]), [whole("s", HUGE, 0, 0, 0)]),
    (node("Resize", ["x", "", "", "s"], ["y"]), [whole("s", HUGE, 3)]),
    (node("Range", ["zero", "s0", "one"], ["y"]), [scalar("zero", 0), scalar("s0", HUGE), scalar("one", 1)]),
    (node("OneHot", ["i", "s", "w"], ["y"]), [whole("i", 1, 2), whole("s", HUGE), constant("w", 2)]),
)


@pytest.mark.parametrize(("bomb", "stored"), BOMBS, ids=[bomb.op_type for bomb, _ in BOMBS])
def test_what_blows_up_is_refused_with_its_size_and_never_allocated(
    tmp_path: Path, bomb: onnx.NodeProto, stored: list[onnx.TensorProto]
) -> None:
    """Behind it stands what would have to know its elements."""
    nodes = [bomb, node("NonZero", ["y"], ["n"])]
    # processor time: nobody else's work counts, and a terabyte takes minutes of it
    start = time.process_time()
    with pytest.raises(ModelGraphError, match=r"needs \d+\.?\d* TB for its output") as caught:
        load(save(model(nodes, [value("x", [4, 3])], ["n"], stored), tmp_path))
    assert bomb.op_type in caught.value.faults[0]
    assert time.process_time() - start < 5.0


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (node("LayerNormalization", ["x", "w"], ["y"], axis=2**31), "attribute axis is 2147483648 @ node 0"),
        (
            node("Split", ["x"], ["y"], num_outputs=2**31),
            "attribute num_outputs is 2147483648, it has 1 outputs @ node 0",
        ),
        (node("EyeLike", [""], ["y"]), "lacks its input 0 @ node 0 EyeLike"),
    ],
)
def test_what_onnx_itself_does_not_survive_is_refused(tmp_path: Path, wrong: onnx.NodeProto, reason: str) -> None:
    """onnx 1.23 writes out of bounds, asks for 16 GB, and follows a null pointer."""
    with pytest.raises(ModelGraphError) as caught:
        load(save(model([wrong], MATRIX, ["y"], [constant("w", 3)]), tmp_path))
    assert caught.value.faults[0].startswith(reason)


def test_long_vectors_cost_no_memory_for_each_element(tmp_path: Path) -> None:
    """onnx's data propagation makes a record of each element of a vector: 100 GB for these."""
    nodes = [node("Range", ["zero", "limit", "one"], ["r"]), node("Mul", ["r", "one"], ["a"])]
    nodes.append(node("Add", ["a", "r"], ["y"]))
    stored = [scalar("zero", 0), scalar("limit", 2**31 - 1), scalar("one", 1)]
    assert load(save(model(nodes, [], ["y"], stored), tmp_path)).outputs[0].shape == (2**31 - 1,)


def test_all_impossible_nodes_are_listed_and_long_names_cut(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "z"], [f"y{index}"], "n" * 1_000_000) for index in range(3)]
    with pytest.raises(ModelGraphError) as caught:
        load(save(model(nodes, MATRIX, ["y0", "y1", "y2"]), tmp_path))
    assert len(caught.value.faults) == 3
    assert len(str(caught.value)) < 1000


def test_a_limitation_of_onnx_is_no_fault_of_the_model(tmp_path: Path) -> None:
    """onnx gives up on the whole model because MatMul lists no int8; what it does not know is left open."""
    nodes = [node("MatMul", ["a", "b"], ["c"]), node("Relu", ["x"], ["y"])]
    inputs = [value("a", [2, 3], TensorProto.INT8), value("b", [3, 4], TensorProto.INT8), value("x", [5])]
    assert load(save(model(nodes, inputs, ["c", "y"]), tmp_path)).outputs[1].shape == (5,)


def test_a_wrong_claim_about_an_output_does_not_fail_the_model(tmp_path: Path) -> None:
    proto = model([node("Shape", ["x"], ["y"])], [value("x", [2, 3])], ["y"])  # the test model claims float32
    workload = load(save(proto, tmp_path))
    assert (workload.outputs[0].shape, workload.outputs[0].dtype) == ((2,), "int64")


def test_a_chain_of_ten_thousand_unresolved_nodes_is_not_walked_again_and_again(tmp_path: Path) -> None:
    nodes = [node("NonZero", ["x"], ["y0"])]
    nodes += [node("Neg", [f"y{index}"], [f"y{index + 1}"]) for index in range(10_000)]
    path = save(model(nodes, [value("x", [2, 6])], ["y10000"]), tmp_path)
    start = time.process_time()
    assert load(path, values={"x": np.eye(2, 6, dtype=np.float32)}).outputs[0].shape == (2, 2)
    assert time.process_time() - start < 20.0  # 0.6 s on an idle machine; a quadratic step would take minutes
