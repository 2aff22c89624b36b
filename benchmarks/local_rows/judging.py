"""Verdicts on what was measured: passed, contradicted, or noisy, which claims nothing.

A limit is passed or broken only with certainty: the 95 % interval lies on one side of it, and the median is further
from it than the machine's own noise. That is how ``attainable.measurement.claim`` decides on two networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from attainable.measurement.claim import Claim, decide
from attainable.timing.gate import MOST_OTHERS
from attainable.timing.statistics import FEWEST_FOR_INTERVAL, summarize
from benchmarks.local_rows.rounds import Rounds

Verdict = Literal["passed", "contradicted", "noisy", "printed"]
"""``printed``: nothing is claimed, the row only tells."""

_WEIGHTIEST: tuple[Verdict, ...] = ("contradicted", "noisy", "passed")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something measured, in words, and what it says of the claim."""

    text: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a row.

    Attributes:
        findings: everything that was measured for it.
        rounds: how many rounds each interval is over; 0 where nothing was timed.
        others: share of the machine that other processes used meanwhile; None where unknown.
        note: conditions, or what to know before trusting it.
    """

    findings: tuple[Finding, ...]
    rounds: int
    others: float | None = None
    note: str = ""

    @property
    def verdict(self) -> Verdict:
        """Of the row: it is passed if all findings pass, and contradicted if one is."""
        return together([finding.verdict for finding in self.findings])


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict for a claim of several parts; parts that are only printed have no say."""
    present: list[Verdict] = [each for each in _WEIGHTIEST if each in verdicts]
    return present[0] if present else "printed"


def within(
    samples: Sequence[float], *, least: float | None = None, most: float | None = None, noise: float | None = 0.0,
    others: float | None = None,
) -> Verdict:  # fmt: skip
    """Whether a positive quantity lies within limits.

    Args:
        samples: of the quantity, one a round.
        least: the lower limit; None for none.
        most: the upper limit; None for none.
        noise: share by which equal things differ here; None where it is not known.
        others: share of the machine that other processes used meanwhile.
    """
    if noise is None or len(samples) < FEWEST_FOR_INTERVAL or (others is not None and others > MOST_OTHERS):
        return "noisy"
    found = summarize(samples)
    above = least is None or (found.low >= least and found.median >= least * (1 + noise))
    below = most is None or (found.high <= most and found.median <= most / (1 + noise))
    if above and below:
        return "passed"
    too_low = least is not None and found.high < least and found.median < least / (1 + noise)
    too_high = most is not None and found.low > most and found.median > most * (1 + noise)
    return "contradicted" if too_low or too_high else "noisy"


def claim_between(rounds: Rounds, first: str, second: str) -> Claim:
    """What may be said of the second contender against the first."""
    return decide(rounds.ratios(first, second), rounds.own_ratios, rounds.others)


def ordering(steps: Sequence[Claim], *, strict: bool) -> Verdict:
    """Whether times grow from contender to contender.

    A step that is certainly down contradicts. So does an equal one, where the order is strict: equal is what differs by
    less than the noise, which is small, its interval holding no difference. Any other step leaves the order open.
    """
    return together([_step(claim, strict=strict) for claim in steps])


def judge_order(rounds: Rounds, names: Sequence[str], *, strict: bool) -> Finding:
    """The order of some contenders by time, each against the one before, with every ratio."""
    claims = [claim_between(rounds, first, second) for first, second in pairwise(names)]
    steps = [f"{second} {shown_claim(claim)}" for claim, second in zip(claims, names[1:], strict=True)]
    times = ", ".join(f"{name} {rounds.median(name) * 1e3:.2f} ms" for name in names)
    return Finding(f"{times}; each against the one before: {', '.join(steps)}", ordering(claims, strict=strict))


def shown_claim(claim: Claim) -> str:
    """A change of time with its interval, and what may be said of it."""
    return f"{claim.change:+.1%} ({claim.low:+.1%} to {claim.high:+.1%}, {claim.kind})"


def shown(samples: Sequence[float], form: str = ".2f") -> str:
    """The median with its interval."""
    found = summarize(samples)
    return f"{found.median:{form}} ({found.low:{form}} to {found.high:{form}})"


def _step(claim: Claim, *, strict: bool) -> Verdict:
    equal: Verdict = "passed" if not strict else "contradicted" if claim.low <= 0 else "noisy"
    verdicts: dict[str, Verdict] = {"slower": "passed", "faster": "contradicted", "no difference": equal}
    return verdicts.get(claim.kind, "noisy")
