"""Times the runs of a loaded network: warm-up, then single runs until the median is known or the time is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from statistics import median
from time import monotonic

from attainable.measurement.doubts import Timed
from attainable.measurement.energy import Energy, energy_between, read_counters
from attainable.runtimes import Samples, Session
from attainable.runtimes.worker_statistics import Usage
from attainable.timing.statistics import summarize

TIGHT = 0.01
"""Runs stop when half the 95 % interval is below this share of the median."""

FEWEST_PERIODS = 8
"""Of which a share that was missed says anything."""

_FEWEST_SAMPLES = 20
_FEWEST_SLOW_SAMPLES = 5
_MOST_SAMPLES = 20_000
_BLOCK_SECONDS = 0.15
_FEWEST_BLOCKS = 4
_PERIODIC_BLOCK_SECONDS = 1.0
_WARM_UP_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class FirstRun:
    """The very first run after loading.

    Attributes:
        seconds: that it took.
        resident_bytes: resident memory of the worker after it; 0 if unknown.
    """

    seconds: float
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class TimedRuns:
    """Timed runs, and what happened to the worker meanwhile.

    Attributes:
        timed: the runs.
        usage: page faults and context switches; None where the system does not count them.
        energy: that the machine used, or why it is not known.
        missed_share: share of the periods that ended without a run that was done; None without a period.
    """

    timed: Timed
    usage: Usage | None
    energy: Energy
    missed_share: float | None


def run_first(session: Session, *, deadline_seconds: float) -> FirstRun:
    """Run the network for the first time."""
    samples = session.run(seconds=0.0, minimum=1, maximum=1, deadline_seconds=deadline_seconds)
    return FirstRun(samples.seconds[0], samples.resident_bytes)


def time_runs(session: Session, budget_seconds: float, *, deadline_seconds: float, share: float) -> TimedRuns:
    """Warm up, then run blocks until the interval is tight or the budget ends.

    Args:
        session: that has run at least once.
        budget_seconds: for warm-up and runs.
        deadline_seconds: for an answer of the worker, beside the time that runs take.
        share: of the budget to leave for something else.
    """
    end = monotonic() + (1 - share) * budget_seconds
    run_seconds = _warm_up(session, budget_seconds, deadline_seconds)
    fewest = _FEWEST_SAMPLES if _FEWEST_SAMPLES * run_seconds < budget_seconds / 2 else _FEWEST_SLOW_SAMPLES
    blocks: list[Samples] = []
    seconds: list[float] = []
    counters = read_counters()
    while True:
        blocks.append(
            session.run(
                seconds=_BLOCK_SECONDS, minimum=1, maximum=_MOST_SAMPLES // _FEWEST_BLOCKS,
                deadline_seconds=deadline_seconds + 20 * run_seconds,
            )
        )  # fmt: skip
        seconds += blocks[-1].seconds
        settled = len(seconds) >= fewest and len(blocks) >= _FEWEST_BLOCKS
        if (settled and summarize(seconds).relative_half_width < TIGHT) or len(seconds) >= _MOST_SAMPLES:
            break
        if monotonic() >= end:
            break
    wall_seconds = sum(block.wall_seconds for block in blocks)
    energy = energy_between(counters, read_counters(), runs=len(seconds))
    return TimedRuns(_timed(blocks, wall_seconds), _usage(blocks), energy, missed_share=None)


def time_periodic_runs(
    session: Session, budget_seconds: float, *, period_seconds: float, deadline_seconds: float
) -> TimedRuns:
    """Warm up, then run once a period until the budget ends, because missed periods are rare and must be met.

    Args:
        session: that has run at least once.
        budget_seconds: for warm-up and runs.
        period_seconds: from the start of a run to that of the next.
        deadline_seconds: for an answer of the worker, beside the time that periods take.
    """
    end = monotonic() + budget_seconds
    run_seconds = _warm_up(session, budget_seconds, deadline_seconds)
    stretch = max(_PERIODIC_BLOCK_SECONDS, FEWEST_PERIODS * period_seconds)
    blocks: list[Samples] = []
    counters = read_counters()
    while not blocks or (monotonic() + stretch <= end and sum(len(block.seconds) for block in blocks) < _MOST_SAMPLES):
        blocks.append(
            session.run(
                seconds=stretch, minimum=FEWEST_PERIODS, maximum=_MOST_SAMPLES, period_seconds=period_seconds,
                deadline_seconds=deadline_seconds + 20 * max(run_seconds, period_seconds),
            )
        )  # fmt: skip
    runs = sum(len(block.seconds) for block in blocks)
    energy = energy_between(counters, read_counters(), runs=runs)
    # While it sleeps it needs no processor.
    running = sum(sum(block.seconds) for block in blocks)
    periods = sum(block.periods for block in blocks)
    missed = sum(block.missed_periods for block in blocks) / periods if periods else None
    return TimedRuns(_timed(blocks, running), _usage(blocks), energy, missed)


def _timed(blocks: Sequence[Samples], running_seconds: float) -> Timed:
    return Timed(
        seconds=tuple(duration for block in blocks for duration in block.seconds),
        block_medians=tuple(median(block.seconds) for block in blocks),
        cpu_share=sum(block.cpu_seconds for block in blocks) / running_seconds,
        peak_rss_bytes=max(block.peak_rss_bytes for block in blocks),
    )


def _usage(blocks: Sequence[Samples]) -> Usage | None:
    found = [block.usage for block in blocks]
    counted = [usage for usage in found if usage is not None]
    return reduce(add, counted) if len(counted) == len(found) else None


def _warm_up(session: Session, budget_seconds: float, deadline_seconds: float) -> float:
    """Run until times fall no more; gives the time of a run."""
    end = monotonic() + _WARM_UP_SHARE * budget_seconds
    latest = session.run(seconds=0.0, minimum=1, maximum=1, deadline_seconds=deadline_seconds).seconds[0]
    while monotonic() < end:
        before = latest
        block = session.run(
            seconds=_BLOCK_SECONDS / 2, minimum=1, maximum=_MOST_SAMPLES, deadline_seconds=deadline_seconds
        )
        latest = median(block.seconds)
        if latest > (1 - 2 * TIGHT) * before:
            break
    return latest
