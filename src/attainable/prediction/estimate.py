"""Estimate: seconds of computing and of moving, and which of them binds."""

from dataclasses import dataclass
from typing import Literal

from attainable.cost.work import Engine, Operations, Work
from attainable.devices.device import Device

BoundBy = Literal["compute", "memory", "nothing"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The least time of some work on a device, computing and moving at once.

    Attributes:
        compute_seconds: operations at the roof of their engine and dtype; engines work side by side.
        memory_seconds: bytes at the bandwidth of the main memory.
        without_roof: operations for which the device states no roof; they are not in ``compute_seconds``.
    """

    compute_seconds: float
    memory_seconds: float
    without_roof: Operations = ()

    @property
    def seconds(self) -> float:
        """Time at best: max(operations / peak, bytes / bandwidth).

        Source: Williams, Waterman, Patterson, Roofline, CACM 52(4), 2009.
        """
        return max(self.compute_seconds, self.memory_seconds)

    @property
    def bound_by(self) -> BoundBy:
        """Which of the two takes longer; ``nothing`` for work that costs nothing."""
        if self.seconds == 0:
            return "nothing"
        return "compute" if self.compute_seconds >= self.memory_seconds else "memory"


def estimate(work: Work, device: Device, *, threads: int | None, held_bytes: int | None = None) -> Estimate:
    """Estimate the least time of ``work`` on ``threads`` cores of a device.

    Args:
        work: operations and traffic.
        device: its roofs and the bandwidth of its memories.
        threads: cores in use; None for all of them.
        held_bytes: moves these bytes instead of the work's own traffic, from the fastest memory that can hold them.
    """
    seconds: dict[Engine, float] = {}
    without_roof: list[tuple[Engine, str, int]] = []
    for engine, dtype, operations in work.operations:
        roof = device.roof(engine, dtype, threads)
        if roof is None:
            without_roof.append((engine, dtype, operations))
        else:
            seconds[roof.engine] = seconds.get(roof.engine, 0.0) + operations / roof.operations_per_second.value
    bandwidth = device.bytes_per_second(threads, held_bytes=held_bytes)
    moved = work.bytes_moved if held_bytes is None else held_bytes
    return Estimate(
        compute_seconds=max(seconds.values(), default=0.0),
        memory_seconds=moved / bandwidth.value if bandwidth else 0.0,
        without_roof=tuple(without_roof),
    )
