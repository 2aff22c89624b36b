"""The measured part of the JSON contract: a run, its kernels, its outputs and the machine around it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class KernelRow:
    """Measured: a kernel that the runtime ran, its typical time, and how its ops were found.

    ``layer``, ``implementation``, ``precision`` and ``layout`` say how it was run, in the runtime's own words; empty
    where it does not tell.
    """

    name: str
    kind: str
    ops: list[str]
    attribution: str
    seconds: float
    layer: str = ""
    implementation: str = ""
    precision: str = ""
    layout: str = ""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Measured against roofline: kernels and ops that can only be compared together.

    ``kernels`` are positions in the run's list; the roofline is that of the group's boundary traffic on the device the
    run ran on, null where no device describes it.
    """

    kernels: list[int]
    ops: list[str]
    label: str
    seconds: float
    operations: int
    bytes_moved: int
    roofline_seconds: float | None
    bound_by: str | None


@dataclass(frozen=True, slots=True)
class OutputRow:
    """Measured: an output of a run beside that of the reference.

    ``fault`` says why they cannot be compared, empty where they can. ``relative_error`` is the largest difference of an
    element by the largest magnitude around it, of integers the share of elements that differ, null where one of the
    two is not finite; ``same_top`` the share of rows whose largest element is at the same place.
    """

    name: str
    fault: str
    absolute_error: float | None
    relative_error: float | None
    cosine: float
    same_top: float
    is_right: bool


@dataclass(frozen=True, slots=True)
class Surrounding:
    """Measured: the machine around a run; each null where it is unknown.

    ``state`` is ``quiet``, ``noisy`` or ``unknown``, and ``reasons`` say what disturbed. ``attempts`` is how often the
    run was made for the sake of a quiet one. Shares are of the whole machine.
    """

    state: str
    reasons: list[str]
    attempts: int
    others_share: float | None
    steal_share: float | None
    load_average: float | None
    clock_before_hertz: float | None
    clock_after_hertz: float | None
    hand_over_seconds: float | None


@dataclass(frozen=True, slots=True)
class RunRow:
    """Measured: one runtime on one machine. Times are of one run, which is ``batch`` inferences; null is unknown.

    ``seconds`` is what ``statistic`` says: the ``median`` of the runs, or the ``average`` where a log tells no more.
    ``profiled_seconds`` and ``unprofiled_seconds`` are medians of runs in turns, with the runtime's profiler and
    without; ``kernels_seconds`` is the sum of the kernels, less what the profiler took (``profiler_seconds`` each).
    ``dtype`` is the model's own type, ``precision`` what most of the arithmetic really ran in, where the runtime tells.
    ``read`` to ``optimise`` is where the time of loading goes; the resident bytes are those of the worker before the
    model, after loading, after the first run and at most. Page faults and context switches are of all timed runs.
    ``reference`` is what ``outputs`` were compared with, empty where they were not, and ``tolerance`` how far they may
    be from it, as a share of the largest magnitude. ``provenance`` is of a run that somebody else's log tells.
    """

    runtime: str
    version: str
    device: str
    threads: int | None
    dtype: str
    samples: int | None
    seconds: float
    low_seconds: float | None
    high_seconds: float | None
    minimum_seconds: float | None
    load_seconds: float | None
    profiled_seconds: float | None
    unprofiled_seconds: float | None
    kernels_seconds: float | None
    profiler_seconds: float | None
    attributed_share: float | None
    peak_resident_bytes: int | None
    inputs: list[str]
    kernels: list[KernelRow]
    groups: list[GroupRow]
    statistic: str = "median"
    precision: str = ""
    batch: int | None = None
    inferences_per_second: float | None = None
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
    arena_bytes: int | None = None
    minor_faults: int | None = None
    major_faults: int | None = None
    voluntary_switches: int | None = None
    involuntary_switches: int | None = None
    joules_per_run: float | None = None
    gpu_joules_per_run: float | None = None
    energy_source: str = ""
    surroundings: Surrounding | None = None
    reference: str = ""
    tolerance: float | None = None
    outputs: list[OutputRow] = field(default_factory=list[OutputRow])
    provenance: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def is_wrong(self) -> bool:
        """Whether an output differs from the reference by more than it may."""
        return any(not output.is_right for output in self.outputs)
