"""Measures how fast a network really is: outputs, warm-up, single timed runs until the interval is tight, a profile."""

from contextlib import ExitStack

from attainable.errors import InvalidQuantity
from attainable.measurement.correctness import correctness, reference_outputs
from attainable.measurement.deployment import ALONE, Deployment, company, cores_for, pinned
from attainable.measurement.elsewhere import require_possible_at
from attainable.measurement.inputs import Given, make_inputs
from attainable.measurement.neighbours import times_of
from attainable.measurement.profiled import PROFILE_SHARE, UNPROFILED, profile_session
from attainable.measurement.recording import Measured, record
from attainable.measurement.run import Run
from attainable.measurement.timed_runs import FEWEST_PERIODS, TimedRuns, run_first, time_periodic_runs, time_runs
from attainable.quantities import format_seconds
from attainable.runtimes import require_precision, require_runnable
from attainable.runtimes import runtime as runtime_of
from attainable.runtimes.remote import workers_at
from attainable.runtimes.remote.conditions import HostGate, host_record
from attainable.runtimes.remote.hosts import Host
from attainable.timing.gate import ATTEMPTS, through_gate
from attainable.timing.gate_readings import Gate
from attainable.timing.memory import available_memory_bytes
from attainable.timing.statistics import summarize
from attainable.workload.graph import Workload

_DEADLINE_SECONDS = 60.0


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
        check_outputs: also compare the outputs with those of a reference.
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
    _require_measurable(threads, time_budget_seconds, deployment)
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
        host_facts = None if there is None else host_record(there)
        first = run_first(session, deadline_seconds=deadline_seconds)
        # One thread keeps its pace beside another program; several wait for each other, and are worth measuring again,
        # unless it is we who disturb them.
        waits = threads > 1 and deployment.is_alone
        attempts = ATTEMPTS if waits else 1
        gate = (
            HostGate(there) if there is not None else Gate([session.process_id, *beside.processes], probe=waits)
        )  # fmt: skip
        budget_seconds, share = time_budget_seconds / attempts, PROFILE_SHARE if profile else 0.0

        def attempt() -> TimedRuns:
            if deployment.period_seconds:
                return time_periodic_runs(
                    session, budget_seconds, period_seconds=deployment.period_seconds, deadline_seconds=deadline_seconds
                )
            return time_runs(session, budget_seconds, deadline_seconds=deadline_seconds, share=share)

        passage = through_gate(attempt, gate.before, gate.after, attempts=attempts)
        neighbours = times_of(beside.neighbours)
        checked = (
            correctness(session, chosen, workload, made.arrays, reference, deadline_seconds=deadline_seconds)
            if reference is not None
            else None
        )
        summary = summarize(passage.result.timed.seconds)
        available = there.available_memory_bytes() if there is not None else available_memory_bytes()
        profiled = (
            profile_session(
                session, workload, summary, budget_seconds=time_budget_seconds, available_bytes=available, host=host,
                deadline_seconds=deadline_seconds,
            )
            if profile
            else UNPROFILED
        )  # fmt: skip
    return record(
        Measured(
            workload=workload, runtime=runtime, threads=threads, precision=precision, session=session, made=made,
            first=first, checked=checked, passage=passage, profiled=profiled, processors=processors,
            deployment=deployment, neighbours=neighbours, host=host_facts,
        )
    )  # fmt: skip


def _require_measurable(threads: int, time_budget_seconds: float, deployment: Deployment) -> None:
    """Raises InvalidQuantity where there is nothing to measure with, or no time."""
    if threads < 1:
        raise InvalidQuantity(f"{threads} threads cannot run anything", where="threads", help="give 1 or more")
    if not time_budget_seconds > 0:
        raise InvalidQuantity("there is no time to measure in", where="time budget", help="give a second or more")
    if FEWEST_PERIODS * deployment.period_seconds > time_budget_seconds:
        raise InvalidQuantity(
            f"{FEWEST_PERIODS} periods of {format_seconds(deployment.period_seconds)} take longer than the time budget",
            where="period", help="give more with --time-budget",
        )  # fmt: skip
