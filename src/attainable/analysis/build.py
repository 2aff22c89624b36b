"""The parts of an Analysis that need a device or a run."""

from collections.abc import Collection, Iterator

from attainable.analysis.counted import operation_rows
from attainable.analysis.records import DeviceOp, DeviceRow, MemoryRow, RoofRow
from attainable.cost.count import Count
from attainable.devices.device import BASES, Device
from attainable.devices.figures import Roof, Sourced
from attainable.prediction.accounting import FUSED, Accounting, Kernels
from attainable.prediction.kernels import PaperKernel, paper_kernels
from attainable.prediction.roofline import OpRoofline, Roofline, bound, roofline


class Bounding:
    """Bounds one network on devices; its kernels are made once, under each way to fuse."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._kernels: dict[Kernels, tuple[PaperKernel, ...]] = {}

    def row(self, device: Device, *, threads: int | None, accounting: Accounting = FUSED, name: str = "") -> DeviceRow:
        """Bound, roofline and prediction on a device.

        Args:
            device: the device.
            threads: cores in use; None for all.
            accounting: of the roofline.
            name: what to call the device here; its own name without it.
        """
        count = self._count
        best = bound(count, device, threads, basis=accounting.basis)
        lines = self._roofline(device, threads, accounting)
        bandwidth = device.bytes_per_second(threads, basis=accounting.basis)
        predicted, factor = self._predicted(device, threads)
        roofs = {
            roof: None
            for engine, dtype, _ in count.totals.work.operations
            if (roof := device.roof(engine, dtype, threads, basis=accounting.basis)) is not None
        }
        return DeviceRow(
            name=name or device.name, title=device.title, threads=threads,
            bound_seconds=best.seconds, bound_by=best.bound_by,
            bound_compute_seconds=best.compute_seconds, bound_memory_seconds=best.memory_seconds,
            roofline_seconds=lines.seconds, accounting=accounting.name,
            roofs=[_roof_row(roof) for roof in roofs],
            bytes_per_second=bandwidth.value if bandwidth else None,
            bytes_per_second_source=bandwidth.source if bandwidth else "",
            bytes_per_second_kind=bandwidth.kind if bandwidth else "",
            without_roof=operation_rows(best.without_roof),
            conditions=dict(device.conditions),
            ops=[_device_op(line) for line in lines.ops],
            predicted_seconds=predicted,
            predicted_low_seconds=predicted / factor if predicted is not None and factor else None,
            predicted_high_seconds=predicted * factor if predicted is not None and factor else None,
            other_roofs=[_roof_row(roof) for roof in _others(device, roofs)],
            other_memories=_other_memories(device, threads, bandwidth),
        )  # fmt: skip

    def _predicted(self, device: Device, threads: int | None) -> tuple[float | None, float | None]:
        """What a fitted device predicts, and the factor that holds it nine times in ten; None for any other device."""
        if not device.efficiencies:
            return None, None
        # numpy is for those who have a fitted device
        from attainable.prediction.calibrated import error_factor, predicted_seconds
        from attainable.prediction.kernel_work import kernels_of

        factor = error_factor(device)
        if factor is None:
            return None, None
        return predicted_seconds(device, kernels_of(self._count), threads=threads), factor

    def _roofline(self, device: Device, threads: int | None, accounting: Accounting) -> Roofline:
        kernels = self._kernels.get(accounting.kernels)
        if kernels is None:
            kernels = self._kernels[accounting.kernels] = paper_kernels(self._count, accounting.kernels)
        return roofline(self._count, device, threads=threads, accounting=accounting, kernels=kernels)


def _roof_row(roof: Roof) -> RoofRow:
    speed = roof.operations_per_second
    return RoofRow(roof.engine, roof.dtype, speed.value, speed.source, speed.kind)


def _others(device: Device, counting: Collection[Roof]) -> Iterator[Roof]:
    """The roofs of the same engine, type and threads with a figure of another kind."""
    places = {(roof.engine, roof.dtype, roof.threads) for roof in counting}
    for roof in device.roofs:
        if roof not in counting and (roof.engine, roof.dtype, roof.threads) in places:
            yield roof


def _other_memories(device: Device, threads: int | None, counting: Sourced | None) -> list[MemoryRow]:
    """Every level as read, measured and specified, save the figure that counts."""
    found = {
        (memory.name, bandwidth.value, bandwidth.kind): None
        for memory in device.memories
        for basis in BASES
        if (bandwidth := device.bandwidth_of(memory, threads, basis=basis)) is not None and bandwidth is not counting
    }
    return [MemoryRow(*key) for key in found]


def _device_op(line: OpRoofline) -> DeviceOp:
    found = line.estimate
    if found is None:
        return DeviceOp(line.id, 0.0, "fused" if line.fused_into is not None else "left out", line.fused_into)
    return DeviceOp(
        line.id, found.seconds, found.bound_by, None, found.compute_seconds, found.memory_seconds,
        found.overhead_seconds, found.level,
    )  # fmt: skip
