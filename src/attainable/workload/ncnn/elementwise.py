"""Element-wise layers of ncnn, and the activation that a layer with weights may carry.

Source: Tencent/ncnn @ a4d2ea1d, docs/developer-guide/operators.md; src/layer/binaryop.cpp for broadcasting.
"""

from collections.abc import Callable

from attainable.workload.ncnn.param import Layer
from attainable.workload.ncnn.table import LayerWriter
from attainable.workload.ncnn.walk import Walk
from attainable.workload.weightless import layers as onnx_layers
from attainable.workload.weightless.activations import activation, clipped, gelu, hard_swish, swish
from attainable.workload.weightless.writer import LayerFault, NetworkWriter, Value

Activation = Callable[[NetworkWriter, str, Value, tuple[float, ...]], Value]


def _none(net: NetworkWriter, name: str, x: Value, parameters: tuple[float, ...]) -> Value:
    del net, name, parameters
    return x


def _relu(net: NetworkWriter, name: str, x: Value, parameters: tuple[float, ...]) -> Value:
    slope = parameters[0] if parameters else 0.0
    return activation(net, name, x, "LeakyRelu", alpha=slope) if slope else activation(net, name, x, "Relu")


def _clip(net: NetworkWriter, name: str, x: Value, parameters: tuple[float, ...]) -> Value:
    if len(parameters) != 2:
        raise LayerFault("clip needs two bounds")
    return clipped(net, name, x, *parameters)


def _hard_swish(net: NetworkWriter, name: str, x: Value, parameters: tuple[float, ...]) -> Value:
    alpha, beta = parameters if len(parameters) == 2 else (0.2, 0.5)
    return hard_swish(net, name, x, alpha=alpha, beta=beta)


def _operator(kind: str) -> Activation:
    def node(net: NetworkWriter, name: str, x: Value, parameters: tuple[float, ...]) -> Value:
        del parameters
        return activation(net, name, x, kind)

    return node


_FUSED: tuple[Activation, ...] = (_none, _relu, _relu, _clip, _operator("Sigmoid"), _operator("Mish"), _hard_swish)
"""Activation by number; the second and the third are ReLU and leaky ReLU."""


def fused_activation(walk: Walk, layer: Layer, x: Value) -> Value:
    """The activation that id 9 names, with the parameters of id 10. Raises LayerFault where it is not known."""
    number = layer.integer(9, 0)
    if not 0 <= number < len(_FUSED):
        raise LayerFault(f"the activation {number} is not known")
    return _FUSED[number](walk.net, f"{layer.name}.activation", x, layer.array(10))


def _with(function: Activation, *defaults: float) -> LayerWriter:
    """A layer of its own with the activation's parameters as ids 0, 1."""

    def write(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
        parameters = tuple(layer.number(id, default) for id, default in enumerate(defaults))
        return [function(walk.net, layer.name, inputs[0], parameters)]

    return write


def _swish(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    return [swish(walk.net, layer.name, inputs[0])]


def _hard_sigmoid(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    alpha, beta = layer.number(0, 0.2), layer.number(1, 0.5)
    return [activation(walk.net, layer.name, inputs[0], "HardSigmoid", alpha=alpha, beta=beta)]


def _elu(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    return [activation(walk.net, layer.name, inputs[0], "Elu", alpha=layer.number(0, 0.1))]


def _gelu(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    return [gelu(walk.net, layer.name, inputs[0], exact=not layer.integer(0, 0))]


def _parametric_relu(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    x, slopes = inputs[0], layer.integer(0, 0)
    if slopes != 1 and (len(x.shape) < 2 or slopes != x.shape[1]):
        raise LayerFault(f"it has {slopes} slopes, its input {list(x.shape)}")
    shape = (slopes, *(1,) * (len(x.shape) - 2))
    slope = walk.net.normal(f"{layer.name}.slope", shape, mean=0.25, deviation=0.05)
    return [walk.net.node("PRelu", layer.name, [x, slope], shape=x.shape)]


def _scale(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    x, channels = inputs[0], layer.integer(0, 0)
    if len(x.shape) < 2 or channels != x.shape[1] or len(inputs) > 1:
        raise LayerFault(f"it scales {channels} channels, its input has the shape {list(x.shape)}")
    shape = (channels, *(1,) * (len(x.shape) - 2))
    net, deviation = walk.net, onnx_layers.BIAS_DEVIATION
    factor = net.normal(f"{layer.name}.scale", shape, mean=1.0, deviation=deviation)
    y = onnx_layers.multiplied(net, layer.name, x, factor)
    if layer.integer(1, 0):
        y = onnx_layers.added(net, f"{layer.name}.add", y, net.normal(f"{layer.name}.bias", shape, deviation=deviation))
    return [y]


_BINARY = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Sub", "Div", "Pow")
"""Operator by number; from ``_REVERSED`` on with the sides exchanged."""

_REVERSED = 7


def _binary(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    number = layer.integer(0, 0)
    if not 0 <= number < len(_BINARY):
        raise LayerFault(f"the operation {number} is not known")
    if layer.integer(1, 0) or len(inputs) == 1:
        sides = [inputs[0], walk.net.scalar(layer.number(2, 0.0))]
    else:
        sides = _aligned(walk, layer, inputs[:2])
    if number >= _REVERSED:
        sides.reverse()
    return [_pairwise(walk.net, layer.name, _BINARY[number], *sides)]


def _pairwise(net: NetworkWriter, name: str, kind: str, left: Value, right: Value) -> Value:
    if kind == "Add":
        return onnx_layers.added(net, name, left, right)
    if kind == "Mul":
        return onnx_layers.multiplied(net, name, left, right)
    return net.node(kind, name, [left, right], shape=onnx_layers.broadcast(left.shape, right.shape))


def _aligned(walk: Walk, layer: Layer, sides: list[Value]) -> list[Value]:
    """The smaller blob with ones behind its axes, where its first axis is that of the larger: a row is of channels."""
    rank = max(len(side.shape) for side in sides)
    larger = next(side for side in sides if len(side.shape) == rank)
    return [
        onnx_layers.reshaped(walk.net, f"{layer.name}.axes", side, (*side.shape, *(1,) * (rank - len(side.shape))))
        if 1 < len(side.shape) < rank and side.shape[1] == larger.shape[1]
        else side
        for side in sides
    ]


def _eltwise(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    number, coefficients = layer.integer(0, 0), layer.array(1)
    if number not in _ELTWISE or (coefficients and len(coefficients) != len(inputs)):
        raise LayerFault(f"the operation {number} is not known, or it has too few coefficients")
    kind = _ELTWISE[number]
    if kind == "Add" and any(coefficient != 1 for coefficient in coefficients):
        inputs = [
            onnx_layers.multiplied(walk.net, f"{layer.name}.{position}.scale", x, walk.net.scalar(coefficient))
            for position, (x, coefficient) in enumerate(zip(inputs, coefficients, strict=True))
        ]
    total = inputs[0]
    for position, x in enumerate(inputs[1:]):
        total = _pairwise(walk.net, f"{layer.name}.{position}" if position else layer.name, kind, total, x)
    return [total]


_ELTWISE = {0: "Mul", 1: "Add", 2: "Max"}

_UNARY = {
    0: "Abs", 1: "Neg", 2: "Floor", 3: "Ceil", 5: "Sqrt", 7: "Exp", 8: "Log", 9: "Sin", 10: "Cos", 11: "Tan",
    12: "Asin", 13: "Acos", 14: "Atan", 15: "Reciprocal", 16: "Tanh", 18: "Round",
}  # fmt: skip
"""Operator by number, where ONNX has one of the same name."""


def _unary(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    number = layer.integer(0, 0)
    if number not in _UNARY:
        raise LayerFault(f"the operation {number} is not known")
    return [walk.net.node(_UNARY[number], layer.name, inputs[:1], shape=inputs[0].shape)]


LAYERS: dict[str, LayerWriter] = {
    "ReLU": _with(_relu, 0.0),
    "Clip": _with(_clip, -3.4e38, 3.4e38),
    "HardSwish": _with(_hard_swish, 0.2, 0.5),
    "Sigmoid": _with(_operator("Sigmoid")),
    "TanH": _with(_operator("Tanh")),
    "Mish": _with(_operator("Mish")),
    "SELU": _with(_operator("Selu")),
    "Swish": _swish,
    "HardSigmoid": _hard_sigmoid,
    "ELU": _elu,
    "GELU": _gelu,
    "PReLU": _parametric_relu,
    "Scale": _scale,
    "BinaryOp": _binary,
    "UnaryOp": _unary,
    "Eltwise": _eltwise,
}
"""Element-wise layers by name."""
