"""Matrix products.

::

    y[b, i, j] = sum over k of  a[b, i, k] * b[b, k, j]

b batch axes, broadcast; i row, j column, k the contracted axis. A vector on the left has no i, on the right no j.

Source: ONNX operator specification, MatMul, Gemm, MatMulInteger, QLinearMatMul.
"""

from attainable.cost.composites import contracted_extent, integer_shift, product_scaling
from attainable.cost.work import Rule, Rules, Work, contraction
from attainable.workload.graph import Op


def matrix_product(op: Op) -> Work:
    """One MAC for every output element and every element of the contracted axis."""
    *_, contracted = op.input(0).dims
    return contraction(op, macs=op.output.elements * contracted)


def general_matrix_product(op: Op) -> Work:
    """``alpha * A B + beta * C``: one MAC for every output element and every element of the contracted axis."""
    return contraction(op, macs=op.output.elements * contracted_extent(op), operations=product_scaling(op))


def integer_matrix_product(op: Op) -> Work:
    """A product of ``a - a_zero_point`` and ``b - b_zero_point``; the difference of constants is known before."""
    *_, contracted = op.input(0).dims
    return contraction(op, macs=op.output.elements * contracted, operations=integer_shift(op, (0, 2), (1, 3)))


def quantized_matrix_product(op: Op) -> Work:
    """An integer product, then per output: scale, round, add the zero point, and two comparisons to saturate."""
    *_, contracted = op.input(0).dims
    shifted = sum(op.input(index).elements for index in (0, 3) if not op.input(index).is_constant)
    outputs = op.output.elements
    return contraction(op, macs=outputs * contracted, operations=shifted + 5 * outputs)


RULES: Rules = {
    "MatMul": Rule(matrix_product, parameters=(0, 1)),
    "Gemm": Rule(general_matrix_product, parameters=(0, 1, 2)),
    "MatMulInteger": Rule(integer_matrix_product, parameters=(0, 1)),
    "QLinearMatMul": Rule(quantized_matrix_product, parameters=(0, 3)),
}
"""Matrix products by operator."""
