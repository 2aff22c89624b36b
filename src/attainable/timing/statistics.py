"""What a set of measured times says: the median, and an interval that holds the true median.

The interval makes no assumption on how times are distributed, which for latencies is never normal: each sample is below
the true median with probability one half, so that the number below it is binomial, and order statistics bound it.
It does assume that samples are independent; a machine that slowly warms up or is shared breaks that, and the interval
is then too narrow.

Source: H. A. David, H. N. Nagaraja, "Order Statistics", 3rd edition, section 7.1.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

_TAIL = 0.025
FEWEST_FOR_INTERVAL = 6
"""With fewer samples not even the smallest and the largest enclose the median with 95 % confidence."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What samples in seconds say.

    Attributes:
        median: middle of the samples.
        low, high: 95 % interval of the true median. With fewer than six samples the smallest and the largest, which
            are less certain than that.
        minimum: the smallest.
        count: how many.
    """

    median: float
    low: float
    high: float
    minimum: float
    count: int

    @property
    def relative_half_width(self) -> float:
        """Half the interval as a share of the median; 0 where all samples are zero."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


def summarize(samples: Sequence[float]) -> Summary:
    """Summarize at least one sample.

    Raises:
        ValueError: there is none.
    """
    if not samples:
        raise ValueError("there are no samples")
    ordered = sorted(samples)
    count = len(ordered)
    rank = max(1, interval_rank(count))
    middle = count // 2
    median = ordered[middle] if count % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    return Summary(
        median=median, low=ordered[rank - 1], high=ordered[count - rank], minimum=ordered[0], count=count
    )  # fmt: skip


def typical_run(runs: Sequence[Sequence[float]]) -> tuple[float, ...]:
    """The parts of a typical run: of each the mean over the middle fifth of the runs, by what their parts add up to.

    Medians of the parts would add up to less than the median run: an interruption lengthens one part of a run and
    shortens none, so that every part is undisturbed in most runs, but few runs are undisturbed in every part.

    Args:
        runs: for each run the seconds of each part.

    Raises:
        ValueError: there is no run, or they have different numbers of parts.
    """
    if not runs:
        raise ValueError("there are no runs")
    ordered = sorted(runs, key=sum)
    skipped = 2 * len(ordered) // 5
    return tuple(fmean(part) for part in zip(*ordered[skipped : len(ordered) - skipped], strict=True))


def interval_rank(count: int) -> int:
    """Rank of the order statistic that bounds the median from below with 97.5 % confidence; 0 where there is none.

    The largest k with P(X < k) <= 2.5 %, X binomial with ``count`` trials and probability one half. The k-th smallest
    and the k-th largest sample then enclose the median with at least 95 % confidence.
    """
    # What lies more than six times the standard deviation sqrt(n)/2 below the mean adds less than 1e-8.
    rank = max(0, math.floor(count / 2 - 3 * math.sqrt(count)) - 1)
    below = 0.0
    while rank <= count:
        below += _probability(count, rank)
        # Powers of two are exact up to rounding; no bound of the table lies that close to 2.5 %.
        if below > _TAIL:
            return rank
        rank += 1
    return rank


def _probability(count: int, successes: int) -> float:
    logarithm = math.lgamma(count + 1) - math.lgamma(successes + 1) - math.lgamma(count - successes + 1)
    return math.exp(logarithm - count * math.log(2))
