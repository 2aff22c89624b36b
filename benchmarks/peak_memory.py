"""Peak memory: what the harness says of a worker against what the system says of the same process from outside.

Claim: the harness's peak is within 1 % of VmHWM in /proc/PID/status and of ru_maxrss in wait4. What a control group
counts stands beside it.

"harness" is `Samples.peak_rss_bytes`, which the worker reads of itself after its last run. "VmHWM" is read by this
process while the worker waits; "ru_maxrss" is what wait4 tells once it has ended. A control group of its own ("group",
where one can be made) counts pages by who touched them first: libraries and the model file, which other programs have
in memory already, are not in it, and what the kernel keeps for the process is. The anonymous part of resident memory
("private", RssAnon after the last run) is in all. "arena" is what onnxruntime's allocator says that it holds.
"""

import os
import resource
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attainable.cost.arena import planned_arena
from attainable.cost.count import count
from attainable.measurement.inputs import make_inputs
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.timing.conditions import control_groups
from attainable.workload import Workload, load
from attainable.zoo import write

NETWORKS = ("squeezenet1_1", "mobilenet_v2", "shufflenet_v2_x1_0", "resnet18", "efficientnet_b0")
BATCHES = (1, 8)
RUNS = 5
TOLERANCE = 0.01
_RSS_UNIT = 1024
"""What ``ru_maxrss`` counts in. Source: getrusage(2) of Linux."""
_MEMBERS = "cgroup.procs"
_PEAKS = ("memory.peak", "memory.max_usage_in_bytes")
"""Of control groups, version 2 and version 1. Source: cgroup-v2.rst and memory.rst of the Linux kernel."""


@dataclass(frozen=True, slots=True)
class Peaks:
    """Peak memory of one worker in bytes, by who says it; None where nobody does."""

    harness: int
    status: int
    private: int
    ended: int | None
    group: int | None
    arena: int | None


@contextmanager
def told_at_the_end() -> Generator[dict[int, int]]:
    """Note what wait4 tells of each process that is waited for meanwhile: its ``ru_maxrss`` in bytes."""
    peaks: dict[int, int] = {}
    usual = os.wait4

    def noting(process: int, options: int) -> tuple[int, int, Any]:
        found = usual(process, options)
        peaks[found[0]] = found[2].ru_maxrss * _RSS_UNIT
        return found

    os.wait4 = noting
    try:
        yield peaks
    finally:
        os.wait4 = usual


@contextmanager
def own_group() -> Generator[Path | None]:
    """A control group of this process and those it starts; None where none can be made. It goes when it is empty."""
    home = next((folder for folder in control_groups("memory", Path("/")) if (folder / _MEMBERS).exists()), None)
    folder = None if home is None else home / f"attainable-{os.getpid()}"
    try:
        if folder is not None:
            folder.mkdir()
            (folder / _MEMBERS).write_text(str(os.getpid()))
    except OSError:
        folder = None
    try:
        yield folder
    finally:
        if home is not None and folder is not None:
            (home / _MEMBERS).write_text(str(os.getpid()))


def peak_of(group: Path | None) -> int | None:
    """What a control group held at most; None where it does not tell."""
    if group is not None:
        for name in _PEAKS:
            with suppress(OSError, ValueError):
                return int((group / name).read_text())
    return None


def status(process: int, field: str) -> int:
    """A field of /proc/PID/status in bytes."""
    text = Path(f"/proc/{process}/status").read_text()
    return 1024 * int(text.partition(f"{field}:")[2].split()[0])


def measured(workload: Workload) -> Peaks:
    """Run a network in the harness's worker, and ask everybody for its peak."""
    arrays = make_inputs(workload).arrays
    with told_at_the_end() as ended:
        with own_group() as group:
            ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
            session = RUNTIME.open(workload, arrays, threads=1, deadline_seconds=120.0)
        with session:
            samples = session.run(seconds=0.0, minimum=RUNS, maximum=RUNS, deadline_seconds=600.0)
            told, private = status(session.process_id, "VmHWM"), status(session.process_id, "RssAnon")
            held = peak_of(group)
        if group is not None:
            group.rmdir()
    with RUNTIME.open(workload, arrays, threads=1, deadline_seconds=120.0) as profiled:
        arena = profiled.profile(runs=3, deadline_seconds=600.0).arena_bytes
    last = ended[session.process_id]
    return Peaks(samples.peak_rss_bytes, told, private, last if last > ours else None, held, arena)


def mib(size: float | None) -> str:
    """In mebibytes."""
    return f"{'-':>10}" if size is None else f"{size / 2**20:>10.2f}"


def main() -> None:
    """Print the table."""
    columns = ("harness", "VmHWM", "ru_maxrss", "worst", "private", "group", "arena", "counted")
    print(f"{'MiB':<22}{'batch':>5}{''.join(f'{column:>10}' for column in columns)}")
    failed: list[str] = []
    for name in NETWORKS:
        for batch in BATCHES:
            with tempfile.TemporaryDirectory() as folder:
                model = Path(folder) / f"{name}.onnx"
                write(name, model, batch=batch)
                workload = load(model)
                found = measured(workload)
            worst = max(abs(found.harness / other - 1) for other in (found.status, found.ended) if other is not None)
            failed += [f"{name} at batch {batch}"] * (worst > TOLERANCE)
            counted = planned_arena(workload).bytes + count(workload).totals.parameter_bytes
            sizes = "".join(map(mib, (found.private, found.group, found.arena, counted)))
            print(
                f"{name:<22}{batch:>5}{mib(found.harness)}{mib(found.status)}{mib(found.ended)}{worst:>10.3%}{sizes}",
                flush=True,
            )
    print(f"\nwithin {TOLERANCE:.0%}: {'all' if not failed else 'not ' + ', '.join(failed)}")
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
