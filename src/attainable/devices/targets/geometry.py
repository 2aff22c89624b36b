"""What limits speak of: kernel, strides, padding, axes and shapes of an op, in ONNX and TFLite form.

Every function raises UnresolvedShape where the file does not tell.
"""

from collections.abc import Iterable
from math import prod

from attainable.workload.graph import Op, Shape, Tensor, UnresolvedShape

_TFLITE = "tflite"
_WEIGHT_AT = {
    "Conv": 1, "ConvTranspose": 1, "ConvInteger": 1, "QLinearConv": 3, "com.microsoft:FusedConv": 1,
    "tflite:CONV_2D": 1, "tflite:DEPTHWISE_CONV_2D": 1, "tflite:TRANSPOSE_CONV": 1,
}  # fmt: skip
"""Position of the weight of each convolution."""

_IMAGE_RANK = 4


def activations(op: Op) -> tuple[Tensor, ...]:
    """The tensors that flow: inputs that are no constants, and outputs."""
    inputs = (tensor for tensor in op.present_inputs if not tensor.is_constant)
    return (*inputs, *op.present_outputs)


def shapes(op: Op) -> tuple[Shape, ...]:
    """The shapes of all activations."""
    return tuple(tensor.dims for tensor in activations(op) if not tensor.container)


def images(op: Op) -> tuple[tuple[int, int, int], ...]:
    """Channels, height and width of every activation of rank 4."""
    return tuple(_image(op, shape) for shape in shapes(op) if len(shape) == _IMAGE_RANK)


def _image(op: Op, shape: Shape) -> tuple[int, int, int]:
    if op.domain == _TFLITE:
        _, height, width, channels = shape
    else:
        _, channels, height, width = shape
    return channels, height, width


def spatial(op: Op, shape: Shape) -> Shape:
    """The axes of a shape behind batch and channels; none of a matrix or vector."""
    return shape[1:-1] if op.domain == _TFLITE else shape[2:]


def weight(op: Op) -> Tensor:
    """The weight of a convolution."""
    if op.type not in _WEIGHT_AT:
        raise UnresolvedShape(f"{op.type} has no kernel")
    return op.input(_WEIGHT_AT[op.type])


def kernel(op: Op) -> tuple[int, ...]:
    """Extent of the window of a convolution or pooling, for a global pooling that of its input."""
    if op.kind in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
        return spatial(op, op.input(0).dims)
    given = op.integers("kernel_shape")
    if given:
        return given
    height, width = op.integer("filter_height", 0), op.integer("filter_width", 0)
    if height and width:
        return height, width
    return spatial(op, weight(op).dims)


def strides(op: Op) -> tuple[int, ...]:
    """Strides of a convolution or pooling."""
    return _per_axis(op, "strides")


def dilations(op: Op) -> tuple[int, ...]:
    """Dilations of a convolution or pooling."""
    return _per_axis(op, "dilations")


def _per_axis(op: Op, name: str) -> tuple[int, ...]:
    given = op.integers(name)
    if given:
        return given
    if op.domain == _TFLITE:
        raise UnresolvedShape(f"{op.kind} does not keep its {name}")
    return (1,) * len(kernel(op))


def dilated_kernel(op: Op) -> tuple[int, ...]:
    """Extent of the window with its gaps."""
    return tuple(
        (extent - 1) * dilation + 1 for extent, dilation in zip(kernel(op), dilations(op), strict=True)
    )  # fmt: skip


def pads(op: Op) -> tuple[int, ...]:
    """Padding of a convolution or pooling at either end of its axes."""
    given = op.integers("pads")
    automatic = op.text("auto_pad", "NOTSET")
    if given or automatic in ("NOTSET", "VALID"):
        if op.domain == _TFLITE:
            raise UnresolvedShape(f"{op.kind} does not keep its padding")
        return given or (0,) * (2 * len(kernel(op)))
    before, after = spatial(op, op.input(0).dims), spatial(op, op.output.dims)
    steps = zip(before, after, strides(op), dilated_kernel(op), strict=True)
    # of an odd sum one side has the larger half
    return tuple((max((out - 1) * stride + extent - size, 0) + 1) // 2 for size, out, stride, extent in steps)


def grouping(op: Op) -> str:
    """``dense``, ``depthwise`` or ``grouped``."""
    if op.domain == _TFLITE:
        return "depthwise" if op.kind == "DEPTHWISE_CONV_2D" else "dense"
    groups = op.integer("group", 1)
    if groups == 1:
        return "dense"
    return "depthwise" if groups == op.input(0).dims[1] else "grouped"


def axes(op: Op) -> tuple[int, ...]:
    """The axes that an op works along, counted from the first."""
    rank = op.input(0).rank
    if op.kind == "Pad":
        return _padded_axes(op, rank)
    axis = op.attribute("axis")
    given = (axis,) if isinstance(axis, int) else op.integers("axes") or _axes_input(op)
    if not given and op.kind.startswith("Reduce"):
        return tuple(range(rank))
    if not given and op.kind in _AXIS_UNSET:
        given = (_AXIS_UNSET[op.kind] if op.opset >= _LAST_AXIS_SINCE else _AXIS_BEFORE[op.kind],)
    if not given:
        raise UnresolvedShape(f"{op.kind} does not tell its axes")
    return tuple(axis % rank for axis in given)


_LAST_AXIS_SINCE = 13
_AXIS_UNSET = {
    "Softmax": -1, "LogSoftmax": -1, "LayerNormalization": -1, "Split": 0, "Gather": 0, "ArgMax": 0, "ArgMin": 0,
    "LpNormalization": -1, "Flatten": 1,
}  # fmt: skip
"""The axis of an operator that is not told. Source: onnx, docs/Operators.md, each operator's attributes."""

_AXIS_BEFORE = {**_AXIS_UNSET, "Softmax": 1, "LogSoftmax": 1}
"""The same before opset 13. Source: onnx, docs/Changelog.md, Softmax-11."""

_AXES_AT = {"Slice": 3}


def _axes_input(op: Op) -> tuple[int, ...]:
    position = _AXES_AT.get(op.kind, 1)
    takes = op.kind.startswith("Reduce") or op.kind in ("Slice", "Squeeze", "Unsqueeze", "MEAN", "SUM")
    tensor = op.optional_input(position) if takes else None
    if tensor is None:
        return ()
    if tensor.value is None:
        raise UnresolvedShape(f"{op.kind} computes its axes")
    return tuple(int(item) for item in tensor.value)


def _padded_axes(op: Op, rank: int) -> tuple[int, ...]:
    given: Iterable[float] = op.integers("pads")
    tensor = op.optional_input(1)
    if tensor is not None:
        if tensor.value is None or op.optional_input(3) is not None:
            raise UnresolvedShape("Pad computes its padding")
        given = tensor.value
    amounts = tuple(given)
    return tuple(axis for axis in range(rank) if any(amounts[axis::rank]))


def steps(op: Op) -> tuple[int, ...]:
    """Steps of a Slice."""
    tensor = op.optional_input(4)
    if tensor is None:
        return (1,)
    if tensor.value is None:
        raise UnresolvedShape("Slice computes its steps")
    return tuple(int(step) for step in tensor.value)


def scales(op: Op) -> tuple[float, ...]:
    """How many times larger a resized image is, by axis."""
    before, after = spatial(op, op.input(0).dims), spatial(op, op.output.dims)
    return tuple(out / size for size, out in zip(before, after, strict=True) if size)


def broadcasting(op: Op) -> str:
    """How the first two inputs meet: ``none`` (equal shapes), ``scalar``, ``channel`` or ``other``."""
    if len(op.present_inputs) < 2:
        return "none"
    first, second = (op.input(position).dims for position in (0, 1))
    if first == second:
        return "none"
    larger, smaller = (first, second) if prod(first) >= prod(second) else (second, first)
    if prod(smaller) == 1:
        return "scalar"
    aligned = (1,) * (len(larger) - len(smaller)) + smaller
    channel = len(larger) - 1 if op.domain == _TFLITE else 1
    only_channel = all(extent == 1 for axis, extent in enumerate(aligned) if axis not in (0, channel))
    return "channel" if only_channel and len(larger) > channel and aligned[channel] > 1 else "other"


def constant_positions(op: Op) -> tuple[int, ...]:
    """Positions of the inputs that are constants, or that the op does not have."""
    return tuple(
        position
        for position in range(max(len(op.inputs), _MOST_INPUTS))
        if (tensor := op.optional_input(position)) is None or tensor.is_constant
    )


def single_positions(op: Op) -> tuple[int, ...]:
    """Positions of the inputs that are constants of one element, or that the op does not have."""
    return tuple(
        position
        for position in constant_positions(op)
        if (tensor := op.optional_input(position)) is None or tensor.elements == 1
    )


_MOST_INPUTS = 16
"""Positions beyond the last input that a limit may name."""
