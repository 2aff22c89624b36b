"""The layers that darknet and ncnn have in common, as ONNX nodes.

Images are [batch, channels, height, width]. A window is given by its ``Window``; every layer takes the writer, the
layer's name and its input, and gives its output. A layer that cannot be is a ``LayerFault``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from attainable.workload.graph import Shape
from attainable.workload.weightless.moments import Moments, bounded, mixture
from attainable.workload.weightless.writer import Attribute, LayerFault, NetworkWriter, Value

LARGEST_WINDOW = 2**16
"""Of a kernel, stride, padding or dilation; far beyond any image, far below what overflows."""

BIAS_DEVIATION = 0.1
"""Standard deviation of drawn biases: seen, and small beside activations of unit size."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window that slides over an image; pairs are (height, width), pads (top, left, bottom, right)."""

    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        if min(*self.kernel, *self.strides, *self.dilations) < 1:
            raise LayerFault("kernel, stride and dilation must be 1 or more")
        if max(*self.kernel, *self.strides, *self.dilations, *map(abs, self.pads)) > LARGEST_WINDOW:
            raise LayerFault(f"kernel, stride, padding or dilation exceeds {LARGEST_WINDOW}")
        if min(self.pads) < 0:
            raise LayerFault("padding is negative")

    @property
    def spans(self) -> tuple[int, int]:
        """Extent of the dilated kernel."""
        height, width = (
            dilation * (kernel - 1) + 1 for kernel, dilation in zip(self.kernel, self.dilations, strict=True)
        )
        return height, width

    def outputs(self, extents: Sequence[int]) -> tuple[int, int]:
        """Positions of the window: ``(extent + padding - span) / stride + 1``, rounded down."""
        top, left, bottom, right = self.pads
        height, width = (
            (extent + padding - span) // stride + 1
            for extent, padding, span, stride in zip(
                extents, (top + bottom, left + right), self.spans, self.strides, strict=True
            )
        )
        return height, width


def same_padded(window: Window, extents: list[int], *, upper: bool) -> Window:
    """The window with padding under which there are ``extent / stride`` positions, rounded up."""
    totals = [
        max(span + (extent - 1) // stride * stride - extent, 0)
        for span, extent, stride in zip(window.spans, extents, window.strides, strict=True)
    ]
    before = [total // 2 if upper else -(-total // 2) for total in totals]
    pads = (before[0], before[1], totals[0] - before[0], totals[1] - before[1])
    return Window(window.kernel, window.strides, pads, window.dilations)


def image(x: Value) -> tuple[int, int, int, int]:
    """Batch, channels, height, width. Raises LayerFault where x is no image."""
    if len(x.shape) != 4:
        raise LayerFault(f"its input is no image but has the shape {list(x.shape)}")
    batch, channels, height, width = x.shape
    return batch, channels, height, width


# --- layers with weights ---


def convolution(
    net: NetworkWriter, name: str, x: Value, *, channels: int, window: Window, groups: int = 1, bias: bool,
    int8: bool = False,
) -> Value:  # fmt: skip
    """A convolution; weight [channels, channels in / groups, kernel height, kernel width]; int8 in QDQ form."""
    batch, channels_in, *extents = image(x)
    if groups < 1 or channels_in % groups or channels % groups:
        raise LayerFault(f"{groups} groups divide {channels_in} and {channels} channels with a rest")
    shape = (channels, channels_in // groups, *window.kernel)
    weight = _weight(net, name, x, shape, int8=int8)
    return net.node(
        "Conv", name, [x, weight, *_bias(net, name, channels, wanted=bias)],
        shape=(batch, channels, *window.outputs(extents)), moments=_after(bias),
        attributes={
            "kernel_shape": window.kernel, "strides": window.strides, "pads": window.pads,
            "dilations": window.dilations, "group": groups,
        },
    )  # fmt: skip


def transposed_convolution(
    net: NetworkWriter, name: str, x: Value, *, channels: int, window: Window, groups: int = 1, bias: bool,
    output_padding: tuple[int, int] = (0, 0),
) -> Value:  # fmt: skip
    """A transposed convolution; weight [channels in, channels / groups, kernel height, kernel width]."""
    batch, channels_in, *extents = image(x)
    if groups < 1 or channels_in % groups or channels % groups:
        raise LayerFault(f"{groups} groups divide {channels_in} and {channels} channels with a rest")
    shape = (channels_in, channels // groups, *window.kernel)
    # an output meets kernel / stride positions on each axis
    met = max(channels_in // groups * prod(window.kernel) // prod(window.strides), 1)
    weight = net.normal(f"{name}.weight", shape, deviation=(met * x.moments.second) ** -0.5)
    top, left, bottom, right = window.pads
    height, width = (
        (extent - 1) * stride + span - padding + extra
        for extent, stride, span, padding, extra in zip(
            extents, window.strides, window.spans, (top + bottom, left + right), output_padding, strict=True
        )
    )
    return net.node(
        "ConvTranspose", name, [x, weight, *_bias(net, name, channels, wanted=bias)],
        shape=(batch, channels, height, width), moments=_after(bias),
        attributes={
            "kernel_shape": window.kernel, "strides": window.strides, "pads": window.pads,
            "dilations": window.dilations, "group": groups, "output_padding": output_padding,
        },
    )  # fmt: skip


def batch_normalization(net: NetworkWriter, name: str, x: Value, *, epsilon: float) -> Value:
    """Batch normalisation at inference, with statistics of a tensor of unit size; scale and bias are parameters."""
    if len(x.shape) < 2:
        raise LayerFault("its input has no channels")
    channels = (x.shape[1],)
    operands = [
        net.normal(f"{name}.scale", channels, mean=1.0, deviation=BIAS_DEVIATION),
        net.normal(f"{name}.bias", channels, deviation=BIAS_DEVIATION),
        net.normal(f"{name}.mean", channels, mean=x.moments.mean, deviation=BIAS_DEVIATION * x.moments.deviation),
        net.uniform(f"{name}.variance", channels, low=0.75 * x.moments.variance, high=1.25 * x.moments.variance),
    ]
    return net.node(
        "BatchNormalization",
        name,
        [x, *operands],
        shape=x.shape,
        moments=Moments(0.0, _NORMALIZED_VARIANCE),
        attributes={"epsilon": epsilon},
    )


_NORMALIZED_VARIANCE = 1.01 * (1.01 * 1.0217) + 0.01
"""Of what leaves a drawn batch normalisation, for x of mean m and variance v.

The scale has the mean square 1 + 0.1^2. The mean of 1 / variance is ln(1.25 / 0.75) / 0.5 = 1.0217 of 1 / v, over
(x - mean)^2, which is v (1 + 0.1^2). The bias adds 0.1^2.
"""


def linear(net: NetworkWriter, name: str, x: Value, *, features: int, bias: bool, int8: bool = False) -> Value:
    """A linear layer on the last axis, as Gemm; further axes are folded into the rows, which moves nothing."""
    *leading, inputs = x.shape
    if len(leading) > 1:
        rows = reshaped(net, f"{name}.rows", x, (prod(leading), inputs))
        product = linear(net, name, rows, features=features, bias=bias, int8=int8)
        return reshaped(net, f"{name}.axes", product, (*leading, features))
    weight = _weight(net, name, x, (features, inputs), int8=int8)
    operands = [x, weight, *_bias(net, name, features, wanted=bias)]
    shape = (*leading, features)
    return net.node("Gemm", name, operands, shape=shape, moments=_after(bias), attributes={"transB": 1})


def quantized_and_back(net: NetworkWriter, name: str, x: Value) -> Value:
    """x rounded to int8 and dequantised, so that a contraction after it is one of integers."""
    scale = net.scalar((abs(x.moments.mean) + 4 * x.moments.deviation) / 127)
    zero_point = net.zero_point()
    integers = net.node("QuantizeLinear", f"{name}.quantize", [x, scale, zero_point], shape=x.shape)
    return net.node("DequantizeLinear", f"{name}.dequantize", [integers, scale, zero_point], shape=x.shape)


def _weight(net: NetworkWriter, name: str, x: Value, shape: Shape, *, int8: bool) -> Value:
    """Weights [outputs, ...] under which an output has unit variance."""
    inputs = prod(shape[1:])
    if int8:
        weight, scale = net.quantized(f"{name}.weight", shape, deviation=(inputs * x.moments.second) ** -0.5)
        attributes = {"axis": 0}
        return net.node(
            "DequantizeLinear", f"{name}.weight.dequantize", [weight, scale], shape=shape, attributes=attributes
        )
    # rows of zero sum are blind to the mean, and a filter over one channel would be deaf to all that is smooth
    zero_sum = len(shape) == 2 or shape[1] > 1
    size = x.moments.deviation**2 if zero_sum else x.moments.second
    return net.rows(f"{name}.weight", shape, deviation=(inputs * size) ** -0.5, zero_sum=zero_sum)


def _bias(net: NetworkWriter, name: str, channels: int, *, wanted: bool) -> list[Value]:
    return [net.normal(f"{name}.bias", (channels,), deviation=BIAS_DEVIATION)] if wanted else []


def _after(bias: bool) -> Moments:
    """What a layer makes whose weights were drawn for its input."""
    return Moments(0.0, 1 + BIAS_DEVIATION**2 if bias else 1.0)


# --- pooling, joining, moving ---
#
# An average is given the variance of its elements, which is a bound: with less, the gates of squeeze and excitation
# would be driven into saturation, let more through than expected, and so on to the next gate.


def pool(
    net: NetworkWriter, name: str, x: Value, *, window: Window, average: bool, count_include_pad: bool = False
) -> Value:
    """Max or average pooling."""
    batch, channels, *extents = image(x)
    attributes: dict[str, Attribute] = {
        "kernel_shape": window.kernel,
        "strides": window.strides,
        "pads": window.pads,
    }
    if average and any(window.pads):
        attributes["count_include_pad"] = int(count_include_pad)
    shape = (batch, channels, *window.outputs(extents))
    moments = x.moments if average else x.moments.largest()
    kind = "AveragePool" if average else "MaxPool"
    return net.node(kind, name, [x], shape=shape, moments=moments, attributes=attributes)


def global_pool(net: NetworkWriter, name: str, x: Value, *, average: bool) -> Value:
    """One number a channel, [batch, channels, 1, 1]."""
    batch, channels, _, _ = image(x)
    moments = x.moments if average else x.moments.largest()
    kind = "GlobalAveragePool" if average else "GlobalMaxPool"
    return net.node(kind, name, [x], shape=(batch, channels, 1, 1), moments=moments)


def concatenation(net: NetworkWriter, name: str, values: Sequence[Value], *, axis: int) -> Value:
    """Tensors one after the other along an axis; all other axes must agree."""
    first = values[0].shape
    axis = axis + len(first) if axis < 0 else axis
    others = {(*value.shape[:axis], *value.shape[axis + 1 :]) for value in values}
    if not 0 <= axis < len(first) or len(others) != 1 or any(len(value.shape) != len(first) for value in values):
        raise LayerFault(f"cannot put together {', '.join(str(list(value.shape)) for value in values[:5])}")
    shape = (*first[:axis], sum(value.shape[axis] for value in values), *first[axis + 1 :])
    moments = mixture([(prod(value.shape), value.moments) for value in values])
    return net.node("Concat", name, values, shape=shape, moments=moments, attributes={"axis": axis})


def part(net: NetworkWriter, name: str, x: Value, *, axis: int, start: int, stop: int) -> Value:
    """The elements from ``start`` to before ``stop`` of one axis."""
    if not 0 <= start < stop <= x.shape[axis]:
        raise LayerFault(f"takes {start} to {stop} of {x.shape[axis]} along axis {axis}")
    shape = (*x.shape[:axis], stop - start, *x.shape[axis + 1 :])
    bounds = {"starts": start, "ends": stop, "axes": axis}
    operands = [net.integers(f"{name}.{role}", [number]) for role, number in bounds.items()]
    return net.node("Slice", name, [x, *operands], shape=shape)


def every(net: NetworkWriter, name: str, x: Value, *, stride: int) -> Value:
    """Each ``stride``-th row and column of an image, from the first."""
    batch, channels, height, width = image(x)
    shape = (batch, channels, -(-height // stride), -(-width // stride))
    bounds = {"starts": (0, 0), "ends": (height, width), "axes": (2, 3), "steps": (stride, stride)}
    operands = [net.integers(f"{name}.{role}", numbers) for role, numbers in bounds.items()]
    return net.node("Slice", name, [x, *operands], shape=shape)


def reshaped(net: NetworkWriter, name: str, x: Value, shape: Shape) -> Value:
    """The same elements in another shape."""
    if prod(shape) != prod(x.shape):
        raise LayerFault(f"cannot reshape {list(x.shape)} to {list(shape)}")
    return net.node("Reshape", name, [x, net.integers(f"{name}.shape", shape)], shape=shape)


def flattened(net: NetworkWriter, name: str, x: Value) -> Value:
    """One row an image, [batch, everything else]; x itself where it is that already."""
    batch, *rest = x.shape
    if len(rest) == 1:
        return x
    return net.node("Flatten", name, [x], shape=(batch, prod(rest)), attributes={"axis": 1})


def transposed(net: NetworkWriter, name: str, x: Value, *, order: Sequence[int]) -> Value:
    """The axes in another order: axis i of the output is axis ``order[i]`` of x."""
    shape = tuple(x.shape[axis] for axis in order)
    return net.node("Transpose", name, [x], shape=shape, attributes={"perm": tuple(order)})


def resized(net: NetworkWriter, name: str, x: Value, *, extents: tuple[int, int], mode: str) -> Value:
    """The image at another size; ``nearest``, ``linear`` or ``cubic``."""
    batch, channels, *_ = image(x)
    shape = (batch, channels, *extents)
    attributes = {"mode": mode, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    if mode != "nearest":
        attributes["coordinate_transformation_mode"] = "half_pixel"
    sizes = net.integers(f"{name}.sizes", shape)
    return net.node("Resize", name, [x, None, None, sizes], shape=shape, attributes=attributes)


def softmax(net: NetworkWriter, name: str, x: Value, *, axis: int) -> Value:
    """Softmax along an axis."""
    share = 1 / x.shape[axis]
    moments = Moments(share, share**2)
    return net.node("Softmax", name, [x], shape=x.shape, moments=moments, attributes={"axis": axis})


def broadcast(*shapes: Shape) -> Shape:
    """The shape of an element-wise result by numpy's rules. Raises LayerFault where the shapes do not fit."""
    rank = max(map(len, shapes))
    padded = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    result = tuple(max(extents) for extents in zip(*padded, strict=True))
    for shape in padded:
        if any(extent not in (1, wanted) for extent, wanted in zip(shape, result, strict=True)):
            raise LayerFault(f"the shapes do not fit each other: {', '.join(str(list(shape)) for shape in shapes)}")
    return result


def added(net: NetworkWriter, name: str, left: Value, right: Value) -> Value:
    """The sum, broadcast."""
    shape = broadcast(left.shape, right.shape)
    return net.node("Add", name, [left, right], shape=shape, moments=left.moments + right.moments)


def multiplied(net: NetworkWriter, name: str, left: Value, right: Value) -> Value:
    """The product, broadcast."""
    shape = broadcast(left.shape, right.shape)
    return net.node("Mul", name, [left, right], shape=shape, moments=left.moments * right.moments)


def product(net: NetworkWriter, name: str, left: Value, right: Value) -> Value:
    """The matrix product of the last two axes; the axes before them agree."""
    *leading, rows, contracted = left.shape
    if right.shape[:-1] != (*leading, contracted):
        raise LayerFault(f"cannot multiply {list(left.shape)} and {list(right.shape)}")
    spread = left.moments.second * right.moments.second * contracted
    shape = (*leading, rows, right.shape[-1])
    return net.node("MatMul", name, [left, right], shape=shape, moments=bounded(0.0, spread))
