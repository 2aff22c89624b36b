"""How much memory the machine has left."""

import os
from pathlib import Path


def available_memory_bytes(*, root: Path = Path("/")) -> int | None:
    """Memory that a new program can take without swapping; None where the system does not tell.

    The tighter of the machine's and the control group's. ``root`` stands in for ``/`` in tests.
    """
    machine = _machine(root)
    limit = _number(root / "sys/fs/cgroup/memory.max")
    used = _number(root / "sys/fs/cgroup/memory.current")
    if limit is None or used is None:
        return machine
    return max(0, limit - used) if machine is None else max(0, min(machine, limit - used))


def _machine(root: Path) -> int | None:
    try:
        for line in (root / "proc/meminfo").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
