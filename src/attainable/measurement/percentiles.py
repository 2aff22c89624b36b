"""Percentiles of latencies, given only where there are enough samples to know them.

The largest samples of a run are accidents, so that a high percentile needs more samples than a median.
"""

import math
from collections.abc import Sequence
from functools import cache

_UNCERTAINTY = 0.01


@cache
def fewest_for_percentile(share: float) -> int:
    """How many samples it takes before a percentile can be told.

    The smallest n for which the second largest of n samples lies above the percentile with 99 % confidence. Each sample
    lies above it with probability q = 1 - share; that at most one of n does, has the probability
    (1 - q)^n + n q (1 - q)^(n - 1), and the condition is that this is at most 1 %. The largest sample alone would ask
    for less (n = 459 for 99 %), but it may be a single accident. It gives 64 for 90 % and 662 for 99 %.

    Source: the least numbers of queries of MLPerf Inference, "early stopping", are the same; H. A. David, H. N.
    Nagaraja, "Order Statistics", 3rd edition, section 7.1.

    Args:
        share: of the samples that the percentile leaves below it, above 0 and below 1.
    """
    above = 1 - share
    count = 1
    while share**count + count * above * share ** (count - 1) > _UNCERTAINTY:
        count += 1
    return count


def percentile(samples: Sequence[float], share: float) -> float | None:
    """The smallest sample with at least this share of all at or below it; None where there are too few to tell."""
    if len(samples) < fewest_for_percentile(share):
        return None
    # Rounded first: 0.9 * 70 is a little more than 63.
    return sorted(samples)[math.ceil(round(share * len(samples), 9)) - 1]
