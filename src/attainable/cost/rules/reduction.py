"""Reductions, scans and selections along axes.

::

    y[r] = x[r, 1] + x[r, 2] + ... + x[r, n]

r a row, R of them, one for each output of a reduction; n its elements, N = R n in all. Reducing n elements takes n - 1
operations: N - R.

Source: ONNX operator specification, the operators by name; function bodies of ReduceL1, ReduceL2, ReduceLogSum,
ReduceLogSumExp, ReduceSumSquare 18. TopK: D. E. Knuth, The Art of Computer Programming 3, section 5.3.3, formula (6).
"""

from attainable.cost.composites import selection
from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op, UnresolvedShape


def reduce(op: Op) -> Work:
    """n - 1 additions, products or comparisons a row: N - R."""
    return scalar_results(op, max(op.input(0).elements - op.output.elements, 0))


def reduce_and_finish(op: Op) -> Work:
    """n - 1 additions a row, then a division (mean) or a logarithm: N."""
    return scalar_results(op, op.input(0).elements)


def map_and_reduce(op: Op) -> Work:
    """The absolute value or the square of each element, then n - 1 additions a row: 2N - R."""
    return scalar_results(op, max(2 * op.input(0).elements - op.output.elements, 0))


def map_reduce_and_finish(op: Op) -> Work:
    """The square or the exponential of each element, n - 1 additions a row, then a root or a logarithm: 2N."""
    return scalar_results(op, 2 * op.input(0).elements)


def cumulate(op: Op) -> Work:
    """n - 1 operations a row; one fewer where the row's own element is excluded.

    Raises:
        UnresolvedShape: the axis is computed at run time, so that n is not known.
    """
    x, axis = op.input(0), op.input(1).value
    if axis is None and x.rank > 1:
        raise UnresolvedShape(f"axis of {op.kind}")
    length = x.dims[int(axis[0]) if axis else 0]
    per_row = max(length - 1 - op.integer("exclusive", 0), 0)
    return scalar_results(op, x.elements // length * per_row if length else 0)


def select_largest(op: Op) -> Work:
    """Comparisons that order the k largest of n elements by a knockout tournament, whether or not sorted is set.

    The first takes n - 1 comparisons, as in ArgMax; each further one replays the path of the one before it. In all
    ``n - k + sum of ceil(log2 j) for j from n - k + 2 to n``.
    """
    axis = op.integer("axis", -1)
    length, selected = op.input(0).dims[axis], op.output.dims[axis]
    rows = op.input(0).elements // length if length else 0
    return scalar_results(op, selection(rows, length=length, selected=selected))


RULES: Rules = {
    **{kind: Rule(reduce) for kind in ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ArgMax", "ArgMin")},
    "ReduceMean": Rule(reduce_and_finish),
    "ReduceLogSum": Rule(reduce_and_finish),
    "ReduceL1": Rule(map_and_reduce),
    "ReduceSumSquare": Rule(map_and_reduce),
    "ReduceL2": Rule(map_reduce_and_finish),
    "ReduceLogSumExp": Rule(map_reduce_and_finish),
    "CumSum": Rule(cumulate),
    "CumProd": Rule(cumulate),
    "TopK": Rule(select_largest),
}
"""Reductions by operator."""
