"""Layers of ncnn with weights: convolutions, matrix products, attention.

Source: Tencent/ncnn @ a4d2ea1d, docs/developer-guide/operators.md and src/layer, for ids, defaults and shapes.
"""

from math import prod

from attainable.workload.ncnn.elementwise import fused_activation
from attainable.workload.ncnn.param import Layer
from attainable.workload.ncnn.table import LayerWriter
from attainable.workload.ncnn.walk import Walk
from attainable.workload.weightless import layers as onnx_layers
from attainable.workload.weightless.layers import Window, image
from attainable.workload.weightless.writer import LayerFault, Value

_SAME_UPPER, _SAME_LOWER = -233, -234

_REQUANTIZES = 100
"""An int8 layer whose scale term is beyond it gives int8 to the next layer."""


def _convolution(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    if layer.integer(19, 0):
        raise LayerFault("dynamic weights are not read")
    int8 = layer.integer(8, 0)
    x = _as_integers(walk, layer, inputs[0]) if int8 else inputs[0]
    is_row = len(x.shape) == 2
    if is_row:
        x = onnx_layers.reshaped(walk.net, f"{layer.name}.image", x, (*x.shape, 1, 1))
    _, channels_in, *extents = image(x)
    groups = layer.integer(7, 1) if layer.kind == "ConvolutionDepthWise" else 1
    channels = layer.integer(0, 0)
    window = _window(layer, extents)
    _require_size(layer, 6, channels * (channels_in // max(groups, 1)) * prod(window.kernel))
    y = onnx_layers.convolution(
        walk.net, layer.name, x, channels=channels, window=window,
        groups=groups, bias=bool(layer.integer(5, 0)), int8=bool(int8),
    )  # fmt: skip
    y = _finished(walk, layer, y)
    return [onnx_layers.flattened(walk.net, f"{layer.name}.row", y) if is_row else y]


def _transposed_convolution(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    if any(layer.integer(id, 0) for id in (20, 21, 28)):
        raise LayerFault("a given output size and dynamic weights are not read")
    x = inputs[0]
    _, channels_in, *_ = image(x)
    groups = layer.integer(7, 1) if layer.kind == "DeconvolutionDepthWise" else 1
    channels = layer.integer(0, 0)
    kernel, dilations, strides = _sizes(layer)
    window = Window(kernel, strides, _pads(layer), dilations)
    _require_size(layer, 6, channels * (channels_in // max(groups, 1)) * prod(kernel))
    y = onnx_layers.transposed_convolution(
        walk.net, layer.name, x, channels=channels, window=window, groups=groups, bias=bool(layer.integer(5, 0)),
        output_padding=(layer.integer(19, layer.integer(18, 0)), layer.integer(18, 0)),
    )  # fmt: skip
    return [_finished(walk, layer, y)]


def _inner_product(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    x, features = inputs[0], layer.integer(0, 0)
    if features < 1:
        raise LayerFault(f"it has {features} outputs")
    int8 = layer.integer(8, 0)
    x = _as_integers(walk, layer, x) if int8 else x
    wanted = layer.integer(2, 0) // features
    if len(x.shape) != 3 or x.shape[-1] != wanted:
        x = onnx_layers.flattened(walk.net, f"{layer.name}.flatten", x)
    _require_size(layer, 2, features * x.shape[-1])
    y = onnx_layers.linear(walk.net, layer.name, x, features=features, bias=bool(layer.integer(1, 0)), int8=bool(int8))
    return [_finished(walk, layer, y)]


def _general_matrix_product(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    """A product with a constant right side, as converters write linear layers."""
    x, features, contracted = inputs[0], layer.integer(8, 0), layer.integer(9, 0)
    constant = layer.integer(4, 0) == 0 and layer.integer(5, 0) == 1 and len(inputs) == 1
    plain = layer.number(0, 1) == 1 and layer.number(1, 1) == 1 and not layer.integer(2, 0) and not layer.integer(14, 0)
    if not (constant and plain) or len(x.shape) != 3 or x.shape[-1] != contracted:
        raise LayerFault("only products of a matrix with constant weights are read")
    has_bias = layer.integer(6, 0) == 1 and layer.integer(10, 0) != -1
    return [onnx_layers.linear(walk.net, layer.name, x, features=features, bias=has_bias)]


def _attention(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    """Projections of query, key and value, ``softmax(q k / sqrt(d)) v`` for each head, and the projection of that."""
    if layer.integer(5, 0) or layer.integer(7, 0) or layer.integer(18, 0):
        raise LayerFault("a mask, a cache and int8 are not read")
    net, name = walk.net, layer.name
    if len(inputs) not in _ATTENTION_INPUTS:
        raise LayerFault(f"it has {len(inputs)} inputs")
    query, key, value = (inputs[position] for position in _ATTENTION_INPUTS[len(inputs)])
    features, heads = layer.integer(0, 0), layer.integer(1, 1)
    if any(len(part.shape) != 3 for part in (query, key, value)) or heads < 1 or features < 1 or features % heads:
        raise LayerFault(f"{heads} heads of {features} features, or an input that is no sequence")
    _require_size(layer, 2, features * query.shape[-1])
    width = features // heads

    def by_head(role: str, x: Value, order: tuple[int, ...]) -> Value:
        batch, length, _ = x.shape
        projected = onnx_layers.linear(net, f"{name}.{role}", x, features=features, bias=True)
        split = onnx_layers.reshaped(net, f"{name}.{role}.heads", projected, (batch, length, heads, width))
        return onnx_layers.transposed(net, f"{name}.{role}.order", split, order=order)

    q = by_head("query", query, (0, 2, 1, 3))
    k = by_head("key", key, (0, 2, 3, 1))
    v = by_head("value", value, (0, 2, 1, 3))
    batch, _, length, _ = q.shape
    scaled = onnx_layers.multiplied(net, f"{name}.scale", q, net.scalar(layer.number(6, width**-0.5)))
    scores = onnx_layers.product(net, f"{name}.scores", scaled, k)
    shares = onnx_layers.softmax(net, f"{name}.softmax", scores, axis=3)
    mixed = onnx_layers.product(net, f"{name}.mix", shares, v)
    joined = onnx_layers.transposed(net, f"{name}.join.order", mixed, order=(0, 2, 1, 3))
    rows = onnx_layers.reshaped(net, f"{name}.join", joined, (batch, length, features))
    return [onnx_layers.linear(net, name, rows, features=query.shape[-1], bias=True)]


_ATTENTION_INPUTS = {1: (0, 0, 0), 2: (0, 1, 1), 3: (0, 1, 2)}
"""Which input is query, key and value, by the number of inputs."""


def _finished(walk: Walk, layer: Layer, y: Value) -> Value:
    """Activated, and rounded to int8 where the next layer reads integers."""
    y = fused_activation(walk, layer, y)
    if layer.integer(8, 0) > _REQUANTIZES:
        y = onnx_layers.quantized_and_back(walk.net, f"{layer.name}.requantize", y)
        walk.integers.add(y.name)
    return y


def _as_integers(walk: Walk, layer: Layer, x: Value) -> Value:
    return x if x.name in walk.integers else onnx_layers.quantized_and_back(walk.net, layer.name, x)


def _require_size(layer: Layer, id: int, needed: int) -> None:
    stated = layer.integer(id, 0)
    if stated != needed:
        raise LayerFault(f"it says {stated} weights, its shapes need {needed}")


def _window(layer: Layer, extents: list[int]) -> Window:
    kernel, dilations, strides = _sizes(layer)
    mode = layer.integer(4, 0)
    if mode not in (_SAME_UPPER, _SAME_LOWER):
        return Window(kernel, strides, _pads(layer), dilations)
    return onnx_layers.same_padded(Window(kernel, strides, dilations=dilations), extents, upper=mode == _SAME_UPPER)


def _sizes(layer: Layer) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Kernel, dilations and strides; a height that is not given equals the width."""
    kernel, dilations, strides = (
        (layer.integer(id + 10, width), width)
        for id, width in ((id, layer.integer(id, default)) for id, default in ((1, 0), (2, 1), (3, 1)))
    )
    return kernel, dilations, strides


def _pads(layer: Layer) -> tuple[int, int, int, int]:
    left = layer.integer(4, 0)
    top = layer.integer(14, left)
    return top, left, layer.integer(16, top), layer.integer(15, left)


LAYERS: dict[str, LayerWriter] = {
    "Convolution": _convolution,
    "ConvolutionDepthWise": _convolution,
    "Deconvolution": _transposed_convolution,
    "DeconvolutionDepthWise": _transposed_convolution,
    "InnerProduct": _inner_product,
    "Gemm": _general_matrix_product,
    "MultiHeadAttention": _attention,
}
"""Layers with weights by name."""
