"""Reads the machine around a cell, for the gate."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from attainable.timing.best_hand_over import note_hand_overs
from attainable.timing.clock import measure_clock_hertz
from attainable.timing.conditions import control_groups, read_conditions, read_cpu_times, usable_processors
from attainable.timing.gate import Reading
from attainable.timing.kernel_files import ROOT, text
from attainable.timing.ping_pong import HandOver, probe_hand_overs
from attainable.timing.processor import read_throttle_events

_NO_CODE = (ImportError, OSError, RuntimeError)
"""Where no code can be compiled, as on a system that forbids memory that is written and run, a reading is unknown."""


class Gate:
    """Reads the machine before and after a cell of some processes, which count as our own.

    Args:
        processes: ids of the processes that the cell runs in, beside this one.
        probe: also measure how quickly cores hand over, which takes 70 ms; of use for cells of several threads.
        root: stands in for ``/`` in tests.
    """

    def __init__(self, processes: Sequence[int] = (), *, probe: bool, root: Path = ROOT) -> None:
        self._processes = tuple(processes)
        self._probe = probe
        self._root = root
        self._machine = machine_name(root=root) if probe else ""

    def before(self) -> Reading:
        """Read before a cell: the probe first, because its own work must not count."""
        hand_overs, best = self._hand_overs()
        clock = _clock_hertz()
        return replace(
            read_machine(self._processes, root=self._root),
            clock_hertz=clock, hand_overs=hand_overs, best_hand_overs=best,
        )  # fmt: skip

    def after(self) -> Reading:
        """Read after a cell, what the cell left behind first."""
        reading = read_machine(self._processes, root=self._root)
        clock = _clock_hertz()
        hand_overs, best = self._hand_overs()
        return replace(reading, clock_hertz=clock, hand_overs=hand_overs, best_hand_overs=best)

    def _hand_overs(self) -> tuple[tuple[HandOver, ...], dict[tuple[int, int], float]]:
        found: tuple[HandOver, ...] = ()
        if self._probe:
            with contextlib.suppress(*_NO_CODE):
                found = probe_hand_overs()
        return found, note_hand_overs(found, machine=self._machine) if found else {}


def _clock_hertz() -> float | None:
    with contextlib.suppress(*_NO_CODE):
        return measure_clock_hertz()
    return None


def machine_name(*, root: Path = ROOT) -> str:
    """What hand-overs are remembered for: the processor, how many of it, and whether a hypervisor is in between."""
    conditions = read_conditions(root=root)
    place = {True: "virtual", False: "not virtual", None: "virtual or not"}[conditions.virtual]
    return f"{conditions.cpu}, {conditions.processors} processors, {place}"


def read_machine(processes: Sequence[int] = (), *, root: Path = ROOT) -> Reading:
    """Read all that takes no time to read; neither the clock nor the hand-overs.

    Args:
        processes: ids of processes that count as our own, beside this one.
        root: stands in for ``/`` in tests.
    """
    return Reading(
        times=read_cpu_times(processes, root=root),
        steal_seconds=_steal_seconds(root),
        quota_seconds=_quota_seconds(root),
        throttle_events=read_throttle_events(usable_processors(), root=root),
        load_average=_load_average(root),
    )


def _steal_seconds(root: Path) -> float | None:
    """Time that a hypervisor took from all processors. Source: proc_stat(5), the eighth number of ``cpu``."""
    row = text(root / "proc/stat").partition("\n")[0].split()
    if len(row) < 9 or row[0] != "cpu" or not row[8].isdecimal() or set(row[1:]) == {"0"}:
        # All zero: the system does not count, see ``conditions.read_cpu_times``.
        return None
    return int(row[8]) / os.sysconf("SC_CLK_TCK")


def _quota_seconds(root: Path) -> float | None:
    """Time for which a quota stopped our control group or one above it, of the one that was stopped longest.

    Version 2 counts microseconds, version 1 nanoseconds. Source: Linux ``Documentation/admin-guide/cgroup-v2.rst``,
    ``Documentation/scheduler/sched-bwc.rst``.
    """
    units = {"throttled_usec": 1e-6, "throttled_time": 1e-9}
    found: list[float] = []
    for folder in control_groups("cpu", root):
        for line in text(folder / "cpu.stat").splitlines():
            name, _, value = line.partition(" ")
            if name in units and value.isdecimal():
                found.append(int(value) * units[name])
    return max(found, default=None)


def _load_average(root: Path) -> float | None:
    first = text(root / "proc/loadavg").partition(" ")[0]
    try:
        return float(first)
    except ValueError:
        return None
