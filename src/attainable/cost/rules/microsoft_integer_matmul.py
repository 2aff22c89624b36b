"""Integer matrix products of ONNX Runtime.

::

    y[i, j] = scale * (sum over k of  (a[i, k] - a_zero_point) * (b[k, j] - b_zero_point)) + bias[j]

i row, j column, k the contracted axis. MACs are counted in the element type of a. What follows in real numbers (scale,
bias) is counted in the type of the result, one operation per output each: a bias of real numbers cannot start an
integer accumulator. An integer bias can, and is free. A quantised result costs 5 per output, as in QLinearMatMul; 4
without a zero point.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), the operators by name; function bodies of their parts.
"""

from attainable.cost.composites import contracted_extent, integer_shift, quantization
from attainable.cost.work import Rule, Rules, Work, composite, contraction
from attainable.workload.dtypes import is_integer
from attainable.workload.graph import Op


def integer_matrix_product(op: Op) -> Work:
    """One MAC for every output element and every element of the contracted axis; there are no zero points."""
    *_, contracted = op.input(0).dims
    return contraction(op, macs=op.output.elements * contracted)


def product_to_float(op: Op) -> Work:
    """An integer product, the product of both scales, and per output the scale and the bias where there is one."""
    a, y = op.input(0), op.output
    *_, contracted = a.dims
    constant = op.input(2).is_constant and op.input(3).is_constant
    factors = 0 if constant else max(op.input(2).elements, op.input(3).elements)
    per_output = 1 if op.optional_input(6) is None else 2
    return composite(
        op,
        ("matrix", a.dtype, y.elements * contracted),
        ("vector", a.dtype, integer_shift(op, (0, 4), (1, 5))),
        ("vector", y.dtype, factors + per_output * y.elements),
    )


def dynamically_quantized_product(op: Op) -> Work:
    """Quantise A as DynamicQuantizeLinear does (7n + 7), subtract its zero point, multiply integers, scale, add bias.

    A becomes uint8.
    """
    a, y = op.input(0), op.output
    *_, contracted = a.dims
    per_output = 1 if op.optional_input(4) is None else 2
    shifted = a.elements + integer_shift(op, (1, 3))
    return composite(
        op,
        ("matrix", "uint8", y.elements * contracted),
        ("vector", "uint8", shifted),
        ("vector", a.dtype, 7 * a.elements + 7 + op.input(2).elements + per_output * y.elements),
    )


def quantized_general_product(op: Op) -> Work:
    """An integer product that starts with C; then quantised where the result is an integer, else scaled."""
    y = op.output
    finished = quantization(y, zero_point=True) if is_integer(y.dtype) else y.elements
    operations = integer_shift(op, (0, 2), (3, 5)) + finished
    return contraction(op, macs=y.elements * contracted_extent(op), operations=operations)


def ordered_product(op: Op) -> Work:
    """An integer product without zero points; per output 4 to quantise, 1 for the bias and 2 for a scaled third matrix.

    The order of the elements in memory changes no number.
    """
    a, y = op.input(0), op.output
    *_, contracted = a.dims
    bias, third = op.optional_input(5) is not None, op.optional_input(6) is not None
    operations = quantization(y, zero_point=False) + (bias + 2 * third) * y.elements
    return contraction(op, macs=y.elements * contracted, operations=operations)


RULES: Rules = {
    "com.microsoft:MatMulInteger16": Rule(integer_matrix_product, parameters=(0, 1)),
    "com.microsoft:MatMulIntegerToFloat": Rule(product_to_float, parameters=(0, 1, 6)),
    "com.microsoft:DynamicQuantizeMatMul": Rule(dynamically_quantized_product, parameters=(1, 4)),
    "com.microsoft:QGemm": Rule(quantized_general_product, parameters=(0, 3, 6)),
    "com.microsoft:QOrderedMatMul": Rule(ordered_product, parameters=(0, 2, 5, 6)),
}
"""Integer products by type."""
