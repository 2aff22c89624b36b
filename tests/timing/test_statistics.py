"""The median and its interval: against published order-statistic bounds, exact sums and simulated coverage."""

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attainable.timing.statistics import interval_rank, summarize, typical_run


# Ranks k of the 95 % interval (k-th smallest, k-th largest). Source: the sign-test table, e.g. Conover, "Practical
# Nonparametric Statistics", table A3: the largest k with P(X <= k - 1) <= 0.025 for p = 0.5.
@pytest.mark.parametrize(
    ("count", "rank"),
    [(1, 0), (5, 0), (6, 1), (8, 1), (9, 2), (10, 2), (12, 3), (15, 4), (17, 5), (20, 6), (25, 8), (30, 10), (100, 40)],
)
def test_ranks_of_the_table(count: int, rank: int) -> None:
    assert interval_rank(count) == rank


@settings(deadline=None)
@given(st.integers(1, 400))
def test_rank_is_the_largest_that_keeps_the_promise(count: int) -> None:
    rank = interval_rank(count)
    tail = Fraction(sum(math.comb(count, below) for below in range(rank)), 2**count)
    assert tail <= Fraction(25, 1000)
    assert tail + Fraction(math.comb(count, rank), 2**count) > Fraction(25, 1000)


def test_many_samples_follow_the_normal_approximation() -> None:
    count = 1_000_000
    assert interval_rank(count) == pytest.approx(count / 2 - 1.96 * math.sqrt(count) / 2, abs=2)


def test_summary_of_known_samples() -> None:
    summary = summarize([float(number) for number in range(20, 0, -1)])
    # 20 samples: the median lies between the 10th and 11th, the interval from the 6th to the 6th from above
    assert (summary.median, summary.low, summary.high) == (10.5, 6.0, 15.0)
    assert (summary.minimum, summary.count) == (1.0, 20)
    assert summary.relative_half_width == pytest.approx((15 - 6) / 2 / 10.5)


def test_few_samples_give_their_whole_range() -> None:
    assert summarize([3.0, 1.0, 2.0]).low == 1.0
    assert summarize([3.0, 1.0, 2.0]).high == 3.0
    alone = summarize([0.0])
    assert (alone.low, alone.median, alone.high, alone.relative_half_width) == (0.0, 0.0, 0.0, 0.0)


def test_no_samples_have_no_summary() -> None:
    with pytest.raises(ValueError, match="there are no samples"):
        summarize([])


@settings(deadline=None)
@given(st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=200))
def test_the_interval_encloses_the_median(samples: list[float]) -> None:
    summary = summarize(samples)
    assert summary.minimum <= summary.low <= summary.median <= summary.high <= max(samples)


@pytest.mark.parametrize("count", [6, 20, 101])
def test_the_interval_covers_the_true_median_as_often_as_promised(count: int) -> None:
    generator = random.Random(count)  # noqa: S311
    trials = 2000
    covered = 0
    for _ in range(trials):
        # Skewed like latencies: a floor and a long tail. The median of the tail is ln 2.
        summary = summarize([1.0 + generator.expovariate(1.0) for _ in range(count)])
        covered += summary.low <= 1.0 + math.log(2) <= summary.high
    # 95 % or more; three standard deviations of the simulation are 1.5 %.
    assert covered / trials > 0.95 - 0.015
    assert covered / trials < 0.985 + 0.015


def test_a_typical_run_is_the_middle_fifth_of_the_runs() -> None:
    # totals 3, 4, 5, 6, 7, 8, 9, 30: three left out on either side
    runs = [(4.0, 5.0), (1.0, 2.0), (10.0, 20.0), (3.0, 2.0), (3.0, 4.0), (2.0, 2.0), (5.0, 1.0), (6.0, 2.0)]
    assert typical_run(runs) == ((5 + 3) / 2, (1 + 4) / 2)


@pytest.mark.parametrize(
    ("runs", "parts"), [([(1.0,)], (1.0,)), ([(1.0,), (3.0,)], (2.0,)), ([(9.0,), (1.0,), (2.0,)], (2.0,)), ([()], ())]
)
def test_few_runs_and_no_parts(runs: list[tuple[float, ...]], parts: tuple[float, ...]) -> None:
    assert typical_run(runs) == parts


@pytest.mark.parametrize("runs", [[], [(1.0, 2.0), (1.0,)]], ids=["none", "different"])
def test_runs_without_a_middle(runs: list[tuple[float, ...]]) -> None:
    with pytest.raises(ValueError):
        typical_run(runs)


def test_the_parts_add_up_to_the_median_run_where_medians_of_parts_do_not() -> None:
    generator = random.Random(7)  # noqa: S311
    # fifty parts of 1 ms, each of which an interruption of 1 ms hits in one run of ten
    runs = [[1e-3 * (1 + (generator.random() < 0.1)) for _ in range(50)] for _ in range(100)]
    median = summarize([sum(run) for run in runs]).median
    assert sum(typical_run(runs)) == pytest.approx(median, rel=0.01)
    assert sum(summarize(part).median for part in zip(*runs, strict=True)) < 0.95 * median
