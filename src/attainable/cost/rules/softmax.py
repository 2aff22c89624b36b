"""Softmax and its kin.

::

    y[r, i] = exp(x[r, i] - max[r]) / sum over j of exp(x[r, j] - max[r])

r a row, R of them; i and j its elements, n of them, N = R n in all. From opset 13 a row is one axis; before, it was
that axis and all after it.

Source: ONNX operator specification, function bodies of Softmax 13 and LogSoftmax 13; formula of Hardmax.
"""

from math import prod

from attainable.cost import composites
from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op


def softmax(op: Op) -> Work:
    """Max n - 1, subtract n, exp n, sum n - 1, divide n: 5n - 2 a row."""
    return scalar_results(op, composites.softmax(op.input(0).elements, _rows(op)))


def log_softmax(op: Op) -> Work:
    """Max n - 1, subtract n, exp n, sum n - 1, log 1, subtract n: 5n - 1 a row."""
    return scalar_results(op, 5 * op.input(0).elements - _rows(op))


def hardmax(op: Op) -> Work:
    """Max n - 1 a row; putting the 1 where it was found is selection."""
    return scalar_results(op, op.input(0).elements - _rows(op))


def _rows(op: Op) -> int:
    """Number of rows; none where there are no elements."""
    x = op.input(0)
    length = x.dims[op.integer("axis", -1)] if op.opset >= 13 else prod(x.dims[op.integer("axis", 1) :])
    return x.elements // length if length else 0


RULES: Rules = {
    "Softmax": Rule(softmax),
    "LogSoftmax": Rule(log_softmax),
    "Hardmax": Rule(hardmax),
}
"""Softmax by operator."""
