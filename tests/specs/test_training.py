"""Memory of a training step by example: what each op keeps, and what is live when."""

from pathlib import Path

import onnx
import pytest
from onnx import helper

from attainable.cost.count import Count, count
from attainable.cost.training import TrainingMemory, training_memory
from attainable.errors import UnknownName
from attainable.workload import load
from attainable.zoo import write
from tests.models import constant, model, save, value

FLOAT = 4
TENSOR = 8 * 8 * FLOAT
"""Bytes of the [8, 8] activations, and of a [8, 8] weight."""


def counted(nodes: list[onnx.NodeProto], folder: Path, *weights: onnx.TensorProto) -> Count:
    return count(load(save(model(nodes, [value("x", [8, 8])], ["y"], weights), folder)))


def memory_of(nodes: list[onnx.NodeProto], folder: Path, optimiser: str = "sgd") -> TrainingMemory:
    """Of a network whose first op is x @ w = a, so that everything behind it has a gradient."""
    first = helper.make_node("MatMul", ["x", "w"], ["a"])
    return training_memory(counted([first, *nodes], folder, constant("w", 8, 8)), optimiser=optimiser)


@pytest.mark.parametrize(
    ("nodes", "kept"),
    [
        ([helper.make_node("Relu", ["a"], ["y"])], 1),  # y: the sign of y is that of a
        ([helper.make_node("Clip", ["a"], ["y"])], 1),  # a: whether it lies between the bounds
        ([helper.make_node("Add", ["a", "x"], ["y"])], 0),  # the derivative is 1
        ([helper.make_node("Gelu", ["a"], ["b"]), helper.make_node("Neg", ["b"], ["y"])], 1),  # a
        ([helper.make_node("Softmax", ["a"], ["b"]), helper.make_node("Exp", ["b"], ["y"])], 2),  # b and y
        ([helper.make_node("Mul", ["a", "a"], ["y"])], 1),  # a, once
        ([helper.make_node("Relu", ["a"], ["b"]), helper.make_node("MatMul", ["b", "b"], ["y"])], 1),  # b, shared
        ([helper.make_node("Flatten", ["a"], ["b"]), helper.make_node("Mul", ["a", "b"], ["y"])], 1),  # b is a
        ([helper.make_node("Mul", ["a", "x"], ["y"])], 0),  # x, which is kept already; a needs no gradient of x
        ([helper.make_node("Transpose", ["a"], ["b"]), helper.make_node("Mul", ["a", "b"], ["y"])], 2),
    ],
)  # fmt: skip
def test_each_operator_keeps_what_its_derivative_needs(nodes: list[onnx.NodeProto], kept: int, tmp_path: Path) -> None:
    assert memory_of(nodes, tmp_path).saved_bytes == TENSOR + kept * TENSOR  # x for the gradient of w, and the rest


def test_nothing_is_kept_where_nothing_is_trained(tmp_path: Path) -> None:
    memory = training_memory(counted([helper.make_node("Exp", ["x"], ["y"])], tmp_path))
    assert (memory.saved_bytes, memory.gradient_bytes, memory.optimiser_bytes) == (0, 0, 0)


def test_normalisation_keeps_its_statistics_and_pooling_its_indices(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("BatchNormalization", ["a", "s", "s", "s", "s"], ["b"]),
        helper.make_node("MaxPool", ["b"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
    ]
    weights = [constant("w", 4, 3, 1, 1), constant("s", 4)]
    memory = training_memory(count(load(save(model(nodes, [value("x", [2, 3, 8, 8])], ["y"], weights), tmp_path))))
    image, wide = 2 * 3 * 64 * FLOAT, 2 * 4 * 64 * FLOAT
    statistics = 2 * 4 * FLOAT  # mean and inverse deviation of 4 channels
    indices = 2 * 4 * 4 * 4 * 8  # one int64 for each of the pooled elements
    assert memory.saved_bytes == image + wide + statistics + wide + indices


@pytest.mark.parametrize(("optimiser", "states"), [("sgd", 0), ("momentum", 1), ("adam", 2)])
def test_the_optimiser_keeps_its_state_for_each_weight(optimiser: str, states: int, tmp_path: Path) -> None:
    memory = memory_of([helper.make_node("Relu", ["a"], ["y"])], tmp_path, optimiser)
    assert memory.weight_bytes == memory.gradient_bytes == TENSOR
    assert memory.optimiser_bytes == states * TENSOR


def test_the_peak_is_what_is_live_together(tmp_path: Path) -> None:
    """x @ w = a, y = relu(a), with sgd: weight and input are always there."""
    memory = memory_of([helper.make_node("Relu", ["a"], ["y"])], tmp_path)
    assert memory.input_bytes == TENSOR
    # backward of Relu: y is kept, the gradient of y is read, that of a is written; backward of MatMul: the gradient of
    # a is read and that of w is written
    assert memory.activation_gradient_bytes == 2 * TENSOR
    assert memory.peak_bytes == (2 + 3) * TENSOR
    assert memory.peak_phase == "backward"


def test_a_sum_hands_its_gradient_on_in_the_same_memory(tmp_path: Path) -> None:
    """y = a + exp(a): the gradient of y is that of exp(a) and one part of that of a."""
    nodes = [helper.make_node("Exp", ["a"], ["b"]), helper.make_node("Add", ["a", "b"], ["y"])]
    # behind Add one memory is the gradient of y, a and b; behind Exp a part for a arrives and the sum needs its own
    assert memory_of(nodes, tmp_path).activation_gradient_bytes == 3 * TENSOR


def test_an_operator_without_a_row_keeps_what_it_reads_and_is_named(tmp_path: Path) -> None:
    nodes = [helper.make_node("Hardmax", ["a"], ["y"])]
    memory = memory_of(nodes, tmp_path)
    assert memory.saved_bytes == 2 * TENSOR
    assert memory.assumed == ("Hardmax",)


def test_an_unknown_optimiser_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="adagrad"):
        memory_of([helper.make_node("Relu", ["a"], ["y"])], tmp_path, "adagrad")


def test_resnet18_keeps_what_pytorchs_hooks_see(tmp_path: Path) -> None:
    """Each convolution and BatchNormalization keeps its input, each ReLU its output, which the next one reads."""
    path = tmp_path / "resnet18.onnx"
    write("resnet18", path)
    memory = training_memory(count(load(path)))
    image = 3 * 224 * 224
    # in units of 64 x 56 x 56: the stem's convolution and ReLU are 4 wide; a stage's blocks have two convolutions and
    # two ReLU outputs, from the second stage on at half the size with one convolution more in the shortcut
    unit = 64 * 56 * 56
    stem = 4 + 4 + 1  # convolution, ReLU, pooled
    stages = (8 + 9 / 2 + 9 / 4 + 9 / 8) * unit
    indices = 2 * unit  # int64: as much as two floats
    statistics = 2 * (64 + 4 * 64 + 5 * 128 + 5 * 256 + 5 * 512)
    features = 512  # read by the linear layer; the pooled ones are a tensor of their own
    expected = image + stem * unit + stages + indices + statistics + features
    assert memory.saved_bytes == expected * FLOAT == 22_218_240


def test_the_update_is_the_peak_where_weights_outgrow_activations(tmp_path: Path) -> None:
    """x [8, 8] by w [8, 1000], of which the sum is taken."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("MatMul", ["a", "v"], ["y"]),
    ]
    weights = [constant("w", 8, 1000), constant("v", 1000, 1000)]
    memory = training_memory(counted(nodes, tmp_path, *weights), optimiser="adam")
    small, large = 8 * 1000 * FLOAT, 1000 * 1000 * FLOAT
    assert memory.peak_phase == "update"
    # weights, two moments and gradients; a root and a denominator of the largest weight; the caller's x
    assert memory.peak_bytes == 4 * (small + large) + 2 * large + TENSOR


def test_dropout_makes_a_tensor_and_keeps_its_mask(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Dropout", ["r"], ["d"]),
        helper.make_node("Mul", ["d", "d"], ["y"]),
    ]
    # x for the gradient of w, r of Relu, d of Mul; a byte of mask for each of 64 elements
    assert memory_of(nodes, tmp_path).saved_bytes == 3 * TENSOR + 64


def _kept_beside(node: onnx.NodeProto, folder: Path) -> int:
    """Bytes that a normalisation of a [2, 4, 6] tensor keeps beside its input."""
    proto = model([node], [value("x", [2, 4, 6])], ["y"], [constant("last", 6), constant("channels", 4)], opset=23)
    return training_memory(count(load(save(proto, folder)))).saved_bytes - 2 * 4 * 6 * FLOAT


def test_statistics_are_one_or_two_a_row_and_two_a_group(tmp_path: Path) -> None:
    rows = helper.make_node("RMSNormalization", ["x", "last"], ["y"])
    assert _kept_beside(rows, tmp_path) == 2 * 4 * FLOAT  # inverse deviation of each of 8 rows
    groups = helper.make_node("GroupNormalization", ["x", "channels", "channels"], ["y"], num_groups=2)
    assert _kept_beside(groups, tmp_path) == 2 * 2 * 2 * FLOAT  # mean and inverse deviation of 2 x 2 groups


def test_attention_keeps_its_output_and_the_logarithm_of_each_sum(tmp_path: Path) -> None:
    """3 heads of 5 queries and 7 keys of 4 elements, twice; a weight in front makes them differentiable."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["q"]),
        helper.make_node("Attention", ["q", "k", "k"], ["y"]),
    ]
    inputs = [value("x", [2, 3, 5, 4]), value("k", [2, 3, 7, 4])]
    proto = model(nodes, inputs, ["y"], [constant("w", 4, 4)], opset=23)
    queries, keys = 2 * 3 * 5 * 4, 2 * 3 * 7 * 4
    # x, q and y; keys, which are the values too; a sum for each query
    assert training_memory(count(load(save(proto, tmp_path)))).saved_bytes == (3 * queries + keys + 2 * 3 * 5) * FLOAT
