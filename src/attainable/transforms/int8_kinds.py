"""What int8 quantises: the operators with integer kernels, and which of their nodes fit these kernels."""

from collections import Counter
from collections.abc import Iterable, Mapping

import onnx_ir

ANCHORS = {"Conv": ("QLinearConv",), "Gemm": ("QGemm",), "MatMul": ("QLinearMatMul", "MatMulIntegerToFloat")}
"""Operators that int8 is for, and the kernels that onnxruntime makes of them where they are legal."""

KINDS = (
    *ANCHORS,
    "Add", "Concat", "MaxPool", "AveragePool", "GlobalAveragePool", "Relu", "Clip", "LeakyRelu",
    "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Split", "Slice", "Pad", "Resize",
)  # fmt: skip
"""The anchors and what lies between them: with integer kernels of their own, folded into the range of the operator
before them (Relu, Clip), or moving elements whatever their type."""

_FLOAT = onnx_ir.DataType.FLOAT


def anchors(model: onnx_ir.Model) -> tuple[list[onnx_ir.Node], list[onnx_ir.Node]]:
    """The nodes that can run as int8, and nodes of the same kinds that cannot: no constant or no float32 weights."""
    fit: list[onnx_ir.Node] = []
    unfit: list[onnx_ir.Node] = []
    for node in model.graph:
        if node.domain == "" and node.op_type in ANCHORS:
            (fit if _fits(node) else unfit).append(node)
    return fit, unfit


def _fits(node: onnx_ir.Node) -> bool:
    if node.op_type == "MatMul" and not any(_is_initializer(value) for value in node.inputs):
        # Both are activations: u8 by u8 has a kernel.
        return all(value is not None and value.dtype in (_FLOAT, None) for value in node.inputs)
    weight = node.inputs[1]
    if weight is None or not _is_initializer(weight) or weight.dtype != _FLOAT or _is_initializer(node.inputs[0]):
        return False
    rank = len(weight.shape) if weight.shape is not None else 0
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    if node.op_type != "MatMul" and bias is not None:
        # The kernels add a vector with one number a channel, known beforehand.
        if not _is_initializer(bias) or bias.shape is None or len(bias.shape) != 1 or weight.shape is None:
            return False
        channels = weight.shape[_channel_axis(node)]
        return rank >= 2 and bias.shape[0] == channels
    return rank >= 2 if node.op_type == "Conv" else rank == 2


def _channel_axis(node: onnx_ir.Node) -> int:
    """The axis of the weight that numbers the output channels."""
    if node.op_type == "Conv" or (node.op_type == "Gemm" and node.attributes.get_int("transB", 0) == 1):
        return 0
    return 1


def _is_initializer(value: onnx_ir.Value | None) -> bool:
    return value is not None and value.is_initializer()


def illegal_places(model: onnx_ir.Model) -> list[str]:
    """Where a quantised model breaks what onnxruntime's x86 kernels need; each ``what @ tensor``.

    Activations are uint8 with one scale and zero point for the tensor; weights are int8 with a scale for each output
    channel and zero points of zero; biases are int32.

    Source: onnxruntime ``qdq_selectors.cc``, ConvNodeGroupSelector::Check: input and output types must be equal, int8
    activations are for ARM only.
    """
    return [
        f"{fault} @ {node.inputs[0].name}"
        for node in model.graph
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and node.inputs[0] is not None
        for fault in _faults(node)
    ]


def _faults(node: onnx_ir.Node) -> Iterable[str]:
    value, scale = node.inputs[0], node.inputs[1]
    zero_point = node.inputs[2] if len(node.inputs) > 2 else None
    tensor = zero_point.const_value if zero_point is not None else None
    if value is None or scale is None or scale.const_value is None or tensor is None:
        yield "its scale or zero point is no constant"
        return
    role = _role(node, value)
    scales = scale.const_value.size
    if role == "activation":
        if tensor.dtype != onnx_ir.DataType.UINT8:
            yield f"an activation is {tensor.dtype.name.lower()}, not uint8"
        if scales != 1:
            yield f"an activation has {scales} scales"
        return
    if tensor.numpy().any():
        yield f"a {role} has a zero point other than 0"
    if role == "bias" and tensor.dtype != onnx_ir.DataType.INT32:
        yield f"a bias is {tensor.dtype.name.lower()}, not int32"
    if role == "weight":
        if tensor.dtype != onnx_ir.DataType.INT8:
            yield f"a weight is {tensor.dtype.name.lower()}, not int8"
        reader = node.outputs[0].consumers()[0]
        axis = node.attributes.get_int("axis", 1)
        channels = value.shape[_channel_axis(reader)] if value.shape is not None else None
        if scales != channels or axis != _channel_axis(reader):
            yield f"a weight has {scales} scales on axis {axis}, not one for each of {channels} output channels"


def _role(node: onnx_ir.Node, value: onnx_ir.Value) -> str:
    """What a quantised tensor is to the operator that reads it; a constant that is added counts as an activation."""
    if node.op_type == "DequantizeLinear" and value.is_initializer():
        for reader, index in node.outputs[0].uses():
            if reader.op_type in ANCHORS and index == 1:
                return "weight"
            if reader.op_type in ANCHORS and index == 2:
                return "bias"
    return "activation"


def coverage(fit: Iterable[onnx_ir.Node], kernels: Mapping[str, int]) -> tuple[str, int]:
    """How many operators run as int8, as text, and how many kernels that makes.

    Args:
        fit: nodes that were quantised.
        kernels: how many of each kind the runtime made of the quantised model.
    """
    wanted = Counter(node.op_type for node in fit)
    runs = {kind: sum(kernels.get(kernel, 0) for kernel in ANCHORS[kind]) for kind in wanted}
    text = ", ".join(f"{min(runs[kind], count)} of {count} {kind}" for kind, count in wanted.items())
    return text, sum(runs.values())
