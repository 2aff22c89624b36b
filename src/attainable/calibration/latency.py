"""Latency of every level of memory: a chain of dependent loads through a cycle of cache lines, on one core."""

import time
from collections.abc import Sequence

from attainable.calibration.arena import Arena
from attainable.calibration.caches import CacheLevel
from attainable.calibration.jit import Compiler, Kernel
from attainable.calibration.memory_kernels import LINE, chase, link
from attainable.calibration.team import Team
from attainable.calibration.trials import Best, Trials

LATENCY_SECONDS = 1.0
"""Time for all levels together."""

_TRIAL_SECONDS = 0.001
_FEWEST_TRIALS = 6


def measure_latencies(
    team: Team, arena: Arena, compiler: Compiler, levels: Sequence[CacheLevel], *, main: str
) -> dict[str, Best]:
    """Loads per second of the chain, by the name of the memory; overwrites the arena.

    The chain of a cache goes through the largest power of two of bytes within three quarters of it, that of the main
    memory through that much of the arena. The arena lies on huge pages where the system grants them; on small pages
    every far load would pay for a walk through the page tables as well.

    Args:
        team: its members measure in turn, one at a time.
        arena: what the chains are laid through.
        compiler: makes the kernels.
        levels: caches, the first level first.
        main: what the main memory is called.
    """
    linking, chasing = compiler.compile(link()), compiler.compile(chase())
    trials = Trials()
    places = [*((level.name, level.smallest_bytes * 3 // 4) for level in levels), (main, arena.size)]
    for name, size in places:
        lines = 1 << (min(size, arena.size) // LINE).bit_length() - 1
        team.run(linking, [arena.address], lines, members=(0,))
        end = time.perf_counter() + LATENCY_SECONDS / len(places)
        count, turn = 64, 0
        while turn < _FEWEST_TRIALS or time.perf_counter() < end:
            member = (turn % team.size,)
            seconds = _seconds(team, chasing, arena.address, count, member)
            if seconds < _TRIAL_SECONDS / 2 and turn < _FEWEST_TRIALS:
                # Still finding out how long a trial has to be; such a short one says nothing.
                count *= 4
                continue
            trials.note((name, ""), members=member, rate=count * chasing.work / seconds, kernel=chasing.name)
            turn += 1
    found = {name: trials.best((name, ""), everyone=False) for name, _ in places}
    return {name: best for name, best in found.items() if best is not None}


def _seconds(team: Team, kernel: Kernel, address: int, count: int, members: tuple[int, ...]) -> float:
    return team.run(kernel, [address], count, members=members).seconds
