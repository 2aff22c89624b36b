"""What is claimed of two networks: the rule on written ratios, and its error rates on drawn ones."""

import math
import random
from collections import Counter

import pytest

from attainable.measurement.claim import Claim, decide, own_noise

STILL = (1.0,) * 9


def test_a_difference_outside_interval_and_noise_is_claimed() -> None:
    slower = decide([1 / 1.05] * 9, STILL)
    assert (slower.kind, slower.is_certain, slower.noise) == ("slower", True, 0.0)
    assert (slower.change, slower.low, slower.high) == pytest.approx((0.05, 0.05, 0.05))
    faster = decide([2.0] * 6, STILL)
    assert (faster.kind, faster.change) == ("faster", -0.5)


def test_the_interval_of_the_change_is_that_of_the_ratio_turned_over() -> None:
    # the smallest and the largest of six ratios are their interval; 1 / 0.8 = 1.25, 1 / 0.5 = 2
    found = decide([0.5, 0.6, 0.7, 0.7, 0.75, 0.8], STILL)
    assert (found.low, found.change, found.high) == pytest.approx((0.25, 1 / 0.7 - 1, 1.0))


def test_noise_is_the_far_end_of_the_interval_of_the_network_against_itself() -> None:
    assert own_noise([1.0] * 5) is None
    assert own_noise([0.99, 1.0, 1.0, 1.0, 1.0, 1.02]) == pytest.approx(0.02)
    # 1 / 0.96 - 1: a process that is slower the other way round is as far
    assert own_noise([0.96, 1.0, 1.0, 1.0, 1.0, 1.02]) == pytest.approx(1 / 0.96 - 1)
    # of nine, the second smallest and the second largest: one outlier on each side does not count
    assert own_noise([0.5, 0.99, 1.0, 1.0, 1.0, 1.0, 1.0, 1.01, 3.0]) == pytest.approx(1 / 0.99 - 1)


def test_a_certain_interval_within_the_noise_is_no_difference() -> None:
    found = decide([1 / 1.02] * 9, [0.98, 0.98, 0.98, 1.0, 1.0, 1.0, 1.02, 1.03, 1.03])
    assert (found.kind, found.is_certain) == ("no difference", False)
    assert found.within == pytest.approx(0.03)


def test_beyond_five_percent_nothing_is_said() -> None:
    assert decide([1.0] * 9, [0.9, 0.9, *STILL]).kind == "noisy"
    # the networks differ by 0 to 6 %: that neither is a difference nor excludes one
    assert decide([1.0, 1.0, 1.0, 1.0, 1.0, 0.94], STILL).kind == "noisy"


def test_a_loaded_machine_gets_no_claim_and_an_unreadable_one_does() -> None:
    assert decide([2.0] * 9, STILL, others=0.5).kind == "noisy"
    assert decide([2.0] * 9, STILL, others=0.07).kind == "faster"
    assert decide([2.0] * 9, STILL, others=None).kind == "faster"


def test_too_few_pairs() -> None:
    assert decide([2.0] * 5, STILL).kind == "too few pairs"
    assert decide([2.0] * 9, [1.0] * 5).kind == "too few pairs"


TRIALS = 400


def drawn(change: float, spread: float, *, pairs: int, wild: bool, seed: int) -> Counter[str]:
    """How often each kind is claimed where pairs of processes scatter by ``spread``; a tenth of them by five times."""
    generator = random.Random(seed)  # noqa: S311

    def ratio() -> float:
        outlier = wild and generator.random() < 0.1
        return math.exp(generator.gauss(0.0, spread) + (generator.gauss(0.0, 5 * spread) if outlier else 0.0))

    def claim() -> Claim:
        return decide([ratio() / (1 + change) for _ in range(pairs)], [ratio() for _ in range(max(9, pairs // 4))])

    return Counter(claim().kind for _ in range(TRIALS))


@pytest.mark.parametrize("wild", [False, True])
@pytest.mark.parametrize("spread", [0.002, 0.01, 0.03, 0.2])
@pytest.mark.parametrize("pairs", [9, 20, 100])
def test_a_network_against_itself_is_said_to_differ_in_under_five_of_a_hundred_cases(
    pairs: int, spread: float, wild: bool
) -> None:
    kinds = drawn(0.0, spread, pairs=pairs, wild=wild, seed=pairs)
    assert kinds["slower"] + kinds["faster"] <= 0.05 * TRIALS


@pytest.mark.parametrize("pairs", [9, 20, 100])
def test_five_percent_are_found_in_over_nine_of_ten_cases_where_pairs_scatter_by_one(pairs: int) -> None:
    for wild in (False, True):
        assert drawn(0.05, 0.01, pairs=pairs, wild=wild, seed=pairs)["slower"] >= 0.9 * TRIALS


def test_five_percent_drown_where_pairs_scatter_by_twenty() -> None:
    assert drawn(0.05, 0.2, pairs=20, wild=False, seed=0)["noisy"] >= 0.9 * TRIALS
