"""The record of one measured run of a network on this machine."""

from dataclasses import dataclass

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
