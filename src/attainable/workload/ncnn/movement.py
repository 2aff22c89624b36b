"""Layers of ncnn that move elements.

Source: Tencent/ncnn @ a4d2ea1d, docs/developer-guide/operators.md and src/layer, for ids, defaults and shapes.
"""

from math import prod

from attainable.workload.ncnn.param import ABSENT, Layer
from attainable.workload.ncnn.table import LayerWriter
from attainable.workload.ncnn.walk import DOMAIN, Walk
from attainable.workload.weightless import layers as onnx_layers
from attainable.workload.weightless.layers import image
from attainable.workload.weightless.writer import LayerFault, Value

_ORDERS: dict[int, tuple[tuple[int, ...], ...]] = {
    2: ((0, 1), (1, 0)),
    3: ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)),
}
"""Axes of the output, outermost first, by rank and order type; ncnn names them innermost first."""


def _same(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    """A blob under further names."""
    del walk
    return [inputs[0]] * len(layer.outputs)


def _stored(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    """A blob from the weight file, repeated for every image."""
    del inputs
    width, height, depth, channels = (layer.integer(id, 0) for id in (0, 1, 11, 2))
    extents = [extent for extent in (channels, depth, height, width) if extent]
    if layer.integer(21, 1) != 1:
        raise LayerFault("only stored float32 is read")
    value = walk.net.normal(layer.name, (1, *extents), deviation=1.0)
    if walk.batch == 1:
        return [value]
    shape = (walk.batch, *extents)
    wanted = walk.net.integers(f"{layer.name}.shape", shape)
    return [walk.net.node("Expand", f"{layer.name}.repeat", [value, wanted], shape=shape)]


def _axis(number: int, x: Value) -> int:
    """The axis of the tensor for an axis of the blob. Raises LayerFault where there is none."""
    rank = len(x.shape) - 1
    axis = number + rank if number < 0 else number
    if not 0 <= axis < rank:
        raise LayerFault(f"axis {number} of a blob with {rank} axes")
    return axis + 1


def _concat(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    axis = _axis(layer.integer(0, 0), inputs[0])
    if len(inputs) == 1:
        return inputs
    return [onnx_layers.concatenation(walk.net, layer.name, inputs, axis=axis)]


def _slice(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    x = inputs[0]
    axis = _axis(layer.integer(1, 0), x)
    sizes = list(layer.integers(0))
    if not sizes or len(sizes) != len(layer.outputs):
        raise LayerFault(f"it has {len(sizes)} sizes for {len(layer.outputs)} outputs")
    open_sizes = sizes.count(ABSENT)
    rest = x.shape[axis] - sum(size for size in sizes if size != ABSENT)
    parts: list[Value] = []
    start = 0
    for position, size in enumerate(sizes):
        if size == ABSENT:
            # the rest is shared out as evenly as it goes
            size = rest // open_sizes
            rest, open_sizes = rest - size, open_sizes - 1
        name = f"{layer.name}.{position}"
        parts.append(onnx_layers.part(walk.net, name, x, axis=axis, start=start, stop=start + size))
        start += size
    return parts


def _crop(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    """Part of each axis: by start and end of the axes that are listed, else by offset and size of (c, h, w)."""
    x = inputs[0]
    if len(inputs) > 1:
        raise LayerFault("a reference for the size is not read")
    starts, ends, axes = layer.integers(9), layer.integers(10), layer.integers(11)
    bounds: dict[int, tuple[int, int]] = {}
    if starts:
        numbers = axes or tuple(range(len(starts)))
        if not len(starts) == len(ends) == len(numbers):
            raise LayerFault("starts, ends and axes differ in length")
        for number, start, end in zip(numbers, starts, ends, strict=True):
            extent = x.shape[_axis(number, x)]
            start, end = (max(bound + extent, 0) if ABSENT != bound < 0 else bound for bound in (start, end))
            bounds[_axis(number, x)] = (0 if start == ABSENT else start, extent if end == ABSENT else min(end, extent))
    else:
        rank = len(x.shape) - 1
        ids = {1: ((0, 3, 6),), 2: ((1, 4, 7), (0, 3, 6)), 3: ((2, 5, 8), (1, 4, 7), (0, 3, 6))}.get(rank, ())
        for axis, (offset_id, size_id, behind_id) in enumerate(ids, 1):
            start, size = layer.integer(offset_id, 0), layer.integer(size_id, 0)
            rest = x.shape[axis] - start - layer.integer(behind_id, 0)
            bounds[axis] = (start, start + (rest if size in (0, ABSENT) else size))
    for axis, (start, stop) in bounds.items():
        if (start, stop) != (0, x.shape[axis]):
            x = onnx_layers.part(walk.net, f"{layer.name}.{axis}", x, axis=axis, start=start, stop=stop)
    return [x]


def _reshape(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    """Another shape; 0 keeps the axis at its place, -1 is what is left."""
    x = inputs[0]
    batch, *old = x.shape
    given = [layer.integer(id, ABSENT) for id in (2, 11, 1, 0)]
    wanted = [extent for extent in given if extent != ABSENT]
    kept = dict(zip(range(-1, -len(old) - 1, -1), reversed(old), strict=True))
    sizes = [kept.get(place - len(wanted), 1) if extent == 0 else extent for place, extent in enumerate(wanted)]
    fixed = prod(size for size in sizes if size != -1)
    if sizes.count(-1) > 1 or fixed < 1 or layer.integer(3, 0):
        raise LayerFault(f"cannot reshape to {wanted}")
    sizes = [prod(old) // fixed if size == -1 else size for size in sizes]
    return [onnx_layers.reshaped(walk.net, layer.name, x, (batch, *sizes))]


def _flatten(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    return [onnx_layers.flattened(walk.net, layer.name, inputs[0])]


def _permute(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    x, number = inputs[0], layer.integer(0, 0)
    orders = _ORDERS.get(len(x.shape) - 1, ())
    if not 0 <= number < len(orders):
        raise LayerFault(f"the order {number} of {len(x.shape) - 1} axes is not known")
    if number == 0:
        return [x]
    order = (0, *(axis + 1 for axis in orders[number]))
    return [onnx_layers.transposed(walk.net, layer.name, x, order=order)]


def _shuffle(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    """Channels [groups, n] become [n, groups]; the other way where reverse is set."""
    x, groups = inputs[0], layer.integer(0, 1)
    batch, channels, height, width = image(x)
    if groups < 1 or channels % groups:
        raise LayerFault(f"{groups} groups do not divide {channels} channels")
    rows = (channels // groups, groups) if layer.integer(1, 0) else (groups, channels // groups)
    split = onnx_layers.reshaped(walk.net, f"{layer.name}.groups", x, (batch, *rows, height, width))
    turned = onnx_layers.transposed(walk.net, layer.name, split, order=(0, 2, 1, 3, 4))
    return [onnx_layers.reshaped(walk.net, f"{layer.name}.channels", turned, (batch, channels, height, width))]


_INTERPOLATIONS = {1: "nearest", 2: "linear", 3: "cubic"}


def _interpolate(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    x, mode = inputs[0], layer.integer(0, 0)
    _, _, height, width = image(x)
    rows, columns = layer.integer(3, 0), layer.integer(4, 0)
    if mode not in _INTERPOLATIONS or len(inputs) > 1:
        raise LayerFault(f"the interpolation {mode}, or a reference for the size, is not read")
    extents = (rows or int(height * layer.number(1, 1.0)), columns or int(width * layer.number(2, 1.0)))
    return [onnx_layers.resized(walk.net, layer.name, x, extents=extents, mode=_INTERPOLATIONS[mode])]


def _softmax(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    axis = _axis(layer.integer(0, 0), inputs[0])
    return [onnx_layers.softmax(walk.net, layer.name, inputs[0], axis=axis)]


def _pixel_shuffle(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    x, factor = inputs[0], layer.integer(0, 1)
    batch, channels, height, width = image(x)
    if factor < 1 or channels % factor**2:
        raise LayerFault(f"a factor of {factor} does not divide {channels} channels")
    shape = (batch, channels // factor**2, height * factor, width * factor)
    mode = "DCR" if layer.integer(1, 0) else "CRD"
    return [walk.net.node("DepthToSpace", layer.name, [x], shape=shape, attributes={"blocksize": factor, "mode": mode})]


def _prior_boxes(walk: Walk, layer: Layer, inputs: list[Value]) -> list[Value]:
    """Boxes around every pixel of a feature map, [2, 4 x boxes]: a function of shapes alone, stored where it runs."""
    _, _, height, width = image(inputs[0])
    least, most, ratios = (len(layer.array(id)) for id in (0, 1, 2))
    boxes = least * (1 + ratios * (2 if layer.integer(7, 1) else 1)) + most
    shape = (walk.batch, 2, 4 * boxes * height * width)
    if walk.net.draws:
        return [walk.net.uniform(layer.name, shape, low=0.0, high=1.0)]
    return [walk.net.node("PriorBox", layer.name, inputs, shape=shape, domain=DOMAIN)]


LAYERS: dict[str, LayerWriter] = {
    "Split": _same,
    "Dropout": _same,
    "MemoryData": _stored,
    "Concat": _concat,
    "Slice": _slice,
    "Crop": _crop,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Permute": _permute,
    "ShuffleChannel": _shuffle,
    "Interp": _interpolate,
    "Softmax": _softmax,
    "PixelShuffle": _pixel_shuffle,
    "PriorBox": _prior_boxes,
}
"""Movement by name."""
