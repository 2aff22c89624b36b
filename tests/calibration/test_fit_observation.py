"""Kernels of a network as a fit sees them."""

from pathlib import Path

import msgspec
import onnx
import pytest
from onnx import TensorProto, helper

from attainable.calibration.fit.observation import Observation
from attainable.cost.count import Count, count
from attainable.prediction.kernel_work import KernelWork, kernels_of
from attainable.workload import load
from tests.models import chain, constant, model, save, value


def counted(proto: onnx.ModelProto, folder: Path) -> Count:
    return count(load(save(proto, folder)))


@pytest.fixture
def network(tmp_path: Path) -> Count:
    # x [1,16,8,8] -> Conv 3x3 to 32 -> Relu -> Conv 1x1 to 32 -> Flatten -> Gemm to 10
    proto = model(
        [
            helper.make_node("Conv", ["x", "w0"], ["a"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["a"], ["b"]),
            helper.make_node("Conv", ["b", "w1"], ["c"]),
            helper.make_node("Flatten", ["c"], ["d"]),
            helper.make_node("Gemm", ["d", "w2"], ["y"], transB=1),
        ],
        [value("x", [1, 16, 8, 8])],
        ["y"],
        [constant("w0", 32, 16, 3, 3), constant("w1", 32, 32, 1, 1), constant("w2", 10, 2048)],
    )
    return counted(proto, tmp_path)


def test_a_convolution_with_its_activation_is_one_kernel_with_the_extents_of_the_convolution(network: Count) -> None:
    first, second, third = kernels_of(network)
    assert first == KernelWork(
        op_class="conv",
        dtype="float32",
        engine="matrix",
        operations=2 * 32 * 16 * 9 * 64 + 32 * 64,  # 2 x MACs, and one Relu for each output
        bytes_weight=4 * 32 * 16 * 9,
        bytes_activation_in=4 * 16 * 64,
        bytes_activation_out=4 * 32 * 64,  # what Relu wrote; what the convolution wrote stays inside
        taps=9,
        input_channels=16,
        output_channels=32,
        output_positions=64,
    )
    assert (second.op_class, second.taps, second.input_channels) == ("pointwise", 1, 32)
    assert (third.op_class, third.input_channels, third.output_channels, third.output_positions) == (
        "matvec", 2048, 10, 1,
    )  # fmt: skip


def test_another_element_type_changes_the_bytes_and_not_the_operations(network: Count) -> None:
    for half, single in zip(kernels_of(network, dtype="float16"), kernels_of(network), strict=True):
        assert half.dtype == "float16"
        assert half.operations == single.operations
        assert 2 * half.bytes_moved == single.bytes_moved


def test_equal_kernels_are_one_record(tmp_path: Path) -> None:
    # Conv, Relu, Add three times: Relu and Add join the convolution; the first Add reads the graph input, which the
    # convolution reads as well, as every later one does with its own input
    proto = chain(3)
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    (kernel,) = kernels_of(counted(proto, tmp_path))
    assert kernel.repeats == 3


def test_a_transposed_convolution_has_the_sums_of_its_input_channels(tmp_path: Path) -> None:
    proto = model(
        [helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])],
        [value("x", [1, 8, 4, 4])],
        ["y"],
        [constant("w", 8, 6, 2, 2)],
    )
    (kernel,) = kernels_of(counted(proto, tmp_path))
    assert (kernel.op_class, kernel.taps, kernel.stride) == ("transposed", 4, 2)
    assert (kernel.input_channels, kernel.output_channels, kernel.output_positions) == (8, 6, 64)


def test_kernels_of_integers_keep_their_type(tmp_path: Path) -> None:
    proto = model(
        [helper.make_node("Add", ["x", "x"], ["y"])], [value("x", [4], TensorProto.INT64)], ["y"]
    )  # fmt: skip
    (kernel,) = kernels_of(counted(proto, tmp_path), dtype="float16")
    assert (kernel.dtype, kernel.bytes_activation_in) == ("int64", 32)


def test_records_survive_json(network: Count) -> None:
    observation = Observation("net", 1e-3, kernels_of(network))
    assert msgspec.json.decode(msgspec.json.encode(observation), type=Observation) == observation
