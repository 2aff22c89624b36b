"""The bound of a network and its roofline, op by op, under a named accounting.

*Bound*: the larger of all operations at peak and of the unavoidable bytes (weights, graph inputs and outputs) at the
speed of the memory that can hold them from one run to the next: a cache, where the device describes one that is large
enough, else the main memory. Nothing is faster, except algorithms that need fewer operations (Winograd, FFT).

*Roofline*: each kernel alone takes max(operations / peak, bytes / bandwidth), and they run one after another. Caches
may beat it, because tensors between kernels need not travel to the main memory.
"""

from dataclasses import dataclass
from typing import Literal

from attainable.cost.boundary import Boundary
from attainable.cost.count import Count
from attainable.devices.device import Device
from attainable.prediction.estimate import Estimate, estimate
from attainable.prediction.fusion import fused_kernels

Accounting = Literal["fused", "unfused"]


@dataclass(frozen=True, slots=True)
class OpRoofline:
    """The share of one op in the roofline.

    Attributes:
        id: the op.
        estimate: of the kernel, at the kernel's first op; None for an op that another one's kernel contains.
        fused_into: id of that first op, or None.
    """

    id: str
    estimate: Estimate | None
    fused_into: str | None


@dataclass(frozen=True, slots=True)
class Roofline:
    """The roofline of a network: the sum over its kernels."""

    accounting: Accounting
    ops: tuple[OpRoofline, ...]

    @property
    def seconds(self) -> float:
        """Time of all kernels, one after another."""
        return sum(op.estimate.seconds for op in self.ops if op.estimate is not None)


def bound(count: Count, device: Device, threads: int | None = None) -> Estimate:
    """The time that no execution of the network on the device can beat.

    Args:
        count: the network, counted.
        device: its roofs and bandwidth.
        threads: cores in use, the same as in a run that is compared with it; None for all.
    """
    return estimate(count.totals.work, device, threads=threads, held_bytes=count.unavoidable_bytes)


def roofline(count: Count, device: Device, *, threads: int | None = None, accounting: Accounting = "fused") -> Roofline:
    """The roofline of each op.

    Args:
        count: the network, counted.
        device: its roofs and bandwidth.
        threads: cores in use; None for all.
        accounting: ``unfused``: every op moves its own traffic. ``fused``: element-wise ops join the kernel that makes
            their input, and only the kernel's boundary is moved.
    """
    if accounting == "unfused":
        return Roofline(
            accounting,
            tuple(OpRoofline(entry.op.id, estimate(entry.work, device, threads=threads), None) for entry in count.ops),
        )
    boundary = Boundary(count)
    rows: dict[str, OpRoofline] = {}
    for kernel in fused_kernels(count, boundary):
        first, *others = kernel
        rows[first] = OpRoofline(first, estimate(boundary.work(kernel), device, threads=threads), None)
        rows |= {id: OpRoofline(id, None, first) for id in others}
    return Roofline(accounting, tuple(rows[entry.op.id] for entry in count.ops))
