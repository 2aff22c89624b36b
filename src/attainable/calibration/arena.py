"""The memory that bandwidth is measured on: far larger than the last cache, on huge pages where there are any."""

import ctypes
import mmap
from dataclasses import dataclass
from pathlib import Path

from attainable.calibration.team import Team
from attainable.timing.conditions import Conditions, usable_processors

MEBIBYTE = 1 << 20

WINDOW_BYTES = 16 * MEBIBYTE
"""What a team together reads or copies in a trial: about 0.5 ms at 30 GB/s, small enough to find a quiet moment."""

LEAST_WINDOW_BYTES = 2 * MEBIBYTE
"""What each member takes at least, so that many members do not start and stop all the time."""

_ROOT = Path("/")


@dataclass(frozen=True, slots=True)
class LastCache:
    """The last level of cache before the main memory.

    Attributes:
        name: ``L3`` or whatever level is the last.
        bytes: of one cache.
        count: how many of them the usable processors have.
    """

    name: str
    bytes: int
    count: int


def last_cache(*, root: Path = _ROOT) -> LastCache | None:
    """The last-level cache as the Linux kernel describes it; None where it does not. ``root`` is for tests."""
    found: dict[int, dict[str, int]] = {}
    for processor in usable_processors():
        for index in (root / f"sys/devices/system/cpu/cpu{processor}/cache").glob("index*"):
            try:
                level, size = int((index / "level").read_text()), (index / "size").read_text().strip()
                sharers = (index / "shared_cpu_list").read_text().strip()
            except (OSError, ValueError):
                continue
            if size.endswith("K"):  # the only unit the kernel prints here
                found.setdefault(level, {})[sharers] = int(size[:-1]) << 10
    if not found:
        return None
    level = max(found)
    return LastCache(f"L{level}", max(found[level].values()), len(found[level]))


def arena_bytes(conditions: Conditions, cache: LastCache | None) -> int:
    """How large the arena is: four times all last-level cache, at least 256 MiB, at most a quarter of the memory.

    Beyond 1 GiB filling it would take longer than the measurement; there one and a half times the cache must do.
    """
    cached = cache.bytes * cache.count if cache else 64 * MEBIBYTE
    wanted = max(256 * MEBIBYTE, min(4 * cached, 1024 * MEBIBYTE), cached * 3 // 2)
    limits = [limit for limit in (conditions.memory_bytes, conditions.memory_limit_bytes) if limit is not None]
    return min([wanted, *(limit // 4 for limit in limits)]) // MEBIBYTE * MEBIBYTE


class Arena:
    """A block of memory, filled with ones by the team so that each member's part lies next to its core."""

    def __init__(self, size: int, team: Team) -> None:
        self.size = size
        self._map = mmap.mmap(-1, size)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            self._map.madvise(mmap.MADV_HUGEPAGE)
        self._anchor = ctypes.c_char.from_buffer(self._map)
        self.address = ctypes.addressof(self._anchor)
        # How far into its part each member has walked, by the number of members.
        self._walked: dict[int, int] = {}
        part = self._part(team.size)

        def fill(member: int) -> None:
            end = size if member == team.size - 1 else (member + 1) * part
            ctypes.memset(self.address + member * part, 1, end - member * part)

        team.each(fill)

    def fresh(self, members: int, size: int) -> list[int]:
        """An address for each of ``members``, with ``size`` bytes that nobody has touched for as long as possible.

        Each member walks through its own part of the arena; a single one walks through all of it.
        """
        part = self._part(members)
        offset = self._walked.get(members, 0)
        if offset + size > part:
            offset = 0
        self._walked[members] = -(-(offset + size) // mmap.PAGESIZE) * mmap.PAGESIZE
        return [self.address + place * part + offset for place in range(members)]

    def window(self, members: int, multiple: int) -> int:
        """Bytes that each of ``members`` takes in one trial, a multiple of ``multiple``."""
        size = max(WINDOW_BYTES // members, LEAST_WINDOW_BYTES)
        return max(1, min(size, self._part(members) // 2) // multiple) * multiple

    def _part(self, members: int) -> int:
        return self.size // members // mmap.PAGESIZE * mmap.PAGESIZE

    def close(self) -> None:
        """Give the memory back; the addresses are void from here on."""
        del self._anchor
        self._map.close()
