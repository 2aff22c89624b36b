"""Operators of TFLite, whose images are [batch, height, width, channels].

::

    conv       y[n, o, m] = sum over k, c of  x[n, o * stride + k, c] * w[m, k, c]
    depthwise  y[n, o, m] = sum over k    of  x[n, o * stride + k, m / multiplier] * w[0, k, m]
    linear     y[r, m]    = sum over c    of  x[r, c] * w[m, c]

n batch, o output position, k kernel position (height and width), c input channel, m output channel, r row. The numbers
are those of the ONNX operators that compute the same. A fused activation costs what it costs as an operator of its own,
except where the output is quantised: there its bounds are those of the saturation. A contraction of quantised tensors
costs per output what QLinearConv costs: scale, round, add the zero point and two comparisons, and one difference per
input element. Weights of 8 bits or fewer beside float activations make a contraction of integers, because the runtime
rounds the activations to 8 bits first. What quantised element-wise kernels rescale is not counted.

Source: TensorFlow, tensorflow/compiler/mlir/lite/ir/tfl_ops.td (operands and layouts),
tensorflow/lite/kernels/*.cc; cost of each part as in the ONNX families.
"""

from collections.abc import Callable
from math import prod

from attainable.cost import composites
from attainable.cost.work import (
    Engine,
    Rule,
    Rules,
    Storage,
    Work,
    composite,
    free,
    movement,
    partly_read,
    scalar_results,
)
from attainable.workload.dtypes import BITS, is_floating, is_integer
from attainable.workload.graph import Op, Tensor, UnresolvedShape

_ACTIVATION = {
    "NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU_0_TO_1": 2, "RELU6": 2, "TANH": 1, "SIGN_BIT": 1, "LOGISTIC": 1,
    "LEAKY_RELU": 2, "PRELU": 2, "ELU": 4, "HARD_SWISH": 5,
}  # fmt: skip
"""Operations per element, fused or not."""

_ROUNDING = 5
"""Scale, round, add the zero point, compare twice."""

_RESTORING = 2
"""Subtract the zero point, scale."""

_WIDEST_INTEGER = 8


def _fused(op: Op) -> int:
    """Operations per output of the fused activation. Raises ValueError for one that is not in the table."""
    kind = op.text("activation", "NONE")
    if kind not in _ACTIVATION:
        raise ValueError(f"{op.kind} has an activation that is not in its table: {kind}")
    return _ACTIVATION[kind]


def _contraction(op: Op, macs: int, x: Tensor, weight: Tensor) -> Work:
    """The products, in the type in which they are made, and what is done to each output."""
    outputs = op.output.elements
    is_small = is_integer(weight.dtype) and BITS[weight.dtype] <= _WIDEST_INTEGER
    element = weight.dtype if is_small and is_floating(x.dtype) else x.dtype
    rows: list[tuple[Engine, str, int]] = [("matrix", element, macs)]
    if is_integer(op.output.dtype):
        shifted = sum(operand.elements for operand in (x, weight) if not operand.is_constant)
        rows.append(("vector", x.dtype, shifted + _ROUNDING * outputs))
    else:
        rows.append(("vector", op.output.dtype, _fused(op) * outputs))
    return composite(op, *rows)


def convolution(op: Op) -> Work:
    """One MAC for every output element, kernel position and input channel of the group; weight [m, h, w, c]."""
    x, weight = op.input(0), op.input(1)
    return _contraction(op, op.output.elements * prod(weight.dims[1:]), x, weight)


def depthwise_convolution(op: Op) -> Work:
    """One MAC for every output element and kernel position; weight [1, h, w, m]."""
    x, weight = op.input(0), op.input(1)
    _, height, width, _ = weight.dims
    return _contraction(op, op.output.elements * height * width, x, weight)


def volume_convolution(op: Op) -> Work:
    """One MAC for every output element, kernel position and input channel of the group; weight [d, h, w, c, m]."""
    x, weight = op.input(0), op.input(1)
    return _contraction(op, op.output.elements * prod(weight.dims[:-1]), x, weight)


def transposed_convolution(op: Op) -> Work:
    """One MAC for every input element, kernel position and output channel; weight [m, h, w, c], x is the third."""
    weight, x = op.input(1), op.input(2)
    return _contraction(op, x.elements * prod(weight.dims[:-1]), x, weight)


def linear(op: Op) -> Work:
    """One MAC for every output element and input feature; weight [m, c]."""
    x, weight = op.input(0), op.input(1)
    return _contraction(op, op.output.elements * weight.dims[-1], x, weight)


def matrix_product(op: Op) -> Work:
    """One MAC for every output element and element of the contracted axis, the last but one where x is transposed."""
    x, weight = op.input(0), op.input(1)
    return _contraction(op, op.output.elements * x.dims[-2 if op.integer("adj_x", 0) else -1], x, weight)


def long_short_term_memory(op: Op) -> Work:
    """The products of the gates that have weights, and of the projection; 9 per hidden unit and step beside them.

    Three sigmoids and two tanh, ``f * c + i * n`` 3 and ``o * h(c)`` 1; 2 for each gate with a peephole.
    """
    x, weights = op.input(0), [op.optional_input(index) for index in (*range(1, 9), 16)]
    steps = prod(x.dims[:2])
    present = [weight for weight in weights if weight is not None]
    hidden, _ = op.input(2).dims
    peepholes = sum(op.optional_input(index) is not None for index in (9, 10, 11))
    element = present[0].dtype
    macs = steps * sum(weight.elements for weight in present)
    return composite(op, ("matrix", element, macs), ("vector", op.output.dtype, (9 + 2 * peepholes) * steps * hidden))


def pool(per_output: Callable[[int], int]) -> Callable[[Op], Work]:
    """A rule for pooling: operations per output from the number of kernel positions, then the activation."""

    def rule(op: Op) -> Work:
        kernel = op.integer("filter_height", 1) * op.integer("filter_width", 1)
        return scalar_results(op, (per_output(kernel) + _fused_float(op)) * op.output.elements)

    return rule


def _fused_float(op: Op) -> int:
    """Operations per output of the fused activation; none where the output is quantised and saturates anyway."""
    return 0 if is_integer(op.output.dtype) else _fused(op)


def per_element(operations: int) -> Callable[[Op], Work]:
    """A rule for so many operations per output element, then the activation."""

    def rule(op: Op) -> Work:
        return scalar_results(op, (operations + _fused_float(op)) * op.output.elements)

    return rule


def sum_of_all(op: Op) -> Work:
    """One operation fewer than inputs, per output element."""
    return scalar_results(op, (len(op.present_inputs) - 1) * op.output.elements)


def gaussian_error_linear_unit(op: Op) -> Work:
    """With erf: div, erf, add, mul, mul; with tanh: pow, mul, add, mul, tanh, add, mul, mul."""
    per_element = composites.GELU_BY_TANH if op.integer("approximate", 0) else composites.GELU
    return scalar_results(op, per_element * op.output.elements)


def softmax(op: Op) -> Work:
    """5n - 2 a row: max n - 1, subtract n, exp n, sum n - 1, divide n; n more for a beta that is not 1."""
    x = op.input(0)
    scaled = 0 if op.attribute("beta") in (None, 0.0, 1.0) else x.elements
    return scalar_results(op, composites.softmax(x.elements, _rows(x)) + scaled)


def log_softmax(op: Op) -> Work:
    """5n - 1 a row: max n - 1, subtract n, exp n, sum n - 1, log 1, subtract n."""
    x = op.input(0)
    return scalar_results(op, 5 * x.elements - _rows(x))


def _rows(x: Tensor) -> int:
    *rows, length = x.dims
    return prod(rows) if length else 0


def reduction(op: Op) -> Work:
    """One operation fewer than elements, for each output."""
    return scalar_results(op, max(op.input(0).elements - op.output.elements, 0))


def mean(op: Op) -> Work:
    """As many operations as elements: the division makes up for the first."""
    return scalar_results(op, op.input(0).elements)


def cumulative_sum(op: Op) -> Work:
    """n - 1 operations a row of n elements; one fewer where the row's own element is excluded.

    Raises:
        UnresolvedShape: the axis is computed at run time, so that n is not known.
    """
    x, axis = op.input(0), op.input(1).value
    if not axis and x.rank > 1:
        raise UnresolvedShape(f"axis of {op.kind}")
    length = x.dims[int(axis[0]) if axis else 0]
    per_row = max(length - 1 - op.integer("exclusive", 0), 0)
    return scalar_results(op, x.elements // length * per_row if length else 0)


def unit_length(op: Op) -> Work:
    """Square, add, take the root and divide: 3 per element."""
    return scalar_results(op, (3 + _fused_float(op)) * op.input(0).elements)


def local_response_normalization(op: Op) -> Work:
    """1 square, one addition fewer than the window has channels (2 radius + 1), and 4 more per element."""
    return scalar_results(op, (2 * op.integer("radius", 0) + 5) * op.input(0).elements)


def bilinear(op: Op) -> Work:
    """2T - 1 operations per output; T is 2 for one axis that changes, 4 for two."""
    x, y = op.input(0), op.output
    taps = 2 ** sum(extent != resized for extent, resized in zip(x.dims, y.dims, strict=True))
    return scalar_results(op, (2 * taps - 1) * y.elements if taps > 1 else 0)


def quantize(op: Op) -> Work:
    """5 per element; 2 more to restore what was quantised in another way."""
    restored = _RESTORING if is_integer(op.input(0).dtype) else 0
    return scalar_results(op, (restored + _ROUNDING) * op.output.elements)


def dequantize(op: Op) -> Work:
    """2 per element; nothing for float16, which is only converted."""
    operations = 0 if is_floating(op.input(0).dtype) else _RESTORING
    return scalar_results(op, operations * op.output.elements, dtype=op.output.dtype)


def concatenation(op: Op) -> Work:
    """Nothing but the activation."""
    return scalar_results(op, _fused_float(op) * op.output.elements)


def take(position: int) -> Callable[[Op], Work]:
    """A rule for an operator that reads of the input at ``position`` only what it gives, at most all of it."""

    def rule(op: Op) -> Work:
        return partly_read(movement(op), op.input(position), op.output.bytes)

    return rule


def write(op: Op) -> Work:
    """Write the output; of the input only the shape is used, or a few numbers that are not counted."""
    return movement(op, bytes_activation_in=0, bytes_weight=0)


def _table(
    kinds: str,
    work: Callable[[Op], Work],
    *,
    parameters: tuple[int, ...] | None = None,
    storage: Storage = "own",
) -> Rules:
    """The same rule for operators that are listed by name."""
    return {f"tflite:{kind}": Rule(work, parameters=parameters, storage=storage) for kind in kinds.split()}


_WEIGHT_AND_BIAS = (1, 2)

RULES: Rules = {
    **_table("CONV_2D", convolution, parameters=_WEIGHT_AND_BIAS),
    **_table("DEPTHWISE_CONV_2D", depthwise_convolution, parameters=_WEIGHT_AND_BIAS),
    **_table("CONV_3D", volume_convolution, parameters=_WEIGHT_AND_BIAS),
    **_table("TRANSPOSE_CONV", transposed_convolution, parameters=(1, 3)),
    **_table("FULLY_CONNECTED", linear, parameters=_WEIGHT_AND_BIAS),
    **_table("BATCH_MATMUL", matrix_product, parameters=(0, 1)),
    **_table("UNIDIRECTIONAL_SEQUENCE_LSTM", long_short_term_memory, parameters=(*range(1, 18), *range(20, 24))),
    **_table("MAX_POOL_2D", pool(lambda kernel: kernel - 1)),
    **_table("AVERAGE_POOL_2D", pool(lambda kernel: kernel)),
    **_table("L2_POOL_2D", pool(lambda kernel: 2 * kernel)),
    **{
        f"tflite:{kind}": Rule(per_element(operations), storage="in_place")
        for kind, operations in _ACTIVATION.items()
        if kind not in ("NONE", "SIGN_BIT")
    },
    **_table("GELU", gaussian_error_linear_unit, storage="in_place"),
    **_table("ADD SUB MUL DIV MAXIMUM MINIMUM POW FLOOR_MOD ATAN2", per_element(1), storage="in_place"),
    **_table("ABS NEG CEIL FLOOR ROUND EXP LOG SQRT SQUARE SIN COS SIGN", per_element(1), storage="in_place"),
    **_table("LOGICAL_AND LOGICAL_OR LOGICAL_NOT BITWISE_XOR RIGHT_SHIFT", per_element(1), storage="in_place"),
    **_table("EQUAL NOT_EQUAL LESS LESS_EQUAL GREATER GREATER_EQUAL", per_element(1)),
    **_table("SQUARED_DIFFERENCE RSQRT FLOOR_DIV", per_element(2), storage="in_place"),
    **_table("ADD_N", sum_of_all, storage="in_place"),
    **_table("SOFTMAX", softmax),
    **_table("LOG_SOFTMAX", log_softmax),
    **_table("SUM REDUCE_MAX REDUCE_MIN REDUCE_PROD REDUCE_ANY REDUCE_ALL ARG_MAX ARG_MIN", reduction),
    **_table("MEAN", mean),
    **_table("CUMSUM", cumulative_sum),
    **_table("L2_NORMALIZATION", unit_length),
    **_table("LOCAL_RESPONSE_NORMALIZATION", local_response_normalization),
    **_table("RESIZE_BILINEAR", bilinear, parameters=(0,)),
    **_table("QUANTIZE", quantize, parameters=(0,)),
    **_table("DEQUANTIZE", dequantize, parameters=(0,)),
    **_table("FAKE_QUANT", per_element(_ROUNDING + _RESTORING), parameters=(0,)),
    **_table("RESHAPE SQUEEZE EXPAND_DIMS BITCAST", free, parameters=(0,), storage="view"),
    **_table("CONCATENATION", concatenation),
    **_table("PACK UNPACK SELECT SELECT_V2 CAST ONE_HOT", movement),
    **_table("SPLIT", movement, parameters=(1,)),
    **_table("TRANSPOSE PAD PADV2 MIRROR_PAD SPACE_TO_DEPTH DEPTH_TO_SPACE", movement, parameters=(0,)),
    **_table("SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND TILE BROADCAST_TO REVERSE_V2", movement, parameters=(0,)),
    **_table("REVERSE_SEQUENCE SPLIT_V DYNAMIC_UPDATE_SLICE", movement, parameters=(0,)),
    **_table("SLICE STRIDED_SLICE GATHER GATHER_ND RESIZE_NEAREST_NEIGHBOR", take(0), parameters=(0,)),
    **_table("EMBEDDING_LOOKUP", take(1), parameters=(1,)),
    **_table("SHAPE RANK FILL ZEROS_LIKE", write, parameters=()),
}
"""Operators of TFLite by type."""
