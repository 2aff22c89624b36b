"""Makes the record of a run from what was measured, with every doubt about it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

from attainable.measurement.attribution import attributed_share, groups
from attainable.measurement.correctness import Correctness
from attainable.measurement.deployment import Deployment
from attainable.measurement.doubts import doubts_of_gate, doubts_of_profile, doubts_of_times
from attainable.measurement.elsewhere import NO_ENERGY, doubts_of_host
from attainable.measurement.inputs import Inputs
from attainable.measurement.neighbours import NeighbourTimes
from attainable.measurement.percentiles import percentile
from attainable.measurement.profiled import Profiled
from attainable.measurement.run import Run
from attainable.measurement.surroundings import surroundings_of
from attainable.measurement.timed_runs import FirstRun, TimedRuns
from attainable.runtimes import Session
from attainable.runtimes.remote.hosts import HostRecord
from attainable.timing.gate import Passage
from attainable.timing.statistics import Summary, summarize
from attainable.workload.dtypes import is_floating
from attainable.workload.graph import Workload

NOT_COMPARED = "the outputs were compared with nothing: "


@dataclass(frozen=True, slots=True)
class Measured:
    """All that one measurement found out.

    Attributes:
        workload: that ran.
        runtime: a key of ``RUNTIMES``.
        threads: processor threads that one kernel could use.
        precision: that was asked for.
        session: that ran it; it may have ended.
        made: its inputs.
        first: its very first run.
        checked: its outputs against the reference; None where they were not asked for.
        passage: the timed runs with the machine around them.
        profiled: where their time goes.
        processors: that it was bound to.
        deployment: how often it ran, and beside what.
        neighbours: the times of what ran beside it.
        host: where it ran; None for this machine.
    """

    workload: Workload
    runtime: str
    threads: int
    precision: str | None
    session: Session
    made: Inputs
    first: FirstRun
    checked: Correctness | None
    passage: Passage[TimedRuns]
    profiled: Profiled
    processors: tuple[int, ...]
    deployment: Deployment
    neighbours: tuple[NeighbourTimes, ...]
    host: HostRecord | None


def record(measured: Measured) -> Run:
    """The record of a run; what was not asked for or is not known is None or empty in it."""
    session, runs, found = measured.session, measured.passage.result, measured.profiled.profile
    loading, stages, deployment = session.loading, measured.profiled.stages, measured.deployment
    summary = summarize(runs.timed.seconds)
    kernels = found.kernels if found else ()
    return Run(
        runtime=measured.runtime,
        version=session.version,
        threads=measured.threads,
        dtype=_dtype(measured.workload),
        samples=summary.count,
        median_seconds=summary.median,
        low_seconds=summary.low,
        high_seconds=summary.high,
        minimum_seconds=summary.minimum,
        kernels=kernels,
        groups=groups(kernels),
        attributed_share=attributed_share(kernels) if found else None,
        kernels_seconds=sum(kernel.seconds for kernel in kernels) if found else None,
        profiled_seconds=median(found.profiled_seconds) if found else None,
        unprofiled_seconds=median(found.plain_seconds) if found and found.plain_seconds else None,
        profiler_seconds=found.profiler_seconds if found else None,
        load_seconds=session.load_seconds,
        peak_rss_bytes=runs.timed.peak_rss_bytes,
        inputs=measured.made.lines,
        warnings=tuple(_doubts(measured, summary)),
        batch=_batch(measured.workload),
        p90_seconds=percentile(runs.timed.seconds, 0.90),
        p99_seconds=percentile(runs.timed.seconds, 0.99),
        first_run_seconds=measured.first.seconds,
        import_seconds=loading.import_seconds,
        read_seconds=loading.read_seconds,
        parse_seconds=stages.get("parse"),
        optimise_seconds=stages.get("optimise"),
        resident_before_bytes=loading.resident_before_bytes,
        resident_loaded_bytes=loading.resident_loaded_bytes,
        resident_first_run_bytes=measured.first.resident_bytes or None,
        usage=runs.usage,
        energy=runs.energy if measured.host is None else NO_ENERGY,
        processors=measured.processors,
        period_seconds=deployment.period_seconds,
        missed_share=runs.missed_share,
        beside=measured.neighbours,
        load="" if deployment.load is None else str(deployment.load),
        precision=session.precision,
        arena_bytes=found.arena_bytes if found else None,
        executions=found.executions if found else (),
        correctness=measured.checked,
        surroundings=surroundings_of(measured.passage),
        host=measured.host,
    )


def _doubts(measured: Measured, summary: Summary) -> Iterator[str]:
    """What to know before trusting the run, wrong outputs first."""
    passage, asked, ran = measured.passage, measured.precision, measured.session.precision
    if measured.checked is not None:
        yield from measured.checked.faults
        yield from ([f"{NOT_COMPARED}{measured.checked.absence}"] if measured.checked.absence else ())
    yield from doubts_of_gate(passage.verdict, attempts=passage.attempts)
    # What runs beside it by our own doing takes processors from it: nobody should close that.
    timed = passage.result.timed
    judged = timed if measured.deployment.is_alone else replace(timed, cpu_share=1.0)
    yield from doubts_of_times(judged, summary, threads=measured.threads)
    if asked is not None and is_floating(ran) and ran != asked:
        yield f"{asked} was asked for, {ran} ran: {measured.runtime} takes what the machine has"
    if measured.host is not None:
        yield from doubts_of_host(measured.threads)
    yield from measured.profiled.warnings
    profile = measured.profiled.profile
    if profile is not None:
        yield from profile.warnings
        yield from doubts_of_profile(profile, attributed_share(profile.kernels))


def _batch(workload: Workload) -> int:
    """The first extent of all inputs where they agree, else 1."""
    firsts = {tensor.shape[0] if tensor.shape else 1 for tensor in workload.inputs}
    return firsts.pop() if len(firsts) == 1 else 1


def _dtype(workload: Workload) -> str:
    """The floating type of most activation elements; of most constants in a network without such activations."""
    for tensors in ([tensor for op in workload.ops for tensor in op.present_outputs], workload.constants):
        elements: Counter[str] = Counter()
        for tensor in tensors:
            if tensor.shape is not None and is_floating(tensor.dtype):
                elements[tensor.dtype] += tensor.elements
        if elements:
            return elements.most_common(1)[0][0]
    return workload.inputs[0].dtype if workload.inputs else "float32"
