"""What decides how fast memory is now: nodes that are near and far, size of pages, swapping.

Source of every path: Linux ``Documentation/ABI/stable/sysfs-devices-node``, ``Documentation/admin-guide/mm/
transhuge.rst``, proc_meminfo(5), proc_pid_status(5).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from attainable.timing.kernel_files import ROOT, UNKNOWN, known, listed, text


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """How memory is laid out and handed out; nothing known unless given.

    Attributes:
        nodes: memories that are near to some processors and far from others (NUMA); None where unknown.
        processor_nodes: nodes that have a processor which the process may use.
        memory_nodes: nodes whose memory the process may use.
        transparent_huge_pages: ``always``, ``madvise`` or ``never``.
        reserved_huge_pages: pages that programs must ask for; None where unknown.
        swap_bytes: room for memory that is written to disk; None where unknown.
        swap_used_bytes: how much of it is taken.
    """

    nodes: int | None = None
    processor_nodes: tuple[int, ...] = ()
    memory_nodes: tuple[int, ...] = ()
    transparent_huge_pages: str = UNKNOWN
    reserved_huge_pages: int | None = None
    swap_bytes: int | None = None
    swap_used_bytes: int | None = None

    def as_pairs(self) -> tuple[tuple[str, str], ...]:
        """The fields as ``(name, text)`` in SI base units."""
        reserved = "" if not self.reserved_huge_pages else f", {self.reserved_huge_pages} reserved"
        return (
            ("numa nodes", self._nodes()),
            ("huge pages", f"{self.transparent_huge_pages}{reserved}"),
            ("swap", self._swap()),
        )

    def _nodes(self) -> str:
        if self.nodes is None or self.nodes == 1:
            return known(self.nodes, "{}")
        processors, memory = (
            " ".join(map(str, nodes)) or UNKNOWN for nodes in (self.processor_nodes, self.memory_nodes)
        )
        return f"{self.nodes}; processors of {processors}, memory of {memory}"

    def _swap(self) -> str:
        if not self.swap_bytes:
            return UNKNOWN if self.swap_bytes is None else "none"
        return f"{self.swap_bytes} bytes, {known(self.swap_used_bytes, '{} used')}"


def read_memory_settings(processors: Sequence[int], *, root: Path = ROOT) -> MemorySettings:
    """Read how memory is set up for a process on these processors; ``root`` stands in for ``/`` in tests."""
    folder = root / "sys/devices/system/node"
    nodes = sorted(listed(text(folder / "online")))
    near = [node for node in nodes if listed(text(folder / f"node{node}/cpulist")).intersection(processors)]
    meminfo = _fields(text(root / "proc/meminfo"))
    allowed = _fields(text(root / "proc/self/status")).get("Mems_allowed_list", "")
    chosen = re.search(r"\[(\w+)\]", text(root / "sys/kernel/mm/transparent_hugepage/enabled"))
    total, free = _kibibytes(meminfo.get("SwapTotal")), _kibibytes(meminfo.get("SwapFree"))
    reserved = meminfo.get("HugePages_Total", "")
    return MemorySettings(
        nodes=len(nodes) or None,
        processor_nodes=tuple(near),
        memory_nodes=tuple(sorted(listed(allowed).intersection(nodes))),
        transparent_huge_pages=chosen[1] if chosen else UNKNOWN,
        reserved_huge_pages=int(reserved) if reserved.isdecimal() else None,
        swap_bytes=total,
        swap_used_bytes=None if total is None or free is None else total - free,
    )


def _fields(content: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in content.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _kibibytes(value: str | None) -> int | None:
    amount = (value or "").removesuffix("kB").strip()
    return int(amount) * 1024 if amount.isdecimal() else None
