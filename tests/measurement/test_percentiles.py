"""Percentiles: how many samples they take, and which sample they are."""

from math import comb

import pytest

from attainable.measurement.percentiles import fewest_for_percentile, percentile


@pytest.mark.parametrize(("share", "count"), [(0.9, 64), (0.99, 662)])
def test_the_fewest_samples_are_those_of_which_at_most_one_is_likely_to_lie_above(share: float, count: int) -> None:
    assert fewest_for_percentile(share) == count

    def at_most_one_above(samples: int) -> float:
        return sum(comb(samples, k) * (1 - share) ** k * share ** (samples - k) for k in (0, 1))

    assert at_most_one_above(count) <= 0.01 < at_most_one_above(count - 1)


def test_a_percentile_is_the_smallest_sample_with_enough_at_or_below_it() -> None:
    samples = [float(number) for number in range(1, 101)]
    assert percentile(samples[::-1], 0.9) == 90.0
    # 0.9 of 64 are 57.6 samples: the 58th is the first to cover them
    assert percentile(samples[:64], 0.9) == 58.0
    assert percentile(samples[:70], 0.9) == 63.0
    assert percentile([float(number) for number in range(1000)], 0.99) == 989.0


def test_with_fewer_samples_there_is_none() -> None:
    assert percentile([1.0] * 63, 0.9) is None
    assert percentile([1.0] * 661, 0.99) is None
    assert percentile([1.0] * 662, 0.99) == 1.0
