"""Counters of graph files: onnx-tool and OpenVINO's model analyzer.

Sources: the files named with each preset.
"""

from attainable.cost.count import OpCount
from attainable.cost.presets.measures import (
    CONVOLUTIONS,
    PRODUCTS,
    Measure,
    bias,
    both,
    double_macs,
    each,
    elements_in,
    elements_out,
    macs,
    window,
)
from attainable.cost.presets.preset import Preset

_ADD = _MULTIPLY = _COMPARE = 1
_DIVIDE, _EXP, _LOG, _SINE, _ROOT = 4, 32, 43, 39, 24
_TANH = _EXP + 2 * _ADD + _DIVIDE
"""onnx-tool's weights: instructions of an x86 processor for each function."""


_REDUCTIONS = ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd")


def _operands(weight: int) -> Measure:
    """``weight`` for each output and each operand beyond the first, constants among them."""
    return lambda entry: weight * max(1, len(entry.op.inputs) - 1) * entry.op.output.elements


def _layer_normalization(entry: OpCount) -> int:
    x = entry.op.input(0)
    axis = entry.op.integer("axis", -1)
    rows = x.elements // max(x.dims[axis], 1)
    return 7 * x.elements + (_ADD + _ROOT + _DIVIDE) * rows


def _transposed(entry: OpCount) -> int:
    """The volume of the output times the weights behind the first axis: too much by the stride."""
    weight = entry.op.input(1)
    return entry.op.output.elements * (weight.elements // max(weight.dims[0], 1))


def _mean(entry: OpCount) -> int:
    return entry.op.input(0).elements + _DIVIDE * entry.op.output.elements


ONNX_TOOL = Preset(
    counter="onnx-tool 1.0.1",
    unit="weighted instructions, which it calls MACs",
    quantity="macs",
    terms={
        **each(("Conv",), both(macs, bias()), "its MACs and 1 an output for a bias"),
        **each(("ConvTranspose",), both(_transposed, bias()), "outputs times weights: too much by the stride"),
        **each(PRODUCTS, both(macs, bias()), "its MACs and 1 an output for a bias"),
        **each(("Einsum",), macs, "its MACs"),
        **each(("BatchNormalization",), elements_out(_ADD + _ROOT + _DIVIDE + _ADD + _MULTIPLY), "31 an element"),
        **each(("LayerNormalization",), _layer_normalization, "7 an element and 29 a row"),
        **each(("InstanceNormalization",), _operands(7), "7 an element for each further input"),
        **each(("Relu", "Abs", "Neg", "Sign"), elements_out(_COMPARE), "1 an element"),
        **each(("Clip",), elements_out(2 * _COMPARE), "2 an element"),
        **each(("LeakyRelu", "PRelu"), _operands(2), "2 an element"),
        **each(("HardSigmoid",), elements_out(4), "4 an element"),
        **each(("HardSwish",), elements_out(5), "5 an element"),
        **each(("Elu",), elements_out(_COMPARE + _EXP + _ADD + _MULTIPLY), "35 an element"),
        **each(("Gelu",), elements_out(_EXP + 2 * _MULTIPLY), "34 an element"),
        **each(("Sigmoid", "Exp"), elements_out(_EXP), "32 an element"),
        **each(("Tanh",), elements_out(2 * _TANH), "76 an element"),
        **each(("Softmax",), elements_out(_EXP + _DIVIDE), "36 an element"),
        **each(("LogSoftmax",), elements_out(_EXP + _DIVIDE + _ADD + _LOG), "80 an element"),
        **each(("Softplus",), elements_out(_EXP + _ADD + _LOG), "76 an element"),
        **each(("Log",), elements_out(_LOG), "43 an element"),
        **each(("Sqrt",), elements_out(_ROOT), "24 an element"),
        **each(("Sin", "Cos"), elements_out(_SINE), "39 an element"),
        **each(("Pow",), _operands(_EXP), "32 an element"),
        **each(("Div",), _operands(_DIVIDE), "4 an element"),
        **each(("Reciprocal",), elements_out(_DIVIDE), "4 an element"),
        **each(("Add", "Sub", "Mul", "Min", "Max", "Sum", "Mod"), _operands(1), "1 an element, operand by operand"),
        **each(("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"), elements_out(_COMPARE), "1 an element"),
        **each(("Not", "And", "Or", "Xor", "Round", "Floor"), elements_out(_COMPARE), "1 an element"),
        **each(("MaxPool", "AveragePool"), window, "1 an element of each window"),
        **each(("GlobalAveragePool",), _mean, "1 an element of its input and 4 an output"),
        **each(_REDUCTIONS, elements_in(), "1 an element of its input"),
        **each(("QuantizeLinear", "DequantizeLinear"), elements_out(2), "2 an element"),
        **each(("QLinearConv", "QLinearMatMul", "MatMulInteger", "ConvInteger"), macs, "its MACs"),
    },
    limits="one operator that it does not know ends its run",
    source="ThanatosShinji/onnx-tool, onnx_tool/node.py",
)  # fmt: skip

OPENVINO = Preset(
    counter="OpenVINO model analyzer",
    unit="operations, which it prints as GFLOPs",
    quantity="operations",
    terms={
        **each(CONVOLUTIONS, both(double_macs, bias()), "2 a MAC; the bias is an Add of its own"),
        **each(PRODUCTS, both(double_macs, bias()), "2 a MAC; the bias is an Add of its own"),
        **each(("Relu", "PRelu", "LeakyRelu"), elements_out(2), "2 an element"),
        **each(("BatchNormalization",), elements_out(2), "2 an element"),
        **each(("Add", "Sub", "Mul", "Div"), elements_out(), "1 an element"),
        **each(("Less", "LessOrEqual", "GreaterOrEqual", "Exp", "Log", "Round"), elements_out(), "1 an element"),
        **each(("Sigmoid", "Elu"), elements_out(3), "3 an element"),
        **each(("Tanh",), elements_out(6), "6 an element"),
        **each(("Softmax",), elements_out(5), "5 an element"),
        **each(("LogSoftmax",), elements_out(6), "6 an element"),
        **each(("Swish",), elements_out(5), "5 an element"),
        **each(("HardSwish", "HardSigmoid"), elements_out(4), "4 an element"),
        **each(("Softplus",), elements_out(3), "3 an element"),
        **each(("Mish",), elements_out(10), "10 an element"),
        **each(("LayerNormalization",), elements_out(4), "2 an element for MVN, and a Multiply and an Add"),
        **each(("AveragePool",), window, "1 an element of each window"),
        **each(("MaxPool",), both(window, window), "1 an element of each window, for each of its two outputs"),
    },
    limits="it counts OpenVINO's graph, where fusions have been made; Clip, Erf, Gelu and reductions count nothing",
    source="openvinotoolkit/model_analyzer, model_analyzer/layer_provider.py",
)  # fmt: skip
