"""Selections whose result depends on the values: how many of the elements are kept is known after the run only.

::

    kept = [i for i in order of score if overlap(i, j) <= threshold for every kept j before i]

i and j boxes of one class and image, n of them. Work that depends on the values is counted as the most it can be: every
box passes the threshold and none is suppressed, every element is distinct. Sorting n elements takes the comparisons of
binary insertion, ``sum of ceil(log2 i) for i from 1 to n``. Outputs are written as large as the graph says they are.

Source: ONNX operator specification, NonMaxSuppression 10 and 11, Unique 11. D. E. Knuth, The Art of Computer
Programming 3, section 5.3.1, formula (3), binary insertion.
"""

from math import prod

from attainable.cost.composites import sorting
from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op

_OVERLAP = 12
"""Two maxima and two minima, two differences, two maxima with 0, area, union (sum, difference), quotient; 1 to decide
comes on top."""

_AREA = 3
"""Two differences and a product."""


def suppress(op: Op) -> Work:
    """Sort the boxes of each class by score and compare each with every kept one before it.

    A box takes 3 operations for its area, and 6 before for its corners where it is given by its centre; a score one
    comparison with the threshold where there is one; a pair 13. At most ``max_output_boxes_per_class`` boxes are kept,
    none where that is left out, and all where it is not known.
    """
    batch, boxes, _ = op.input(0).dims
    _, classes, _ = op.input(1).dims
    limit = op.optional_input(2)
    kept = 0
    if limit is not None:
        kept = boxes if limit.value is None else max(min(boxes, int(limit.value[0])), 0)
    if not kept:
        return scalar_results(op, 0)
    per_box = _AREA + (6 if op.integer("center_point_box", 0) else 0)
    thresholds = boxes if op.optional_input(4) is not None else 0
    # the first kept box meets boxes - 1 others, the next one fewer
    pairs = kept * (boxes - 1) - kept * (kept - 1) // 2
    per_class = thresholds + sorting(boxes) + (_OVERLAP + 1) * pairs
    return scalar_results(op, batch * (per_box * boxes + classes * per_class))


def unique(op: Op) -> Work:
    """Sort n slices, then compare each with its neighbour; two slices are compared in every element."""
    x, axis = op.input(0), op.attribute("axis")
    items = x.dims[axis] if isinstance(axis, int) else prod(x.dims)
    size = x.elements // items if items else 0
    return scalar_results(op, size * (sorting(items) + max(items - 1, 0)))


RULES: Rules = {
    "NonMaxSuppression": Rule(suppress, parameters=()),
    "Unique": Rule(unique, parameters=()),
}
"""Selections by operator."""
