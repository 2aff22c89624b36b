"""Measures one network against another: interleaved, in fresh processes, with the interval of the ratio.

A machine changes while it measures: clocks fall, other programs come and go. Two networks timed one after the other
differ by that alone. Here a pair is a fresh process for each network, and the two run in turns of some milliseconds,
A B B A, so that whatever happens meets both. Each pair gives one ratio, because where the memory of a process happens
to lie changes its times, and the interval is over pairs. On a busy machine of two cores, turns of 15 ms in place of one
block of 0.3 s each cut the spread of the ratio of a network to itself from 28 % to 3 %.

Source: A. Georges et al., "Statistically Rigorous Java Performance Evaluation", OOPSLA 2007 (several processes);
T. Kalibera, R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from time import monotonic

from attainable.errors import InvalidQuantity
from attainable.measurement.inputs import Given, make_inputs
from attainable.quantities import format_share
from attainable.runtimes import Session
from attainable.runtimes import runtime as runtime_of
from attainable.timing.conditions import others_share, read_cpu_times
from attainable.timing.statistics import FEWEST_FOR_INTERVAL, summarize
from attainable.workload.graph import Workload

PAIRS = 20
_WARM_UP_SECONDS = 0.1
_TURN_SECONDS = 0.015
_PAIR_SECONDS = 0.3
"""What each network of a pair runs, at least; a run that is longer is made once a turn."""
_FEWEST_TURNS, _MOST_TURNS = 4, 40
_MOST_RUNS = 1000
_DEADLINE_SECONDS = 120.0
_WIDE = 0.05
_BUSY = 0.1


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much faster the second network is than the first.

    Attributes:
        first, second: names of the networks.
        runtime, version: what ran them.
        threads: processor threads that one kernel could use, equal for both.
        first_seconds, second_seconds: median over all pairs of the median run.
        ratio: median over the pairs of first / second; above 1 the second network is faster.
        low, high: 95 % interval of that median by order statistics; without six pairs the smallest and the largest.
        ratios: of each pair, in the order in which they were measured.
        has_interval: whether there were enough pairs for 95 %.
        warnings: what to know before trusting it, one sentence each.
    """

    first: str
    second: str
    runtime: str
    version: str
    threads: int
    first_seconds: float
    second_seconds: float
    ratio: float
    low: float
    high: float
    ratios: tuple[float, ...]
    has_interval: bool
    warnings: tuple[str, ...]

    @property
    def is_faster(self) -> bool:
        """Whether the second network is certainly the faster one: the whole interval lies above 1."""
        return self.has_interval and self.low > 1


def compare_workloads(
    first: Workload,
    second: Workload,
    *,
    runtime: str = "onnxruntime",
    threads: int = 1,
    pairs: int = PAIRS,
    time_budget_seconds: float = 900.0,
    inputs: Given | None = None,
    progress: Callable[[int, int], None] = lambda done, pairs: None,
) -> Comparison:
    """Run two networks with the same inputs in turns and compare their times.

    Comparing a network with itself shows what the machine's noise does: the interval then holds 1 in 95 % of cases.

    Args:
        first: the network to beat.
        second: the one that may be faster; it takes the same inputs.
        runtime: a key of ``RUNTIMES``.
        threads: processor threads that one kernel may use.
        pairs: how many fresh processes of each.
        time_budget_seconds: no pair starts later than this, once there are enough for an interval.
        inputs: arrays or ``.npy`` files for some inputs; the others are made from a seed.
        progress: told the number of pairs done and of all pairs.

    Raises:
        UnknownName: no runtime has this name.
        InvalidQuantity: no pairs or threads, or given inputs that do not fit the networks.
        InputsUnavailable: no valid inputs can be made.
        RuntimeRefused, WorkerCrashed, WorkerTimedOut: a network cannot be run.
    """
    if pairs < 1 or threads < 1:
        raise InvalidQuantity("needs at least one pair and one thread", where="comparison")
    chosen = runtime_of(runtime)
    arrays = make_inputs(first, inputs).arrays
    end = monotonic() + time_budget_seconds
    before = read_cpu_times()
    times: list[tuple[float, float]] = []
    version = ""
    while len(times) < pairs and (len(times) < min(pairs, FEWEST_FOR_INTERVAL) or monotonic() < end):
        with (
            chosen.open(first, arrays, threads=threads, deadline_seconds=_DEADLINE_SECONDS) as one,
            chosen.open(second, arrays, threads=threads, deadline_seconds=_DEADLINE_SECONDS) as other,
        ):
            times.append(_in_turns(one, other, second_starts=len(times) % 2 == 1))
            version = one.version
        progress(len(times), pairs)
    ratios = tuple(first_seconds / second_seconds for first_seconds, second_seconds in times)
    summary = summarize(ratios)
    return Comparison(
        first=first.name,
        second=second.name,
        runtime=runtime,
        version=version,
        threads=threads,
        first_seconds=median(pair[0] for pair in times),
        second_seconds=median(pair[1] for pair in times),
        ratio=summary.median,
        low=summary.low,
        high=summary.high,
        ratios=ratios,
        has_interval=len(ratios) >= FEWEST_FOR_INTERVAL,
        warnings=tuple(_doubts(ratios, pairs, others_share(before, read_cpu_times()))),
    )


def _in_turns(first: Session, second: Session, *, second_starts: bool) -> tuple[float, float]:
    """The median run of each of two sessions that run in turns, after a warm-up."""
    for session in (first, second):
        _run(session, seconds=_WARM_UP_SECONDS, minimum=2)
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(_MOST_TURNS):
        for position in (0, 1) if (turn % 2 == 1) == second_starts else (1, 0):
            seconds[position].extend(_run((first, second)[position], seconds=_TURN_SECONDS, minimum=1))
        # An even number of turns, so that neither goes first more often.
        if turn % 2 == 1 and turn + 1 >= _FEWEST_TURNS and min(map(sum, seconds)) >= _PAIR_SECONDS:
            break
    return median(seconds[0]), median(seconds[1])


def _run(session: Session, *, seconds: float, minimum: int) -> tuple[float, ...]:
    return session.run(seconds=seconds, minimum=minimum, maximum=_MOST_RUNS, deadline_seconds=_DEADLINE_SECONDS).seconds


def _doubts(ratios: tuple[float, ...], pairs: int, others: float | None) -> Iterator[str]:
    summary = summarize(ratios)
    if len(ratios) < FEWEST_FOR_INTERVAL:
        yield f"{len(ratios)} pairs give no 95 % interval; give at least {FEWEST_FOR_INTERVAL} with --pairs"
    elif len(ratios) < pairs:
        yield f"only {len(ratios)} of {pairs} pairs fitted into the time budget; give more with --time-budget"
    if summary.relative_half_width > _WIDE:
        yield (
            f"noisy: the ratio is {summary.low:.2f} to {summary.high:.2f} over {len(ratios)} pairs; "
            "close other programs or measure more with --pairs"
        )
    if others is not None and others > _BUSY:
        yield f"other processes used {format_share(others)} of the machine meanwhile; close them"
