"""Which kind of operator an op is, as hardware tells them apart."""

from attainable.cost.count import OpCount
from attainable.cost.rules import activation as activations
from attainable.cost.rules import elementwise, movement, normalization, pooling, recurrent, reduction, resize, softmax
from attainable.devices.traits import OpClass
from attainable.workload.graph import Op, Tensor, UnresolvedShape

_FAMILIES: tuple[tuple[OpClass, tuple[str, ...]], ...] = (
    ("pool", tuple(pooling.RULES)),
    ("elementwise", (*elementwise.RULES, *activations.RULES)),
    ("normalization", tuple(normalization.RULES)),
    ("softmax", tuple(softmax.RULES)),
    ("reduction", tuple(reduction.RULES)),
    ("resize", tuple(resize.RULES)),
    ("movement", tuple(movement.RULES)),
    ("recurrent", tuple(recurrent.RULES)),
)

_BY_KIND: dict[str, OpClass] = {
    **{kind: op_class for op_class, kinds in _FAMILIES for kind in kinds},
    **dict.fromkeys(("tflite:MAX_POOL_2D", "tflite:AVERAGE_POOL_2D", "tflite:L2_POOL_2D"), "pool"),
    **dict.fromkeys(("com.microsoft:QLinearAveragePool", "com.microsoft:QLinearGlobalAveragePool"), "pool"),
    **dict.fromkeys(("tflite:SOFTMAX", "tflite:LOG_SOFTMAX", "com.microsoft:QLinearSoftmax"), "softmax"),
    **dict.fromkeys(("tflite:SUM", "tflite:REDUCE_MAX", "tflite:REDUCE_MIN", "tflite:MEAN"), "reduction"),
    "tflite:RESIZE_BILINEAR": "resize",
}


def op_class(entry: OpCount) -> OpClass:
    """The kind of an op; one without MACs whose output has the shape of its first input is ``elementwise``."""
    op = entry.op
    known = _BY_KIND.get(op.type)
    if known is not None:
        return known
    try:
        return _contraction(op) if entry.work.macs else _other(op, entry)
    except (UnresolvedShape, IndexError, ValueError):
        return "other"


def channels_last(op: Op) -> bool:
    """Whether the images of an op have their channels behind height and width."""
    return op.type.startswith("tflite:") or "Nhwc" in op.type


def _contraction(op: Op) -> OpClass:
    if "DEPTHWISE" in op.type:
        return "depthwise"
    if "Conv" in op.type or "CONV" in op.type:
        return _convolution(op)
    constants = [tensor for tensor in op.present_inputs if tensor.is_constant and tensor.rank >= 2]
    if not constants:
        return "product"
    return "matvec" if _rows(op) == 1 else "matmul"


def _convolution(op: Op) -> OpClass:
    if "Transpose" in op.type or "TRANSPOSE" in op.type:
        return "transposed"
    x, *_ = op.present_inputs
    last = channels_last(op)
    channels = x.dims[-1 if last else 1]
    groups = op.integer("group", 1)
    if groups > 1:
        return "depthwise" if groups == channels else "grouped"
    weight = max((tensor for tensor in op.present_inputs[1:] if tensor.rank == x.rank), key=_elements)
    kernel = weight.dims[1:-1] if last else weight.dims[2:]
    return "pointwise" if set(kernel) <= {1} else "conv"


def _rows(op: Op) -> int:
    """Rows of the activation that meet the weights: 1 for a fully connected layer on a single sample."""
    activation = next((tensor for tensor in op.present_inputs if not tensor.is_constant), None)
    return activation.elements // max(activation.dims[-1], 1) if activation is not None and activation.rank else 0


def _other(op: Op, entry: OpCount) -> OpClass:
    if not entry.work.operations:
        return "movement"
    x = next((tensor for tensor in op.present_inputs if not tensor.is_constant), None)
    alike = x is not None and op.outputs and op.outputs[0] is not None and x.shape == op.outputs[0].shape
    return "elementwise" if alike else "other"


def _elements(tensor: Tensor) -> int:
    return tensor.elements
