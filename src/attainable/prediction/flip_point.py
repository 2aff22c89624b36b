"""Where the faster one of two networks changes as a roof of their device rises or falls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from attainable.prediction.estimate import Estimate

RANGE = 1000.0
"""How many times lower or higher than the device's a roof is looked at."""

_ROUNDING = 1e-12
"""The share of two sums by which the order of their terms makes them differ."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """A factor on a roof at which both networks take equally long.

    Attributes:
        factor: on the device's own roof.
        first_faster_above: whether the first network is the faster one above it; the second is below it.
    """

    factor: float
    first_faster_above: bool


def bandwidth_crossings(first: Sequence[Estimate], second: Sequence[Estimate]) -> tuple[Crossing, ...]:
    """Where the order of two rooflines changes as all bandwidths change by one factor, nearest to 1 first."""
    return _crossings(first, second, fixed=_compute, scaled=_memory)


def peak_crossings(first: Sequence[Estimate], second: Sequence[Estimate]) -> tuple[Crossing, ...]:
    """Where the order of two rooflines changes as all peaks change by one factor, nearest to 1 first."""
    return _crossings(first, second, fixed=_memory, scaled=_compute)


_Seconds = Callable[[Estimate], float]


def _compute(estimate: Estimate) -> float:
    return estimate.compute_seconds


def _memory(estimate: Estimate) -> float:
    return estimate.memory_seconds


def _crossings(
    first: Sequence[Estimate], second: Sequence[Estimate], *, fixed: _Seconds, scaled: _Seconds
) -> tuple[Crossing, ...]:
    """Roots of the difference of two sums of max(fixed, scaled / factor), exact.

    With u = 1 / factor each sum is piecewise linear in u and bends where fixed = scaled x u; between two bends the
    difference is a straight line, whose root is found by proportion.
    """
    bends = {
        fixed(entry) / scaled(entry)
        for entry in (*first, *second)
        if scaled(entry) > 0 and 1 / RANGE < fixed(entry) / scaled(entry) < RANGE
    }
    places = sorted({1 / RANGE, *bends, RANGE})

    def sums(entries: Sequence[Estimate]) -> list[float]:
        """Seconds at each place, by a sweep over the bends: what still waits for ``fixed``, and what no longer does."""
        ordered = sorted(entries, key=lambda entry: fixed(entry) / scaled(entry) if scaled(entry) > 0 else float("inf"))
        constant = sum(fixed(entry) + entry.overhead_seconds for entry in ordered)
        slope, position, values = 0.0, 0, list[float]()
        for place in places:
            while position < len(ordered) and scaled(ordered[position]) * place >= fixed(ordered[position]):
                entry = ordered[position]
                if scaled(entry) <= 0:
                    break
                constant -= fixed(entry)
                slope += scaled(entry)
                position += 1
            values.append(constant + slope * place)
        return values

    # where both take equally long, up to rounding, neither is faster: only the places beside tell the order
    apart = [
        (place, mine - other)
        for place, mine, other in zip(places, sums(first), sums(second), strict=True)
        if abs(mine - other) > _ROUNDING * max(mine, other)
    ]
    found: list[Crossing] = []
    for (left, gap), (right, next_gap) in pairwise(apart):
        if (gap < 0) != (next_gap < 0):
            between = [place for place in places if left < place < right]
            root = between[0] if between else left + (right - left) * gap / (gap - next_gap)
            # a small u is a high roof: the first is faster above where its seconds are fewer at the left
            found.append(Crossing(1 / root, first_faster_above=gap < 0))
    return tuple(sorted(found, key=lambda crossing: max(crossing.factor, 1 / crossing.factor)))
