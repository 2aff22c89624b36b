"""Transforms, distances and matrices of ONNX Runtime, against the default domain and loops that count."""

from math import sqrt

import pytest
from counting import Tally, total
from ops import activation, constant, fused, make_op, work_of


def test_transforms() -> None:
    """As DFT, which has the real and the imaginary part on an axis of their own."""
    signals = activation(3, 16)
    axis = constant(dtype="int64", value=(1,))
    spectrum = activation(3, 9, 2)
    op = fused("Rfft", [signals], spectrum, attributes={"onesided": 1, "signal_ndim": 1})
    default = make_op("DFT", [activation(3, 16, 1), None, axis], attributes={"onesided": 1}, opset=20)
    assert work_of(op).operations == work_of(default).operations
    # 2.5 x 16 x log2 16 for each of 3 signals
    assert work_of(op).total_operations == 3 * 160
    back = fused("Irfft", [spectrum], signals, attributes={"onesided": 1, "signal_ndim": 1})
    assert work_of(back).total_operations == 3 * (160 + 16)
    image = fused("Rfft", [activation(3, 4, 8)], activation(3, 4, 5, 2), attributes={"onesided": 1, "signal_ndim": 2})
    assert work_of(image).total_operations == 3 * 400  # 2.5 x 32 x 5


def test_complex_products() -> None:
    """(a + bi)(c + di) = (ac - bd) + (ad + bc)i"""
    tally = Tally()
    a, b, c, d = tally.numbers(4)
    _ = a * c - b * d, a * d + b * c
    x = activation(5, 2)
    for kind in ("ComplexMul", "ComplexMulConj"):
        assert work_of(fused(kind, [x, activation(5, 2)], x)).total_operations == 5 * tally.operations


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock"])
def test_distances(metric: str) -> None:
    tally = Tally()
    first, second = tally.numbers(4, 3), tally.numbers(5, 3)
    for a in first:
        for b in second:
            differences = [p - q for p, q in zip(a, b, strict=True)]
            if metric == "cityblock":
                total(difference.apply(abs) for difference in differences)
            else:
                distance = total(difference * difference for difference in differences)
                _ = distance.apply(sqrt) if metric == "euclidean" else distance
    op = fused("CDist", [activation(4, 3), activation(5, 3)], activation(4, 5), attributes={"metric": metric})
    assert work_of(op).total_operations == tally.operations


def test_a_metric_without_a_rule() -> None:
    with pytest.raises(ValueError, match="yule"):
        work_of(fused("CDist", [activation(4, 3), activation(5, 3)], activation(4, 5), attributes={"metric": "yule"}))


@pytest.mark.parametrize("size", [1, 2, 4])
def test_inverse(size: int) -> None:
    """Gauss-Jordan elimination in place, the pivot being found by comparisons down its column."""
    tally = Tally()
    a = tally.numbers(size, size)
    one = tally.number(1.0)
    for pivot in range(size):
        for row in range(pivot + 1, size):
            _ = a[row, pivot] > a[pivot, pivot]
        factor = one / a[pivot, pivot]
        for column in range(size):
            if column != pivot:
                a[pivot, column] = a[pivot, column] * factor
        for row in range(size):
            if row == pivot:
                continue
            for column in range(size):
                if column != pivot:
                    a[row, column] = a[row, column] - a[row, pivot] * a[pivot, column]
            a[row, pivot] = a[row, pivot] * factor
    matrices = activation(3, size, size)
    assert work_of(fused("Inverse", [matrices], matrices)).total_operations == 3 * tally.operations


def test_all_finite() -> None:
    """10 comparisons and 9 times and."""
    inputs = [activation(2, 3), activation(4)]
    assert work_of(fused("IsAllFinite", inputs, activation(dtype="bool"))).total_operations == 19


def test_time_warping() -> None:
    tally = Tally()
    costs = tally.numbers(4, 5)
    best = costs.copy()
    for row, column in [(row, column) for row in range(4) for column in range(5)][1:]:
        before = [
            best[i, j] for i, j in ((row - 1, column), (row - 1, column - 1), (row, column - 1)) if min(i, j) >= 0
        ]
        first, *others = before
        for other in others:
            first = first if other > first else other
        best[row, column] = first + costs[row, column]
    op = fused("DynamicTimeWarping", [activation(4, 5)], activation(2, 8, dtype="int32"))
    assert work_of(op).total_operations == tally.operations
