"""Measures how fast a network really is: warm-up, single timed runs until the interval is tight, then a profile."""

from statistics import median
from time import monotonic

from attainable.errors import RunError
from attainable.measurement.attribution import attributed_share, groups
from attainable.measurement.doubts import doubts
from attainable.measurement.inputs import Given, make_inputs
from attainable.measurement.run import Run
from attainable.quantities import format_seconds
from attainable.runtimes import Profile, Samples, Session, runtime as runtime_of
from attainable.timing.conditions import CpuTimes, others_share, read_cpu_times
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
_PROFILE_SHARE = 0.4
_MOST_PROFILED = 20_000
"""Kernels times runs in one profile: some 60 MB in the worker and well below onnxruntime's limit of a million."""
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
        time_budget_seconds: for runs and profile together; loading, and a single run that is longer, come on top.
        inputs: arrays or ``.npy`` files for some inputs; the others are made from a seed.
        profile: also find the time of each kernel. If that fails, the run stands and a warning says why.

    Raises:
        UnknownName: no runtime has this name.
        InvalidQuantity: given inputs that do not fit the network.
        InputsUnavailable: no valid inputs can be made.
        RuntimeRefused: the runtime is not installed or does not accept the model.
        WorkerCrashed: the worker died.
        WorkerTimedOut: the worker did not answer in time.
    """
    chosen = runtime_of(runtime)
    made = make_inputs(workload, inputs)
    deadline_seconds = max(_DEADLINE_SECONDS, 3 * time_budget_seconds)
    with chosen.open(workload, made.arrays, threads=threads, deadline_seconds=deadline_seconds) as session:
        end = monotonic() + time_budget_seconds
        run_seconds = _warm_up(session, time_budget_seconds, deadline_seconds)
        before = read_cpu_times([session.process_id])
        ...
