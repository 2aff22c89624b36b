"""The layers of darknet by section name: ``LAYERS``.

Source: AlexeyAB/darknet @ 59596d78, src/parser.c and the layer's own file, for defaults and shapes.
"""

from collections.abc import Callable

from attainable.workload.darknet.sections import Section
from attainable.workload.weightless import layers as onnx_layers
from attainable.workload.weightless.activations import activation, clipped, gelu, swish
from attainable.workload.weightless.layers import Window, image
from attainable.workload.weightless.writer import LayerFault, NetworkWriter, Value

EPSILON = 1e-5
"""Added to the variance. Source: src/blas.c, normalize_cpu; 1e-6 under the root there, which no count depends on."""


class Layers:
    """The outputs of the layers so far, by which later layers name them."""

    def __init__(self, net: NetworkWriter, x: Value) -> None:
        self.net = net
        self.outputs: list[Value] = []
        self.heads: list[tuple[str, Value]] = []
        self._input = x

    @property
    def last(self) -> Value:
        """What the layer before made, or the network's input."""
        return self.outputs[-1] if self.outputs else self._input

    def append(self, value: Value) -> None:
        """Note the output of the layer that comes next."""
        self.outputs.append(value)

    def at(self, index: int) -> Value:
        """The output of a layer by number, or counted backwards where negative. Raises LayerFault if there is none."""
        position = index + len(self.outputs) if index < 0 else index
        if not 0 <= position < len(self.outputs):
            raise LayerFault(f"names layer {index}, which does not come before it")
        return self.outputs[position]

    def finished(self) -> dict[str, Value]:
        """The outputs of the network by name: its heads, or what the last layer makes."""
        return dict(self.heads) if self.heads else {"output": self.last}


def _convolutional(layers: Layers, section: Section, name: str) -> Value:
    for key in (
        "binary",
        "xnor",
        "antialiasing",
        "flipped",
        "deform",
        "sway",
        "rotate",
        "stretch",
        "assisted_excitation",
    ):
        if section.integer(key, 0):
            raise LayerFault(f"{key} is not read")
    size, stride = section.integer("size", 1), section.integer("stride", 1)
    dilation = section.integer("dilation", 1)
    padding = size // 2 if section.integer("pad", 0) else section.integer("padding", 0)
    padded = padding * dilation
    strides = (section.integer("stride_y", stride), section.integer("stride_x", stride))
    normalised = bool(section.integer("batch_normalize", 0))
    x = onnx_layers.convolution(
        layers.net, name, _image(layers, layers.last, name), channels=section.integer("filters", 1),
        window=Window((size, size), strides, (padded, padded, padded, padded), (dilation, dilation)),
        groups=section.integer("groups", 1), bias=not normalised,
    )  # fmt: skip
    return _finished(layers, section, name, x, normalised=normalised, default="logistic")


def _connected(layers: Layers, section: Section, name: str) -> Value:
    normalised = bool(section.integer("batch_normalize", 0))
    rows = onnx_layers.flattened(layers.net, f"{name}.flatten", layers.last)
    x = onnx_layers.linear(layers.net, name, rows, features=section.integer("output", 1), bias=not normalised)
    return _finished(layers, section, name, x, normalised=normalised, default="logistic")


def _finished(layers: Layers, section: Section, name: str, x: Value, *, normalised: bool, default: str) -> Value:
    """Normalised and activated, as the section says."""
    if normalised:
        x = onnx_layers.batch_normalization(layers.net, f"{name}.batch_normalize", x, epsilon=EPSILON)
    return _activated(layers, section, name, x, default=default)


def _activated(layers: Layers, section: Section, name: str, x: Value, *, default: str = "linear") -> Value:
    kind = section.text("activation", default)
    if kind not in ACTIVATIONS:
        raise LayerFault(f"the activation {kind[:40]!r} is not known")
    return ACTIVATIONS[kind](layers.net, f"{name}.{kind}", x)


def _maxpool(layers: Layers, section: Section, name: str) -> Value:
    if section.integer("maxpool_depth", 0) or section.integer("antialiasing", 0):
        raise LayerFault("maxpool_depth and antialiasing are not read")
    return _pooled(layers, section, name, average=False)


def _local_avgpool(layers: Layers, section: Section, name: str) -> Value:
    return _pooled(layers, section, name, average=True)


def _pooled(layers: Layers, section: Section, name: str, *, average: bool) -> Value:
    """Pooling with ``padding`` in all, the larger half behind; what no window reaches is left out."""
    x = _image(layers, layers.last, name)
    stride = section.integer("stride", 1)
    size = section.integer("size", stride)
    padding = section.integer("padding", size - 1)
    strides = (section.integer("stride_y", stride), section.integer("stride_x", stride))
    before = padding // 2
    positions = Window((size, size), strides, (before, before, padding - before, padding - before)).outputs(x.shape[2:])
    behind = [
        max((position - 1) * step + size - before - extent, 0)
        for position, step, extent in zip(positions, strides, x.shape[2:], strict=True)
    ]
    window = Window((size, size), strides, (before, before, behind[0], behind[1]))
    return onnx_layers.pool(layers.net, name, x, window=window, average=average)


def _avgpool(layers: Layers, section: Section, name: str) -> Value:
    del section
    return onnx_layers.global_pool(layers.net, name, _image(layers, layers.last, name), average=True)


def _route(layers: Layers, section: Section, name: str) -> Value:
    indices = section.integers("layers")
    if not indices:
        raise LayerFault("layers= is missing")
    if section.integer("stream", 0):
        raise LayerFault("stream is not read")
    groups, group = section.integer("groups", 1), section.integer("group_id", 0)
    values = [layers.at(index) for index in indices]
    if groups != 1:
        values = [_group(layers, value, groups, group, f"{name}.part{number}") for number, value in enumerate(values)]
    return values[0] if len(values) == 1 else onnx_layers.concatenation(layers.net, name, values, axis=1)


def _group(layers: Layers, x: Value, groups: int, group: int, name: str) -> Value:
    _, channels, *_ = image(x)
    if groups < 1 or channels % groups or not 0 <= group < groups:
        raise LayerFault(f"takes group {group} of {groups} of {channels} channels")
    width = channels // groups
    return onnx_layers.part(layers.net, name, x, axis=1, start=group * width, stop=(group + 1) * width)


def _shortcut(layers: Layers, section: Section, name: str) -> Value:
    if section.text("weights_type", "none") != "none":
        raise LayerFault("weights_type is not read")
    x = layers.last
    for number, index in enumerate(section.integers("from")):
        x = _summed(layers, x, layers.at(index), f"{name}.{number}" if number else name)
    return _activated(layers, section, name, x)


def _summed(layers: Layers, x: Value, other: Value, name: str) -> Value:
    """The sum over the channels that both have; further channels of x stay as they are.

    Of a larger image every second (third, ...) row and column is added.
    """
    if x.shape == other.shape:
        return onnx_layers.added(layers.net, name, x, other)
    _, channels, height, width = image(x)
    _, other_channels, other_height, other_width = image(other)
    if (height, width) != (other_height, other_width):
        stride = other_height // height
        if stride < 2 or (height * stride, width * stride) != (other_height, other_width):
            raise LayerFault(f"adds images of {height} x {width} and {other_height} x {other_width}")
        other = onnx_layers.every(layers.net, f"{name}.stride", other, stride=stride)
        if channels == other_channels:
            return onnx_layers.added(layers.net, name, x, other)
    if other_channels > channels:
        shared = onnx_layers.part(layers.net, f"{name}.part", other, axis=1, start=0, stop=channels)
        return onnx_layers.added(layers.net, name, x, shared)
    shared = onnx_layers.part(layers.net, f"{name}.part", x, axis=1, start=0, stop=other_channels)
    rest = onnx_layers.part(layers.net, f"{name}.rest", x, axis=1, start=other_channels, stop=channels)
    total = onnx_layers.added(layers.net, name, shared, other)
    return onnx_layers.concatenation(layers.net, f"{name}.concat", [total, rest], axis=1)


def _scale_channels(layers: Layers, section: Section, name: str) -> Value:
    if section.integer("scale_wh", 0):
        raise LayerFault("scale_wh is not read")
    scaled = onnx_layers.multiplied(layers.net, name, _from(layers, section), layers.last)
    return _activated(layers, section, name, scaled)


def _sam(layers: Layers, section: Section, name: str) -> Value:
    product = onnx_layers.multiplied(layers.net, name, _from(layers, section), layers.last)
    return _activated(layers, section, name, product)


def _from(layers: Layers, section: Section) -> Value:
    """The one layer that ``from`` names."""
    indices = section.integers("from")
    if len(indices) != 1:
        raise LayerFault(f"from= names {len(indices)} layers, not one")
    return layers.at(indices[0])


def _upsample(layers: Layers, section: Section, name: str) -> Value:
    x, stride = _image(layers, layers.last, name), section.integer("stride", 2)
    if not 1 <= stride <= onnx_layers.LARGEST_WINDOW or section.number("scale", 1) != 1:
        raise LayerFault("only a stride of 1 or more and a scale of 1 are read")
    _, _, height, width = image(x)
    return onnx_layers.resized(layers.net, name, x, extents=(height * stride, width * stride), mode="nearest")


def _reorg(layers: Layers, section: Section, name: str) -> Value:
    x, stride = _image(layers, layers.last, name), section.integer("stride", 1)
    batch, channels, height, width = image(x)
    if stride < 1 or height % stride or width % stride or section.integer("reverse", 0):
        raise LayerFault(f"a stride of {stride} does not divide {height} x {width}, or the reverse is asked for")
    shape = (batch, channels * stride**2, height // stride, width // stride)
    return layers.net.node("SpaceToDepth", name, [x], shape=shape, attributes={"blocksize": stride})


def _crop(layers: Layers, section: Section, name: str) -> Value:
    """The middle of the image, its range widened from [0, 1] to [-1, 1] unless noadjust is set."""
    x = _image(layers, layers.last, name)
    wanted = {2: section.integer("crop_height", 1), 3: section.integer("crop_width", 1)}
    for axis, extent in wanted.items():
        start = (x.shape[axis] - extent) // 2
        if extent != x.shape[axis]:
            x = onnx_layers.part(layers.net, f"{name}.{axis}", x, axis=axis, start=start, stop=start + extent)
    if section.integer("noadjust", 0):
        return x
    doubled = onnx_layers.multiplied(layers.net, f"{name}.scale", x, layers.net.scalar(2.0))
    return onnx_layers.added(layers.net, f"{name}.shift", doubled, layers.net.scalar(-1.0))


def _softmax(layers: Layers, section: Section, name: str) -> Value:
    if section.options.keys() & {"tree", "spatial"}:
        raise LayerFault("tree and spatial are not read")
    groups = section.integer("groups", 1)
    x = onnx_layers.flattened(layers.net, f"{name}.flatten", layers.last)
    batch, features = x.shape
    if groups == 1:
        return onnx_layers.softmax(layers.net, name, x, axis=1)
    if groups < 1 or features % groups:
        raise LayerFault(f"{groups} groups do not divide {features}")
    rows = onnx_layers.reshaped(layers.net, f"{name}.groups", x, (batch, groups, features // groups))
    shares = onnx_layers.softmax(layers.net, name, rows, axis=2)
    return onnx_layers.reshaped(layers.net, f"{name}.features", shares, (batch, features))


def _head(layers: Layers, section: Section, name: str) -> Value:
    del section
    layers.heads.append((name, layers.last))
    return layers.last


def _nothing(layers: Layers, section: Section, name: str) -> Value:
    del section, name
    return layers.last


def _activation(layers: Layers, section: Section, name: str) -> Value:
    return _activated(layers, section, name, layers.last)


def _batchnorm(layers: Layers, section: Section, name: str) -> Value:
    del section
    return onnx_layers.batch_normalization(layers.net, name, layers.last, epsilon=EPSILON)


def _image(layers: Layers, x: Value, name: str) -> Value:
    """An image; what a connected layer made is one of a single pixel."""
    return onnx_layers.reshaped(layers.net, f"{name}.image", x, (*x.shape, 1, 1)) if len(x.shape) == 2 else x


Layer = Callable[[Layers, Section, str], Value]

LAYERS: dict[str, Layer] = {
    "convolutional": _convolutional,
    "conv": _convolutional,
    "connected": _connected,
    "conn": _connected,
    "maxpool": _maxpool,
    "max": _maxpool,
    "local_avgpool": _local_avgpool,
    "avgpool": _avgpool,
    "avg": _avgpool,
    "route": _route,
    "shortcut": _shortcut,
    "scale_channels": _scale_channels,
    "sam": _sam,
    "upsample": _upsample,
    "reorg": _reorg,
    "reorg3d": _reorg,
    "crop": _crop,
    "softmax": _softmax,
    "soft": _softmax,
    "yolo": _head,
    "region": _head,
    "detection": _head,
    "cost": _nothing,
    "dropout": _nothing,
    "activation": _activation,
    "batchnorm": _batchnorm,
}
"""Layer by section name."""


def _relu6(net: NetworkWriter, name: str, x: Value) -> Value:
    return clipped(net, name, x, 0.0, 6.0)


def _linear(net: NetworkWriter, name: str, x: Value) -> Value:
    del net, name
    return x


def _gelu(net: NetworkWriter, name: str, x: Value) -> Value:
    return gelu(net, name, x, exact=False)


def _operator(kind: str, **attributes: float) -> Callable[[NetworkWriter, str, Value], Value]:
    def node(net: NetworkWriter, name: str, x: Value) -> Value:
        return activation(net, name, x, kind, **attributes)

    return node


ACTIVATIONS: dict[str, Callable[[NetworkWriter, str, Value], Value]] = {
    "linear": _linear,
    "leaky": _operator("LeakyRelu", alpha=0.1),
    "relu": _operator("Relu"),
    "relu6": _relu6,
    "logistic": _operator("Sigmoid"),
    "swish": swish,
    "mish": _operator("Mish"),
    "tanh": _operator("Tanh"),
    "elu": _operator("Elu"),
    "selu": _operator("Selu"),
    "gelu": _gelu,
}
"""Activation by name."""
