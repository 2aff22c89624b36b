"""Which ops kernels are, by the names that each runtime gives them."""

from pathlib import Path

import pytest
from onnx import helper

from attainable.importers.attribution import attribute
from attainable.importers.log import LoggedKernel
from attainable.workload import load
from attainable.workload.graph import Workload
from tests.models import constant, model, save, value


@pytest.fixture
def residual(tmp_path: Path) -> Workload:
    """conv1, bn1, relu1, then conv2, bn2 and a shortcut conv3 added to it, relu2, and a pooling; ids 0 to 8."""
    weights = [constant(name, 4, 4, 1, 1) for name in ("w1", "w2", "w3")]
    scales = [constant(name, 4) for name in ("s", "b", "m", "v")]
    normalisation = ["s", "b", "m", "v"]
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["conv1.out"], "conv1"),
        helper.make_node("BatchNormalization", ["conv1.out", *normalisation], ["bn1.out"], "bn1"),
        helper.make_node("Relu", ["bn1.out"], ["relu1.out"], "relu1"),
        helper.make_node("Conv", ["relu1.out", "w2"], ["conv2.out"], "conv2"),
        helper.make_node("BatchNormalization", ["conv2.out", *normalisation], ["bn2.out"], "bn2"),
        helper.make_node("Conv", ["relu1.out", "w3"], ["conv3.out"], "conv3"),
        helper.make_node("Add", ["bn2.out", "conv3.out"], ["sum.out"], "sum"),
        helper.make_node("Relu", ["sum.out"], ["relu2.out"], "relu2"),
        helper.make_node("GlobalAveragePool", ["relu2.out"], ["y"], "pool"),
    ]
    proto = model(nodes, [value("x", [1, 4, 8, 8])], ["y"], [*weights, *scales])
    return load(save(proto, tmp_path))


def found(workload: Workload, runtime: str, *kernels: LoggedKernel) -> list[tuple[list[str], str]]:
    names = {op.id: op.name for op in workload.ops}
    return [([names[op] for op in kernel.ops], kernel.attribution) for kernel in attribute(kernels, runtime, workload)]


def conv(name: str, *fused: str, kind: str = "Conv") -> LoggedKernel:
    return LoggedKernel(name, kind, 1e-3, fused=fused)


FIRST = ["conv1", "bn1", "relu1"]


def test_onnxruntime_names_kernels_after_tensors(residual: Workload) -> None:
    kernels = [
        conv("relu1.out_nchwc"), conv("conv3.out_nchwc"), conv("bn2.out_nchwc_token_7"),
        LoggedKernel("pool", "GlobalAveragePool", 1e-3), LoggedKernel("ReorderOutput_token_2", "ReorderOutput", 1e-3),
    ]  # fmt: skip
    assert found(residual, "ONNX Runtime", *kernels) == [
        (FIRST, "name"),
        (["conv3"], "name"),
        # the sum is computed in the kernel that ran last of those that it needs
        (["conv2", "bn2", "sum", "relu2"], "name"),
        (["pool"], "exact"),
        ([], "layout"),
    ]


def test_onnxruntime_names_what_it_fused(residual: Workload) -> None:
    assert found(residual, "ONNX Runtime", conv("fused conv1"), conv("relu2/QuickGeluFusion/", kind="QuickGelu")) == [
        (FIRST, "name"),
        # an activation makes no convolution: conv2 and conv3 have no kernel
        (["bn2", "sum", "relu2"], "name"),
    ]


def test_openvino_lists_what_it_fused_and_gives_contractions_names_of_its_own(residual: Workload) -> None:
    kernels = [
        conv("Multiply_1", "relu1", kind="Convolution"),
        conv("x_abcd_acdb_conv2", kind="Reorder"),
        conv("Multiply_2", kind="Convolution"),
        conv("conv3", "sum", "relu2", kind="Convolution"),
        conv("pool", kind="ReduceMean"),
    ]
    assert found(residual, "OpenVINO", *kernels) == [
        (FIRST, "name"),
        ([], "layout"),
        # one contraction without a name between two that are known, and one kernel
        (["conv2", "bn2"], "region"),
        (["conv3", "sum", "relu2"], "exact"),
        (["pool"], "exact"),
    ]


def test_a_layout_change_belongs_to_what_its_name_says_that_it_serves(residual: Workload) -> None:
    openvino = [conv("conv3", kind="Convolution"), conv("relu1_x_abcd_acdb_conv3", kind="Reorder")]
    assert found(residual, "OpenVINO", *openvino) == [
        (["conv3", "sum", "relu2"], "exact"),
        (["conv3", "sum", "relu2"], "layout"),
    ]
    tensorrt = [conv("Reformatting CopyNode for Input Tensor 0 to conv3 + sum", kind=""), conv("conv3 + sum", kind="")]
    # the branch of conv2 has no kernel in this log, so that its normalisation goes to the sum
    ops = ["bn2", "conv3", "sum", "relu2"]
    assert found(residual, "TensorRT", *tensorrt) == [(ops, "layout"), (ops, "name")]


def test_nothing_is_paired_where_the_numbers_differ(residual: Workload) -> None:
    kernels = [conv(name, kind="Convolution") for name in ("Multiply_1", "Multiply_2")]
    # two kernels for three contractions
    assert found(residual, "OpenVINO", *kernels) == [([], "none"), ([], "none")]


def test_tensorrt_joins_names(residual: Workload) -> None:
    kernels = [
        conv("w1 + QuantizeLinear_8 + conv1 + PWN(relu1)", kind="CaskConvolution"),
        conv("Reformatting CopyNode for Input Tensor 0 to conv2", kind="Reformat"),
        conv("conv2 || conv3", kind=""),
        conv("{ForeignNode[sum...pool]}", kind="Myelin"),
    ]
    assert found(residual, "TensorRT", *kernels) == [
        (FIRST, "name"),
        ([], "layout"),
        (["conv2", "bn2", "conv3"], "name"),
        (["sum", "relu2", "pool"], "region"),
    ]


def test_a_delegate_takes_all_that_leads_to_its_results(residual: Workload) -> None:
    kernels = [conv("[relu1.out]:0", kind="CONV_2D"), conv("[relu2.out]:9", kind="TfLiteXNNPackDelegate")]
    assert found(residual, "TensorFlow Lite", *kernels) == [
        (FIRST, "name"),
        (["conv2", "bn2", "conv3", "sum", "relu2"], "region"),
    ]


def test_tflite_names_tensors_and_rknn_operators(residual: Workload) -> None:
    assert found(residual, "TensorFlow Lite", conv("[relu1.out]:7", kind="CONV_2D")) == [(FIRST, "name")]
    assert found(residual, "RKNN", conv("Conv:conv1", kind="ConvRelu"))[0] == (FIRST, "name")


def test_two_kernels_of_one_op_share_it(residual: Workload) -> None:
    both = found(residual, "ONNX Runtime", conv("pool"), conv("pool"))
    assert [ops[-1:] for ops, _ in both] == [["pool"], ["pool"]]


@pytest.mark.parametrize("runtime", ["ONNX Runtime", "OpenVINO", "TensorRT", "TensorFlow Lite", "RKNN", "ncnn"])
def test_hostile_names_are_no_ops(residual: Workload, runtime: str) -> None:
    names = ["", ":", "[", "[]", "[" * 9999, " + " * 9999, "PWN(", "{ForeignNode[...]}", "\x1b[2J", "a" * 60_000, "w1"]
    kernels = [LoggedKernel(name, "Conv", 1e-3) for name in names]
    assert {kind for _, kind in found(residual, runtime, *kernels)} == {"none"}
