"""Measure the roofs: many short trials of every kernel, in turn, the fastest kept.

A roof is what the machine can do, so disturbance only ever lowers a trial and the maximum is the honest estimate.
Trials of all kinds take turns for the whole time, so that a disturbance hits none of them throughout.
"""

import ctypes
import statistics
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from attainable.calibration.arena import Arena, LastCache, arena_bytes
from attainable.calibration.jit import Compiler, Kernel
from attainable.calibration.kernels import clock_chain, multiply_add
from attainable.calibration.memory_kernels import MEMORY_BLOCK, copy, read
from attainable.calibration.team import Team
from attainable.timing.conditions import Conditions

TRIAL_SECONDS = 0.002
"""Length of an arithmetic trial: short enough to fall between two disturbances, long enough for the clock."""

CACHE_REPEATS = 3
"""Passes over the cached part in a timed trial, after one untimed pass that brings it into the cache."""

FEWEST_ROUNDS = 5

# (streams, bytes of prefetch). Six or twelve streams spread over memory channels where powers of two collide.
READ_PATTERNS = ((1, 0), (4, 0), (6, 0), (6, 256), (8, 0), (12, 0))
CACHE_PATTERNS = ((4, 0), (8, 0))


@dataclass(frozen=True, slots=True)
class Best:
    """The fastest trial so far.

    Attributes:
        rate: operations, bytes or steps per second.
        kernel: the name of the kernel that reached it.
        trials: how many there were, of all kernels.
        median: half of the trials were slower than this; tells a quiet machine from a busy one.
    """

    rate: float
    kernel: str
    trials: int
    median: float


NOTHING = Best(0.0, "", 0, 0.0)
"""The best of no trials."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The best rate of one core, and of all cores together."""

    one: Best
    all: Best


@dataclass(frozen=True, slots=True)
class Measured:
    """What the rounds found.

    Attributes:
        clock_hertz: cycles per second of a core, from the dependent chain.
        peak: float32 operations per second.
        read: bytes per second from the main memory.
        copy: bytes per second, read and written together, with non-temporal stores.
        cache: bytes per second from the last-level cache; zero where its size is unknown.
        rounds: how often everything had its turn.
        arena_bytes: the size of the memory read.
        compiler: name and version of what made the kernels.
    """

    clock_hertz: float
    peak: Ceiling
    read: Ceiling
    copy: Ceiling
    cache: Ceiling
    rounds: int
    arena_bytes: int
    compiler: str


class _Bench:
    """The compiled kernels, the memory they run on and the best rates so far."""

    def __init__(self, team: Team, conditions: Conditions, cache: LastCache | None) -> None:
        compiler = Compiler()
        self.compiler = compiler.version
        self.team = team
        self.cache = cache
        # Rate and kernel of each trial, by what was measured and whether by all cores.
        self.trials: dict[tuple[str, bool], list[tuple[float, str]]] = {}
        width = compiler.widths[0]
        counts = (8, 12, 16, 24) if compiler.vector_registers == 32 else (8, 10, 12, 14)
        self.peaks = [
            compiler.compile(multiply_add(width=lanes, accumulators=count, fused=compiler.fused))
            for lanes in compiler.widths
            for count in counts
        ]
        self.reads = {
            pattern: compiler.compile(read(width=width, streams=pattern[0], prefetch=pattern[1]))
            for pattern in READ_PATTERNS
        }
        self.copy = compiler.compile(copy(width=width))
        self.chain = compiler.compile(clock_chain())
        # x and y of the multiply-add, and the step of the chain: an odd number with many ones, so that nothing is easy.
        self._operands = (ctypes.c_float * 2)(2.0**-10, 2.0**-10)
        self._step = ctypes.c_int64(0x5DEECE66D)
        self.arena = Arena(arena_bytes(conditions, cache), team)
        kernels = [*self.peaks, self.chain]
        self._counts = {kernel.name: self._count_for(kernel, TRIAL_SECONDS) for kernel in kernels}

    def round(self, members: Sequence[int]) -> None:
        """Give every kernel one trial on ``members``."""
        everyone = len(members) > 1
        if not everyone:
            self._arithmetic("clock", self.chain, members)
        for kernel in self.peaks:
            self._arithmetic("peak", kernel, members)
        # Memory is shared with more neighbours than a core is: it gets twice the trials.
        for (streams, _), kernel in [*self.reads.items(), *self.reads.items()]:
            self._memory("read", kernel, members, streams * MEMORY_BLOCK)
        self._memory("copy", self.copy, members, 2 * MEMORY_BLOCK)
        if self.cache:
            half = self.cache.bytes * (self.cache.count if everyone else 1) // 2
            for pattern in CACHE_PATTERNS:
                self._cached(self.reads[pattern], members, half // len(members), pattern[0] * MEMORY_BLOCK)

    def ceiling(self, what: str) -> Ceiling:
        """The best rates; all cores together are never slower than one, because the others may stay idle."""
        one = self._best(what, everyone=False)
        both = self._best(what, everyone=True)
        return Ceiling(one, both if both.rate >= one.rate else one)

    def _best(self, what: str, *, everyone: bool) -> Best:
        trials = self.trials.get((what, everyone))
        if not trials:
            return NOTHING
        rate, kernel = max(trials)
        return Best(rate, kernel, len(trials), statistics.median(rate for rate, _ in trials))

    def _arithmetic(self, what: str, kernel: Kernel, members: Sequence[int]) -> None:
        count = self._counts[kernel.name]
        seconds = self.team.run(kernel, [self._address_of(kernel)] * len(members), count, members=members).seconds
        self._note(what, kernel, members, count / seconds)

    def _memory(self, what: str, kernel: Kernel, members: Sequence[int], multiple: int) -> None:
        window = self.arena.window(len(members), multiple)
        addresses = self.arena.fresh(len(members), window)
        count = window // kernel.work
        seconds = self.team.run(kernel, addresses, count, members=members).seconds
        self._note(what, kernel, members, count / seconds)

    def _cached(self, kernel: Kernel, members: Sequence[int], share: int, multiple: int) -> None:
        count = min(share, self.arena.size // len(members)) // multiple * multiple
        addresses = [self.arena.address + place * count for place in range(len(members))]
        self.team.run(kernel, addresses, count, members=members)
        seconds = self.team.run(kernel, addresses, count, repeats=CACHE_REPEATS, members=members).seconds
        self._note("cache", kernel, members, count * CACHE_REPEATS / seconds)

    def _note(self, what: str, kernel: Kernel, members: Sequence[int], counts_per_second: float) -> None:
        rate = counts_per_second * kernel.work * len(members)
        self.trials.setdefault((what, len(members) > 1), []).append((rate, kernel.name))

    def _count_for(self, kernel: Kernel, seconds: float) -> int:
        """The count that takes about ``seconds``, from three short runs."""
        pilot = 2000
        address = self._address_of(kernel)
        taken = min(self.team.run(kernel, [address], pilot, members=(0,)).seconds for _ in range(3))
        return max(1, int(pilot * seconds / taken))

    def _address_of(self, kernel: Kernel) -> int:
        return ctypes.addressof(self._step if kernel is self.chain else self._operands)


def measure_roofs(
    processors: Sequence[int], *, conditions: Conditions, cache: LastCache | None, seconds: float
) -> Measured:
    """Measure peak and bandwidths on one core and on all.

    Args:
        processors: one logical processor of each core that counts as all.
        conditions: of this machine; its memory limits the arena.
        cache: the last-level cache, where known.
        seconds: for all of it; the trials get at least half, even where compiling and filling memory took longer.
    """
    start = time.perf_counter()
    with Team(processors) as team:
        bench = _Bench(team, conditions, cache)
        with closing(bench.arena):
            rounds, end = 0, max(start + seconds, time.perf_counter() + seconds / 2)
            while rounds < FEWEST_ROUNDS or time.perf_counter() < end:
                # Each round on another core: one may be busy with something else, or be of a slower kind.
                bench.round((rounds % team.size,))
                if team.size > 1:
                    bench.round(range(team.size))
                rounds += 1
    return Measured(
        clock_hertz=2.0 * bench.ceiling("clock").one.rate,
        peak=bench.ceiling("peak"),
        read=bench.ceiling("read"),
        copy=bench.ceiling("copy"),
        cache=bench.ceiling("cache"),
        rounds=rounds,
        arena_bytes=bench.arena.size,
        compiler=bench.compiler,
    )
