"""Estimate: seconds of computing and of moving, and which of them binds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from attainable.cost.work import Operations, Work
from attainable.devices.device import Basis, Device
from attainable.devices.figures import Engine, Memory

BoundBy = Literal["compute", "memory", "overhead", "nothing"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The least time of some work on a device, computing and moving at once.

    Attributes:
        compute_seconds: operations at the roof of their engine and dtype; engines work side by side.
        memory_seconds: bytes at the bandwidth of the memory that they come from.
        without_roof: operations for which the device states no roof; they are not in ``compute_seconds``.
        overhead_seconds: fixed cost of starting, before either.
        level: the memory that the bytes come from.
    """

    compute_seconds: float
    memory_seconds: float
    without_roof: Operations = ()
    overhead_seconds: float = 0.0
    level: str = field(default="", compare=False)

    @property
    def seconds(self) -> float:
        """Time at best: max(operations / peak, bytes / bandwidth), after the overhead.

        Source: Williams, Waterman, Patterson, Roofline, CACM 52(4), 2009.
        """
        return max(self.compute_seconds, self.memory_seconds) + self.overhead_seconds

    @property
    def bound_by(self) -> BoundBy:
        """What takes longest: computing, moving or starting; ``nothing`` for work that costs nothing."""
        if self.seconds == 0:
            return "nothing"
        longest = max(self.compute_seconds, self.memory_seconds)
        if self.overhead_seconds > longest:
            return "overhead"
        return "compute" if self.compute_seconds >= self.memory_seconds else "memory"


def estimate(
    work: Work, device: Device, *, threads: int | None, held_bytes: int | None = None, basis: Basis = "measured"
) -> Estimate:
    """Estimate the least time of ``work`` on ``threads`` cores of a device.

    Args:
        work: operations and traffic.
        device: its roofs and the bandwidth of its memories.
        threads: cores in use; None for all of them.
        held_bytes: moves these bytes instead of the work's own traffic, from where they can stay from one run to the
            next.
        basis: measured or specified figures of the device first.
    """
    compute, without_roof = compute_seconds(work.operations, device, threads=threads, basis=basis)
    if held_bytes is not None:
        return Estimate(compute, _held_seconds(held_bytes, device, threads, basis), without_roof)
    bandwidth = device.bytes_per_second(threads, basis=basis)
    return Estimate(compute, work.bytes_moved / bandwidth.value if bandwidth else 0.0, without_roof)


def _held_seconds(size: int, device: Device, threads: int | None, basis: Basis) -> float:
    """Seconds of moving what every run needs, from where it can stay from one run to the next.

    A cache keeps all of it or nothing. Explicit memory on the chip keeps what it has room for, as compilers fill it,
    while the rest comes from the main memory; where its speed is not stated, it takes no time.

    Source: Coral documentation, Edge TPU Compiler, parameter data caching.
    """
    chip = max(
        (memory for memory in device.memories if memory.on_chip and memory.capacity_bytes is not None),
        key=_capacity, default=None,
    )  # fmt: skip
    if chip is None:
        bandwidth = device.bytes_per_second(threads, held_bytes=size, basis=basis)
        return size / bandwidth.value if bandwidth else 0.0
    kept = min(size, _capacity(chip))
    inside, main = device.bandwidth_of(chip, threads, basis=basis), device.bytes_per_second(threads, basis=basis)
    return max(kept / inside.value if inside else 0.0, (size - kept) / main.value if main else 0.0)


def _capacity(memory: Memory) -> float:
    return memory.capacity_bytes.value if memory.capacity_bytes is not None else 0.0


Rows = Sequence[tuple[Engine, str, int]]
"""Operations by engine and element type, special functions apart."""


def split_special(operations: Operations, special: int) -> Rows:
    """The operations with ``special`` of those of the vector engine on the engine for special functions."""
    rows: list[tuple[Engine, str, int]] = []
    for engine, dtype, number in operations:
        moved = min(special, number) if engine == "vector" else 0
        special -= moved
        if number > moved:
            rows.append((engine, dtype, number - moved))
        if moved:
            rows.append(("special", dtype, moved))
    return rows


def compute_seconds(
    operations: Rows, device: Device, *, threads: int | None, basis: Basis = "measured"
) -> tuple[float, Operations]:
    """Seconds of computing with the engines side by side, and the operations that have no roof.

    A special function without a roof of its own, and without a vector roof, is reported as one of the vector engine.
    """
    seconds: dict[Engine, float] = {}
    without_roof: list[tuple[Literal["matrix", "vector"], str, int]] = []
    for engine, dtype, number in operations:
        roof = device.roof(engine, dtype, threads, basis=basis)
        if roof is None:
            without_roof.append(("vector" if engine == "special" else engine, dtype, number))
        else:
            seconds[roof.engine] = seconds.get(roof.engine, 0.0) + number / roof.operations_per_second.value
    return max(seconds.values(), default=0.0), tuple(without_roof)
