"""The parts of an Analysis that need a device or a run."""

from attainable.analysis.counted import operation_rows
from attainable.analysis.labels import group_label
from attainable.analysis.records import DeviceOp, DeviceRow, GroupRow, KernelRow, RoofRow, RunRow
from attainable.cost.boundary import Boundary
from attainable.cost.count import Count
from attainable.devices.device import Device
from attainable.measurement.run import Run
from attainable.prediction.estimate import estimate
from attainable.prediction.roofline import Accounting, bound, roofline


def device_row(count: Count, device: Device, *, threads: int | None, accounting: Accounting = "fused") -> DeviceRow:
    """Bound and roofline of a network on a device."""
    best = bound(count, device, threads)
    lines = roofline(count, device, threads=threads, accounting=accounting)
    bandwidth = device.bytes_per_second(threads)
    roofs = {
        roof: None
        for engine, dtype, _ in count.totals.work.operations
        if (roof := device.roof(engine, dtype, threads)) is not None
    }
    return DeviceRow(
        name=device.name, title=device.title, threads=threads,
        bound_seconds=best.seconds, bound_by=best.bound_by,
        bound_compute_seconds=best.compute_seconds, bound_memory_seconds=best.memory_seconds,
        roofline_seconds=lines.seconds, accounting=lines.accounting,
        roofs=[
            RoofRow(
                roof.engine, roof.dtype, roof.operations_per_second.value, roof.operations_per_second.source,
                roof.operations_per_second.kind,
            )
            for roof in roofs
        ],
        bytes_per_second=bandwidth.value if bandwidth else None,
        bytes_per_second_source=bandwidth.source if bandwidth else "",
        bytes_per_second_kind=bandwidth.kind if bandwidth else "",
        without_roof=operation_rows(best.without_roof),
        conditions=dict(device.conditions),
        ops=[
            DeviceOp(
                id=line.id, roofline_seconds=line.estimate.seconds if line.estimate else 0.0,
                bound_by=line.estimate.bound_by if line.estimate else "fused", fused_into=line.fused_into,
            )
            for line in lines.ops
        ],
    )  # fmt: skip


def run_row(count: Count, run: Run, device: Device | None) -> RunRow:
    """A measured run, each group beside the roofline of its boundary traffic on ``device``, the machine it ran on."""
    boundary = Boundary(count)
    entries = {entry.op.id: entry for entry in count.ops}
    groups: list[GroupRow] = []
    for group in run.groups:
        work = boundary.work(group.ops)
        best = estimate(work, device, threads=run.threads) if device else None
        groups.append(
            GroupRow(
                kernels=list(group.kernels), ops=list(group.ops),
                label=group_label(entries[id] for id in group.ops if id in entries), seconds=group.seconds,
                operations=work.total_operations, bytes_moved=work.bytes_moved,
                roofline_seconds=best.seconds if best else None, bound_by=best.bound_by if best else None,
            )
        )  # fmt: skip
    return RunRow(
        runtime=run.runtime, version=run.version, device=device.name if device else "local", threads=run.threads,
        dtype=run.dtype, samples=run.samples, median_seconds=run.median_seconds, low_seconds=run.low_seconds,
        high_seconds=run.high_seconds, minimum_seconds=run.minimum_seconds, load_seconds=run.load_seconds,
        profiled_seconds=run.profiled_seconds, unprofiled_seconds=run.unprofiled_seconds,
        kernels_seconds=run.kernels_seconds, profiler_seconds=run.profiler_seconds,
        attributed_share=run.attributed_share,
        peak_resident_bytes=run.peak_rss_bytes, inputs=list(run.inputs),
        kernels=[
            KernelRow(kernel.name, kernel.kind, list(kernel.ops), kernel.attribution, kernel.seconds)
            for kernel in run.kernels
        ],
        groups=groups,
    )  # fmt: skip
