"""What may be said of two networks that were timed in turns: a claim, or why there is none.

A difference is claimed only if it is certain twice: the 95 % interval of the ratio leaves out 1, and the ratio is
further from 1 than the first network is from itself, in a second process that ran in the same turns. The second test
knows of everything that the first assumes away: processes that are slow as a whole, a machine that changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from attainable.timing.gate import MOST_OTHERS
from attainable.timing.statistics import FEWEST_FOR_INTERVAL, summarize

Kind = Literal["slower", "faster", "no difference", "noisy", "too few pairs"]

NOISY = 0.05
"""Where a network differs by more from itself, or a difference is not known better, nothing is said of it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What may be said of the second network against the first.

    Attributes:
        kind: ``slower``, ``faster``; ``no difference`` beyond ``within``; ``noisy`` where nothing is claimed.
        change: of the time of a run, as a share of the first network's: 0.05 where the second takes 5 % more.
        low, high: 95 % interval of it.
        noise: share by which the first network differs from itself; None with fewer than six such pairs.
        others: share of the machine that other processes used meanwhile; None where unknown.
    """

    kind: Kind
    change: float
    low: float
    high: float
    noise: float | None
    others: float | None = None

    @property
    def within(self) -> float:
        """The largest difference, as a share, that is compatible with what was measured."""
        return max(self.noise or 0.0, abs(self.low), abs(self.high))

    @property
    def is_loaded(self) -> bool:
        """Whether others used more of the machine than a measurement can bear."""
        return self.others is not None and self.others > MOST_OTHERS

    @property
    def is_certain(self) -> bool:
        """Whether a difference is claimed."""
        return self.kind in ("slower", "faster")


def decide(ratios: Sequence[float], own_ratios: Sequence[float], others: float | None = None) -> Claim:
    """Decide what may be claimed.

    Args:
        ratios: time of the first network by that of the second, one of each pair of processes; at least one.
        own_ratios: time of the first network by that of itself in another process.
        others: share of the machine that other processes used meanwhile.
    """
    summary = summarize(ratios)
    change, low, high = (1 / ratio - 1 for ratio in (summary.median, summary.high, summary.low))
    noise = own_noise(own_ratios)
    claim = Claim("no difference", change, low, high, noise, others)
    if noise is None or len(ratios) < FEWEST_FOR_INTERVAL:
        kind: Kind = "too few pairs"
    elif claim.is_loaded:
        kind = "noisy"
    elif (low > 0 or high < 0) and abs(change) > noise:
        kind = "slower" if change > 0 else "faster"
    else:
        kind = "noisy" if claim.within > NOISY else "no difference"
    return Claim(kind, change, low, high, noise, others)


def own_noise(own_ratios: Sequence[float]) -> float | None:
    """How far a network is from itself: the end of the 95 % interval of its ratio that is further from 1, as a share.

    Measured as a difference is measured, so that it shrinks with the number of pairs as that does. None with fewer
    than six ratios, which have no such interval.
    """
    if len(own_ratios) < FEWEST_FOR_INTERVAL:
        return None
    summary = summarize(own_ratios)
    return max(summary.high, 1 / summary.low) - 1
