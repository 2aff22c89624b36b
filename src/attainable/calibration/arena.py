"""The memory that bandwidth is measured on: far larger than the last cache, on huge pages where there are any."""

import contextlib
import ctypes
import mmap
import sys
from collections import deque
from collections.abc import Sequence

from attainable.calibration.team import Team
from attainable.timing.conditions import Conditions

MEBIBYTE = 1 << 20

WINDOW_BYTES = 16 * MEBIBYTE
"""What a team together reads or copies in a trial: about 0.5 ms at 30 GB/s, small enough to find a quiet moment."""

LEAST_WINDOW_BYTES = 2 * MEBIBYTE
"""What each member takes at least, so that many members do not start and stop all the time."""

FILLING = 0x3C
"""Each byte of the arena at first: as float32 0.0115, far from a denormal."""


def arena_bytes(conditions: Conditions, cached_bytes: int | None) -> int:
    """How large the arena is: four times all last-level cache, at least 256 MiB, at most a quarter of the memory.

    Beyond 1 GiB filling it would take longer than the measurement; there one and a half times the cache must do.

    Args:
        conditions: of this machine; its memory is the limit.
        cached_bytes: what all caches of the last level hold; None where unknown.
    """
    cached = cached_bytes or 64 * MEBIBYTE
    wanted = max(256 * MEBIBYTE, min(4 * cached, 1024 * MEBIBYTE), cached * 3 // 2)
    limits = [limit for limit in (conditions.memory_bytes, conditions.memory_limit_bytes) if limit is not None]
    return min([wanted, *(limit // 4 for limit in limits)]) // MEBIBYTE * MEBIBYTE


class Arena:
    """A block of memory, filled by the team so that each member's part lies next to its core.

    Args:
        size: in bytes.
        team: fills it.
        cached_bytes: what the last caches hold together; that much of what was touched last is not fresh.
    """

    def __init__(self, size: int, team: Team, *, cached_bytes: int = 0) -> None:
        self.size = size
        # Twice the cache, because caches do not drop exactly what is oldest; but not so much that nothing is fresh.
        self._remembered = min(2 * cached_bytes, size // 4)
        self._recent: deque[tuple[int, int]] = deque()
        if sys.platform == "linux":
            # Private, because Linux gives huge pages to shared memory only where an administrator says so.
            self._map = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            # A kernel without huge pages refuses.
            with contextlib.suppress(OSError):
                self._map.madvise(mmap.MADV_HUGEPAGE)
        else:
            self._map = mmap.mmap(-1, size)
        self._anchor = ctypes.c_char.from_buffer(self._map)
        self.address = ctypes.addressof(self._anchor)
        # How far into its part each member has walked, by the number of members.
        self._walked: dict[int, int] = {}
        part = self._part(team.size)

        def fill(member: int) -> None:
            end = size if member == team.size - 1 else (member + 1) * part
            ctypes.memset(self.address + member * part, FILLING, end - member * part)

        team.each(fill)

    def fresh(self, members: int, size: int) -> list[int]:
        """An address for each of ``members``, with ``size`` bytes that nobody has touched for as long as possible.

        Each member walks through its own part of the arena; a single one walks through all of it. They step over what
        others touched lately.
        """
        part = self._part(members)
        offset = self._walked.get(members, 0)
        places: list[int] = []
        for _ in range(part // size + 1):
            if offset + size > part:
                offset = 0
            places = [self.address + place * part + offset for place in range(members)]
            offset = -(-(offset + size) // mmap.PAGESIZE) * mmap.PAGESIZE
            if not self._is_recent(places, size):
                break
        self._walked[members] = offset
        self.touch(places, size)
        return places

    def touch(self, places: Sequence[int], size: int) -> None:
        """Remember that ``size`` bytes at each of ``places`` are being touched."""
        self._recent.extend((place, place + size) for place in places)
        while sum(end - start for start, end in self._recent) > self._remembered and len(self._recent) > len(places):
            self._recent.popleft()

    def _is_recent(self, places: Sequence[int], size: int) -> bool:
        return any(place < end and start < place + size for place in places for start, end in self._recent)

    def window(self, members: int, multiple: int, *, together: int = WINDOW_BYTES) -> int:
        """Bytes that each of ``members`` takes in one trial, a multiple of ``multiple``; all take ``together``."""
        size = max(together // members, LEAST_WINDOW_BYTES)
        return max(1, min(size, self._part(members) // 2) // multiple) * multiple

    def _part(self, members: int) -> int:
        return self.size // members // mmap.PAGESIZE * mmap.PAGESIZE

    def close(self) -> None:
        """Give the memory back; the addresses are void from here on."""
        del self._anchor
        self._map.close()
