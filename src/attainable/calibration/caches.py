"""The caches between the cores and the main memory, as the Linux kernel describes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from attainable.timing.conditions import usable_processors

_ROOT = Path("/")


@dataclass(frozen=True, slots=True)
class CacheLevel:
    """A level of cache for data.

    Attributes:
        name: ``L1``, ``L2``, ...
        bytes: of one cache; of the largest where they differ, as they do on processors with big and little cores.
        count: how many of them the usable processors have.
        smallest_bytes: of the smallest one; what every core can fill.
    """

    name: str
    bytes: int
    count: int
    smallest_bytes: int

    @property
    def all_bytes(self) -> int:
        """What all of them hold together, were they all of the largest size."""
        return self.bytes * self.count


def cache_levels(processors: Sequence[int] | None = None, *, root: Path = _ROOT) -> tuple[CacheLevel, ...]:
    """The levels of data cache, the first one first; empty where the system does not describe them.

    Args:
        processors: whose caches; None for all that this process may use.
        root: stands in for ``/`` in tests.
    """
    found: dict[int, dict[str, int]] = {}
    for processor in usable_processors() if processors is None else processors:
        for index in (root / f"sys/devices/system/cpu/cpu{processor}/cache").glob("index*"):
            try:
                level, size = int((index / "level").read_text()), (index / "size").read_text().strip()
                sharers = (index / "shared_cpu_list").read_text().strip()
                holds_data = (index / "type").read_text().strip() != "Instruction"
            except (OSError, ValueError):
                continue
            # K is the only unit that the kernel prints here.
            if holds_data and size.endswith("K") and size[:-1].isdigit():
                found.setdefault(level, {})[sharers] = int(size[:-1]) << 10
    return tuple(
        CacheLevel(f"L{level}", max(sizes.values()), len(sizes), min(sizes.values()))
        for level, sizes in sorted(found.items())
    )
