"""What a person calls an op: ``Conv 3x3 64->64 on 56x56``."""

from collections.abc import Callable, Iterable

from attainable.cost.count import OpCount
from attainable.workload.graph import Op, Shape, Tensor, UnresolvedShape
from attainable.workload.shapes import format_shape


def op_label(op: Op) -> str:
    """Operator and the shapes that matter; just the operator where shapes are not known."""
    try:
        return _LABELS.get(op.type, _output_shape)(op)
    except (UnresolvedShape, ValueError, IndexError):
        return op.type


def group_label(entries: Iterable[OpCount]) -> str:
    """The label of the op that works most, and how many other ops its kernels also run."""
    ordered = sorted(entries, key=lambda entry: (-entry.work.total_operations, -entry.work.bytes_moved))
    if not ordered:
        return "runtime's own work"
    return op_label(ordered[0].op)


def _convolution(op: Op) -> str:
    return _convolved(op, op.input(1))


def _quantised_convolution(op: Op) -> str:
    return _convolved(op, op.input(3))


def _convolved(op: Op, weight: Tensor) -> str:
    x = op.input(0)
    _, channels_in, *_ = x.dims
    _, channels_out, *spatial = op.output.dims
    _, _, *kernel = weight.dims
    groups = op.integer("group", 1)
    form = (
        "depthwise "
        if groups == channels_in == channels_out and groups > 1
        else f"{groups} groups "
        if groups > 1
        else ""
    )
    strides = set(op.integers("strides")) or {1}
    stride = "" if strides == {1} else f" /{format_shape(tuple(strides))}"
    return f"{op.kind} {form}{format_shape(kernel)} {channels_in}->{channels_out}{stride} on {format_shape(spatial)}"


def _product(op: Op) -> str:
    return f"{op.kind} {_short(op.input(0).dims)} by {_short(op.input(1).dims)}"


def _quantised_product(op: Op) -> str:
    return f"{op.kind} {_short(op.input(0).dims)} by {_short(op.input(3).dims)}"


def _packed_product(op: Op) -> str:
    weight = f"{op.integer('K', 0)}x{op.integer('N', 0)} of {op.integer('bits', 4)} bits"
    return f"{op.kind} {_short(op.input(0).dims)} by {weight}"


def _recurrent(op: Op) -> str:
    steps, _, width = op.input(0).dims
    return f"{op.kind} {width}->{op.integer('hidden_size', op.input(2).dims[-1])} over {steps} steps"


def _attention(op: Op) -> str:
    return f"{op.kind} {_short(op.input(0).dims)} to {_short(op.input(1).dims)}"


def _pooling(op: Op) -> str:
    _, channels, *spatial = op.output.dims
    kernel = op.integers("kernel_shape")
    return f"{op.kind} {format_shape(kernel) + ' ' if kernel else ''}{channels} on {format_shape(spatial)}"


def _output_shape(op: Op) -> str:
    return f"{op.type} {_short(op.output.dims)}"


def _short(shape: Shape) -> str:
    """The shape without leading ones."""
    extents = list(shape)
    while len(extents) > 1 and extents[0] == 1:
        del extents[0]
    return format_shape(extents)


_LABELS: dict[str, Callable[[Op], str]] = {
    **dict.fromkeys(("Conv", "ConvTranspose", "ConvInteger", "com.microsoft:FusedConv"), _convolution),
    "QLinearConv": _quantised_convolution,
    **dict.fromkeys(("MatMul", "MatMulInteger", "Gemm"), _product),
    **dict.fromkeys(("com.microsoft:FusedMatMul", "com.microsoft:FusedGemm"), _product),
    "QLinearMatMul": _quantised_product,
    "com.microsoft:MatMulNBits": _packed_product,
    **dict.fromkeys(("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"), _pooling),
    **dict.fromkeys(("RNN", "LSTM", "GRU"), _recurrent),
    **dict.fromkeys(("Attention", "com.microsoft:MultiHeadAttention"), _attention),
}
"""How to label an operator; all others are labelled by their output shape."""
