"""Matrix products of ONNX Runtime, with what its optimiser fuses into them.

::

    y[b, i, j] = activation(alpha * (sum over k of  a[b, i, k] * b[b, k, j]) + beta * c[i, j])

b batch axes; i row, j column, k the contracted axis. Either side may be transposed, also with its batch axes. c is
free where it is constant or beta is 1, as the accumulator starts with it.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), the operators by name.
"""

from attainable.cost.composites import GELU_BY_TANH, activation, contracted_extent, product_scaling
from attainable.cost.work import Rule, Rules, Work, contraction
from attainable.workload.graph import Op


def fused_general_matrix_product(op: Op) -> Work:
    """A general matrix product and the activation."""
    outputs = op.output.elements
    operations = product_scaling(op) + activation(op.text("activation", "")) * outputs
    return contraction(op, macs=outputs * contracted_extent(op), operations=operations)


def fused_matrix_product(op: Op) -> Work:
    """A matrix product, either side transposed, one operation per output unless alpha is 1, and the activation."""
    left, outputs = op.input(0).dims, op.output.elements
    *_, contracted = left
    if op.integer("transA", 0) and len(left) > 1:
        contracted = left[0] if op.integer("transBatchA", 0) else left[-2]
    per_output = activation(op.text("activation", "")) + (op.attribute("alpha") not in (None, 1))
    return contraction(op, macs=outputs * contracted, operations=per_output * outputs)


def sparse_matrix_product(op: Op) -> Work:
    """A product with a sparse matrix, counted as if it were dense: the file need not tell how many elements it has.

    The result has the element type of the dense side.
    """
    outputs = op.output.elements
    scaled = 0 if op.attribute("alpha") in (None, 1) else outputs
    return contraction(op, macs=outputs * contracted_extent(op), operations=scaled)


def matrix_product_with_gelu(op: Op) -> Work:
    """A matrix product, then the bias and Gelu approximated with tanh: 8 per output, 9 with a bias."""
    *_, contracted = op.input(0).dims
    outputs = op.output.elements
    per_output = GELU_BY_TANH + (op.optional_input(2) is not None)
    return contraction(op, macs=outputs * contracted, operations=per_output * outputs)


def float8_matrix_product(op: Op) -> Work:
    """A general matrix product; a scale of an operand or of the result, and alpha, cost one operation per output.

    The scales of both operands together, and alpha, are one factor of the result.
    """
    outputs = op.output.elements
    by_operands = any(op.optional_input(position) is not None for position in (3, 4))
    by_alpha = op.attribute("alpha") not in (None, 1)
    per_output = (by_operands and not by_alpha) + (op.optional_input(5) is not None)
    per_output += activation(op.text("activation", "NONE"))
    operations = product_scaling(op) + per_output * outputs
    return contraction(op, macs=outputs * contracted_extent(op), operations=operations)


RULES: Rules = {
    "com.microsoft:FusedGemm": Rule(fused_general_matrix_product, parameters=(0, 1, 2)),
    "com.microsoft:FusedMatMul": Rule(fused_matrix_product, parameters=(0, 1)),
    "com.microsoft:FusedMatMulActivation": Rule(fused_matrix_product, parameters=(0, 1)),
    "com.microsoft:TransposeMatMul": Rule(fused_matrix_product, parameters=(0, 1)),
    "com.microsoft:SparseToDenseMatMul": Rule(sparse_matrix_product, parameters=(0, 1)),
    "com.microsoft:GemmFastGelu": Rule(matrix_product_with_gelu, parameters=(0, 1, 2)),
    "com.microsoft:GemmFloat8": Rule(float8_matrix_product, parameters=(0, 1, 2)),
}
"""Matrix products by type."""
