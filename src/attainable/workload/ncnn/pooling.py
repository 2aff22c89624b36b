"""Pooling layers of ncnn, and normalisation over channels.

Source: Tencent/ncnn @ a4d2ea1d, src/layer/pooling.cpp, lrn.cpp, for ids, defaults and shapes.
"""

from attainable.workload.ncnn.param import ABSENT, Layer
from attainable.workload.ncnn.table import LayerWriter
from attainable.workload.ncnn.walk import Walk
from attainable.workload.weightless import layers as onnx_layers
from attainable.workload.weightless.layers import Window, image
from attainable.workload.weightless.moments import UNIT
from attainable.workload.weightless.writer import LayerFault, Value

_FULL, _VALID, _SAME_UPPER, _SAME_LOWER = range(4)


def _pooling(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    x, average = inputs[0], layer.integer(0, 0) == 1
    *_, height, width = image(x)
    if layer.integer(4, 0):
        pooled = onnx_layers.global_pool(walk.net, layer.name, x, average=average)
        return [onnx_layers.flattened(walk.net, f"{layer.name}.row", pooled)]
    window = _adaptive(layer, height, width) if layer.integer(7, 0) else _padded(layer, [height, width])
    count_include_pad = bool(layer.integer(6, 0))
    return [
        onnx_layers.pool(walk.net, layer.name, x, window=window, average=average, count_include_pad=count_include_pad)
    ]


def _adaptive(layer: Layer, height: int, width: int) -> Window:
    """Equal windows side by side. Raises LayerFault where the output does not divide the image."""
    columns = layer.integer(8, 0)
    rows = layer.integer(18, columns)
    rows, columns = (extent if wanted == ABSENT else wanted for wanted, extent in ((rows, height), (columns, width)))
    if min(rows, columns) < 1 or height % rows or width % columns:
        raise LayerFault(f"{rows} x {columns} outputs do not divide an image of {height} x {width}")
    kernel = (height // rows, width // columns)
    return Window(kernel, kernel)


def _padded(layer: Layer, extents: list[int]) -> Window:
    kernel_width, stride_width, left = layer.integer(1, 0), layer.integer(2, 1), layer.integer(3, 0)
    kernel = (layer.integer(11, kernel_width), kernel_width)
    strides = (layer.integer(12, stride_width), stride_width)
    top = layer.integer(13, left)
    pads = (top, left, layer.integer(15, top), layer.integer(14, left))
    window, mode = Window(kernel, strides, pads), layer.integer(5, _FULL)
    if mode in (_SAME_UPPER, _SAME_LOWER):
        return onnx_layers.same_padded(Window(kernel, strides), extents, upper=mode == _SAME_UPPER)
    if mode == _VALID:
        return window
    # a last window that hangs over the edge is kept: the padding behind grows until it fits
    behind = [
        pads[axis + 2] + -(extent + pads[axis] + pads[axis + 2] - kernel[axis]) % strides[axis]
        for axis, extent in enumerate(extents)
    ]
    return Window(kernel, strides, (top, left, behind[0], behind[1]))


def _local_response_normalization(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    if layer.integer(0, 0):
        raise LayerFault("normalisation within a channel is not read")
    attributes = {
        "size": max(layer.integer(1, 5), 1), "alpha": layer.number(2, 1.0), "beta": layer.number(3, 0.75),
        "bias": layer.number(4, 1.0),
    }  # fmt: skip
    return [walk.net.node("LRN", layer.name, inputs[:1], shape=inputs[0].shape, attributes=attributes)]


def _batch_normalization(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    x = inputs[0]
    if len(x.shape) < 2 or x.shape[1] != layer.integer(0, 0):
        raise LayerFault(f"it has {layer.integer(0, 0)} channels, its input {list(x.shape)}")
    return [onnx_layers.batch_normalization(walk.net, layer.name, x, epsilon=layer.number(1, 0.0))]


def _layer_normalization(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    x, size = inputs[0], layer.integer(0, 0)
    if x.shape[-1] != size or not layer.integer(2, 1):
        raise LayerFault("only normalisation over the last axis, with scale and bias, is read")
    net = walk.net
    scale = net.normal(f"{layer.name}.scale", (size,), mean=1.0, deviation=onnx_layers.BIAS_DEVIATION)
    bias = net.normal(f"{layer.name}.bias", (size,), deviation=onnx_layers.BIAS_DEVIATION)
    attributes = {"axis": -1, "epsilon": layer.number(1, 0.001)}
    return [
        net.node("LayerNormalization", layer.name, [x, scale, bias], shape=x.shape, moments=UNIT, attributes=attributes)
    ]


LAYERS: dict[str, LayerWriter] = {
    "Pooling": _pooling,
    "LRN": _local_response_normalization,
    "BatchNorm": _batch_normalization,
    "LayerNorm": _layer_normalization,
}
"""Pooling and normalisation by name."""
