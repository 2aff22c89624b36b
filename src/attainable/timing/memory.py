"""How much memory the machine has left."""

import os
from pathlib import Path

from attainable.timing.kernel_files import ROOT, text

_MOST_DIGITS = 20
"""Of a number of the kernel, which has 64 bits."""


def available_memory_bytes(*, root: Path = ROOT) -> int | None:
    """Memory that a new program can take without swapping; None where the system does not tell.

    The tighter of the machine's and the control group's, whose cached files give way. ``root`` stands in for ``/`` of
    another machine, and in tests.
    """
    machine = _machine(root)
    limit = _number(text(root / "sys/fs/cgroup/memory.max"))
    used = _number(text(root / "sys/fs/cgroup/memory.current"))
    if limit is None or used is None:
        return machine
    left = limit - used + _cached_files(root)
    return max(0, left if machine is None else min(machine, left))


def _cached_files(root: Path) -> int:
    """Bytes that the control group's ``memory.current`` counts and the kernel takes back.

    Source: the kernel's cgroup-v2 documentation, ``memory.stat``.
    """
    rows = (line.split() for line in text(root / "sys/fs/cgroup/memory.stat").splitlines())
    return sum(_number(row[1]) or 0 for row in rows if len(row) == 2 and row[0] in ("active_file", "inactive_file"))


def _machine(root: Path) -> int | None:
    for line in text(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            kibibytes = _number(" ".join(line.split()[1:2]))
            return None if kibibytes is None else kibibytes * 1024
    if root != ROOT:
        # What this machine has says nothing of another.
        return None
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def _number(word: str) -> int | None:
    return int(word) if word.isdecimal() and len(word) <= _MOST_DIGITS else None
