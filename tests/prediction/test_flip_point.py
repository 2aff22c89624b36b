"""Flip points, against a bisection that only prices."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attainable.prediction.estimate import Estimate
from attainable.prediction.flip_point import bandwidth_crossings, peak_crossings


def seconds(entries: list[Estimate], *, bandwidth: float = 1.0, peak: float = 1.0) -> float:
    return sum(
        max(entry.compute_seconds / peak, entry.memory_seconds / bandwidth) + entry.overhead_seconds
        for entry in entries
    )


def test_a_compute_bound_net_meets_a_memory_bound_one_where_both_take_equally_long() -> None:
    # 4 s of computing against 8 s of moving: with twice the bandwidth the second takes 4 s too
    (crossing,) = bandwidth_crossings([Estimate(4.0, 0.1)], [Estimate(0.1, 8.0)])
    assert crossing.factor == pytest.approx(2.0)
    assert not crossing.first_faster_above
    (peak,) = peak_crossings([Estimate(4.0, 0.1)], [Estimate(0.1, 8.0)])
    assert peak.factor == pytest.approx(0.5)
    assert peak.first_faster_above


def test_nets_that_never_meet_have_no_flip_point() -> None:
    assert bandwidth_crossings([Estimate(1.0, 1.0)], [Estimate(2.0, 2.0)]) == ()
    assert bandwidth_crossings([Estimate(1.0, 1.0)], [Estimate(1.0, 1.0)]) == ()


def test_nets_that_meet_where_one_of_them_bends_change_places_there() -> None:
    # 1 s of computing against 1 s of moving: equal at the device's own bandwidth, which is the bend of a third part
    first = [Estimate(2.0, 0.0), Estimate(1.0, 1.0)]
    second = [Estimate(1.0, 1.0), Estimate(0.0, 2.0)]
    (crossing,) = bandwidth_crossings(first, second)
    assert crossing.factor == pytest.approx(1.0)
    assert not crossing.first_faster_above


def test_the_order_of_kernels_makes_no_flip_point() -> None:
    # all bend at one place, so that only the order of the terms tells the sums apart
    kernels = [Estimate(0.1 * step, 0.03 * step) for step in range(1, 40)]
    for shift in range(1, 40):
        assert bandwidth_crossings(kernels, [*kernels[shift:], *kernels[:shift]]) == ()
        assert peak_crossings(kernels, [*kernels[shift:], *kernels[:shift]]) == ()


parts = st.lists(
    st.builds(
        Estimate,
        st.sampled_from([0.0, 0.5, 1.0, 3.0]),
        st.floats(0.01, 10.0),
        st.just(()),
        st.sampled_from([0.0, 0.1]),
    ),
    min_size=1,
    max_size=6,
)


@given(first=parts, second=parts)
def test_every_crossing_is_a_change_of_order_and_none_is_missed(first: list[Estimate], second: list[Estimate]) -> None:
    found = bandwidth_crossings(first, second)
    for crossing in found:
        at = [seconds(entries, bandwidth=crossing.factor) for entries in (first, second)]
        assert at[0] == pytest.approx(at[1], rel=1e-6)
    factors = [math.exp(step / 20) for step in range(-135, 136)]
    gaps = [seconds(first, bandwidth=factor) - seconds(second, bandwidth=factor) for factor in factors]
    for low, high, gap, next_gap in zip(factors, factors[1:], gaps, gaps[1:], strict=False):
        if gap * next_gap < -1e-12:
            assert any(low <= crossing.factor * (1 + 1e-9) and crossing.factor <= high for crossing in found)
