"""Makes the rows of an Analysis from what the rooms below computed."""

from collections.abc import Iterable
from itertools import chain

from attainable.analysis.labels import group_label, op_label
from attainable.analysis.records import (
    Analysis,
    Coverage,
    DeviceOp,
    DeviceRow,
    EngineOperations,
    GroupRow,
    KernelRow,
    Model,
    OpRow,
    Port,
    RoofRow,
    RunRow,
    Totals,
)
from attainable.cost.boundary import Boundary
from attainable.cost.count import Count
from attainable.cost.work import Operations
from attainable.devices.device import Device
from attainable.measurement.run import Run
from attainable.prediction.estimate import estimate
from attainable.prediction.roofline import Accounting, bound, roofline
from attainable.workload.graph import Tensor


def counted(count: Count) -> Analysis:
    """The analysis of a count: no device, no run."""
    workload, totals = count.workload, count.totals
    provenance, memory, work = workload.provenance, totals.memory, totals.work
    return Analysis(
        model=Model(
            name=workload.name, path=provenance.path, format=provenance.format, opset=provenance.opset,
            sha256=provenance.sha256,
            bindings={name: value if isinstance(value, int) else list(value) for name, value in workload.bindings},
            parameters=totals.parameters, parameter_bytes=totals.parameter_bytes, buffer_bytes=totals.buffer_bytes,
            file_bytes=provenance.file_bytes, external_bytes=provenance.external_bytes,
            inputs=_ports(workload.inputs), outputs=_ports(workload.outputs),
        ),
        totals=Totals(
            macs=totals.macs, operations=totals.operations, operations_by=_operations(work.operations),
            parameters=totals.parameters, parameter_bytes=totals.parameter_bytes,
            bytes_read=work.bytes_read, bytes_written=work.bytes_written, bytes_moved=work.bytes_moved,
            unavoidable_bytes=count.unavoidable_bytes, operational_intensity=work.operational_intensity,
            peak_activation_bytes=memory.peak_bytes, peak_activation_bytes_inputs_kept=memory.peak_bytes_inputs_kept,
            peak_activation_bytes_in_place=memory.peak_bytes_in_place, all_activation_bytes=memory.all_bytes,
            mean_activation_bytes=memory.mean_bytes, swing_activation_bytes=memory.swing_bytes,
            at_least=totals.at_least,
        ),
        coverage=Coverage(
            ops=count.coverage.ops, ops_with_rule=count.coverage.ops_with_rule,
            kinds_without_rule=list(count.coverage.kinds_without_rule), unresolved=list(count.coverage.unresolved),
        ),
        conventions=dict(count.conventions),
        ops=[
            OpRow(
                id=entry.op.id, name=entry.op.name, kind=entry.op.type, scope=entry.op.scope, dtype=entry.dtype,
                label=op_label(entry.op), macs=entry.work.macs, operations=entry.work.total_operations,
                bytes_read=entry.work.bytes_read, bytes_written=entry.work.bytes_written,
                parameters=entry.parameters, shared=entry.shared, state=entry.state,
                input_shapes=[_shape(tensor) for tensor in entry.op.inputs],
                output_shapes=[_shape(tensor) for tensor in entry.op.outputs],
            )
            for entry in count.ops
        ],
        warnings=[*workload.notes, *_gaps(count)],
    )  # fmt: skip


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
        without_roof=_operations(best.without_roof),
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
        profiled_seconds=run.profiled_seconds, kernel_seconds=run.kernel_seconds,
        attributed_share=run.attributed_share, peak_resident_bytes=run.peak_resident_bytes, inputs=list(run.inputs),
        kernels=[
            KernelRow(kernel.name, kernel.kind, list(kernel.ops), kernel.attribution, kernel.seconds)
            for kernel in run.kernels
        ],
        groups=groups, conditions=dict(run.conditions),
    )  # fmt: skip


def _ports(tensors: Iterable[Tensor]) -> list[Port]:
    return [Port(tensor.name, tensor.dtype, _shape(tensor)) for tensor in tensors]


def _shape(tensor: Tensor | None) -> list[int] | None:
    return None if tensor is None or tensor.shape is None else list(tensor.shape)


def _operations(rows: Operations) -> list[EngineOperations]:
    return [EngineOperations(engine, dtype, operations) for engine, dtype, operations in rows]


def _gaps(count: Count) -> Iterable[str]:
    """A sentence for everything that could not be counted."""
    coverage = count.coverage
    if coverage.kinds_without_rule:
        missing = coverage.ops - coverage.ops_with_rule
        yield (
            f"{missing} of {coverage.ops} ops have no counting rule ({', '.join(coverage.kinds_without_rule)}); "
            "totals are at least"
        )
    if coverage.unresolved:
        shown = ", ".join(chain(coverage.unresolved[:5], ["..."] if len(coverage.unresolved) > 5 else []))
        yield f"{len(coverage.unresolved)} ops have shapes that cannot be resolved (ids {shown}); totals are at least"
