"""A measured run as rows of an Analysis."""

import math
from collections.abc import Iterator, Sequence

from attainable.analysis.labels import group_label
from attainable.analysis.run_records import GroupRow, KernelRow, OutputRow, RunRow, Surrounding
from attainable.cost.boundary import Boundary
from attainable.cost.count import Count
from attainable.devices.device import Device
from attainable.measurement.correctness import Correctness
from attainable.measurement.run import Run
from attainable.measurement.surroundings import Surroundings
from attainable.prediction.estimate import estimate
from attainable.runtimes import Execution
from attainable.workload.kernel import Group

_UNTOLD = Execution()


def run_row(count: Count, run: Run, device: Device | None) -> RunRow:
    """A measured run, each group beside the roofline of its boundary traffic on ``device``, the machine it ran on."""
    usage, energy, checked = run.usage, run.energy, run.correctness
    executions = run.executions or (_UNTOLD,) * len(run.kernels)
    return RunRow(
        runtime=run.runtime, version=run.version, device=device.name if device else "local", threads=run.threads,
        dtype=run.dtype, samples=run.samples, seconds=run.median_seconds, low_seconds=run.low_seconds,
        high_seconds=run.high_seconds, minimum_seconds=run.minimum_seconds, load_seconds=run.load_seconds,
        profiled_seconds=run.profiled_seconds, unprofiled_seconds=run.unprofiled_seconds,
        kernels_seconds=run.kernels_seconds, profiler_seconds=run.profiler_seconds,
        attributed_share=run.attributed_share,
        peak_resident_bytes=run.peak_rss_bytes or None, inputs=list(run.inputs),
        kernels=[
            KernelRow(
                kernel.name, kernel.kind, list(kernel.ops), kernel.attribution, kernel.seconds,
                ran.layer, ran.implementation, ran.precision, ran.layout,
            )
            for kernel, ran in zip(run.kernels, executions, strict=True)
        ],
        groups=list(group_rows(count, run.groups, device, threads=run.threads)),
        precision=run.precision, batch=run.batch, inferences_per_second=run.inferences_per_second,
        p90_seconds=run.p90_seconds, p99_seconds=run.p99_seconds, first_run_seconds=run.first_run_seconds,
        import_seconds=run.import_seconds, read_seconds=run.read_seconds, parse_seconds=run.parse_seconds,
        optimise_seconds=run.optimise_seconds, resident_before_bytes=run.resident_before_bytes,
        resident_loaded_bytes=run.resident_loaded_bytes, resident_first_run_bytes=run.resident_first_run_bytes,
        arena_bytes=run.arena_bytes,
        minor_faults=usage.minor_faults if usage else None, major_faults=usage.major_faults if usage else None,
        voluntary_switches=usage.voluntary_switches if usage else None,
        involuntary_switches=usage.involuntary_switches if usage else None,
        joules_per_run=energy.joules_per_run if energy else None,
        gpu_joules_per_run=energy.gpu_joules_per_run if energy else None,
        energy_source=energy.source if energy else "",
        surroundings=_surrounding(run.surroundings) if run.surroundings else None,
        reference=checked.reference if checked else "",
        tolerance=checked.tolerance.relative if checked and checked.outputs else None,
        outputs=list(_outputs(checked)) if checked else [],
    )  # fmt: skip


def group_rows(
    count: Count, groups: Sequence[Group], device: Device | None, *, threads: int | None
) -> Iterator[GroupRow]:
    """Each group of kernels and ops beside the roofline of its boundary traffic."""
    boundary = Boundary(count)
    entries = {entry.op.id: entry for entry in count.ops}
    for group in groups:
        work = boundary.work(group.ops)
        best = estimate(work, device, threads=threads) if device else None
        yield GroupRow(
            kernels=list(group.kernels), ops=list(group.ops),
            label=group_label(entries[id] for id in group.ops if id in entries), seconds=group.seconds,
            operations=work.total_operations, bytes_moved=work.bytes_moved,
            roofline_seconds=best.seconds if best else None, bound_by=best.bound_by if best else None,
        )  # fmt: skip


def _outputs(checked: Correctness) -> Iterator[OutputRow]:
    for each in checked.outputs:
        comparable = not each.fault and math.isfinite(each.absolute_error)
        yield OutputRow(
            each.output, each.fault, each.absolute_error if comparable else None,
            each.relative_error if comparable and math.isfinite(each.relative_error) else None,
            each.cosine, each.same_top, each.is_within(checked.tolerance),
        )  # fmt: skip


def _surrounding(found: Surroundings) -> Surrounding:
    return Surrounding(
        found.state,
        list(found.reasons),
        found.attempts,
        found.others_share,
        found.steal_share,
        found.load_average,
        found.clock_before_hertz,
        found.clock_after_hertz,
        found.hand_over_seconds,
    )
