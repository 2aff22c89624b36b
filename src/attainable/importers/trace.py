"""What a trace of a GPU's kernels tells: when at least one of them ran, and when none did.

*Busy* is the share of time in which at least one kernel ran. That is what NVIDIA's tools show as ``GPU-Util``: one
kernel of one thread that never ends makes it 100 %. It is no share of what the GPU can do.

Source: NVML API reference, nvmlUtilization_t: percent of time over the past sample period during which one or more
kernels was executing on the GPU.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

Kind = Literal["kernel", "graph", "copy", "fill"]

_SECOND = 1e-9
_IDLE_ENOUGH = 0.1
"""Share of the time without kernels from which on it is worth to say what they wait for."""

Interval = tuple[int, int]
"""Start and end in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that a GPU did, as a trace has it.

    Attributes:
        name: of the kernel, the graph or the copy; may be hostile text.
        kind: a kernel, a CUDA graph of kernels that is told as one, a copy of memory, or one that only fills.
        start, end: in nanoseconds of the trace's clock.
        gpu: its number.
        stream: the queue that it was in.
        run: position of the marked run that started it; None where none did.
        operator: of the framework that started it; empty where the trace does not tell.
        occupancy: estimated share of the threads that the GPU can hold, 0 to 1; None where the trace does not tell.
    """

    name: str
    kind: Kind
    start: int
    end: int
    gpu: int
    stream: str
    run: int | None = None
    operator: str = ""
    occupancy: float | None = None

    @property
    def computes(self) -> bool:
        """Whether it ran kernels, one or those of a graph."""
        return self.kind in ("kernel", "graph")


@dataclass(frozen=True, slots=True)
class StreamActivity:
    """A queue of a GPU: how many kernels and graphs ran in it, and how long at least one did."""

    stream: str
    kernels: int
    busy_seconds: float
    busy_share: float


@dataclass(frozen=True, slots=True)
class Gaps:
    """The times of a span in which no kernel, or nothing, ran: how many, how long together, at most and typically."""

    count: int
    seconds: float
    longest_seconds: float
    median_seconds: float


@dataclass(frozen=True, slots=True)
class GpuActivity:
    """One GPU in the time of a trace.

    Attributes:
        gpu: its number.
        name: as the trace has it; empty where it does not tell.
        kernels: how many ran, those in graphs left out: nobody knows them.
        graphs: replays of CUDA graphs, each of them told as one activity.
        median_kernel_seconds: of one kernel; None where there are only graphs.
        busy_seconds: in which at least one kernel ran.
        busy_share: of the span; what NVIDIA's tools show as GPU-Util.
        copy_seconds: in which memory was copied or filled and no kernel ran.
        gaps: without kernels; the time of copies is in them.
        idle: gaps in which nothing ran at all, no copy either.
        copy_bound: whether gaps are a tenth of the time or more, and copies and fills most of them.
        launch_bound: whether kernels are shorter than the idle gaps, and these a tenth of the time or more; False where
            copies bound it, and with graphs, whose kernels nobody knows.
        occupancy: estimate of the trace, weighted by time; None where it does not tell.
        streams: those in which kernels ran, the busiest first.
    """

    gpu: int
    name: str
    kernels: int
    graphs: int
    median_kernel_seconds: float | None
    busy_seconds: float
    busy_share: float
    copy_seconds: float
    gaps: Gaps
    idle: Gaps
    copy_bound: bool
    launch_bound: bool
    occupancy: float | None
    streams: tuple[StreamActivity, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """What GPUs did.

    Attributes:
        span_seconds: from the first to the last activity; of whole runs where the trace marks several.
        runs: how many are marked, or how many somebody said; None where nobody did.
        marked: whether the trace itself marks them.
        gpus: each of them, in the order of their numbers.
    """

    span_seconds: float
    runs: int | None
    marked: bool
    gpus: tuple[GpuActivity, ...]


def trace_of(
    activities: Sequence[Activity], names: Mapping[int, str], *, window: Interval, runs: int | None = None
) -> Trace:
    """Sum up what GPUs did in a window of time.

    Args:
        activities: at least one kernel among them.
        names: of GPUs, as far as they are known.
        window: what lies outside is left out, what reaches out is cut.
        runs: how many the trace marks; None where it marks none.
    """
    by_gpu: dict[int, list[Activity]] = {}
    inside = (activity for activity in activities if activity.start < window[1] and activity.end > window[0])
    for activity in sorted(inside, key=_start):
        by_gpu.setdefault(activity.gpu, []).append(activity)
    span = max(window[1] - window[0], 1) * _SECOND
    gpus = tuple(
        _gpu(number, names.get(number, ""), by_gpu[number], window, span)
        for number in sorted(by_gpu)
        if any(activity.computes for activity in by_gpu[number])
    )
    return Trace(span, runs, runs is not None, gpus)


def union(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """The intervals in which at least one of these, sorted by their start, lies."""
    current: Interval | None = None
    for start, end in intervals:
        if current is None:
            current = (start, end)
        elif start <= current[1]:
            current = (current[0], max(current[1], end))
        else:
            yield current
            current = (start, end)
    if current is not None:
        yield current


def _gpu(number: int, name: str, activities: Sequence[Activity], window: Interval, span: float) -> GpuActivity:
    computing = [activity for activity in activities if activity.computes]
    kernels = [activity for activity in computing if activity.kind == "kernel"]
    busy = list(union(_clipped(computing, window)))
    active = list(union(_clipped(activities, window)))
    busy_seconds, copy_seconds = _length(busy), _length(active) - _length(busy)
    gaps, idle = _gaps(busy, window), _gaps(active, window)
    typical = median(kernel.end - kernel.start for kernel in kernels) * _SECOND if kernels else None
    copy_bound = gaps.seconds >= _IDLE_ENOUGH * span and 2 * copy_seconds > gaps.seconds
    waits = typical is not None and typical < idle.median_seconds and idle.seconds >= _IDLE_ENOUGH * span
    return GpuActivity(
        gpu=number, name=name, kernels=len(kernels), graphs=len(computing) - len(kernels),
        median_kernel_seconds=typical, busy_seconds=busy_seconds, busy_share=busy_seconds / span,
        copy_seconds=copy_seconds, gaps=gaps, idle=idle, copy_bound=copy_bound,
        launch_bound=waits and not copy_bound and len(computing) == len(kernels),
        occupancy=_occupancy(kernels), streams=_streams(computing, window, span),
    )  # fmt: skip


def _streams(kernels: Sequence[Activity], window: Interval, span: float) -> tuple[StreamActivity, ...]:
    by_stream: dict[str, list[Activity]] = {}
    for kernel in kernels:
        by_stream.setdefault(kernel.stream, []).append(kernel)
    found: list[StreamActivity] = []
    for stream, its in by_stream.items():
        seconds = _length(union(_clipped(its, window)))
        found.append(StreamActivity(stream, len(its), seconds, seconds / span))
    return tuple(sorted(found, key=lambda each: -each.busy_seconds))


def _gaps(busy: Sequence[Interval], window: Interval) -> Gaps:
    edges = [window[0], *(moment for interval in busy for moment in interval), window[1]]
    lengths = [end - start for start, end in zip(edges[::2], edges[1::2], strict=True) if end > start]
    if not lengths:
        return Gaps(0, 0.0, 0.0, 0.0)
    return Gaps(len(lengths), sum(lengths) * _SECOND, max(lengths) * _SECOND, median(lengths) * _SECOND)


def _occupancy(kernels: Sequence[Activity]) -> float | None:
    told = [(kernel.end - kernel.start, kernel.occupancy) for kernel in kernels if kernel.occupancy is not None]
    total = sum(length for length, _ in told)
    return sum(length * share for length, share in told) / total if total else None


def _clipped(activities: Iterable[Activity], window: Interval) -> Iterator[Interval]:
    for activity in activities:
        start, end = max(activity.start, window[0]), min(activity.end, window[1])
        if start < end:
            yield start, end


def _length(intervals: Iterable[Interval]) -> float:
    return sum(end - start for start, end in intervals) * _SECOND


def _start(activity: Activity) -> int:
    return activity.start
