"""The kernels of a network under an accounting: what is priced on a device, made once for all devices."""

from collections.abc import Sequence
from dataclasses import dataclass

from attainable.cost.boundary import Boundary
from attainable.cost.count import Count, OpCount
from attainable.cost.special_functions import special_operations
from attainable.cost.work import Work
from attainable.devices.traits import OpClass
from attainable.prediction.accounting import Kernels
from attainable.prediction.fusion import fused_kernels
from attainable.prediction.op_class import op_class


@dataclass(frozen=True, slots=True)
class PaperKernel:
    """Ops that run as one, on paper.

    Attributes:
        ops: ids in running order; the kernel is shown at the first.
        work: operations of all, traffic across the boundary.
        main: the op that works most: the kernel is of its kind.
        op_class: the kind of ``main``.
        special: how many of the vector operations are special functions.
    """

    ops: tuple[str, ...]
    work: Work
    main: OpCount
    op_class: OpClass
    special: int = 0


def paper_kernels(count: Count, kernels: Kernels) -> tuple[PaperKernel, ...]:
    """The kernels of a network: element-wise ops joined to their producer, or every op for itself."""
    if kernels == "unfused":
        return tuple(
            PaperKernel((entry.op.id,), entry.work, entry, op_class(entry), special_operations(entry))
            for entry in count.ops
        )
    entries = {entry.op.id: entry for entry in count.ops}
    boundary = Boundary(count)
    return tuple(
        PaperKernel(ids, boundary.work(ids), main, op_class(main), sum(map(special_operations, members)))
        for ids in fused_kernels(count, boundary)
        for members in ([entries[id] for id in ids],)
        for main in (_main(members),)
    )


def _main(entries: Sequence[OpCount]) -> OpCount:
    return max(entries, key=lambda entry: (entry.work.macs, entry.work.total_operations))
