"""Runtimes: what really runs a network. Each drives its library in a worker process, never in this one.

A runtime is a package here, a session file for the worker in ``sessions/``, and a line in ``RUNTIMES``; it may live in
an interpreter of its own (``environments``). docs/extend/runtime.md tells how to add one.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from attainable.errors import RuntimeRefused, unknown_name
from attainable.runtimes.worker_statistics import Loading, Usage
from attainable.workload.graph import Workload
from attainable.workload.kernel import Kernel

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Array = NDArray[numpy.generic]

__all__ = [
    "COMPANIONS",
    "RUNTIMES",
    "Execution",
    "Profile",
    "Requirement",
    "Runtime",
    "Samples",
    "Session",
    "Tolerance",
    "require_precision",
    "require_runnable",
    "requirement_of",
    "runtime",
]


@dataclass(frozen=True, slots=True)
class Requirement:
    """What an interpreter needs to run a runtime's session file.

    Attributes:
        module: what the session file imports; where it is missing, the runtime is not installed.
        distribution: the package whose version is the runtime's version.
        packages: requirements for pip, with their versions.
    """

    module: str
    distribution: str
    packages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a runtime's outputs may be from the reference, in one precision.

    An element may differ by ``absolute`` plus ``relative`` times the largest magnitude in that output of the reference.
    """

    relative: float
    absolute: float = 0.0


@dataclass(frozen=True, slots=True)
class Execution:
    """How a kernel was run, in the runtime's own words; each ``""`` where it does not tell.

    Attributes:
        layer: the layer type.
        implementation: the routine that was chosen for it.
        precision: the type that it computes in, as ``Tensor.dtype`` names types.
        layout: of its result, such as ``NHWC`` or ``NCHWc``.
    """

    layer: str = ""
    implementation: str = ""
    precision: str = ""
    layout: str = ""


@dataclass(frozen=True, slots=True)
class Samples:
    """The times of consecutive runs.

    Attributes:
        seconds: of each run, in order.
        wall_seconds: from before the first to after the last.
        cpu_seconds: processor time of all the worker's threads meanwhile.
        peak_rss_bytes: largest resident memory of the worker so far, interpreter and runtime included; 0 if unknown.
        resident_bytes: the same now; 0 if unknown.
        usage: page faults and context switches meanwhile; None if unknown.
        periods: how many periods began, where runs had one; else 0.
        missed_periods: how many of them ended without a run that was done.
    """

    seconds: tuple[float, ...]
    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    resident_bytes: int = 0
    usage: Usage | None = None
    periods: int = 0
    missed_periods: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """What the runtime's own profiler says.

    Attributes:
        kernels: in the order in which they run; time of each in a typical run (``timing.statistics.typical_run``; the
            median of each in ONNX Runtime, the mean where the profiler tells no single runs), less the profiler's own
            time where it is known.
        profiled_seconds: of whole runs with the profiler on.
        plain_seconds: of whole runs without it, in turns with the others; empty if memory allowed only one session.
        profiler_seconds: the profiler's own time that was subtracted from each kernel.
        warnings: what could not be told, one sentence each.
        executions: how each kernel was run, in the same order; empty where the runtime tells nothing of it.
        arena_bytes: memory that the runtime's own allocator holds after a run, weights and activations; None where the
            runtime does not tell.
    """

    kernels: tuple[Kernel, ...]
    profiled_seconds: tuple[float, ...]
    plain_seconds: tuple[float, ...]
    profiler_seconds: float
    warnings: tuple[str, ...] = ()
    executions: tuple[Execution, ...] = ()
    arena_bytes: int | None = None

    @property
    def layout_share(self) -> float:
        """Share of the kernels' time in those that only change a layout, 0 to 1."""
        total = sum(kernel.seconds for kernel in self.kernels)
        changes = sum(kernel.seconds for kernel in self.kernels if kernel.attribution == "layout")
        return changes / total if total else 0.0


class Session(Protocol):
    """A network loaded by a runtime in a worker process. A context manager; leaving it ends the worker."""

    @property
    def version(self) -> str:
        """Of the runtime, as the worker's own installation says."""
        ...

    @property
    def precision(self) -> str:
        """The type that most of the arithmetic really runs in, as ``Tensor.dtype`` names types; ``""`` if unknown.

        What the runtime says of the network that it has loaded, not what was asked for.
        """
        ...

    @property
    def load_seconds(self) -> float:
        """Loading and optimising the model, without starting the worker and importing the runtime."""
        ...

    @property
    def process_id(self) -> int:
        """Of the worker."""
        ...

    @property
    def loading(self) -> Loading:
        """How the worker loaded the model, as far as it tells."""
        ...

    def load_stages(self, *, deadline_seconds: float) -> dict[str, float]:
        """Load the model once more: seconds of ``parse`` and ``optimise``; empty where the runtime does not tell.

        Raises like ``run``.
        """
        ...

    def run(
        self, *, seconds: float, minimum: int, maximum: int, deadline_seconds: float, period_seconds: float = 0.0
    ) -> Samples:
        """Run the network for ``seconds``, at least ``minimum`` and at most ``maximum`` times.

        With a period, a run starts at each multiple of it and the worker sleeps in between.

        Raises:
            RuntimeRefused: the runtime raised an error.
            WorkerCrashed: the worker died.
            WorkerTimedOut: no answer within ``deadline_seconds``.
        """
        ...

    def compute(self, inputs: "Mapping[str, Array]", *, deadline_seconds: float) -> "dict[str, Array]":
        """Run the network once on these inputs, which it keeps for later runs, and give its outputs by name.

        Raises like ``run``; an output that is no array of numbers is a RuntimeRefused.
        """
        ...

    def profile(self, *, runs: int, deadline_seconds: float) -> Profile:
        """Run the network ``runs`` times with the runtime's profiler, in turns with as many runs without.

        The last thing to ask of a session: where memory is short, it cannot run afterwards. Raises like ``run``.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class Runtime(Protocol):
    """A library that runs networks."""

    @property
    def name(self) -> str:
        """Its key in ``RUNTIMES``."""
        ...

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats of model files that it runs, as ``Provenance.format`` names them."""
        ...

    @property
    def requirement(self) -> Requirement:
        """What an interpreter needs to run it."""
        ...

    @property
    def tolerances(self) -> Mapping[str, Tolerance]:
        """How far its outputs may be from the reference, by the precision that ran; has every one of ``precisions``."""
        ...

    @property
    def precisions(self) -> tuple[str, ...]:
        """The types that it can be asked to compute a float32 network in; empty where that is not its choice."""
        ...

    @property
    def least_attributed_share(self) -> float:
        """The share of a profile's time that finds its ops in every network it runs, 0 to 1; 0 without a profiler."""
        ...

    def open(
        self,
        workload: Workload,
        inputs: "Mapping[str, Array]",
        *,
        threads: int,
        deadline_seconds: float,
        precision: str | None = None,
    ) -> Session:
        """Load the workload's model file in a new worker.

        Args:
            workload: names the file and the numbers of its dimensions.
            inputs: an array for each graph input; types that numpy lacks as unsigned integers of the same width.
            threads: processor threads that one kernel may use.
            deadline_seconds: for starting the worker and loading the model.
            precision: one of ``precisions``, the type to compute in; None: nothing lower than the model's own types,
                whatever the runtime would choose by itself.

        Raises:
            RuntimeRefused: the runtime is not installed, cannot compute in the precision, or does not accept the model.
            WorkerCrashed: the worker died.
            WorkerTimedOut: no answer in time.
        """
        ...


RUNTIMES: dict[str, str] = {
    "litert": "attainable.runtimes.litert",
    "mnn": "attainable.runtimes.mnn",
    "ncnn": "attainable.runtimes.ncnn",
    "onnxruntime": "attainable.runtimes.onnxruntime",
    "onnxruntime-cuda": "attainable.runtimes.onnxruntime.cuda",
    "onnxruntime-tensorrt": "attainable.runtimes.onnxruntime.tensorrt",
    "openvino": "attainable.runtimes.openvino",
    "torch": "attainable.runtimes.torch",
    "torch-compile": "attainable.runtimes.torch.compile",
}
"""The module of each runtime; it has the runtime as ``RUNTIME`` and is imported on first use."""


def runtime(name: str) -> Runtime:
    """The runtime of this name.

    Raises:
        UnknownName: there is none.
    """
    if name not in RUNTIMES:
        raise unknown_name("runtime", name, RUNTIMES)
    chosen: Runtime = importlib.import_module(RUNTIMES[name]).RUNTIME
    return chosen


COMPANIONS: dict[str, str] = {"litert-conversion": "attainable.runtimes.litert.conversion"}
"""What a runtime needs for some files only, in an environment of its own; the module has ``REQUIREMENT``."""


def requirement_of(name: str) -> Requirement:
    """What the environment of a runtime, or of a companion of one, has to have.

    Raises:
        UnknownName: there is none of this name.
    """
    if name not in COMPANIONS:
        return runtime(name).requirement
    found: Requirement = importlib.import_module(COMPANIONS[name]).REQUIREMENT
    return found


def require_runnable(runtime: Runtime, workload: Workload) -> None:
    """Check that a runtime runs the format of a workload's file, before anything is started.

    Raises:
        RuntimeRefused: it does not; the help says how to get a file that it runs.
    """
    given = workload.provenance.format
    if given not in runtime.formats:
        raise RuntimeRefused(
            f"{runtime.name} runs {', '.join(runtime.formats)} files, this is {given}",
            where=workload.provenance.path, help=_WAYS_OUT.get(given, "export the network to ONNX"),
        )  # fmt: skip


def require_precision(runtime: Runtime, precision: str | None) -> None:
    """Check that a runtime can compute in a precision, before anything is started.

    Raises:
        RuntimeRefused: it cannot; the help lists those that it can.
    """
    if precision is not None and precision not in runtime.precisions:
        choice = ", ".join(runtime.precisions)
        raise RuntimeRefused(
            f"{runtime.name} cannot be asked to compute in {precision}",
            help=f"it can compute in {choice}" if choice else "it computes in the model's own types; convert the model",
        )


_CONVERT = "make it runnable with seeded weights: attainable convert FILE --output FILE.onnx"
_WAYS_OUT = {
    "darknet": _CONVERT,
    "ncnn": _CONVERT,
    "torch": "export it: torch.onnx.export(module, inputs, 'model.onnx')",
    "tflite": "run it as it is with --runtime litert, or convert it with tf2onnx",
}
