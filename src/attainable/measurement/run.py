"""The record of one measured run of a network, on this machine or on a host."""

from dataclasses import dataclass, field

from attainable.measurement.correctness import Correctness
from attainable.measurement.energy import Energy
from attainable.measurement.neighbours import NeighbourTimes
from attainable.measurement.surroundings import Surroundings
from attainable.runtimes import Execution
from attainable.runtimes.remote.hosts import HostRecord
from attainable.runtimes.worker_statistics import Usage
from attainable.workload.kernel import Group, Kernel


@dataclass(frozen=True, slots=True)
class Run:
    """How fast a network is in a runtime, and where the time goes.

    Attributes:
        runtime: a key of ``RUNTIMES``.
        version: of the runtime, as its own installation says.
        threads: processor threads that one kernel may use.
        dtype: the floating type that most of the network's activations have.
        samples: how many runs were timed, each alone, the profiler off.
        median_seconds: of these runs.
        low_seconds, high_seconds: 95 % interval of the median; see ``timing.statistics.Summary``.
        minimum_seconds: the quickest run.
        kernels: what the runtime ran, in its order; empty without a profile.
        groups: kernels and ops that belong together, each kernel in exactly one.
        attributed_share: share of the kernels' time that found its ops; None without a profile. See ``attribution``.
        kernels_seconds: sum of the kernels' times; None without a profile.
        profiled_seconds: median of whole runs with the profiler on, what the profiler costs included; None without one.
        unprofiled_seconds: median of whole runs without it, in turns with the profiled ones; None where memory allowed
            only one of the two.
        profiler_seconds: the profiler's own time, already subtracted from each kernel; None without a profile.
        load_seconds: loading and optimising the model.
        peak_rss_bytes: largest resident memory of the worker before it was profiled, with interpreter and runtime.
        inputs: how each input was made, one line each.
        warnings: what to know before trusting the numbers, one sentence each.
        batch: inferences in one run: the first extent of all inputs where they agree, else 1.
        p90_seconds, p99_seconds: of these runs; None where there are too few. See ``percentiles``.
        first_run_seconds: the very first run after loading.
        import_seconds: importing the runtime, which ``load_seconds`` leaves out.
        read_seconds: reading the model file once before the runtime does.
        parse_seconds, optimise_seconds: what ``load_seconds`` consists of, of a second load; None where the runtime
            does not tell.
        resident_before_bytes: resident memory of the worker with interpreter and runtime, before the model is loaded.
        resident_loaded_bytes: the same after loading.
        resident_first_run_bytes: the same after the first run. Each None where the system does not tell.
        usage: page faults and context switches during the timed runs; None where the system does not count them.
        inferences_per_second: batch by median.
        energy: of the timed runs, or why it is not available.
        processors: those that the worker was bound to; empty: any.
        period_seconds: from the start of a run to that of the next; 0: run after run.
        missed_share: share of the periods that ended without a run that was done; None without a period.
        beside: networks that ran meanwhile, and how.
        load: what kept the machine busy on purpose, in the words of ``--load``; empty for nothing.
        precision: the type that most of the arithmetic really ran in, as the runtime says; empty where it does not.
        arena_bytes: memory that the runtime's own allocator holds after a run; None where it does not tell.
        executions: how each kernel was run, in their order; empty where the runtime does not tell.
        correctness: its outputs against the reference; None where they were not asked for.
        surroundings: of the machine; None where they were not read.
        host: the machine that it was measured on; None for this one.
    """

    runtime: str
    version: str
    threads: int
    dtype: str
    samples: int
    median_seconds: float
    low_seconds: float
    high_seconds: float
    minimum_seconds: float
    kernels: tuple[Kernel, ...]
    groups: tuple[Group, ...]
    attributed_share: float | None
    kernels_seconds: float | None
    profiled_seconds: float | None
    unprofiled_seconds: float | None
    profiler_seconds: float | None
    load_seconds: float
    peak_rss_bytes: int
    inputs: tuple[str, ...]
    warnings: tuple[str, ...]
    batch: int = 1
    p90_seconds: float | None = None
    p99_seconds: float | None = None
    first_run_seconds: float | None = None
    import_seconds: float | None = None
    read_seconds: float | None = None
    parse_seconds: float | None = None
    optimise_seconds: float | None = None
    resident_before_bytes: int | None = None
    resident_loaded_bytes: int | None = None
    resident_first_run_bytes: int | None = None
    usage: Usage | None = None
    energy: Energy | None = None
    processors: tuple[int, ...] = ()
    period_seconds: float = 0.0
    missed_share: float | None = None
    beside: tuple[NeighbourTimes, ...] = ()
    load: str = ""
    precision: str = ""
    arena_bytes: int | None = None
    executions: tuple[Execution, ...] = ()
    correctness: Correctness | None = None
    surroundings: Surroundings | None = None
    host: HostRecord | None = None
    inferences_per_second: float = field(init=False)

    def __post_init__(self) -> None:
        # A field, so that saved runs have it; the median is above zero unless a test says otherwise.
        rate = self.batch / self.median_seconds if self.median_seconds else 0.0
        object.__setattr__(self, "inferences_per_second", rate)
