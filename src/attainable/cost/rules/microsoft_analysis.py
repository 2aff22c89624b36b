"""Transforms, distances and matrices of ONNX Runtime.

::

    y[k] = sum over n of  exp(-2 pi j k n / N) * x[n];   c[i, j] = |a[i] - b[j]|;   y = x^-1

The transform is counted as the fast one, as in DFT: 5 N log2 N operations, half of it where one side is real; an
inverse divides each number by N.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), the operators by name; M. Frigo and S. G. Johnson,
"The Design and Implementation of FFTW3" (2005), section V. G. H. Golub and C. F. Van Loan, Matrix Computations,
section 3.4.
"""

from math import log2, prod

from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op

_PER_COORDINATE = {"sqeuclidean": 2, "euclidean": 2, "cityblock": 2, "chebyshev": 2}
"""Subtract, then square or take the absolute value; n coordinates take n - 1 additions or comparisons more."""


def real_transform(op: Op) -> Work:
    """A transform of real numbers over as many of the last axes as the signal has."""
    return scalar_results(op, _transform(op, op.input(0).dims))


def inverse_real_transform(op: Op) -> Work:
    """The same backwards, and a division for each number."""
    return scalar_results(op, _transform(op, op.output.dims) + op.output.elements)


def _transform(op: Op, real: tuple[int, ...]) -> int:
    axes = op.integer("signal_ndim", 1)
    if not 0 < axes <= len(real):
        raise ValueError(f"{op.kind} has no {axes} axes of a signal")
    samples = prod(real[-axes:])
    if samples < 2:
        return 0
    return prod(real[:-axes]) * round(2.5 * samples * log2(samples))


def complex_product(op: Op) -> Work:
    """Four products, a difference and a sum for each pair of real and imaginary part: 3 per element."""
    return scalar_results(op, 3 * op.output.elements)


def distances(op: Op) -> Work:
    """3n - 1 for each pair of vectors of n elements, 1 more for the root of the Euclidean distance.

    Raises:
        ValueError: a metric that ONNX Runtime does not compute so.
    """
    metric = op.text("metric", "sqeuclidean")
    if metric not in _PER_COORDINATE:
        raise ValueError(f"a metric that is not in the table: {metric}")
    *_, length = op.input(0).dims
    per_pair = max((_PER_COORDINATE[metric] + 1) * length - 1, 0) + (metric == "euclidean")
    return scalar_results(op, per_pair * op.output.elements)


def inverse(op: Op) -> Work:
    """Gauss-Jordan elimination in place: n times 1 quotient, 2 (n - 1) + (n - 1)^2 products, (n - 1)^2 differences.

    Looking for the largest pivot compares n - 1 + n - 2 + ... + 1 times.
    """
    x = op.input(0)
    *_, rows, size = x.dims
    matrices = x.elements // (rows * size) if rows * size else 0
    search = size * (size - 1) // 2
    return scalar_results(op, matrices * (size * (2 * size * size - 2 * size + 1) + search))


def all_finite(op: Op) -> Work:
    """Compare each element, and combine all answers with and: 2n - 1."""
    elements = sum(tensor.elements for tensor in op.present_inputs)
    return scalar_results(op, max(2 * elements - 1, 0))


def time_warping(op: Op) -> Work:
    """The cheapest of three ways to each point (2 comparisons) and its cost (1); 1 at the edges, which have one way."""
    *_, rows, columns = op.input(0).dims
    inner = max(rows - 1, 0) * max(columns - 1, 0)
    edges = max(rows + columns - 2, 0) if rows and columns else 0
    return scalar_results(op, 3 * inner + edges)


RULES: Rules = {
    "com.microsoft:Rfft": Rule(real_transform, parameters=()),
    "com.microsoft:Irfft": Rule(inverse_real_transform, parameters=()),
    "com.microsoft:ComplexMul": Rule(complex_product),
    "com.microsoft:ComplexMulConj": Rule(complex_product),
    "com.microsoft:CDist": Rule(distances, parameters=(0, 1)),
    "com.microsoft:Inverse": Rule(inverse, parameters=(0,)),
    "com.microsoft:IsAllFinite": Rule(all_finite, parameters=()),
    "com.microsoft:DynamicTimeWarping": Rule(time_warping, parameters=()),
}
"""Transforms, distances and matrices by type."""
