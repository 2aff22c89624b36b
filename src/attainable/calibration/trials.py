"""All trials of a calibration: the fastest of each kind, and how far to trust it.

A roof is what the machine can do: disturbance only ever lowers a trial of a core's arithmetic, so the fastest is the
honest estimate. A trial of memory may also be too fast, where some of its bytes were still in a nearer cache; its roof
is what one trial in twenty reaches. How far a roof may still rise shows when the trials are cut in two halves in the
order of time: had the roof been reached often, both halves would have reached it.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Key = tuple[str, str]
"""What was measured, and where or on what: ``("peak", "float32")``, ``("read", "DRAM")``."""


REACHED = 0.05
"""Share of the trials of memory that reach its roof; of few trials the fastest is taken."""

_IN_A_CORE = ("clock", "peak", "special")
"""What a nearer cache cannot make faster."""


@dataclass(frozen=True, slots=True)
class Best:
    """The fastest trial, or of memory one of the fastest.

    Attributes:
        rate: operations, results, bytes or steps per second.
        kernel: the name of the kernel that reached it.
        trials: how many there were, of all kernels.
        median: half of the trials of that kernel were slower; tells a quiet machine from a busy one.
        low: the same of the worse half of the time.
        high: ``rate`` and once more what it is above ``low``.
    """

    rate: float
    kernel: str
    trials: int
    median: float
    low: float
    high: float


class Trials:
    """Rates by what was measured, and by whether all cores took part."""

    def __init__(self) -> None:
        self._found: dict[tuple[Key, bool], list[tuple[float, str]]] = {}
        self._of_member: dict[Key, dict[int, float]] = {}

    def note(self, key: Key, *, members: Sequence[int], rate: float, kernel: str) -> None:
        """Keep a trial of one member, or of several, who are then everyone."""
        self._found.setdefault((key, len(members) > 1), []).append((rate, kernel))
        if len(members) == 1:
            best = self._of_member.setdefault(key, {})
            best[members[0]] = max(rate, best.get(members[0], 0.0))

    def each(self, key: Key) -> dict[int, float]:
        """The best rate of each member that worked alone."""
        return self._of_member.get(key, {})

    def best(self, key: Key, *, everyone: bool) -> Best | None:
        """The best trial; None where there was none."""
        trials = self._found.get((key, everyone))
        if not trials:
            return None
        share = 0.0 if key[0] in _IN_A_CORE else REACHED
        rate, kernel = _reached(trials, share)
        middle = len(trials) // 2
        low = min(_reached(part, share)[0] for part in (trials[:middle], trials[middle:]) if part)
        low = min(low, rate)
        own = statistics.median(found for found, name in trials if name == kernel)
        return Best(rate, kernel, len(trials), own, low, 2 * rate - low)

    def contenders(self, key: Key, *, everyone: bool, most: int) -> set[str]:
        """The kernels with the ``most`` best trials of their own."""
        best: dict[str, float] = {}
        for rate, kernel in self._found.get((key, everyone), ()):
            best[kernel] = max(rate, best.get(kernel, 0.0))
        return set(sorted(best, key=lambda kernel: best[kernel], reverse=True)[:most])


def _reached(trials: Sequence[tuple[float, str]], share: float) -> tuple[float, str]:
    """The trial that this share of all trials is at least as fast as."""
    return sorted(trials, reverse=True)[int(share * len(trials))]
