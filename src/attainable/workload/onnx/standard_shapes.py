"""Shapes of ONNX operators that onnx itself does not infer, or not from known elements.

Source: ONNX operator specification (onnx 1.23), each operator's own page.
"""

from math import ceil

from attainable.workload.graph import Op, UnresolvedShape
from attainable.workload.onnx.image_header import image_extent
from attainable.workload.onnx.shape_rules import (
    Operands,
    Outputs,
    ShapeFunction,
    axis_of,
    integer,
    integers,
    like,
    result,
)
from attainable.workload.onnx.tensors import DTYPES


def _window(op: Op, operands: Operands) -> Outputs:
    """y[n], n < size; ``output_datatype`` is a number of ONNX's."""
    return [result((integer(operands, 0),), DTYPES.get(op.integer("output_datatype", 1), "float32"))]


def _one_hot(op: Op, operands: Operands) -> Outputs:
    """y gets an axis of ``depth`` elements at ``axis``."""
    dims = op.input(0).dims
    axis = axis_of(op.integer("axis", -1), len(dims) + 1)
    return [result((*dims[:axis], integer(operands, 1), *dims[axis:]), op.input(2).dtype)]


def _range(op: Op, operands: Operands) -> Outputs:
    """max(ceil((limit - start) / delta), 0) elements."""
    start, limit, delta = (operands(position) for position in range(3))
    if start is None or limit is None or delta is None or not delta.any():
        raise UnresolvedShape("the bounds of Range are not known")
    first, last, step = (bound.reshape(-1)[0].item() for bound in (start, limit, delta))
    if all(isinstance(bound, int) for bound in (first, last, step)):
        return [result((max(-((first - last) // step), 0),), op.input(0).dtype)]
    return [result((max(ceil((float(last) - float(first)) / float(step)), 0),), op.input(0).dtype)]


def _mel_weights(op: Op, operands: Operands) -> Outputs:
    """(dft_length / 2 + 1, num_mel_bins)."""
    bins, length = integer(operands, 0), integer(operands, 1)
    return [result((length // 2 + 1, bins), DTYPES.get(op.integer("output_datatype", 1), "float32"))]


def _max_unpool(op: Op, operands: Operands) -> Outputs:
    """(extent - 1) * stride + kernel - pads, unless ``output_shape`` says."""
    x = op.input(0)
    if op.optional_input(2) is not None:
        return [result(integers(operands, 2), x.dtype)]
    kernel = op.integers("kernel_shape")
    axes = len(kernel)
    strides, pads = op.integers("strides") or (1,) * axes, op.integers("pads") or (0,) * (2 * axes)
    spatial = [
        (extent - 1) * strides[axis] + kernel[axis] - pads[axis] - pads[axis + axes]
        for axis, extent in enumerate(x.dims[2:])
    ]
    return [result((*x.dims[:2], *spatial), x.dtype)]


def _affine_grid(op: Op, operands: Operands) -> Outputs:
    """size (N, C, H, W) gives (N, H, W, 2); (N, C, D, H, W) gives (N, D, H, W, 3)."""
    batch, _, *spatial = integers(operands, 1)
    return [result((batch, *spatial, len(spatial)), op.input(0).dtype)]


def _image_decoder(op: Op, operands: Operands) -> Outputs:
    """(height, width, channels), height and width from the header of the picture."""
    encoded = operands(0)
    if encoded is None:
        raise UnresolvedShape("the picture is not known")
    height, width = image_extent(encoded.tobytes())
    return [result((height, width, 1 if op.text("pixel_format", "RGB") == "Grayscale" else 3), "uint8")]


def _stft(op: Op, operands: Operands) -> Outputs:
    """(N, frames, bins, 2): frames = (L - length) / step + 1, bins = length / 2 + 1 of one side, as by default.

    onnx 1.23 infers both sides where the attribute is left out.
    """
    signal = op.input(0)
    step = integer(operands, 1)
    length = op.input(2).dims[0] if op.optional_input(2) is not None else integer(operands, 3)
    if step < 1 or not 0 < length <= signal.dims[1]:
        raise UnresolvedShape("frames")
    bins = length // 2 + 1 if op.integer("onesided", 1) else length
    return [result((signal.dims[0], (signal.dims[1] - length) // step + 1, bins, 2), signal.dtype)]


def _gradient(op: Op, operands: Operands) -> Outputs:
    """A gradient has the shape of what it is taken by; those come first."""
    del operands
    names = op.attribute("xs")
    tensors = [op.input(position) for position in range(len(names) if isinstance(names, tuple) else 0)]
    return [result(tensor.dims, tensor.dtype) for tensor in tensors]


def _layer_normalization(op: Op, operands: Operands) -> Outputs:
    """y like x; mean and inverse deviation of what lies behind ``axis``. ONNX Runtime writes it into any opset."""
    del operands
    x = op.input(0)
    axis = axis_of(op.integer("axis", -1), x.rank)
    row = result((*x.dims[:axis], *(1,) * (x.rank - axis)), "float32")
    return [result(x.dims, x.dtype), *([row, row] if op.kind == "LayerNormalization" else [row])]


STANDARD: dict[str, ShapeFunction] = {
    "GroupNormalization": like(0),
    "MeanVarianceNormalization": like(0),
    "HannWindow": _window,
    "HammingWindow": _window,
    "BlackmanWindow": _window,
    "OneHot": _one_hot,
    "Range": _range,
    "MelWeightMatrix": _mel_weights,
    "MaxUnpool": _max_unpool,
    "AffineGrid": _affine_grid,
    "ImageDecoder": _image_decoder,
    "LayerNormalization": _layer_normalization,
    "SimplifiedLayerNormalization": _layer_normalization,
    "STFT": _stft,
    "ai.onnx.preview.training:Gradient": _gradient,
}
"""By operator type."""

CORRECTED = frozenset({"STFT"})
"""Operators of which onnx infers something else than its specification says."""
