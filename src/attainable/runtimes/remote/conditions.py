"""The machine that a remote worker runs on: its conditions, and what others did there while something was measured.

The worker's agent reads the kernel's files, which then stand for ``/`` here, so that they are understood by the same
code as this machine's. What only a program there can tell comes from the agent. A clock and hand-overs between cores
are measured by compiled code, which is not sent: on another machine they are unknown. All of it is foreign text; what
cannot be understood is unknown.
"""

import math
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import cast

from attainable.names import short_sentence
from attainable.runtimes.process import BROKEN
from attainable.runtimes.remote import RemoteWorker
from attainable.runtimes.remote.hosts import HostRecord
from attainable.runtimes.remote.paths import standing_for_root
from attainable.timing.conditions import Conditions, control_groups, read_conditions
from attainable.timing.gate import Reading
from attainable.timing.gate_readings import read_machine
from attainable.timing.kernel_files import UNKNOWN, text
from attainable.timing.memory_settings import read_memory_settings
from attainable.timing.processor import read_processor_state, read_throttle_events

__all__ = ["HostGate", "host_record", "read_host_conditions"]

_GROUP = "proc/self/cgroup"
_MOST_GROUPS = 64
_MOST_PROCESSORS = 1 << 14
_CPU = "sys/devices/system/cpu/cpu*"
_GATE_FILES = (
    "proc/stat", "proc/loadavg", _GROUP,
    f"{_CPU}/thermal_throttle/core_throttle_count", f"{_CPU}/thermal_throttle/package_throttle_count",
)  # fmt: skip
_CONDITION_FILES = (
    *_GATE_FILES, "proc/cpuinfo", "proc/meminfo", "proc/self/status", "proc/device-tree/model", "sys/hypervisor/type",
    "sys/devices/system/cpu/smt/control", f"{_CPU}/cpu_capacity", f"{_CPU}/topology/thread_siblings_list",
    f"{_CPU}/cpufreq/scaling_governor", f"{_CPU}/cpufreq/cpuinfo_min_freq", f"{_CPU}/cpufreq/cpuinfo_max_freq",
    "sys/class/thermal/thermal_zone*/type", "sys/class/thermal/thermal_zone*/temp", "sys/class/hwmon/hwmon*/name",
    "sys/class/hwmon/hwmon*/temp*_input", "sys/devices/system/node/online", "sys/devices/system/node/node*/cpulist",
    "sys/kernel/mm/transparent_hugepage/enabled",
)  # fmt: skip
_GROUP_FILES = {
    "cpu": ("cpu.stat", "cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"),
    "memory": ("memory.max", "memory.limit_in_bytes"),
}


@dataclass(frozen=True, slots=True)
class _Machine:
    """A host as it was read.

    Attributes:
        root: stands for its ``/``.
        facts: what its agent tells.
    """

    root: Path
    facts: Mapping[str, object]

    def number(self, name: str) -> float | None:
        """A fact that is a finite number; None where it is none."""
        found = self.facts.get(name)
        return float(found) if isinstance(found, (int, float)) and math.isfinite(found) else None

    def words(self, name: str) -> str:
        """A fact in words."""
        return str(self.facts.get(name) or UNKNOWN)

    @property
    def processors(self) -> tuple[int, ...]:
        """Numbers of the logical processors that the worker may use."""
        found = self.facts.get("processors")
        listed = cast("list[object]", found) if isinstance(found, list) else []
        return tuple(each for each in listed[:_MOST_PROCESSORS] if isinstance(each, int) and each >= 0)


class HostGate:
    """Reads the machine of a remote worker before and after a cell; see ``timing.gate_readings.Gate``.

    Args:
        worker: that the cell runs in; it and its agent count as our own.
    """

    def __init__(self, worker: RemoteWorker) -> None:
        self._worker = worker
        self._groups: dict[str, tuple[str, ...]] | None = None

    def before(self) -> Reading:
        """Read before a cell. Raises RunError where the connection is broken."""
        return self._read()

    def after(self) -> Reading:
        """Read after a cell. Raises like ``before``."""
        return self._read()

    def _read(self) -> Reading:
        if self._groups is None:
            self._groups = _group_files(self._worker)
        with _machine(self._worker, (*_GATE_FILES, *self._groups["cpu"])) as machine:
            try:
                return _reading(machine)
            except BROKEN:
                return Reading()


def _reading(machine: _Machine) -> Reading:
    found = read_machine(root=machine.root)
    wall, own, ticks = (machine.number(name) for name in ("wall_seconds", "own_seconds", "ticks"))
    times = found.times
    if times is not None and wall is not None and own is not None and ticks:
        # The same file was understood with the ticks of this machine.
        times = replace(times, wall_seconds=wall, own_seconds=own) if ticks == os.sysconf("SC_CLK_TCK") else None
    else:
        times = None
    heat = read_throttle_events(machine.processors, root=machine.root)
    return replace(found, times=times, throttle_events=heat, load_average=machine.number("load_average"))


def host_record(worker: RemoteWorker) -> HostRecord:
    """Where a remote worker runs. Raises RunError where the connection is broken."""
    conditions = read_host_conditions(worker)
    pairs = conditions.as_pairs() if conditions is not None else ()
    told = {name: short_sentence(value) for name, value in pairs}
    return HostRecord(worker.host.name, worker.python, told)


def read_host_conditions(worker: RemoteWorker) -> Conditions | None:
    """What a measurement on the worker's machine depends on; None where what it tells is not understood.

    Raises:
        RunError: the connection is broken.
    """
    groups = _group_files(worker)
    with _machine(worker, (*_CONDITION_FILES, *groups["cpu"], *groups["memory"])) as machine:
        try:
            return _conditions(machine)
        except BROKEN:
            return None


def _conditions(machine: _Machine) -> Conditions:
    root, processors = machine.root, machine.processors
    _name_processor(machine)
    memory = machine.number("memory_bytes")
    return replace(
        read_conditions(root=root),
        processors=len(processors),
        cores=_cores(machine),
        load_average=machine.number("load_average"),
        memory_bytes=None if memory is None else int(memory),
        memory_limit_bytes=_memory_limit(root, memory),
        system=machine.words("system"),
        python=machine.words("python"),
        processor_state=read_processor_state(processors, root=root),
        memory_settings=read_memory_settings(processors, root=root),
    )


def _name_processor(machine: _Machine) -> None:
    """Boards do not name their processor as PCs do; the board's own name tells as much."""
    path = machine.root / "proc/cpuinfo"
    content = text(path)
    if "model name" not in content:
        name = text(machine.root / "proc/device-tree/model") or machine.words("processor")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{content}\nmodel name : {' '.join(name.split())}\n", encoding="utf-8")


def _cores(machine: _Machine) -> int:
    """Physical cores among the processors, whose threads share arithmetic units; 0 where no processor tells its own."""
    folders = [(each, machine.root / f"sys/devices/system/cpu/cpu{each}/topology") for each in machine.processors]
    siblings = [(each, text(folder / "thread_siblings_list")) for each, folder in folders]
    if not any(told for _, told in siblings):
        return 0
    return len({told or f"alone {each}" for each, told in siblings})


def _memory_limit(root: Path, memory: float | None) -> int | None:
    """The tightest limit of the worker's control groups, where it is below the machine's memory."""
    limits: list[int] = []
    for folder in control_groups("memory", root):
        limit = text(folder / "memory.max") or text(folder / "memory.limit_in_bytes")
        if limit.isdecimal() and (memory is None or int(limit) < memory):
            limits.append(int(limit))
    return min(limits, default=None)


def _group_files(worker: RemoteWorker) -> dict[str, tuple[str, ...]]:
    """Paths of the files that say what the worker's control groups may use, by controller."""
    with _machine(worker, (_GROUP,)) as machine:
        try:
            return {
                controller: tuple(
                    f"{folder.relative_to(machine.root).as_posix()}/{name}"
                    for folder in islice(control_groups(controller, machine.root), _MOST_GROUPS)
                    for name in names
                )
                for controller, names in _GROUP_FILES.items()
            }
        except BROKEN:
            return dict.fromkeys(_GROUP_FILES, ())


@contextmanager
def _machine(worker: RemoteWorker, patterns: tuple[str, ...]) -> Generator[_Machine]:
    files, facts = worker.read(patterns)
    with standing_for_root(files, worker.folder) as root:
        yield _Machine(root, facts)
