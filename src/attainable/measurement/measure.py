"""Measures how fast a network really is: warm-up, single timed runs until the interval is tight, then a profile."""

from collections import Counter
from statistics import median
from time import monotonic

from attainable.errors import InvalidQuantity, RunError
from attainable.measurement.attribution import attributed_share, groups
from attainable.measurement.doubts import Timed, doubts_of_gate, doubts_of_profile, doubts_of_times
from attainable.measurement.inputs import Given, make_inputs
from attainable.measurement.run import Run
from attainable.runtimes import Profile, Samples, Session, require_runnable
from attainable.runtimes import runtime as runtime_of
from attainable.timing.gate import ATTEMPTS, through_gate
from attainable.timing.gate_readings import Gate
from attainable.timing.statistics import Summary, summarize
from attainable.workload.dtypes import is_floating
from attainable.workload.graph import Workload

TIGHT = 0.01
"""Runs stop when half the 95 % interval is below this share of the median."""

_FEWEST_SAMPLES = 20
_FEWEST_SLOW_SAMPLES = 5
_MOST_SAMPLES = 20_000
_BLOCK_SECONDS = 0.15
_FEWEST_BLOCKS = 4
_WARM_UP_SHARE = 0.2
_PROFILE_SHARE = 0.4
_FEWEST_PROFILED, _MOST_PROFILED = 3, 100
_MOST_EVENTS = 20_000
"""Ops times runs in one profile: some 60 MB in the worker, and far below onnxruntime's limit of a million."""
_DEADLINE_SECONDS = 60.0


def measure_workload(
    workload: Workload,
    *,
    runtime: str = "onnxruntime",
    threads: int = 1,
    time_budget_seconds: float = 20.0,
    inputs: Given | None = None,
    profile: bool = True,
) -> Run:
    """Run the network in a worker process and say how long it takes and where the time goes.

    Every run is timed alone, with inputs bound beforehand. After the warm-up, runs go on until half the 95 % interval
    of the median is below 1 % of it, over at least 20 runs (5 where a run is slow), or until the budget ends.

    Args:
        workload: whose model file is run, with its numbers for the dimensions.
        runtime: a key of ``RUNTIMES``.
        threads: processor threads that one kernel may use.
        time_budget_seconds: for runs and profile together. Loading, and the least number of runs where a run is slow
            (two to warm up and one that counts, eight for the profile), come on top.
        inputs: arrays or ``.npy`` files for some inputs; the others are made from a seed.
        profile: also find the time of each kernel. If that fails, the run stands and a warning says why.

    Raises:
        UnknownName: no runtime has this name.
        InvalidQuantity: no threads, no time, or given inputs that do not fit the network.
        InputsUnavailable: no valid inputs can be made.
        RuntimeRefused: the runtime is not installed or does not accept the model.
        WorkerCrashed: the worker died.
        WorkerTimedOut: the worker did not answer in time.
    """
    if threads < 1:
        raise InvalidQuantity(f"{threads} threads cannot run anything", where="threads", help="give 1 or more")
    if not time_budget_seconds > 0:
        raise InvalidQuantity("there is no time to measure in", where="time budget", help="give a second or more")
    chosen = runtime_of(runtime)
    require_runnable(chosen, workload)
    made = make_inputs(workload, inputs)
    deadline_seconds = max(_DEADLINE_SECONDS, 3 * time_budget_seconds)
    with chosen.open(workload, made.arrays, threads=threads, deadline_seconds=deadline_seconds) as session:
        # One thread keeps its pace beside another program; several wait for each other, and are worth measuring again.
        attempts = ATTEMPTS if threads > 1 else 1
        gate = Gate([session.process_id], probe=threads > 1)
        budget_seconds, share = time_budget_seconds / attempts, _PROFILE_SHARE if profile else 0.0
        passage = through_gate(
            lambda: _time(session, budget_seconds, deadline_seconds, share=share),
            gate.before, gate.after, attempts=attempts,
        )  # fmt: skip
        timed = passage.result
        summary = summarize(timed.seconds)
        warnings = list(doubts_of_gate(passage.verdict, attempts=passage.attempts))
        warnings += doubts_of_times(timed, summary, threads=threads)
        found: Profile | None = None
        if profile:
            runs = _profile_runs(workload, summary, time_budget_seconds)
            try:
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
    )


def _time(session: Session, budget_seconds: float, deadline_seconds: float, *, share: float) -> Timed:
    """Warm up, then run blocks until the interval is tight or the budget, less the profile's share, ends."""
    end = monotonic() + (1 - share) * budget_seconds
    run_seconds = _warm_up(session, budget_seconds, deadline_seconds)
    fewest = _FEWEST_SAMPLES if _FEWEST_SAMPLES * run_seconds < budget_seconds / 2 else _FEWEST_SLOW_SAMPLES
    blocks: list[Samples] = []
    seconds: list[float] = []
    while True:
        blocks.append(
            session.run(
                seconds=_BLOCK_SECONDS, minimum=1, maximum=_MOST_SAMPLES // _FEWEST_BLOCKS,
                deadline_seconds=deadline_seconds + 20 * run_seconds,
            )
        )  # fmt: skip
        seconds += blocks[-1].seconds
        settled = len(seconds) >= fewest and len(blocks) >= _FEWEST_BLOCKS
        if (settled and summarize(seconds).relative_half_width < TIGHT) or len(seconds) >= _MOST_SAMPLES:
            break
        if monotonic() >= end:
            break
    return Timed(
        seconds=tuple(seconds),
        block_medians=tuple(median(block.seconds) for block in blocks),
        cpu_share=sum(block.cpu_seconds for block in blocks) / sum(block.wall_seconds for block in blocks),
        peak_rss_bytes=max(block.peak_rss_bytes for block in blocks),
    )


def _warm_up(session: Session, budget_seconds: float, deadline_seconds: float) -> float:
    """Run at least twice and until times fall no more; gives the time of a run."""
    end = monotonic() + _WARM_UP_SHARE * budget_seconds
    session.run(seconds=0.0, minimum=1, maximum=1, deadline_seconds=deadline_seconds)
    latest = session.run(seconds=0.0, minimum=1, maximum=1, deadline_seconds=deadline_seconds).seconds[0]
    while monotonic() < end:
        before = latest
        block = session.run(
            seconds=_BLOCK_SECONDS / 2, minimum=1, maximum=_MOST_SAMPLES, deadline_seconds=deadline_seconds
        )
        latest = median(block.seconds)
        if latest > (1 - 2 * TIGHT) * before:
            break
    return latest


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
