"""What a log of somebody else's tool says of a run, and what it leaves open.

What a log does not tell is None or empty and stays so: no figure is made from another one, except that samples, where
the log has them, are summarised.
"""

from dataclasses import dataclass
from typing import Literal

from attainable.importers.trace import Trace
from attainable.measurement.percentiles import percentile
from attainable.timing.statistics import summarize

Statistic = Literal["median", "average", "one run", "whole log"]
"""What the time of a kernel is: over the runs of the log, of the only run that it shows, or of all that is logged."""

Basis = Literal["runs", "operators"]
"""What a total is: the clock before and after whole runs, or the sum of what the operators took."""

Accelerator = Literal["", "gpu", "npu"]
"""What the network ran on, where that is no processor with threads of ours."""


@dataclass(frozen=True, slots=True)
class Times:
    """Times of one inference in seconds, each None where the log does not tell.

    Attributes:
        basis: what was timed.
        samples: how many runs the figures are of.
        median, average, minimum, maximum: of these.
        low, high: an interval that holds the true median: from the samples, or from the smallest to the largest, which
            encloses it with at least 95 % confidence from six runs on. See ``timing.statistics``.
        percentiles: pairs of a percentage and the time that as many runs did not exceed.
    """

    basis: Basis = "runs"
    samples: int | None = None
    median: float | None = None
    average: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    low: float | None = None
    high: float | None = None
    percentiles: tuple[tuple[float, float], ...] = ()

    @property
    def typical(self) -> tuple[str, float] | None:
        """The figure to show first and its name: the median, else the average, else the minimum; None without any."""
        for name in ("median", "average", "minimum"):
            seconds: float | None = getattr(self, name)
            if seconds is not None:
                return name, seconds
        return None

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the usual figures that the log does not tell."""
        names = ("samples", "median", "average", "minimum", "maximum", "percentiles")
        return tuple(name for name in names if getattr(self, name) in (None, ()))


_PERCENTILES = (0.9, 0.99)


def times_of(samples: list[float]) -> Times:
    """The times of at least one run of which every time is known, with percentiles where there are enough for them."""
    found = summarize(samples)
    return Times(
        samples=found.count, median=found.median, average=sum(samples) / len(samples), minimum=found.minimum,
        maximum=max(samples), low=found.low, high=found.high,
        percentiles=tuple(
            (100 * share, time) for share in _PERCENTILES if (time := percentile(samples, share)) is not None
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LoggedKernel:
    """Something that the runtime ran.

    Attributes:
        name: as the log has it; may be hostile text.
        kind: the runtime's own operator; empty where the log does not tell.
        seconds: in one inference, all calls together.
        calls: how often it ran in one inference.
        fused: names of layers that the log lists as part of this kernel.
        precision: the type that it computed in, in the runtime's words; empty where the log does not tell.
    """

    name: str
    kind: str
    seconds: float
    calls: int = 1
    fused: tuple[str, ...] = ()
    precision: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where figures come from: a file, its SHA-256, its format (a key of ``FORMATS``) and the tool that wrote it."""

    path: str
    sha256: str
    bytes: int
    format: str
    tool: str


@dataclass(frozen=True, slots=True)
class Log:
    """One network run by one runtime, as a log tells it.

    Attributes:
        runtime: its name, as its makers write it.
        version: empty where the log does not tell.
        network: the name of the network; empty where the log does not tell.
        times: of whole inferences.
        kernels: in the order in which they ran; empty where the log has none.
        statistic: what the times of the kernels are.
        threads: of the processor; None where the log does not tell.
        batch: inferences in one run; None where the log does not tell.
        precision: in the runtime's words; empty where the log does not tell.
        accelerator: empty for a processor.
        load_seconds, first_run_seconds: None where the log does not tell.
        notes: what to know of these figures, one sentence each.
        sources: the files.
        layers: kinds of kernels by name, from a list without times.
        trace: what GPUs did, where the log is a trace of their kernels.
    """

    runtime: str
    version: str = ""
    network: str = ""
    times: Times = Times()
    kernels: tuple[LoggedKernel, ...] = ()
    statistic: Statistic = "average"
    threads: int | None = None
    batch: int | None = None
    precision: str = ""
    accelerator: Accelerator = ""
    load_seconds: float | None = None
    first_run_seconds: float | None = None
    notes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    layers: tuple[tuple[str, str], ...] = ()
    trace: Trace | None = None

    @property
    def kernels_seconds(self) -> float | None:
        """Sum of the kernels' times; None without kernels."""
        return sum(kernel.seconds for kernel in self.kernels) if self.kernels else None
