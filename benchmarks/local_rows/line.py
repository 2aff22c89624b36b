"""A line through points, and how well two orders agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class Line:
    """y = intercept + slope x, and the share of the variance of y that it explains."""

    slope: float
    intercept: float
    r2: float


def fit_line(xs: Sequence[float], ys: Sequence[float]) -> Line:
    """The line of least squares through at least two points that differ in x.

    A line through points of equal y explains all of their variance, which is none: its r2 is 1.
    """
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    xx, yy, xy = _squares(xs, ys)
    slope = xy / xx
    return Line(slope, y_mean - slope * x_mean, xy * xy / (xx * yy) if yy else 1.0)


def spearman(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Correlation of the ranks, -1 to 1; 0 where one of the two does not vary."""
    xx, yy, xy = _squares(_ranks(xs), _ranks(ys))
    return xy / sqrt(xx * yy) if xx and yy else 0.0


def _squares(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float, float]:
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    return (
        sum((x - x_mean) ** 2 for x in xs),
        sum((y - y_mean) ** 2 for y in ys),
        sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)),
    )


def _ranks(values: Sequence[float]) -> list[float]:
    """Rank of each value; equal ones share the mean of theirs."""
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) - 1) / 2 for value in values]
