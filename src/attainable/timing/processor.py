"""What decides how fast the processor runs now: governor, clocks, kinds of cores, threads of a core, heat.

Source of every path: Linux ``Documentation/ABI/testing/sysfs-devices-system-cpu``, ``Documentation/admin-guide/pm/
cpufreq.rst``, ``Documentation/driver-api/thermal/sysfs-api.rst``, ``Documentation/hwmon/sysfs-interface.rst``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from attainable.timing.kernel_files import ROOT, UNKNOWN, known, listed, number, text

_ALIKE = 0.9
"""Cores of at least this share of the fastest one's speed are of its kind: favoured cores clock a few per cent higher.

An efficient core of Intel's hybrid processors clocks at three quarters of a fast one, a small ARM core has a quarter to
half of the capacity of a large one.
"""

_PROCESSOR_ZONES = ("x86_pkg_temp", "cpu", "soc", "core", "pkg")
_PROCESSOR_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal")
_MULTITHREADING = {
    "on": "on", "off": "off", "forceoff": "off", "notsupported": "not supported", "notimplemented": "not supported",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CoreKind:
    """Processors that are equally fast.

    Attributes:
        processors: how many logical ones.
        capacity: relative speed, 1024 for the fastest of the machine; None where the system does not tell.
        clock_hertz: highest clock; None where the system does not tell.
    """

    processors: int
    capacity: int | None
    clock_hertz: float | None


@dataclass(frozen=True, slots=True)
class ProcessorState:
    """The settings and the heat of the processors that a process may use; nothing known unless given.

    Attributes:
        governors: what chooses the clock, each once.
        clock_range_hertz: lowest and highest clock of the hardware.
        core_kinds: fastest first; more than one on a hybrid processor.
        multithreading: ``on``, ``off`` or ``not supported``; several threads of a core share its arithmetic units.
        threads_per_core: the most logical processors that a core has.
        temperature_celsius: of the hottest part that is a processor.
        throttle_events: times that heat slowed a core down since boot.
    """

    governors: tuple[str, ...] = ()
    clock_range_hertz: tuple[float, float] | None = None
    core_kinds: tuple[CoreKind, ...] = ()
    multithreading: str = UNKNOWN
    threads_per_core: int | None = None
    temperature_celsius: float | None = None
    throttle_events: int | None = None

    def as_pairs(self) -> tuple[tuple[str, str], ...]:
        """The fields as ``(name, text)``."""
        return (
            ("governor", " ".join(self.governors) or UNKNOWN),
            ("clock range", _clock_range(self.clock_range_hertz)),
            ("core kinds", _core_kinds(self.core_kinds)),
            ("multithreading", _multithreading(self.multithreading, self.threads_per_core)),
            ("temperature", known(self.temperature_celsius, "{:.0f} degrees Celsius")),
            ("thermal throttling", known(self.throttle_events, "{} events since boot")),
        )


def read_processor_state(processors: Sequence[int], *, root: Path = ROOT) -> ProcessorState:
    """Read the state of these logical processors; ``root`` stands in for ``/`` in tests."""
    folders = [_folder(processor, root) for processor in processors]
    governors = [text(folder / "cpufreq/scaling_governor") for folder in folders]
    siblings = [len(listed(text(folder / "topology/thread_siblings_list"))) for folder in folders]
    return ProcessorState(
        governors=tuple(dict.fromkeys(filter(None, governors))),
        clock_range_hertz=_read_clock_range(folders),
        core_kinds=_read_core_kinds(folders),
        multithreading=_MULTITHREADING.get(text(root / "sys/devices/system/cpu/smt/control"), UNKNOWN),
        threads_per_core=max(siblings, default=0) or None,
        temperature_celsius=_read_temperature(root),
        throttle_events=read_throttle_events(processors, root=root),
    )


def read_throttle_events(processors: Sequence[int], *, root: Path = ROOT) -> int | None:
    """Times since boot that heat slowed a core or its package down; None where the system does not count.

    Read before and after a measurement: a difference says that the processor was not at full speed.
    """
    folders = [_folder(processor, root) / "thermal_throttle" for processor in processors]
    of_cores = [count for folder in folders if (count := number(folder / "core_throttle_count")) is not None]
    of_packages = [count for folder in folders if (count := number(folder / "package_throttle_count")) is not None]
    # Every processor of a package shows the count of the package.
    return sum(of_cores) + max(of_packages, default=0) if of_cores or of_packages else None


def _folder(processor: int, root: Path) -> Path:
    return root / f"sys/devices/system/cpu/cpu{processor}"


def _clock(folder: Path, end: str) -> float | None:
    kilohertz = number(folder / f"cpufreq/cpuinfo_{end}_freq")
    return None if kilohertz is None else kilohertz * 1e3


def _read_clock_range(folders: Sequence[Path]) -> tuple[float, float] | None:
    low = [clock for folder in folders if (clock := _clock(folder, "min")) is not None]
    high = [clock for folder in folders if (clock := _clock(folder, "max")) is not None]
    return (min(low), max(high)) if low and high else None


def _read_core_kinds(folders: Sequence[Path]) -> tuple[CoreKind, ...]:
    """Cores by speed: by capacity where the kernel tells it of all, else by highest clock."""
    cores = [(number(folder / "cpu_capacity"), _clock(folder, "max")) for folder in folders]
    by_capacity = all(capacity is not None for capacity, _ in cores)
    speeds = [capacity if by_capacity else clock for capacity, clock in cores]
    if not cores or any(speed is None for speed in speeds):
        return ()
    ordered = sorted(zip([speed or 0 for speed in speeds], cores, strict=True), key=lambda core: -core[0])
    kinds: list[CoreKind] = []
    fastest = float("inf")
    for speed, (capacity, clock) in ordered:
        if kinds and speed >= _ALIKE * fastest:
            last = kinds[-1]
            kinds[-1] = CoreKind(last.processors + 1, last.capacity, last.clock_hertz)
        else:
            kinds.append(CoreKind(1, capacity, clock))
            fastest = speed
    return tuple(kinds)


def _read_temperature(root: Path) -> float | None:
    """The hottest zone or sensor of a processor, in degrees; the kernel counts in thousandths."""
    readings: list[int | None] = []
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        if any(name in text(zone / "type").lower() for name in _PROCESSOR_ZONES):
            readings.append(number(zone / "temp"))
    for sensor in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if text(sensor / "name") in _PROCESSOR_SENSORS:
            readings += [number(file) for file in sorted(sensor.glob("temp*_input"))]
    hottest = max((reading for reading in readings if reading is not None), default=None)
    return None if hottest is None else hottest / 1000


def _clock_range(ends: tuple[float, float] | None) -> str:
    return UNKNOWN if ends is None else f"{ends[0]:.4g} to {ends[1]:.4g} Hz"


def _core_kinds(kinds: Sequence[CoreKind]) -> str:
    if not kinds:
        return UNKNOWN
    if len(kinds) == 1:
        return "all alike"
    return ", ".join(f"{kind.processors} with {_speed(kind)}" for kind in kinds)


def _speed(kind: CoreKind) -> str:
    parts = [known(kind.capacity, "capacity {}"), known(kind.clock_hertz, "up to {:.4g} Hz")]
    return " ".join(part for part in parts if part != UNKNOWN)


def _multithreading(state: str, threads: int | None) -> str:
    if threads is None or state in ("not supported", "off"):
        return state
    return f"{state}, {threads} thread{'s' if threads > 1 else ''} a core"
