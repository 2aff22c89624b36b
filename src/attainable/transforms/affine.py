"""The arithmetic of folding: a line per channel drawn by the weights of the linear operator before it.

With y = W x + b and z = s y + t for each output channel, the new weight is s W and the new bias s b + t. All of it is
computed in float64 and rounded once, to the type of the weights.
"""

from dataclasses import dataclass

import numpy
import onnx_ir
from numpy.typing import NDArray

FOLDED_KINDS = ("Conv", "ConvTranspose", "Gemm")
_EPSILON = 1e-5
"""Of BatchNormalization, where the node does not set it. Source: ONNX operator BatchNormalization."""

_INFERENCE_BY_DEFAULT = 7
"""From this opset a BatchNormalization is not in training unless it says so. Source: ONNX operator changelog."""

Numbers = NDArray[numpy.float64]


@dataclass(frozen=True, slots=True)
class Fold:
    """New weights for the operator before a BatchNormalization.

    Attributes:
        producer: a Conv, ConvTranspose or Gemm.
        weight, bias: for it, in the type of its old weight; a Gemm's ``beta`` must become 1.
    """

    producer: onnx_ir.Node
    weight: "NDArray[numpy.generic]"
    bias: "NDArray[numpy.generic]"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a BatchNormalization stays, as the end of a sentence."""

    reason: str


def plan_fold(normalization: onnx_ir.Node, *, opset: int) -> Fold | Obstacle:
    """The weights that make a BatchNormalization of this opset superfluous, or what stands against it."""
    obstacle = _obstacle(normalization, opset)
    if obstacle:
        return Obstacle(obstacle)
    source = normalization.inputs[0]
    assert source is not None
    producer = source.producer()
    assert producer is not None
    line = [_constant(value) for value in normalization.inputs[1:5]]
    weight, bias = _constant(producer.inputs[1]), _bias(producer)
    if any(array is None for array in line) or weight is None or bias is None:
        return Obstacle("its statistics, or the weights before it, are no constants")
    scale, offset, mean, variance = (_numbers(array).reshape(-1) for array in line if array is not None)
    with numpy.errstate(all="ignore"):
        slope = scale / numpy.sqrt(variance + normalization.attributes.get_float("epsilon", _EPSILON))
        shift = offset - mean * slope
        by_channel = _slope_by_weight(producer, slope, weight.shape)
        if by_channel is None or bias.size not in (1, slope.size):
            return Obstacle("its shapes do not fit together")
        new_weight = (_numbers(weight) * by_channel).astype(weight.dtype)
        new_bias = (bias.reshape(-1) * slope + shift).astype(weight.dtype)
    if not (numpy.isfinite(_numbers(new_weight)).all() and numpy.isfinite(_numbers(new_bias)).all()):
        return Obstacle("its statistics give weights that are not finite")
    return Fold(producer, new_weight, new_bias)


def _obstacle(normalization: onnx_ir.Node, opset: int) -> str:
    """What in the structure of the graph forbids folding; empty where nothing does."""
    attributes = normalization.attributes
    # More than one output was the old sign of training.
    more_outputs = any(value.name for value in normalization.outputs[1:])
    if attributes.get_int("training_mode", 0) or more_outputs or opset < _INFERENCE_BY_DEFAULT:
        return "it is in training mode"
    if attributes.get_int("spatial", 1) != 1 or len(normalization.inputs) != 5:
        return "its statistics are not per channel"
    source = normalization.inputs[0]
    producer = source.producer() if source is not None else None
    if source is None or producer is None or producer.domain != "" or producer.op_type not in FOLDED_KINDS:
        return f"no {', '.join(FOLDED_KINDS)} comes before it"
    if producer.graph is not normalization.graph or not isinstance(producer.graph, onnx_ir.Graph):
        return f"the {producer.op_type} before it is in another body"
    if len(source.uses()) != 1 or source.is_graph_output():
        return f"the output of the {producer.op_type} before it has other readers"
    return ""


def _constant(value: onnx_ir.Value | None) -> "NDArray[numpy.generic] | None":
    """The elements of a value that no caller can replace; None for others."""
    if value is None or value.is_graph_input():
        return None
    tensor = onnx_ir.convenience.get_const_tensor(value)
    return None if tensor is None else tensor.numpy()


def _bias(producer: onnx_ir.Node) -> Numbers | None:
    """What the operator adds to each channel, its factor included; zeros without a bias, None where it is no vector."""
    value = producer.inputs[2] if len(producer.inputs) > 2 else None
    if value is None:
        return numpy.zeros(1)
    array = _constant(value)
    # A Gemm's addend may differ from row to row, and a column has as many elements as a vector.
    if array is None or (array.ndim > 1 and array.shape[-1] != array.size):
        return None
    factor = producer.attributes.get_float("beta", 1.0) if producer.op_type == "Gemm" else 1.0
    return _numbers(array) * factor


def _slope_by_weight(producer: onnx_ir.Node, slope: Numbers, shape: tuple[int, ...]) -> Numbers | None:
    """The slope of each output channel, in a shape that broadcasts against the weight; None where it does not fit.

    Weights are [channels, inputs / groups, ...] in Conv, [inputs, channels / groups, ...] in ConvTranspose, where the
    channels of a group belong to its inputs, and [inputs, channels] or transposed in Gemm.
    """
    attributes = producer.attributes
    if producer.op_type == "Conv":
        return slope.reshape(-1, *[1] * (len(shape) - 1)) if shape[0] == slope.size else None
    if producer.op_type == "Gemm":
        transposed = attributes.get_int("transB", 0) == 1
        if len(shape) != 2 or shape[0 if transposed else 1] != slope.size:
            return None
        return slope.reshape(-1, 1) if transposed else slope.reshape(1, -1)
    groups = attributes.get_int("group", 1)
    if len(shape) < 2 or shape[1] * groups != slope.size or shape[0] % groups:
        return None
    by_group = slope.reshape(groups, shape[1]).repeat(shape[0] // groups, axis=0)
    return by_group.reshape(*by_group.shape, *[1] * (len(shape) - 2))


def _numbers(array: "NDArray[numpy.generic]") -> Numbers:
    return array.astype(numpy.float64)
