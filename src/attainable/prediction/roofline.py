"""The bound of a network and its roofline, op by op, under a named accounting.

*Bound*: the larger of all operations at peak and of the unavoidable bytes (weights, graph inputs and outputs) at the
speed of the memory that can hold them from one run to the next: a cache, where the device describes one that is large
enough, explicit memory on the chip for as much as fits there, else the main memory. Nothing is faster, except
algorithms that need fewer operations (Winograd, FFT).

*Roofline*: each kernel alone takes max(operations / peak, bytes / bandwidth), and they run one after another. Caches
may beat it, because tensors between kernels need not travel to the main memory.

*Predicted* is what a device says that was fitted to measured latencies (`attainable.prediction.calibrated`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from attainable.cost.count import Count
from attainable.devices.device import Basis, Device
from attainable.prediction.accounting import FUSED, Accounting
from attainable.prediction.estimate import Estimate, estimate
from attainable.prediction.kernels import PaperKernel, paper_kernels
from attainable.prediction.price import priced


@dataclass(frozen=True, slots=True)
class OpRoofline:
    """The share of one op in the roofline.

    Attributes:
        id: the op.
        estimate: of the kernel, at the kernel's first op; None for an op that another one's kernel contains, and for
            one that the accounting leaves out.
        fused_into: id of that first op, or None.
    """

    id: str
    estimate: Estimate | None
    fused_into: str | None


@dataclass(frozen=True, slots=True)
class Roofline:
    """The roofline of a network: the sum over its kernels, and what starting the network costs."""

    accounting: Accounting
    ops: tuple[OpRoofline, ...]
    run_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """Time of all kernels, one after another."""
        return sum((op.estimate.seconds for op in self.ops if op.estimate is not None), start=self.run_seconds)


def bound(count: Count, device: Device, threads: int | None = None, *, basis: Basis = "measured") -> Estimate:
    """The time that no execution of the network on the device can beat.

    Special functions count as operations of the vector engine: an execution may find a cheaper way to them, as a
    product with one reciprocal in place of many divisions.

    Args:
        count: the network, counted.
        device: its roofs and bandwidth.
        threads: cores in use, the same as in a run that is compared with it; None for all.
        basis: measured or specified figures of the device first.
    """
    return estimate(count.totals.work, device, threads=threads, held_bytes=count.unavoidable_bytes, basis=basis)


def roofline(
    count: Count, device: Device, *, threads: int | None = None, accounting: Accounting = FUSED,
    kernels: Sequence[PaperKernel] | None = None,
) -> Roofline:  # fmt: skip
    """The roofline of each op.

    Args:
        count: the network, counted.
        device: its roofs and bandwidth.
        threads: cores in use; None for all.
        accounting: what adds up, and how.
        kernels: those of ``paper_kernels``, where they are known already.
    """
    rows: dict[str, OpRoofline] = {}
    for kernel in paper_kernels(count, accounting.kernels) if kernels is None else kernels:
        first, *others = kernel.ops
        rows[first] = OpRoofline(first, priced(kernel, device, threads=threads, accounting=accounting), None)
        rows |= {id: OpRoofline(id, None, first) for id in others}
    start = device.run_seconds.value if accounting.launch and device.run_seconds else 0.0
    return Roofline(accounting, tuple(rows[entry.op.id] for entry in count.ops), start)
