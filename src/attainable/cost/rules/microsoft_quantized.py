"""Quantised operators of ONNX Runtime that are no contractions.

::

    y = quantise(f(dequantise(a), dequantise(b), ...))

Each costs what the operators cost that it stands for, DequantizeLinear, f and QuantizeLinear, so that a network has the
same count in this form and with those three written out: 2 per input element (1 without a zero point, none for a
constant), the operations of f, and 5 per output (4 without a zero point). All are counted in float32, in which f is
defined; only sums and products of integers are counted as such.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), whose formulas and texts name the three steps.
"""

from collections.abc import Callable
from math import prod

from attainable.cost.composites import (
    GELU,
    activation,
    dequantization,
    integer_shift,
    layer_normalization,
    outer_rows,
    quantization,
    softmax,
)
from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.dtypes import is_integer
from attainable.workload.graph import Op

_REAL = "float32"


def quantize_with_order(op: Op) -> Work:
    """Divide, round and compare twice; the order of the elements in memory changes no number."""
    return scalar_results(op, quantization(op.output, zero_point=False))


def quantize_block_floating_point(op: Op) -> Work:
    """Per element the absolute value, the comparison with the block's largest, the division by its power, the rounding.

    The extent of a block belongs to the format; that each has one comparison fewer is left out.
    """
    return scalar_results(op, 4 * op.input(0).elements)


def scale_back(op: Op) -> Work:
    """Multiply each element by its scale, or by the power of two of its block."""
    return scalar_results(op, op.output.elements, dtype=op.output.dtype)


def binary(op: Op) -> Work:
    """One result per output of two operands of real numbers."""
    operands = dequantization(op, 0, zero_point=2) + dequantization(op, 3, zero_point=5)
    return _finished(op, operands + op.output.elements, zero_point=7)


def _unary(per_element: int) -> Callable[[Op], Work]:
    """A rule for functions of one operand that take ``per_element`` operations."""

    def rule(op: Op) -> Work:
        return _finished(op, dequantization(op, 0, zero_point=2) + per_element * op.output.elements, zero_point=4)

    rule.__doc__ = f"{per_element} per element, between dequantising and quantising."
    return rule


def quantized_softmax(op: Op) -> Work:
    """5n - 2 a row; from opset 13 a row is one axis, before that axis and all after it."""
    x, axis = op.input(0), op.integer("axis", -1)
    length = x.dims[axis] if op.integer("opset", 13) >= 13 else prod(x.dims[axis:])
    rows = x.elements // length if length else 0
    return _finished(op, dequantization(op, 0, zero_point=2) + softmax(x.elements, rows), zero_point=4)


def average_pool(op: Op) -> Work:
    """K - 1 additions and a division per output for K kernel positions, padding included."""
    pooled = op.output.elements * prod(op.integers("kernel_shape"))
    return _finished(op, dequantization(op, 0, zero_point=2) + pooled, zero_point=4)


def mean(op: Op) -> Work:
    """As many operations as elements: the additions are one fewer per output, the division is one."""
    return _finished(op, dequantization(op, 0, zero_point=2) + op.input(0).elements, zero_point=4)


def concatenate(op: Op) -> Work:
    """Inputs come as triples of tensor, scale and zero point; each is dequantised, the whole quantised."""
    operands = sum(
        dequantization(op, position, zero_point=position + 2) for position in range(2, len(op.inputs) - 2, 3)
    )
    return _finished(op, operands, zero_point=1)


def where(op: Op) -> Work:
    """A selection of two operands, both dequantised, and the result quantised."""
    operands = dequantization(op, 1, zero_point=3) + dequantization(op, 4, zero_point=6)
    return _finished(op, operands, zero_point=8)


def _finished(op: Op, operations: int, *, zero_point: int) -> Work:
    quantised = quantization(op.output, zero_point=op.optional_input(zero_point) is not None)
    return scalar_results(op, operations + quantised, dtype=_REAL)


def ordered_gelu(op: Op) -> Work:
    """Multiply, Gelu with erf, and 4 to quantise: there are no zero points."""
    operations = dequantization(op, 0) + GELU * op.output.elements + quantization(op.output, zero_point=False)
    return scalar_results(op, operations, dtype=_REAL)


def ordered_layer_normalization(op: Op) -> Work:
    """Multiply, layer normalisation, and 4 to quantise: there are no zero points."""
    x = op.input(0)
    rows = outer_rows(x, op.integer("axis", -1))
    normalized = layer_normalization(x.elements, rows, shift=op.optional_input(3) is not None)
    operations = dequantization(op, 0) + normalized + quantization(op.output, zero_point=False)
    return scalar_results(op, operations, dtype=_REAL)


def integer_product(op: Op) -> Work:
    """Subtract the zero points where there are any, and multiply, in the type of the first operand."""
    return scalar_results(op, integer_shift(op, (0, 1), (2, 3)) + op.output.elements)


def integer_sum(op: Op) -> Work:
    """n - 1 additions for each output, in the type of the result."""
    x, y = op.input(0), op.output
    return scalar_results(op, max(x.elements - y.elements, 0), dtype=y.dtype if is_integer(y.dtype) else x.dtype)


RULES: Rules = {
    "com.microsoft:QuantizeWithOrder": Rule(quantize_with_order, parameters=(0,)),
    "com.microsoft:DequantizeWithOrder": Rule(scale_back, parameters=(0,)),
    "com.microsoft:QuantizeBFP": Rule(quantize_block_floating_point, parameters=(0,)),
    "com.microsoft:DequantizeBFP": Rule(scale_back, parameters=(0,)),
    "com.microsoft:QLinearAdd": Rule(binary, parameters=(0, 3)),
    "com.microsoft:QLinearMul": Rule(binary, parameters=(0, 3)),
    "com.microsoft:QLinearSigmoid": Rule(_unary(activation("Sigmoid")), parameters=(), storage="in_place"),
    "com.microsoft:QLinearLeakyRelu": Rule(_unary(activation("LeakyRelu")), parameters=(), storage="in_place"),
    "com.microsoft:QLinearSoftmax": Rule(quantized_softmax, parameters=()),
    "com.microsoft:QLinearAveragePool": Rule(average_pool, parameters=()),
    "com.microsoft:QLinearGlobalAveragePool": Rule(mean, parameters=()),
    "com.microsoft:QLinearReduceMean": Rule(mean, parameters=()),
    "com.microsoft:QLinearConcat": Rule(concatenate, parameters=()),
    "com.microsoft:QLinearWhere": Rule(where, parameters=(1, 4)),
    "com.microsoft:QOrderedGelu": Rule(ordered_gelu, parameters=(), storage="in_place"),
    "com.microsoft:QOrderedLayerNormalization": Rule(ordered_layer_normalization, parameters=(2, 3)),
    "com.microsoft:MulInteger": Rule(integer_product, parameters=(0, 2)),
    "com.microsoft:ReduceSumInteger": Rule(integer_sum, parameters=()),
}
"""Quantised operators by type."""
