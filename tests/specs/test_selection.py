"""Selections by value: counted as the most that they can be."""

import pytest
from ops import activation, make_op, scalar, with_outputs, work_of

from attainable.workload.graph import Op, Tensor


def sorting(items: int) -> int:
    """Binary insertion: the i-th element finds its place among i - 1 in ceil(log2 i) comparisons."""
    comparisons = 0
    for position in range(1, items + 1):
        places = position
        while places > 1:
            places = (places + 1) // 2
            comparisons += 1
    return comparisons


def suppression(limit: Tensor | None, *others: Tensor | None, centre: int = 0) -> Op:
    """2 images of 6 boxes, 3 classes."""
    inputs = [activation(2, 6, 4), activation(2, 3, 6), limit, *others]
    op = make_op("NonMaxSuppression", inputs, attributes={"center_point_box": centre}, opset=11)
    return with_outputs(op, [((5, 3), "int64")])


def pairs(boxes: int, kept: int) -> int:
    """Each kept box against every box behind it."""
    return sum(1 for first in range(kept) for _ in range(first + 1, boxes))


@pytest.mark.parametrize(("limit", "kept"), [(1, 1), (4, 4), (9, 6)])
def test_suppression(limit: int, kept: int) -> None:
    # an overlap: 4 corners, 2 extents, 2 not below 0, an area, 2 for the union, a quotient; a comparison
    expected = 2 * (3 * 6 + 3 * (sorting(6) + 13 * pairs(6, kept)))
    work = work_of(suppression(scalar(limit)))
    assert work.total_operations == expected
    assert work.bytes_activation_in == 4 * (2 * 6 * 4 + 2 * 3 * 6)
    assert work.bytes_activation_out == 8 * 15


def test_nothing_is_kept_unless_asked_for() -> None:
    assert work_of(suppression(None)).total_operations == 0
    assert work_of(suppression(scalar(0))).total_operations == 0


def test_a_limit_that_is_not_known_keeps_all() -> None:
    computed = activation(dtype="int64")
    assert work_of(suppression(computed)).operations == work_of(suppression(scalar(6))).operations


def test_options() -> None:
    plain = work_of(suppression(scalar(4))).total_operations
    # a comparison with the threshold for each score
    threshold = work_of(suppression(scalar(4), None, scalar(0.5))).total_operations
    assert threshold == plain + 2 * 3 * 6
    # two halves, two differences, two sums for each box
    assert work_of(suppression(scalar(4), centre=1)).total_operations == plain + 2 * 6 * 6


def test_unique() -> None:
    flat = with_outputs(make_op("Unique", [activation(3, 4)]), [((7,), "float32")])
    assert work_of(flat).total_operations == sorting(12) + 11
    # 4 columns of 3 elements: two columns are compared in every element
    columns = with_outputs(make_op("Unique", [activation(3, 4)], attributes={"axis": 1}), [((3, 2), "float32")])
    assert work_of(columns).total_operations == 3 * (sorting(4) + 3)
    assert work_of(columns).bytes_activation_out == 24
    nothing = with_outputs(make_op("Unique", [activation(0)]), [((0,), "float32")])
    assert work_of(nothing).total_operations == 0
