"""Which ops each kernel of onnxruntime covers, on the patterns that networks are made of; real runs, real workers."""

import platform
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from attainable.workload import load
from tests.models import model, save, value
from tests.runtimes.nets import Net, image, kernel_ops, ops_of, profile_of

pytestmark = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="kernels have other names where there is no blocked layout"
)

CONV, REORDER_OUT = "com.microsoft.nchwc:Conv", "com.microsoft.nchwc:ReorderOutput"


@pytest.mark.parametrize("named", [True, False])
def test_convolution_takes_over_normalisation_sum_and_activation(tmp_path: Path, named: bool) -> None:
    net = Net(named=named)
    first = net.op("Relu", net.batch_normalization(net.conv("x", 3, 16), 16))
    second = net.batch_normalization(net.conv(first, 16, 16), 16)
    last = net.op("Relu", net.op("Add", second, first))
    assert kernel_ops(net.load(tmp_path, [image()], last)) == [
        (CONV, ["Conv", "BatchNormalization", "Relu"], "name"),
        (CONV, ["Conv", "BatchNormalization", "Add", "Relu"], "name"),
        # The result leaves the blocked layout: this serves the convolution.
        (REORDER_OUT, ["Conv", "BatchNormalization", "Add", "Relu"], "layout"),
    ]


def test_residual_of_two_convolutions(tmp_path: Path) -> None:
    net = Net()
    start = net.op("Relu", net.conv("x", 3, 16))
    left, right = net.conv(start, 16, 16), net.conv(start, 16, 16, kernel=1)
    last = net.op("Relu", net.op("Add", left, right))
    workload = net.load(tmp_path, [image()], last)
    profile = profile_of(workload)
    convolutions = [kernel for kernel in profile.kernels if kernel.kind == CONV]
    assert sorted(ops_of(workload, kernel) for kernel in convolutions) == [
        ["Conv"],  # the branch that is ready first
        ["Conv", "Add", "Relu"],
        ["Conv", "Relu"],
    ]


def test_relu6_depthwise_and_linear_bottleneck(tmp_path: Path) -> None:
    net = Net()
    low, high = net.constant(0.0), net.constant(6.0)
    start = net.op("Relu", net.conv("x", 3, 16))
    wide = net.op("Clip", net.batch_normalization(net.conv(start, 16, 32, kernel=1), 32), low, high)
    deep = net.op("Clip", net.batch_normalization(net.conv(wide, 32, 32, group=32), 32), low, high)
    narrow = net.batch_normalization(net.conv(deep, 32, 16, kernel=1), 16)
    workload = net.load(tmp_path, [image()], net.op("Add", start, narrow))
    assert [ops for _, ops, attribution in kernel_ops(workload) if attribution == "name"] == [
        ["Conv", "Relu"],
        ["Conv", "BatchNormalization", "Clip"],
        ["Conv", "BatchNormalization", "Clip"],
        ["Conv", "BatchNormalization", "Add"],
    ]


@pytest.mark.parametrize("named", [True, False])
def test_concatenation_on_the_blocked_layout(tmp_path: Path, named: bool) -> None:
    net = Net(named=named)
    squeezed = net.op("Relu", net.conv("x", 3, 16, kernel=1))
    left, right = net.op("Relu", net.conv(squeezed, 16, 16, kernel=1)), net.op("Relu", net.conv(squeezed, 16, 16))
    both = net.op("Dropout", net.op("Concat", left, right, attributes={"axis": 1}))
    last = net.op("Relu", net.conv(both, 32, 16, kernel=1))
    kernels = kernel_ops(net.load(tmp_path, [image()], last))
    assert [(kind, ops) for kind, ops, attribution in kernels if attribution != "layout"] == [
        (CONV, ["Conv", "Relu"]),
        (CONV, ["Conv", "Relu"]),
        (CONV, ["Conv", "Relu"]),
        ("Concat", ["Concat"]),
        # The Dropout vanished; it stands before this convolution.
        (CONV, ["Dropout", "Conv", "Relu"]),
    ]


def test_normalisation_before_the_activation_becomes_a_kernel_of_its_own(tmp_path: Path) -> None:
    net = Net()
    start = net.conv("x", 3, 16)
    inner = net.conv(net.op("Relu", net.batch_normalization(start, 16)), 16, 16)
    last = net.op("Concat", start, inner, attributes={"axis": 1})
    kernels = kernel_ops(net.load(tmp_path, [image()], last))
    assert [ops for _, ops, attribution in kernels if attribution != "layout"] == [
        ["Conv"],
        ["BatchNormalization", "Relu"],
        ["Conv"],
        ["Concat"],
    ]


def test_channel_shuffle_changes_layouts_around_it(tmp_path: Path) -> None:
    net = Net()
    halves = net.op("Split", "x", outputs=2, attributes={"axis": 1, "num_outputs": 2})
    right = net.op("Relu", net.conv(halves.replace("out0", "out1"), 16, 16))
    joined = net.op("Concat", halves, right, attributes={"axis": 1})
    split = net.op("Reshape", joined, net.constant([1, 2, 16, 16, 16], "int64"))
    mixed = net.op("Transpose", split, attributes={"perm": [0, 2, 1, 3, 4]})
    last = net.op("Reshape", mixed, net.constant([1, 32, 16, 16], "int64"))
    assert kernel_ops(net.load(tmp_path, [image(channels=32)], last)) == [
        ("Split", ["Split"], "exact"),
        ("com.microsoft.nchwc:ReorderInput", ["Conv", "Relu"], "layout"),
        (CONV, ["Conv", "Relu"], "name"),
        (REORDER_OUT, ["Conv", "Relu"], "layout"),
        ("Concat", ["Concat"], "exact"),
        ("Reshape", ["Reshape"], "exact"),
        ("Transpose", ["Transpose"], "exact"),
        ("Reshape", ["Reshape"], "exact"),
    ]


def test_linear_layer_is_a_region_of_three_kernels(tmp_path: Path) -> None:
    net = Net()
    last = net.op("Gelu", net.linear("x", 32, 64))
    assert kernel_ops(net.load(tmp_path, [value("x", [1, 16, 32])], last)) == [
        ("Reshape", ["MatMul", "Add"], "region"),
        ("Gemm", ["MatMul", "Add"], "region"),
        ("Reshape", ["MatMul", "Add"], "region"),
        ("Gelu", ["Gelu"], "exact"),
    ]


def test_composites_spelled_out_are_found_whole(tmp_path: Path) -> None:
    net = Net()
    # Gelu by Erf
    inner = net.op("Erf", net.op("Div", "x", net.constant(2**0.5)))
    half = net.op("Mul", "x", net.op("Add", inner, net.constant(1.0)))
    gelu = net.op("Mul", half, net.constant(0.5))
    # normalisation over the last axis, after a sum
    summed = net.op("Add", gelu, "x")
    axes = net.constant([-1], "int64")
    centred = net.op("Sub", summed, net.op("ReduceMean", summed, axes))
    variance = net.op("ReduceMean", net.op("Pow", centred, net.constant(2.0)), axes)
    scaled = net.op("Div", centred, net.op("Sqrt", net.op("Add", variance, net.constant(1e-5))))
    last = net.op("Add", net.op("Mul", scaled, net.weight(32)), net.weight(32))
    kernels = kernel_ops(net.load(tmp_path, [value("x", [1, 16, 32])], last))
    assert [(kind, len(ops), attribution) for kind, ops, attribution in kernels] == [
        ("Gelu", 5, "exact"),
        ("com.microsoft:SkipLayerNormalization", 10, "exact"),
    ]


def test_attention_with_shapes_computed_at_run_time(tmp_path: Path) -> None:
    net = Net()
    extent = net.op("Gather", net.op("Shape", "x"), net.constant(0, "int64"))
    batch = net.op("Unsqueeze", extent, net.constant([0], "int64"))
    target = net.op("Concat", batch, net.constant([16, 4, 8], "int64"), attributes={"axis": 0})
    query = net.op("Transpose", net.op("Reshape", net.linear("x", 32, 32), target), attributes={"perm": [0, 2, 1, 3]})
    key = net.op("Transpose", net.op("Reshape", net.linear("x", 32, 32), target), attributes={"perm": [0, 2, 3, 1]})
    scores = net.op("Mul", net.op("MatMul", query, key), net.constant(0.35))
    workload = net.load(tmp_path, [value("x", ["N", 16, 32])], net.op("Softmax", scores))
    kernels = kernel_ops(workload)
    assert "none" not in {attribution for _, _, attribution in kernels}
    # The batch has a number, so that the shape was folded away. It is one for both reshapes and must not tie them.
    regions = {tuple(ops) for _, ops, _ in kernels if "Reshape" in ops}
    assert regions == {
        ("MatMul", "Add", "Reshape"),
        ("Shape", "Gather", "Unsqueeze", "Concat", "MatMul", "Add", "Reshape"),
    }
    assert ("com.microsoft:FusedMatMul", ["MatMul", "Mul"], "exact") in kernels


def test_what_is_computed_twice_in_the_model_is_computed_once(tmp_path: Path) -> None:
    net = Net()
    twins = net.op("Exp", net.op("Sin", "x")), net.op("Exp", net.op("Sin", "x"))
    kernels = kernel_ops(net.load(tmp_path, [value("x", [64])], net.op("Add", *twins)))
    assert sorted(kernels) == [
        ("Add", ["Add"], "exact"),
        ("Exp", ["Exp", "Exp"], "exact"),
        ("Sin", ["Sin", "Sin"], "exact"),
    ]


def test_control_flow_is_one_kernel_with_its_body_inside(tmp_path: Path) -> None:
    body = helper.make_graph(
        [
            helper.make_node("Tanh", ["state"], ["next"], "tanh_in_the_body"),
            helper.make_node("Identity", ["condition"], ["go_on"]),
        ],
        "body",
        [
            value("iteration", [], TensorProto.INT64),
            value("condition", [], TensorProto.BOOL),
            value("state", [1, 4096]),
        ],
        [value("go_on", [], TensorProto.BOOL), value("next", [1, 4096])],
    )
    net = Net()
    loop = helper.make_node("Loop", [net.constant(50, "int64"), "", "x"], ["looped"], "loop", body=body)
    net.nodes.append(loop)
    last = net.op("Relu", "looped")
    proto = model(net.nodes, [value("x", [1, 4096])], [last], net.constants)
    workload = load(save(proto, tmp_path))
    profile = profile_of(workload)
    assert [(kernel.kind, ops_of(workload, kernel)) for kernel in profile.kernels] == [
        ("Loop", ["Loop"]),
        ("Relu", ["Relu"]),
    ]
    assert profile.kernels[0].seconds > profile.kernels[1].seconds


def test_hostile_names_are_told_apart_by_position(tmp_path: Path) -> None:
    net = Net()
    last = net.op("Relu", net.conv(net.op("Relu", net.conv("x", 3, 16)), 16, 16))
    for number, node in enumerate(net.nodes):
        node.name = f"ReorderOutput_token_{number}"
    # names that onnxruntime makes up itself, and a tensor that looks like a kernel
    net.nodes[0].output[0] = net.nodes[1].input[0] = "reorder_token_0"
    net.nodes[1].output[0] = net.nodes[2].input[0] = "\n\x1b[31mx_nchwc"
    assert kernel_ops(net.load(tmp_path, [image()], last)) == [
        (CONV, ["Conv", "Relu"], "name"),
        (CONV, ["Conv", "Relu"], "name"),
        (REORDER_OUT, ["Conv", "Relu"], "layout"),
    ]


def test_between_quantised_numbers_an_op_takes_its_conversions_along(tmp_path: Path) -> None:
    net = Net()
    scale, zero = net.constant(0.05), net.constant(128, "uint8")

    def quantised(x: str) -> str:
        return net.op("DequantizeLinear", net.op("QuantizeLinear", x, scale, zero), scale, zero)

    start = quantised("x")
    last = quantised(net.op("Add", quantised(net.op("Sigmoid", start)), start))
    kernels = kernel_ops(net.load(tmp_path, [image()], last))
    assert "none" not in {attribution for _, _, attribution in kernels}
    addition = next(ops for kind, ops, _ in kernels if kind == "com.microsoft:QLinearAdd")
    assert "Add" in addition
    assert "QuantizeLinear" in addition
