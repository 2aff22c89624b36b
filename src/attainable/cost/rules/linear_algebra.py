"""Square matrices.

::

    det[b] = product over k of u[b, k, k],   a[b] = l[b] u[b]

b matrix, k row; u the triangular factor of n x n elements. Elimination divides n - 1 + n - 2 + ... + 1 times, and
multiplies and subtracts (n - 1)^2 + (n - 2)^2 + ... + 1 times each; the diagonal takes n - 1 products. Looking for the
largest pivot compares n - 1 + n - 2 + ... + 1 times.

Source: ONNX operator specification, Det. G. H. Golub and C. F. Van Loan, Matrix Computations, section 3.4 (partial
pivoting).
"""

from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op


def determinant(op: Op) -> Work:
    """Gaussian elimination with partial pivoting, then the product of the diagonal."""
    *_, size = op.input(0).dims
    steps = size * (size - 1) // 2
    squares = size * (size - 1) * (2 * size - 1) // 6
    return scalar_results(op, op.output.elements * (2 * steps + 2 * squares + max(size - 1, 0)))


RULES: Rules = {"Det": Rule(determinant, parameters=())}
"""Linear algebra by operator."""
