"""Measures how fast a network really is: warm-up, single timed runs until the interval is tight, then a profile."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from statistics import median

from attainable.errors import InvalidQuantity, RunError
from attainable.measurement.attribution import attributed_share, groups
from attainable.measurement.correctness import correctness, reference_outputs
from attainable.measurement.deployment import ALONE, Deployment, company, cores_for, pinned
from attainable.measurement.doubts import doubts_of_gate, doubts_of_profile, doubts_of_times
from attainable.measurement.elsewhere import NO_ENERGY, doubts_of_host, require_possible_at, understood_of
from attainable.measurement.inputs import Given, make_inputs
from attainable.measurement.neighbours import times_of
from attainable.measurement.percentiles import percentile
from attainable.measurement.run import Run
from attainable.measurement.surroundings import surroundings_of
from attainable.measurement.timed_runs import FEWEST_PERIODS, TimedRuns, run_first, time_periodic_runs, time_runs
from attainable.quantities import format_seconds
from attainable.runtimes import Profile, Session, require_precision, require_runnable
from attainable.runtimes import runtime as runtime_of
from attainable.runtimes.remote import workers_at
from attainable.runtimes.remote.conditions import HostGate, host_record
from attainable.runtimes.remote.hosts import Host
from attainable.timing.gate import ATTEMPTS, through_gate
from attainable.timing.gate_readings import Gate
from attainable.timing.memory import available_memory_bytes
from attainable.timing.statistics import Summary, summarize
from attainable.workload.dtypes import is_floating
from attainable.workload.graph import Workload

_PROFILE_SHARE = 0.4
_FEWEST_PROFILED, _MOST_PROFILED = 3, 100
_MOST_EVENTS = 20_000
"""Ops times runs in one profile: some 60 MB in the worker, and far below onnxruntime's limit of a million."""
_DEADLINE_SECONDS = 60.0
_SHARE_OF_MEMORY = 0.5


def measure_workload(
    workload: Workload,
    *,
    runtime: str = "onnxruntime",
    threads: int = 1,
    time_budget_seconds: float = 20.0,
    inputs: Given | None = None,
    profile: bool = True,
    check_outputs: bool = True,
    deployment: Deployment = ALONE,
    host: Host | None = None,
    precision: str | None = None,
) -> Run:
    """Run the network in a worker process and say how long it takes and where the time goes.

    Every run is timed alone, with inputs bound beforehand. After the warm-up, runs go on until half the 95 % interval
    of the median is below 1 % of it, over at least 20 runs (5 where a run is slow), or until the budget ends. Where
    others disturbed a run of several threads, all of that is done again, up to three times within the budget; a warning
    marks what stays noisy. See ``timing.gate``.

    Args:
        workload: whose model file is run, with its numbers for the dimensions.
        runtime: a key of ``RUNTIMES``.
        threads: processor threads that one kernel may use.
        time_budget_seconds: for runs and profile together. Loading, and the least number of runs where a run is slow
            (two to warm up and one that counts, eight for the profile), come on top.
        inputs: arrays or ``.npy`` files for some inputs; the others are made from a seed.
        check_outputs: also compare the outputs with those of a reference, before anything is timed.
        profile: also find the time of each kernel, and where that of loading goes. If that fails, the run stands and a
            warning says why.
        deployment: how often it runs, on which cores, and beside what. With a period all of the time is used.
        host: another machine to run it on; every number is of that machine, the reference is computed on this one.
        precision: one of the runtime's ``precisions``, to ask for; None: nothing lower than the model's own types. A
            warning tells where another one ran.

    Raises:
        UnknownName: no runtime has this name.
        InvalidQuantity: no threads, no time, or given inputs that do not fit the network.
        InputsUnavailable: no valid inputs can be made.
        RuntimeRefused: the runtime is not installed, cannot compute in the precision, or does not accept the model.
        HostUnusable: the host cannot be reached, or lacks what is needed.
        WorkerCrashed: the worker died.
        WorkerTimedOut: the worker did not answer in time.
    """
    if threads < 1:
        raise InvalidQuantity(f"{threads} threads cannot run anything", where="threads", help="give 1 or more")
    if not time_budget_seconds > 0:
        raise InvalidQuantity("there is no time to measure in", where="time budget", help="give a second or more")
    if FEWEST_PERIODS * deployment.period_seconds > time_budget_seconds:
        raise InvalidQuantity(
            f"{FEWEST_PERIODS} periods of {format_seconds(deployment.period_seconds)} take longer than the time budget",
            where="period", help="give more with --time-budget",
        )  # fmt: skip
    require_possible_at(host, deployment)
    chosen = runtime_of(runtime)
    require_runnable(chosen, workload)
    require_precision(chosen, precision)
    processors = cores_for(threads) if deployment.pinned else ()
    made = make_inputs(workload, inputs)
    deadline_seconds = max(_DEADLINE_SECONDS, 3 * time_budget_seconds)
    reference = (
        reference_outputs(workload, made.arrays, threads=threads, deadline_seconds=deadline_seconds)
        if check_outputs
        else None
    )
    with ExitStack() as running:
        beside = running.enter_context(company(deployment, chosen, threads=threads))
        with pinned(processors), workers_at(host) as remote:
            session = running.enter_context(
                chosen.open(
                    workload, made.arrays, threads=threads, deadline_seconds=deadline_seconds, precision=precision
                )
            )  # fmt: skip
        there = remote[-1] if remote else None
        record = None if there is None else host_record(there)
        first = run_first(session, deadline_seconds=deadline_seconds)
        checked = (
            correctness(session, chosen, workload, made.arrays, reference, deadline_seconds=deadline_seconds)
            if reference is not None
            else None
        )
        # One thread keeps its pace beside another program; several wait for each other, and are worth measuring again,
        # unless it is we who disturb them.
        waits = threads > 1 and deployment.is_alone
        attempts = ATTEMPTS if waits else 1
        gate = (
            HostGate(there) if there is not None else Gate([session.process_id, *beside.processes], probe=waits)
        )  # fmt: skip
        budget_seconds, share = time_budget_seconds / attempts, _PROFILE_SHARE if profile else 0.0

        def attempt() -> TimedRuns:
            if deployment.period_seconds:
                return time_periodic_runs(
                    session, budget_seconds, period_seconds=deployment.period_seconds, deadline_seconds=deadline_seconds
                )
            return time_runs(session, budget_seconds, deadline_seconds=deadline_seconds, share=share)

        passage = through_gate(attempt, gate.before, gate.after, attempts=attempts)
        timed = passage.result.timed
        neighbours = times_of(beside.neighbours)
        summary = summarize(timed.seconds)
        warnings = [*(checked.faults if checked else ()), *doubts_of_gate(passage.verdict, attempts=passage.attempts)]
        # What runs beside it by our own doing takes processors from it: nobody should close that.
        judged = timed if deployment.is_alone else replace(timed, cpu_share=1.0)
        warnings += doubts_of_times(judged, summary, threads=threads)
        if precision is not None and is_floating(session.precision) and session.precision != precision:
            warnings.append(f"{precision} was asked for, {session.precision} ran: {runtime} takes what the machine has")
        warnings += doubts_of_host(threads) if host is not None else ()
        available = there.available_memory_bytes() if there is not None else available_memory_bytes()
        stages = _load_stages(session, warnings, available, deadline_seconds=deadline_seconds) if profile else {}
        found: Profile | None = None
        if profile:
            runs = _profile_runs(workload, summary, time_budget_seconds)
            try:
                with understood_of(host):
                    found = session.profile(
                        runs=runs, deadline_seconds=deadline_seconds + 20 * runs * summary.median
                    )  # fmt: skip
            except RunError as error:
                warnings.append(f"the profile failed, only whole runs are known: {error}")
    kernels = found.kernels if found else ()
    if found:
        warnings += [*found.warnings, *doubts_of_profile(found, attributed_share(kernels))]
    return Run(
        runtime=runtime,
        version=session.version,
        threads=threads,
        dtype=_dtype(workload),
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
        peak_rss_bytes=timed.peak_rss_bytes,
        inputs=made.lines,
        warnings=tuple(warnings),
        batch=_batch(workload),
        p90_seconds=percentile(timed.seconds, 0.90),
        p99_seconds=percentile(timed.seconds, 0.99),
        first_run_seconds=first.seconds,
        import_seconds=session.loading.import_seconds,
        read_seconds=session.loading.read_seconds,
        parse_seconds=stages.get("parse"),
        optimise_seconds=stages.get("optimise"),
        resident_before_bytes=session.loading.resident_before_bytes,
        resident_loaded_bytes=session.loading.resident_loaded_bytes,
        resident_first_run_bytes=first.resident_bytes or None,
        usage=passage.result.usage,
        energy=passage.result.energy if host is None else NO_ENERGY,
        processors=processors,
        period_seconds=deployment.period_seconds,
        missed_share=passage.result.missed_share,
        beside=neighbours,
        load="" if deployment.load is None else str(deployment.load),
        precision=session.precision,
        arena_bytes=found.arena_bytes if found else None,
        executions=found.executions if found else (),
        correctness=checked,
        surroundings=surroundings_of(passage),
        host=record,
    )


def _load_stages(
    session: Session, warnings: list[str], available: int | None, *, deadline_seconds: float
) -> dict[str, float]:
    """Where the time of loading goes; empty where that is not told, or where a second load has no room."""
    if available is not None and (session.loading.resident_loaded_bytes or 0) > _SHARE_OF_MEMORY * available:
        return {}
    try:
        return session.load_stages(deadline_seconds=deadline_seconds)
    except RunError as error:
        warnings.append(f"where the time of loading goes is not known: {error}")
        return {}


def _batch(workload: Workload) -> int:
    """The first extent of all inputs where they agree, else 1."""
    firsts = {tensor.shape[0] if tensor.shape else 1 for tensor in workload.inputs}
    return firsts.pop() if len(firsts) == 1 else 1


def _profile_runs(workload: Workload, summary: Summary, budget_seconds: float) -> int:
    """As many runs as the profile's share of the time allows, twice: with the profiler and without."""
    affordable = _PROFILE_SHARE * budget_seconds / (2 * max(summary.median, 1e-6))
    return max(_FEWEST_PROFILED, min(_MOST_PROFILED, int(affordable), _MOST_EVENTS // max(1, len(workload.ops))))


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
