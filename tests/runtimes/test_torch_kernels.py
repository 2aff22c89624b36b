"""From what PyTorch reports to kernels with their ops, without PyTorch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from attainable.runtimes.torch.kernels import attributed_kernels
from attainable.workload import Workload
from attainable.workload.kernel import Kernel
from tests.models import value
from tests.runtimes.nets import Net, image, ops_of

CONVOLUTION = "torch.ops.mkldnn._convolution_pointwise.default"


def kernel(
    name: str,
    *,
    steps: Sequence[int] = (),
    results: Sequence[int] = (),
    serves: Sequence[int] = (),
    seconds: float = 1.0,
) -> dict[str, Any]:
    return {
        "name": name, "steps": list(steps), "results": list(results), "serves": list(serves), "seconds": seconds,
        "layout": "NHWC",
    }  # fmt: skip


def steps_of(workload: Workload) -> list[dict[str, Any]]:
    """Every op of the model is a step."""
    return [
        {"kind": op.kind, "outputs": [tensor.name for tensor in op.present_outputs], "precision": "float32"}
        for op in workload.ops
    ]


def kernels_of(workload: Workload, kernels: Sequence[dict[str, Any]], present: Sequence[int]) -> tuple[Kernel, ...]:
    return attributed_kernels(kernels, steps_of(workload), present, workload, profiler_seconds=0.0)[0]


def owned(workload: Workload, kernels: Sequence[dict[str, Any]], present: Sequence[int]) -> list[tuple[list[str], str]]:
    found = kernels_of(workload, kernels, present)
    return [(ops_of(workload, each), each.attribution) for each in found]


def test_a_routine_takes_what_was_fused_before_its_result_and_its_input_gets_another_layout(tmp_path: Path) -> None:
    net = Net()
    activated = net.op("Relu", net.batch_normalization(net.conv("x", 3, 16), 16))
    last = net.op("Relu", net.batch_normalization(net.conv(activated, 16, 8), 8))
    workload = net.load(tmp_path, [image()], last)
    found = owned(
        workload,
        [
            kernel("cpp_fused_relu_0", serves=[2]),
            kernel(CONVOLUTION, steps=[2], results=[2]),
            kernel(CONVOLUTION, steps=[5], results=[5]),
        ],
        present=[2, 5],
    )
    block = ["Conv", "BatchNormalization", "Relu"]
    assert found == [(block, "layout"), (block, "exact"), (block, "exact")]


def test_a_normalisation_that_left_no_trace_went_into_the_weights_of_its_convolution(tmp_path: Path) -> None:
    net = Net()
    normal = net.batch_normalization(net.conv("x", 3, 16), 16)
    workload = net.load(tmp_path, [image()], net.op("Mul", normal, net.op("Sigmoid", normal)))
    found = owned(
        workload,
        [kernel(CONVOLUTION, steps=[0], results=[0]), kernel("cpp_fused_mul_sigmoid_0", steps=[2, 3], results=[2, 3])],
        present=[0, 2, 3],
    )
    assert found == [(["Conv", "BatchNormalization"], "exact"), (["Sigmoid", "Mul"], "exact")]


def test_a_convolution_that_left_no_trace_does_not_go_to_the_one_before(tmp_path: Path) -> None:
    net = Net()
    first = net.conv("x", 3, 8)
    workload = net.load(tmp_path, [image()], net.batch_normalization(net.conv(first, 8, 8), 8))
    found = owned(
        workload,
        [kernel(CONVOLUTION, steps=[0], results=[0]), kernel(CONVOLUTION, steps=[2], results=[2])],
        present=[0, 2],
    )
    assert found == [(["Conv"], "exact"), (["Conv", "BatchNormalization"], "exact")]


def test_an_op_in_two_kernels_belongs_to_both(tmp_path: Path) -> None:
    net = Net()
    total = net.op("Add", "x", "x")
    normal = net.op("LayerNormalization", total, net.weight(8))
    workload = net.load(tmp_path, [value("x", [1, 6, 8])], normal)
    found = owned(
        workload,
        # Mean and variance first, then what is made with them; the sum is computed twice.
        [kernel("cpp_fused_native_layer_norm_0", steps=[0, 1]), kernel("cpp_fused_1", steps=[0, 1], results=[0, 1])],
        present=[0, 1],
    )
    assert found == [(["Add", "LayerNormalization"], "region"), (["Add", "LayerNormalization"], "exact")]


def test_a_view_belongs_to_what_reads_it_or_else_to_what_made_its_elements(tmp_path: Path) -> None:
    net = Net()
    turned = net.op("Transpose", "x", attributes={"perm": [0, 2, 1]})
    product = net.op("MatMul", turned, net.weight(6, 4))
    workload = net.load(tmp_path, [value("x", [1, 6, 8])], net.op("Flatten", product))
    found = owned(workload, [kernel("extern_kernels.mm", steps=[1], results=[1])], present=[0, 1, 2])
    assert found == [(["Transpose", "MatMul", "Flatten"], "exact")]


def test_a_kernel_that_inductor_says_nothing_of_is_nobodys(tmp_path: Path) -> None:
    net = Net()
    workload = net.load(tmp_path, [image()], net.conv("x", 3, 8))
    (found,) = kernels_of(workload, [kernel("cpp_fused_7")], present=[])
    assert (found.name, found.ops, found.attribution) == ("cpp_fused_7", (), "none")


def test_a_routine_is_called_like_its_op_and_the_profilers_time_is_subtracted(tmp_path: Path) -> None:
    net = Net()
    workload = net.load(tmp_path, [image()], net.op("Relu", net.conv("x", 3, 8)))
    reported = [
        kernel(CONVOLUTION, steps=[0], results=[0], seconds=3e-6),
        kernel("cpp_fused_relu_12", steps=[1], results=[1], seconds=1e-8),
    ]
    found, executions = attributed_kernels(reported, steps_of(workload), [0, 1], workload, profiler_seconds=1e-6)
    assert [(each.name, each.kind) for each in found] == [
        ("Conv0", "mkldnn._convolution_pointwise"),
        ("cpp_fused_relu_12", "cpp_fused_relu"),
    ]
    assert [each.seconds for each in found] == pytest.approx([2e-6, 0.0])
    assert [(each.layer, each.implementation, each.precision, each.layout) for each in executions] == [
        ("Conv", "mkldnn._convolution_pointwise", "float32", "NHWC"),
        ("Relu", "inductor", "float32", "NHWC"),
    ]
