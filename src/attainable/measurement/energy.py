"""Energy by the counters of the hardware; where none can be read it is not available, and never estimated.

RAPL counts what processor packages used, NVML what the boards of GPUs used, whoever used it: on a busy machine others
are in the figure.
Source: Linux ``Documentation/power/powercap/powercap.rst``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from attainable.measurement.gpu_energy import read_gpu_microjoules
from attainable.timing.kernel_files import ROOT, number, text

_POWERCAP = "sys/class/powercap"


@dataclass(frozen=True, slots=True)
class Counters:
    """Energy counters at one moment.

    Attributes:
        microjoules: by counter; a counter begins anew at its range.
        ranges: the largest value of each.
        absence: why there is none of the processor; empty where there is one.
        gpu_microjoules: by GPU; these begin anew when the driver is loaded.
    """

    microjoules: Mapping[str, int] = field(default_factory=dict[str, int])
    ranges: Mapping[str, int] = field(default_factory=dict[str, int])
    absence: str = ""
    gpu_microjoules: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Energy:
    """What a measurement used.

    Attributes:
        joules: of the processor packages together, from the first to the last run; None where it is not available.
        joules_per_run: the same by runs; None likewise.
        source: what was read, or why nothing was.
        gpu_joules, gpu_joules_per_run: of the boards of all GPUs together; None where none counts.
    """

    joules: float | None
    joules_per_run: float | None
    source: str
    gpu_joules: float | None = None
    gpu_joules_per_run: float | None = None


def read_counters(*, root: Path = ROOT) -> Counters:
    """Read the energy counters of processor packages and GPUs; ``root`` stands in for ``/`` in tests."""
    return replace(_read_packages(root), gpu_microjoules=read_gpu_microjoules())


def _read_packages(root: Path) -> Counters:
    folders = sorted((root / _POWERCAP).glob("intel-rapl:*")) if (root / _POWERCAP).is_dir() else []
    packages = [folder for folder in folders if text(folder / "name").startswith("package")]
    if not packages:
        return Counters(absence="this system has no RAPL counters (/sys/class/powercap)")
    values = {folder.name: number(folder / "energy_uj") for folder in packages}
    ranges = {folder.name: number(folder / "max_energy_range_uj") or 0 for folder in packages}
    read = {name: value for name, value in values.items() if value is not None}
    if len(read) < len(values):
        return Counters(absence="the RAPL counters can be read by the administrator only")
    return Counters(read, ranges)


def energy_between(before: Counters, after: Counters, runs: int) -> Energy:
    """What was used between two readings.

    Args:
        before: at the start.
        after: at the end; a counter that ran over once in between is understood.
        runs: how many runs were made.
    """
    if runs < 1:
        return Energy(None, None, "not available: no runs were made")
    gpu = _gpu_joules(before, after)
    gpu_per_run = None if gpu is None else gpu / runs
    absence = before.absence or after.absence
    if absence:
        return Energy(None, None, f"not available: {absence}", gpu, gpu_per_run)
    used = 0
    for name, first in before.microjoules.items():
        last = after.microjoules.get(name, first)
        # Source: powercap.rst: the counter goes from 0 to max_energy_range_uj and starts again.
        used += last - first if last >= first else last - first + before.ranges[name]
    if used < 0:
        return Energy(None, None, "not available: a RAPL counter began anew", gpu, gpu_per_run)
    joules = used * 1e-6
    source = f"RAPL counters of {len(before.microjoules)} processor package(s), all programs"
    return Energy(joules, joules / runs, source, gpu, gpu_per_run)


def _gpu_joules(before: Counters, after: Counters) -> float | None:
    """Of the GPUs that were there at both moments; None without any, or where a driver was loaded in between."""
    there = before.gpu_microjoules.keys() & after.gpu_microjoules.keys()
    used = [after.gpu_microjoules[name] - before.gpu_microjoules[name] for name in there]
    return sum(used) * 1e-6 if used and min(used) >= 0 else None
