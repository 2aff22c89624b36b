"""The machine as it is now: what a time was measured on, and how busy everybody else was meanwhile.

Everything is read from files of the Linux kernel. Elsewhere, and where a container hides a file, a field is
``unknown`` or None; nothing here raises.
"""

import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from attainable.timing.kernel_files import ROOT, UNKNOWN, known, text
from attainable.timing.memory_settings import MemorySettings, read_memory_settings
from attainable.timing.processor import ProcessorState, read_processor_state

ISA_FLAGS = (
    "avx", "f16c", "fma", "avx2", "avx_vnni", "avx_vnni_int8", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "amx_tile", "amx_int8", "amx_bf16", "amx_fp16",
    "asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "sve2", "sme",
)  # fmt: skip
"""Instruction sets that change how fast a network runs, by the kernel's names; x86 first, then ARM.

Source: Linux ``arch/x86/include/asm/cpufeatures.h`` and ``Documentation/arch/arm64/elf_hwcaps.rst``.
"""


_LONGEST_GROUP = 4096
"""Characters; a path has no more. Source: Linux ``include/uapi/linux/limits.h``, PATH_MAX."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a measurement on this machine depends on.

    Attributes:
        cpu: model name with family and stepping, ``unknown`` where the system does not tell.
        processors: logical processors that this process may use; 0 where unknown.
        cores: physical cores among them; 0 where unknown.
        cpu_quota: processors' worth of time that the control group grants; None without a limit.
        load_average: runnable tasks over the last minute; None where unknown.
        clock_hertz: what the system says, which a virtual machine often makes up; None where unknown.
        isa: the flags of `ISA_FLAGS` that the processor has.
        memory_bytes: all memory of the machine; None where unknown.
        memory_limit_bytes: what the control group grants of it; None without a limit.
        system: operating system and kernel release.
        python: implementation and version.
        virtual: whether a hypervisor is in between; None where unknown.
        processor_state: governor, clocks, kinds of cores, threads of a core, heat.
        memory_settings: NUMA nodes, huge pages, swap.
        limits_known: whether the system tells its control groups; else no limit may be one that it hides.
    """

    cpu: str
    processors: int
    cores: int
    cpu_quota: float | None
    load_average: float | None
    clock_hertz: float | None
    isa: tuple[str, ...]
    memory_bytes: int | None
    memory_limit_bytes: int | None
    system: str
    python: str
    virtual: bool | None
    processor_state: ProcessorState = field(default_factory=ProcessorState)
    memory_settings: MemorySettings = field(default_factory=MemorySettings)
    limits_known: bool = True

    def as_pairs(self) -> tuple[tuple[str, str], ...]:
        """The fields as ``(name, text)`` in SI base units, in the form `Device.conditions` stores."""
        no_limit = "none" if self.limits_known else UNKNOWN
        return (
            ("cpu", self.cpu),
            ("processors", known(self.processors or None, "{}")),
            ("cores", known(self.cores or None, "{}")),
            ("cpu quota", no_limit if self.cpu_quota is None else f"{self.cpu_quota:g} processors"),
            ("load average", known(self.load_average, "{:.2f}")),
            ("clock by the system", known(self.clock_hertz, "{:.4g} Hz")),
            ("isa", " ".join(self.isa) or UNKNOWN),
            ("memory", known(self.memory_bytes, "{} bytes")),
            ("memory limit", no_limit if self.memory_limit_bytes is None else f"{self.memory_limit_bytes} bytes"),
            ("system", self.system),
            ("python", self.python),
            ("hypervisor", UNKNOWN if self.virtual is None else "yes" if self.virtual else "no"),
            *self.processor_state.as_pairs(),
            *self.memory_settings.as_pairs(),
        )


def read_conditions(*, root: Path = ROOT) -> Conditions:
    """Read the conditions of this machine; ``root`` stands in for ``/`` in tests."""
    cpuinfo = _pairs(text(root / "proc/cpuinfo"))
    memory = _memory_bytes()
    processors = usable_processors()
    flags = set((cpuinfo.get("flags") or cpuinfo.get("Features") or [""])[0].split())
    return Conditions(
        cpu=_cpu(cpuinfo),
        processors=len(processors),
        cores=len(core_processors(root=root)),
        cpu_quota=_cpu_quota(root),
        load_average=_load_average(),
        clock_hertz=max(
            (float(megahertz) * 1e6 for megahertz in cpuinfo.get("cpu MHz", []) if megahertz), default=None
        ),
        isa=tuple(flag for flag in ISA_FLAGS if flag in flags),
        memory_bytes=memory,
        memory_limit_bytes=_memory_limit(root, memory),
        system=f"{platform.system() or UNKNOWN} {platform.release()} {platform.machine()}".replace("  ", " ").strip(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        virtual=_virtual(flags, root),
        processor_state=read_processor_state(processors, root=root),
        memory_settings=read_memory_settings(processors, root=root),
        limits_known=_tells_control_groups(root),
    )


def usable_processors() -> tuple[int, ...]:
    """Numbers of the logical processors that this process may run on, in order."""
    # By sys.platform, because a type checker then knows which branch exists.
    if sys.platform == "linux":
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


def core_processors(*, root: Path = ROOT) -> tuple[int, ...]:
    """One usable logical processor of each physical core: two threads of a core share its arithmetic units."""
    first_of: dict[str, int] = {}
    for processor in usable_processors():
        folder = root / f"sys/devices/system/cpu/cpu{processor}/topology"
        siblings = text(folder / "thread_siblings_list")
        first_of.setdefault(siblings or f"alone {processor}", processor)
    return tuple(first_of.values())


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Processor time spent since boot, by everybody and by us, at one moment.

    Attributes:
        wall_seconds: a clock that never runs backwards.
        busy_seconds: of all processors together, time that a hypervisor took away included.
        own_seconds: of the processes asked for.
        processors: how many processors ``busy_seconds`` sums over.
    """

    wall_seconds: float
    busy_seconds: float
    own_seconds: float
    processors: int


def read_cpu_times(processes: Sequence[int] = (), *, root: Path = ROOT) -> CpuTimes | None:
    """Read the processor times now; None where the system does not tell.

    Args:
        processes: further process ids to call our own, such as a worker's; this process always is.
        root: stands in for ``/`` in tests.
    """
    rows = [line.split() for line in text(root / "proc/stat").splitlines() if line.startswith("cpu")]
    if sys.platform == "win32" or len(rows) < 2:
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    # Columns: user nice system idle iowait irq softirq steal; guest time is part of user already.
    # Source: proc_stat(5).
    columns = [int(column) for column in rows[0][1:9]]
    busy = sum(columns) - sum(columns[3:5])
    if not busy:
        # No system starts in no time: this one does not count (gVisor).
        return None
    own = os.times()
    others = sum(_process_ticks(text(root / f"proc/{process}/stat")) for process in processes)
    own_seconds = own.user + own.system + own.children_user + own.children_system + others / ticks
    return CpuTimes(time.perf_counter(), busy / ticks, own_seconds, len(rows) - 1)


def others_share(before: CpuTimes | None, after: CpuTimes | None) -> float | None:
    """Share of the machine, 0 to 1, that others used between two readings.

    On two processors, one busy program of somebody else gives 0.5. None where a reading is missing, or where the
    interval is shorter than 0.1 s: the kernel counts in steps of 0.01 s, and the answer would be rounding.
    """
    if before is None or after is None or after.wall_seconds - before.wall_seconds < 0.1:
        return None
    everybody = after.busy_seconds - before.busy_seconds
    ours = after.own_seconds - before.own_seconds
    capacity = (after.wall_seconds - before.wall_seconds) * after.processors
    return min(1.0, max(0.0, (everybody - ours) / capacity))


def _process_ticks(stat: str) -> int:
    """User and system ticks of one process, its waited-for children included; 0 when it is gone."""
    # The name in parentheses may hold spaces; fields 14 to 17 follow it. Source: proc_pid_stat(5).
    fields = stat.rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15])


def _cpu(cpuinfo: dict[str, list[str]]) -> str:
    """Model name, with the numbers that tell generations apart where a hypervisor shortens the name."""
    name = (cpuinfo.get("model name") or [platform.processor() or UNKNOWN])[0]
    keys = ("cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU variant", "CPU revision")
    # The parts of a processor with big and little cores differ: each is named once.
    numbers = [f"{key} {' '.join(dict.fromkeys(cpuinfo[key]))}" for key in keys if key in cpuinfo]
    return f"{name} ({', '.join(numbers)})" if numbers else name


def control_groups(controller: str, root: Path) -> Iterator[Path]:
    """Our control group of this controller and all above it, in version 2 and in version 1."""
    for line in text(root / "proc/self/cgroup").splitlines():
        _, controllers, inside = line.split(":", 2)
        if not controllers:
            mounts = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
        elif controller in controllers.split(","):
            mounts = (f"sys/fs/cgroup/{controller}",)
        else:
            continue
        group = Path(inside.lstrip("/"))
        if ".." in group.parts or len(inside) > _LONGEST_GROUP:
            # It lies outside of what can be seen here. Source: cgroup_namespaces(7).
            continue
        # A container may show only its own part of the tree, at the top; hence every level is tried.
        for mount in mounts:
            for folder in (group, *group.parents):
                yield root / mount / folder


def _tells_control_groups(root: Path) -> bool:
    """Whether all limits can be seen: systems other than Linux have none, another machine may be any system."""
    if root == ROOT and sys.platform != "linux":
        return True
    listed = text(root / "proc/self/cgroup")
    return bool(listed) and not any(".." in line.split("/") for line in listed.splitlines())


def _cpu_quota(root: Path) -> float | None:
    """The tightest quota, in processors. Source: cgroup-v2.rst and sched-bwc.rst of the Linux kernel."""
    quotas: list[float] = []
    for folder in control_groups("cpu", root):
        limit = text(folder / "cpu.max").split()
        limit = limit or [text(folder / "cpu.cfs_quota_us"), text(folder / "cpu.cfs_period_us")]
        # Without a limit the quota reads "max" in version 2 and -1 in version 1.
        if len(limit) == 2 and limit[0].isdigit() and limit[1].isdigit() and int(limit[1]):
            quotas.append(int(limit[0]) / int(limit[1]))
    return min(quotas, default=None)


def _memory_limit(root: Path, memory: int | None) -> int | None:
    """The tightest limit below the machine's memory. Source: cgroup-v2.rst and memory.rst of the Linux kernel."""
    limits: list[int] = []
    for folder in control_groups("memory", root):
        limit = text(folder / "memory.max") or text(folder / "memory.limit_in_bytes")
        if limit.isdigit():
            limits.append(int(limit))
    tightest = min(limits, default=None)
    # Version 1 writes a huge number for no limit.
    return None if tightest is None or (memory is not None and tightest >= memory) else tightest


def _load_average() -> float | None:
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):
        return None


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        return None


def _virtual(flags: set[str], root: Path) -> bool | None:
    """x86 has a flag; ARM boards and machines elsewhere tell nothing reliable."""
    if "hypervisor" in flags or (root / "sys/hypervisor/type").exists():
        return True
    return False if "fpu" in flags else None


def _pairs(cpuinfo: str) -> dict[str, list[str]]:
    """``key : value`` lines, the values of all processors in a list."""
    found: dict[str, list[str]] = {}
    for line in cpuinfo.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            found.setdefault(key.strip(), []).append(value.strip())
    return found
