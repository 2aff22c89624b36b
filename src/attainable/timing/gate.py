"""The contention gate: was the machine quiet while a cell was measured, and what to do if it was not.

A median with a tight interval can be four times too high: where another program holds one of two processors, each
kernel of a run with two threads waits for it, every time alike. What others used, what a hypervisor took, and how
quickly cores hand over are therefore read before and after each cell, and outside the limits nothing is claimed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from attainable.quantities import format_count, format_seconds, format_share
from attainable.timing.best_hand_over import APART_SECONDS
from attainable.timing.conditions import CpuTimes, others_share
from attainable.timing.ping_pong import HandOver

MOST_OTHERS = 0.08
"""Share of the machine that others may use.

Source: measured on two processors of an EPYC (Zen 4) with mobilenet_v2 in ONNX Runtime: cells with less than 6 to 8 %
repeat; one busy loop of somebody else makes a run with two threads 1.1 to 3.8 times as long.
"""

MOST_STEAL = 0.02
"""Share of the processors' time that a hypervisor may take: a run is stretched by at least as much, and medians are
wanted within 1 %."""

MOST_QUOTA = 0.01
"""Share of the time for which the control group's quota may stop us; a process that is never stopped has none."""

MOST_CLOCK_CHANGE = 0.05
"""Share by which the clock may change between before and after; times change by as much."""

SLOWEST_HAND_OVER = 1.6
"""Times the best hand-over seen on the machine.

Source: measured on two processors of an EPYC (Zen 4): 57 to 86 ns, up to 1.5 times the best, with all runs of two
threads alike (10 of 10); 96 to 120 ns, from 1.7 times on, with runs that take 1.9 to 2.2 times as long; 350 ns with
1.6 to 1.8 times, nobody else running.
"""

SLOW_ANYWHERE_SECONDS = 200e-9
"""Slower than between any two cores, even of two sockets, of an x86-64 or ARM64 processor.

Source: the tables of core-to-core-latency (github.com/nviennot/core-to-core-latency): 16 to 154 ns within a socket,
108 to 197 ns between two.
"""

ATTEMPTS = 3
"""How often a cell is measured before it is given with a mark: what others do passes in seconds, or does not pass."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Reading:
    """The machine at one moment, before or after a cell; nothing known unless given.

    Attributes:
        times: processor time spent since boot, by everybody and by us.
        steal_seconds: of all processors since boot, taken by a hypervisor.
        quota_seconds: since the control group began, for which its quota stopped it.
        throttle_events: times since boot that heat slowed a core down.
        load_average: runnable tasks over the last minute.
        clock_hertz: of a core, measured.
        hand_overs: between pairs of cores, where more than one thread is of interest.
        best_hand_overs: seconds of the best that each pair is known for on this machine, these included.
    """

    times: CpuTimes | None = None
    steal_seconds: float | None = None
    quota_seconds: float | None = None
    throttle_events: int | None = None
    load_average: float | None = None
    clock_hertz: float | None = None
    hand_overs: tuple[HandOver, ...] = ()
    best_hand_overs: Mapping[tuple[int, int], float] = field(default_factory=dict[tuple[int, int], float])


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Something outside its limit.

    Attributes:
        kind: ``others``, ``steal``, ``quota``, ``heat``, ``clock``, ``hand-over`` or ``one core``.
        excess: how many times its limit; comparable between kinds.
        sentence: what happened, with the number.
    """

    kind: str
    excess: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a cell can be believed.

    Attributes:
        disturbances: what was outside its limit; empty where nothing was.
        readable: False where the system does not tell what others used.
    """

    disturbances: tuple[Disturbance, ...]
    readable: bool = True

    @property
    def state(self) -> str:
        """``noisy``, ``quiet``, or ``unknown`` where nothing disturbed but not everything could be read."""
        if self.disturbances:
            return "noisy"
        return "quiet" if self.readable else "unknown"

    @property
    def excess(self) -> float:
        """How far outside, by the worst; 0 for a quiet cell."""
        return max((each.excess for each in self.disturbances), default=0.0)

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence each, with its number."""
        return tuple(each.sentence for each in self.disturbances)


@dataclass(frozen=True, slots=True)
class Passage(Generic[Result]):
    """A cell that went through the gate.

    Attributes:
        result: of the quietest attempt.
        verdict: on that attempt.
        before, after: what was read around it.
        attempts: how often the cell was measured.
    """

    result: Result
    verdict: Verdict
    before: Reading
    after: Reading
    attempts: int


def through_gate(
    measure: Callable[[], Result],
    before: Callable[[], Reading],
    after: Callable[[], Reading],
    *,
    attempts: int = ATTEMPTS,
) -> Passage[Result]:
    """Measure a cell between two readings; again while it was noisy, and then give the quietest attempt.

    Which attempt is given depends on the readings alone, never on the result, so that nothing is chosen for being fast.

    Args:
        measure: one attempt.
        before: reads the machine before it.
        after: reads the machine after it.
        attempts: the most; 1 where a cell is not worth repeating, such as one of a single thread.
    """
    passages: list[Passage[Result]] = []
    while len(passages) < max(1, attempts):
        first = before()
        result = measure()
        last = after()
        passages.append(Passage(result, judge(first, last), first, last, len(passages) + 1))
        if not passages[-1].verdict.disturbances:
            break
    quietest = min(passages, key=lambda passage: passage.verdict.excess)
    return replace(quietest, attempts=len(passages))


def judge(before: Reading, after: Reading) -> Verdict:
    """Whether the machine was quiet between two readings."""
    return Verdict(tuple(_disturbances(before, after)), readable=others_share(before.times, after.times) is not None)


def shares(before: Reading, after: Reading) -> tuple[float | None, float | None]:
    """Shares of the machine, 0 to 1, that other processes used and that a hypervisor took; None where unknown."""
    together = others_share(before.times, after.times)
    if together is None or before.times is None or after.times is None:
        return None, None
    taken = _between(before.steal_seconds, after.steal_seconds)
    if taken is None:
        return together, None
    capacity = (after.times.wall_seconds - before.times.wall_seconds) * after.times.processors
    steal = min(1.0, max(0.0, taken / capacity))
    # What was stolen counts as busy, though no process of this machine had it.
    return max(0.0, together - steal), steal


def _disturbances(before: Reading, after: Reading) -> Iterator[Disturbance]:
    others, steal = shares(before, after)
    if others is not None and others > MOST_OTHERS:
        yield Disturbance("others", others / MOST_OTHERS, f"other processes used {format_share(others)} of the machine")
    if steal is not None and steal > MOST_STEAL:
        taken = f"the hypervisor took {format_share(steal)} of the processors' time"
        yield Disturbance("steal", steal / MOST_STEAL, taken)
    yield from _slowed(before, after)
    # A pair that is slow before and after is told once, with the slower of the two.
    slowest: dict[tuple[int, int], Disturbance] = {}
    for reading in (before, after):
        for each in reading.hand_overs:
            found = judge_hand_over(each, reading.best_hand_overs.get(each.processors, each.seconds))
            known = slowest.get(each.processors)
            if found is not None and (known is None or found.excess > known.excess):
                slowest[each.processors] = found
    yield from slowest.values()


def _slowed(before: Reading, after: Reading) -> Iterator[Disturbance]:
    """What the machine did to us by itself: a quota, heat, another clock."""
    stopped = _between(before.quota_seconds, after.quota_seconds)
    if stopped and before.times is not None and after.times is not None:
        share = stopped / max(1e-9, after.times.wall_seconds - before.times.wall_seconds)
        if share > MOST_QUOTA:
            sentence = f"the quota of the control group stopped its processes for {format_seconds(stopped)}"
            yield Disturbance("quota", share / MOST_QUOTA, sentence)
    slowdowns = _between(before.throttle_events, after.throttle_events)
    if slowdowns and slowdowns > 0:
        yield Disturbance("heat", 1 + slowdowns, f"heat slowed the processor down, {slowdowns:.0f} times")
    if before.clock_hertz and after.clock_hertz:
        change = abs(after.clock_hertz - before.clock_hertz) / max(before.clock_hertz, after.clock_hertz)
        if change > MOST_CLOCK_CHANGE:
            clocks = [f"{format_count(clock)}Hz" for clock in (before.clock_hertz, after.clock_hertz)]
            yield Disturbance("clock", change / MOST_CLOCK_CHANGE, f"the clock went from {' to '.join(clocks)}")


def judge_hand_over(found: HandOver, best_seconds: float) -> Disturbance | None:
    """What is wrong with a hand-over between two cores; None where nothing is.

    Args:
        found: what was measured.
        best_seconds: of the same pair, seen on this machine.
    """
    first, second = found.processors
    head = f"processors {first} and {second} hand over in {format_seconds(found.seconds)}"
    ratio = found.seconds / best_seconds
    if found.seconds < APART_SECONDS:
        return Disturbance("one core", 2.0, f"{head}: they are two threads of one core, whatever the system says")
    if ratio > SLOWEST_HAND_OVER:
        return Disturbance("hand-over", ratio / SLOWEST_HAND_OVER, f"{head}, {ratio:.1f}x the best seen here")
    if found.seconds > SLOW_ANYWHERE_SECONDS:
        excess = found.seconds / SLOW_ANYWHERE_SECONDS
        return Disturbance("hand-over", excess, f"{head}, slower than two cores of any processor should")
    return None


def _between(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def spans(before: Reading, after: Reading) -> Sequence[tuple[str, str]]:
    """What was read around a cell as ``(name, text)``, in the form an environment record stores."""
    others, steal = shares(before, after)
    rows = [
        ("others meanwhile", None if others is None else format_share(others)),
        ("hypervisor took meanwhile", None if steal is None else format_share(steal)),
    ]
    for moment, reading in (("before", before), ("after", after)):
        load, clock = reading.load_average, reading.clock_hertz
        rows.append((f"load average {moment}", None if load is None else f"{load:.2f}"))
        rows.append((f"clock {moment}", None if clock is None else f"{clock:.4g} Hz"))
        rows += [
            (f"hand-over {each.processors[0]}-{each.processors[1]} {moment}", f"{each.seconds:.3g} s")
            for each in reading.hand_overs
        ]
    return [(name, "unknown" if text is None else text) for name, text in rows]
