"""The part of an Analysis that is counted: model, totals, coverage, ops."""

from collections.abc import Iterable

from attainable.analysis.labels import op_label
from attainable.analysis.records import Analysis, BodyRow, Coverage, EngineOperations, Model, OpRow, Port, Totals
from attainable.analysis.shaped import network_shape, planned_arena_bytes, training_step
from attainable.cost.count import Count, OpCount
from attainable.cost.work import Operations
from attainable.workload.graph import Tensor


def counted(count: Count, *, optimiser: str | None = None) -> Analysis:
    """The analysis of a count: no device, no run.

    Args:
        count: of the network.
        optimiser: whose training step is counted too; None for none.

    Raises:
        UnknownName: there is no such optimiser.
    """
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
            macs=totals.macs, operations=totals.operations, operations_by=operation_rows(work.operations),
            parameters=totals.parameters, parameter_bytes=totals.parameter_bytes,
            bytes_read=work.bytes_read, bytes_written=work.bytes_written, bytes_moved=work.bytes_moved,
            unavoidable_bytes=count.unavoidable_bytes, operational_intensity=work.operational_intensity,
            peak_activation_bytes=memory.peak_bytes, peak_activation_bytes_inputs_kept=memory.peak_bytes_inputs_kept,
            peak_activation_bytes_in_place=memory.peak_bytes_in_place, all_activation_bytes=memory.all_bytes,
            mean_activation_bytes=memory.mean_bytes, swing_activation_bytes=memory.swing_bytes,
            at_least=totals.at_least, least_macs=totals.least.macs, least_operations=totals.least.total_operations,
            least_bytes_moved=totals.least.bytes_moved, planned_arena_bytes=planned_arena_bytes(count),
        ),
        coverage=Coverage(
            ops=count.coverage.ops, ops_with_rule=count.coverage.ops_with_rule,
            kinds_without_rule=list(count.coverage.kinds_without_rule), unresolved=list(count.coverage.unresolved),
            unknown_trips=list(count.coverage.unknown_trips),
        ),
        conventions=dict(count.conventions),
        ops=_rows(count.ops, {}),
        warnings=[*workload.notes, *_gaps(count)],
        network=network_shape(count),
        training=training_step(count, optimiser) if optimiser is not None else None,
    )  # fmt: skip


def _rows(entries: tuple[OpCount, ...], known: dict[int, list[OpRow]]) -> list[OpRow]:
    """The rows of some ops; equal calls of a function share their ops, and share the rows here."""
    if id(entries) not in known:
        known[id(entries)] = [_row(entry, known) for entry in entries]
    return known[id(entries)]


def _row(entry: OpCount, known: dict[int, list[OpRow]]) -> OpRow:
    op, work = entry.op, entry.work
    return OpRow(
        id=op.id, name=op.name, kind=op.type, scope=op.scope, dtype=entry.dtype, label=op_label(op),
        macs=work.macs, operations=work.total_operations, bytes_read=work.bytes_read, bytes_written=work.bytes_written,
        parameters=entry.parameters, shared=entry.shared, state=entry.state,
        input_shapes=[_shape(tensor) for tensor in op.inputs],
        output_shapes=[_shape(tensor) for tensor in op.outputs],
        bodies=[BodyRow(body.name, body.repeats, _rows(body.ops, known)) for body in entry.bodies],
    )  # fmt: skip


def _ports(tensors: Iterable[Tensor]) -> list[Port]:
    return [Port(tensor.name, tensor.dtype, _shape(tensor)) for tensor in tensors]


def _shape(tensor: Tensor | None) -> list[int] | None:
    return None if tensor is None or tensor.shape is None else list(tensor.shape)


def operation_rows(rows: Operations) -> list[EngineOperations]:
    """Operations by engine and dtype, as rows."""
    return [EngineOperations(engine, dtype, operations) for engine, dtype, operations in rows]


def _gaps(count: Count) -> Iterable[str]:
    """A sentence for everything that could not be counted."""
    coverage = count.coverage
    if coverage.kinds_without_rule:
        missing = coverage.ops - coverage.ops_with_rule
        yield (
            f"no counting rule for {missing} of {coverage.ops} ops ({', '.join(coverage.kinds_without_rule)}); "
            "totals are at least; `attainable count MODEL --format csv` lists every op with its state"
        )
    if coverage.unresolved:
        shown = _few(coverage.unresolved)
        yield (
            f"shapes that cannot be resolved in {len(coverage.unresolved)} of {coverage.ops} ops (ids {shown}); "
            "totals are at least; bind more with --shape"
        )
    if coverage.unknown_trips:
        shown = _few(coverage.unknown_trips)
        yield (
            f"loops that do not say how often they run are counted once (ids {shown}); "
            "say it with --trip-count N or --trip-count ID=N"
        )


def _few(ids: tuple[str, ...]) -> str:
    return ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
