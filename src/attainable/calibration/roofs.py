"""Measure the roofs: many short trials of every kernel, in turn, the fastest kept.

Trials of all kinds take turns for the whole time, so that a disturbance hits none of them throughout. After a few
rounds only the best kernels of each kind go on.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise, repeat

from attainable.calibration.arena import Arena, arena_bytes
from attainable.calibration.caches import CacheLevel
from attainable.calibration.instruction_sets import FAMILIES, Family, families
from attainable.calibration.jit import Compiler
from attainable.calibration.latency import LATENCY_SECONDS, measure_latencies
from attainable.calibration.memory_kernels import Store
from attainable.calibration.tasks import CLOCK, MAIN, TRIAL_SECONDS, Lot, Task, Workbench
from attainable.calibration.team import Team
from attainable.calibration.trials import Best, Key, Trials
from attainable.timing.conditions import Conditions

FEWEST_ROUNDS = 2
"""Rounds however little time there is: an interval needs two."""

SWEEP_ROUNDS = 3
"""Rounds in which every kernel takes part."""

CONTENDERS = 3
"""Kernels of each kind that go on after the sweep."""

Progress = Callable[[float, str], None]
"""Told the share that is done, 0 to 1, and what is being done."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure, and for how long.

    Attributes:
        seconds: for all of it; the trials get at least half, even where compiling and filling memory took longer.
        levels: caches to measure, the first level first.
        stores: what to write besides reading.
        special: whether to measure special functions.
        latency: whether to measure the latency of every memory.
    """

    seconds: float
    levels: tuple[CacheLevel, ...]
    stores: tuple[Store, ...]
    special: bool
    latency: bool


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The best rate of one core, and of all cores together."""

    one: Best
    all: Best


@dataclass(frozen=True, slots=True)
class Measured:
    """What the rounds found.

    Attributes:
        clock_hertz: cycles per second of a core that works alone, from the dependent chain.
        shared_clock_hertz: the same while all work.
        clock_drift: largest share by which a core's clock at the end differs from that at the beginning; None where
            there were too few trials to tell.
        clocks: the best of each core.
        found: the best by what was measured: clock, peaks in operations per second, special functions in results per
            second, accesses in bytes per second.
        families: what competed, by element type; none where the processor has no instruction.
        latencies: seconds of a dependent load, by memory.
        rounds: how often everything had its turn.
        arena_bytes: the size of the memory read.
        processor: LLVM's name of it.
        compiler: name and version of what made the kernels.
    """

    clock_hertz: float
    shared_clock_hertz: float
    clock_drift: float | None
    clocks: tuple[float, ...]
    found: dict[Key, Ceiling]
    families: dict[str, tuple[Family, ...]]
    latencies: dict[str, Best]
    rounds: int
    arena_bytes: int
    processor: str
    compiler: str


_IN_A_CORE = ("peak", "special")
"""What no other core has a part in."""

_CYCLES_PER_STEP = 2.0
"""Of the clock chain: a rotation and an addition."""


class Rounds:
    """The tasks, the size of their trials and all their rates so far.

    Args:
        team: who runs them.
        tasks: in the order of a round.
        uneven: whether the cores are of several kinds.
    """

    def __init__(self, team: Team, tasks: Sequence[Task], *, uneven: bool = False) -> None:
        self.team, self.trials, self._uneven = team, Trials(), uneven
        # By whether everyone takes part; tasks drop out one mode at a time.
        self.tasks = {False: list(tasks), True: list(tasks)}
        self._scales: dict[tuple[int, bool], int] = {}
        self.clocks: dict[int, list[float]] = {}
        self.keys = list(dict.fromkeys(task.key for task in tasks))

    def round(self, members: Sequence[int]) -> None:
        """Give every task one trial on ``members``."""
        everyone = len(members) > 1
        for task in self.tasks[everyone]:
            rate = self._rate(task, members, everyone=everyone)
            self.trials.note(task.key, members=members, rate=rate, kernel=task.kernel.name)
            if task.key == CLOCK and not everyone:
                self.clocks.setdefault(members[0], []).append(_CYCLES_PER_STEP * rate)

    def drop_losers(self) -> None:
        """Leave the best kernels of each kind in the race, and not two clocks behind each other."""
        for everyone, tasks in self.tasks.items():
            kept = {key: self.trials.contenders(key, everyone=everyone, most=CONTENDERS) for key in self.keys}
            staying = [task for task in tasks if task.kernel.name in kept[task.key]]
            self.tasks[everyone] = [
                task
                for before, task in pairwise([None, *staying])
                if task is not None and not (task is before and task.key == CLOCK)
            ]

    def ceiling(self, key: Key) -> Ceiling:
        """The best rates; all cores together are never slower than one, because the others may stay idle."""
        one = self.trials.best(key, everyone=False)
        assert one is not None, "every task has its turn in the first round"
        both = self.trials.best(key, everyone=True)
        together = both if both is not None and both.rate >= one.rate else one
        return Ceiling(one, self._summed(key, together) if self._uneven and key[0] in _IN_A_CORE else together)

    def _summed(self, key: Key, together: Best) -> Best:
        """What cores of several kinds do when each goes on as long as the others.

        In a trial all have the same share, so that the fast ones wait for the slow ones.
        """
        each = self.trials.each(key)
        total = sum(each.values())
        if len(each) < self.team.size or total <= together.rate:
            return together
        return replace(together, rate=total, low=together.rate, high=max(total, together.high))

    def _rate(self, task: Task, members: Sequence[int], *, everyone: bool) -> float:
        lot = task.lot(members)
        count, repeats = lot.count, 1
        if task.scaled is not None:
            scale = self._scales.get((id(task), everyone))
            if scale is None:
                scale = self._scales[id(task), everyone] = self._scale(task, lot, members)
            # Brings the lot into the cache.
            self.team.run(task.kernel, lot.addresses, count, members=members)
            count, repeats = (count * scale, 1) if task.scaled == "count" else (count, scale)
        elif lot.before is not None:
            self.team.run(task.kernel, lot.before, count, members=members)
        seconds = self.team.run(task.kernel, lot.addresses, count, repeats=repeats, members=members).seconds
        return count * repeats * task.kernel.work * len(members) / seconds

    def _scale(self, task: Task, lot: Lot, members: Sequence[int]) -> int:
        """How many lots take the time of a trial, from a few short runs."""
        scale = 1
        while True:
            count, repeats = (lot.count * scale, 1) if task.scaled == "count" else (lot.count, scale)
            taken = min(
                self.team.run(task.kernel, lot.addresses, count, repeats=repeats, members=members).seconds
                for _ in range(3)
            )
            if taken >= TRIAL_SECONDS / 20:
                return max(1, round(scale * TRIAL_SECONDS / taken))
            scale *= 8


def measure_roofs(
    processors: Sequence[int], plan: Plan, *, conditions: Conditions, last_cache_bytes: int, progress: Progress
) -> Measured:
    """Measure peaks and bandwidths on one core and on all.

    Args:
        processors: one logical processor of each core that counts as all.
        plan: what to measure.
        conditions: of this machine; its memory limits the arena.
        last_cache_bytes: of all caches of the last level; 0 where unknown.
        progress: told how far it is.
    """
    start = time.perf_counter()
    progress(0.0, "compiling")
    compiler = Compiler(conditions.isa)
    with Team(processors) as team, closing(_arena(team, conditions, last_cache_bytes)) as arena:
        bench = Workbench(compiler, arena, last_cache_bytes)
        clock = bench.clock()
        tasks = [*bench.peaks(), *(bench.specials() if plan.special else ())]
        # The clock in between, so that it is read as often as the best kernels run.
        tasks = [clock, *(task for pair in zip(tasks, repeat(clock), strict=False) for task in pair)]
        for level in plan.levels:
            tasks += bench.cached(level, plan.stores)
        tasks += bench.main_memory(plan.stores)
        rounds = Rounds(team, tasks, uneven=len(conditions.processor_state.core_kinds) > 1)
        chasing = LATENCY_SECONDS if plan.latency else 0.0
        end = max(start + plan.seconds - chasing, time.perf_counter() + plan.seconds / 2)
        begin, turns = time.perf_counter(), 0
        while turns < FEWEST_ROUNDS or time.perf_counter() < end:
            # Each round on another core: one may be busy with something else, or be of a slower kind.
            rounds.round((turns % team.size,))
            if team.size > 1:
                rounds.round(range(team.size))
            turns += 1
            if turns == max(SWEEP_ROUNDS, min(team.size, 8)):
                rounds.drop_losers()
            progress(min(1.0, (time.perf_counter() - begin) / max(end - begin, 1e-9)), "instructions and memory")
        latencies = measure_latencies(team, arena, bench.compiler, plan.levels, main=MAIN) if plan.latency else {}
        size = arena.size
    alone = rounds.ceiling(CLOCK).one
    shared = rounds.trials.best(CLOCK, everyone=True)
    return Measured(
        clock_hertz=_CYCLES_PER_STEP * alone.rate,
        shared_clock_hertz=_CYCLES_PER_STEP * (shared.rate / team.size if shared else alone.rate),
        clock_drift=drift(rounds.clocks.values()),
        clocks=tuple(max(rounds.clocks[member]) for member in sorted(rounds.clocks)),
        found={key: rounds.ceiling(key) for key in rounds.keys},
        families={dtype: families(dtype, compiler.architecture, compiler.features) for dtype in FAMILIES},
        latencies=latencies,
        rounds=turns,
        arena_bytes=size,
        processor=compiler.processor,
        compiler=compiler.version,
    )


def _arena(team: Team, conditions: Conditions, last_cache_bytes: int) -> Arena:
    return Arena(arena_bytes(conditions, last_cache_bytes), team, cached_bytes=last_cache_bytes)


FEWEST_CLOCKS = 6
"""Readings of one core's clock below which nothing is said about its drift."""


def drift(clocks: Iterable[Sequence[float]]) -> float | None:
    """How far the best clock of the last third of the time is from that of the first, as a share, on the worst core.

    Args:
        clocks: readings of each core in the order of time.
    """
    shares = [
        abs(max(readings[-(len(readings) // 3) :]) / max(readings[: len(readings) // 3]) - 1)
        for readings in clocks
        if len(readings) >= FEWEST_CLOCKS
    ]
    return max(shares, default=None)
