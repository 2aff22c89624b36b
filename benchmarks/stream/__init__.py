"""The triad of STREAM in C, compiled here, and ours, run in turn."""

import shutil
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from attainable.calibration.arena import Arena, arena_bytes
from attainable.calibration.caches import cache_levels
from attainable.calibration.jit import Compiler
from attainable.calibration.roofs import Rounds
from attainable.calibration.tasks import MAIN, Workbench
from attainable.calibration.team import Team
from attainable.devices import cache_folder
from attainable.timing.conditions import core_processors, others_share, read_conditions, read_cpu_times

SOURCE = Path(__file__).parent / "triad.c"
TURNS = 4
REPETITIONS = 11
"""Of which the first is not counted."""
OUR_SECONDS = 1.0
"""How long ours runs in a turn."""


@dataclass(frozen=True, slots=True)
class Triads:
    """Bytes per second of the best run each.

    Attributes:
        stream: C, plain stores.
        plain: ours, plain stores.
        passing: ours, non-temporal stores.
        elements: of each array of the C program.
        others: share of the machine that others used meanwhile; None where unknown.
    """

    stream: float
    plain: float
    passing: float
    elements: int
    others: float | None


def compiled() -> Path | None:
    """The program, compiled into the cache folder; None without gcc."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return None
    target = cache_folder() / "stream" / "triad"
    target.parent.mkdir(parents=True, exist_ok=True)
    options = ("-O3", "-march=native", "-fopenmp")
    subprocess.run([compiler, *options, str(SOURCE), "-o", str(target)], check=True)
    return target


def triads(program: Path) -> Triads:
    """Run both in turn on all cores, arrays of at least four times the last-level cache, and keep the best of each."""
    conditions, cores = read_conditions(), core_processors()
    levels = cache_levels(cores)
    cached = levels[-1].all_bytes if levels else 64 << 20
    elements = max(4 * cached, 64 << 20) // 8
    command = [str(program), str(len(cores)), str(elements), str(REPETITIONS)]
    stream = 0.0
    before = read_cpu_times()
    with (
        Team(cores) as team,
        closing(Arena(arena_bytes(conditions, cached), team, cached_bytes=cached)) as arena,
    ):
        tasks = Workbench(Compiler(conditions.isa), arena, cached).main_memory(("triad",))
        ours = Rounds(team, [task for task in tasks if task.key[0].startswith("triad")])
        for _ in range(TURNS):
            end = time.perf_counter() + OUR_SECONDS
            while time.perf_counter() < end:
                ours.round(range(team.size))
            # Waiting for a child, which counts as our own time.
            answer = subprocess.run(command, check=True, capture_output=True, text=True)
            stream = max(stream, float(answer.stdout))
        best = [ours.trials.best((access, MAIN), everyone=team.size > 1) for access in ("triad", "triad_nt")]
    share = others_share(before, read_cpu_times())
    plain, passing = (found.rate if found else 0.0 for found in best)
    return Triads(stream, plain, passing, elements, share)
