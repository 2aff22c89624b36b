"""One log of what GPUs did: the runs that a trace marks, the kernels of a run, and how busy the GPUs were."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from attainable.errors import InvalidQuantity
from attainable.importers.content import MOST_KERNELS, Content, refuse
from attainable.importers.log import Log, LoggedKernel, Times, times_of
from attainable.importers.trace import Activity, Interval, trace_of
from attainable.quantities import format_share

_SECOND = 1e-9
_NARROW = re.compile(r"tf32|bf16|fp16|f16f16|[hs](?:884|1688|16816)", re.IGNORECASE)
"""In the names of routines that multiply TF32 or 16-bit types, of which one in a hundred of the time is worth a note.

Source: NVIDIA/cutlass, documentation of kernel names (``tensorop_s1688``: shape of the instruction, ``s`` and ``h`` the
type that it adds in); names in traces of cuBLAS and cuDNN (``sm80_xmma_gemm_f32f32_tf32f32``, ``ampere_fp16_s16816``).
"""
_WORTH_A_NOTE = 0.01
_LONGEST_SEARCHED = 4096
"""Characters of a name that are looked at: templates make names long, and the routine stands in front."""


def log_of(activities: Sequence[Activity], *, runtime: str, names: Mapping[int, str], notes: Sequence[str] = ()) -> Log:
    """The log of a trace.

    Where runs are marked, a run lasts from its first kernel to the first kernel of the next one, so that what the GPU
    waits between runs is in it; kernels are medians over all runs. Else kernels are sums over the trace.

    Args:
        activities: at least one kernel among them.
        runtime: what ran them.
        names: of GPUs, as far as they are known.
        notes: what to know of the figures.
    """
    marked = [activity for activity in activities if activity.run is not None]
    notes = (*notes, *_narrow(activities))
    if not any(activity.computes for activity in marked):
        window = (min(each.start for each in activities), max(each.end for each in activities))
        return Log(
            runtime=runtime, accelerator="gpu", kernels=_kernels([activities]), statistic="whole log",
            notes=notes, trace=trace_of(activities, names, window=window),
        )  # fmt: skip
    runs = _runs(marked)
    spans = [(min(each.start for each in run), max(each.end for each in run)) for run in runs]
    # a run that overlaps the one before it starts no earlier
    spans.sort()
    times, window = _times(spans)
    if len(marked) < len(activities):
        notes = (*notes, f"{len(activities) - len(marked)} of {len(activities)} activities are in no marked run")
    return Log(
        runtime=runtime, accelerator="gpu", times=times, kernels=_kernels(runs), statistic="median",
        notes=(*notes, *_explained(len(runs)), *_earlier(runs)),
        trace=trace_of(activities, names, window=window, runs=len(runs)),
    )  # fmt: skip


def with_runs(log: Log, runs: int) -> Log:
    """The log of a trace that marks no runs, where somebody tells how many equal ones it has.

    Raises:
        InvalidQuantity: the log is no trace, or marks its runs itself.
    """
    where = f"--runs {runs}"
    if log.trace is None:
        raise InvalidQuantity("is for traces of GPU kernels", where=where, help="leave it out: the log counts its runs")
    if log.trace.runs is not None:
        raise InvalidQuantity(f"the trace marks {log.trace.runs} runs itself", where=where, help="leave it out")
    uneven = sum(kernel.calls % runs != 0 for kernel in log.kernels)
    notes = ["a run is the whole span, the gaps between runs included, by the number of runs that was given"]
    if uneven:
        notes.append(f"{uneven} of {len(log.kernels)} kernels did not run a multiple of {runs} times: not {runs} runs?")
    return replace(
        log, times=Times(samples=runs, average=log.trace.span_seconds / runs), statistic="average",
        kernels=tuple(
            replace(kernel, seconds=kernel.seconds / runs, calls=max(1, round(kernel.calls / runs)))
            for kernel in log.kernels
        ),
        notes=(*log.notes, *notes), trace=replace(log.trace, runs=runs),
    )  # fmt: skip


def _times(spans: Sequence[Interval]) -> tuple[Times, Interval]:
    """The times of the runs, and the window of whole runs."""
    if len(spans) == 1:
        (span,) = spans
        return times_of([(span[1] - span[0]) * _SECOND]), span
    return times_of([(later[0] - earlier[0]) * _SECOND for earlier, later in pairwise(spans)]), (
        spans[0][0],
        spans[-1][0],
    )


def _narrow(activities: Sequence[Activity]) -> Iterator[str]:
    """Whether names tell that the peak of float32 is not the one to compare with."""
    lengths: defaultdict[str, int] = defaultdict(int)
    for activity in activities:
        if activity.kind == "kernel":
            lengths[activity.name] += activity.end - activity.start
    total = sum(lengths.values())
    narrow = sum(length for name, length in lengths.items() if _NARROW.search(name, 0, _LONGEST_SEARCHED))
    if total and narrow >= _WORTH_A_NOTE * total:
        share = format_share(narrow / total)
        yield f"kernels of {share} of the time have names of TF32 or 16-bit routines: a float32 peak is not theirs"


def _earlier(runs: Sequence[Sequence[Activity]]) -> Iterator[str]:
    """Whether kernels are left out because the last run, whose kernels are listed, did not run them."""
    last = {activity.name for activity in runs[-1]}
    computing = [activity for run in runs for activity in run if activity.computes]
    earlier = [activity for activity in computing if activity.name not in last]
    if earlier:
        total = sum(activity.end - activity.start for activity in computing)
        share = sum(activity.end - activity.start for activity in earlier) / total if total else 0.0
        yield (
            "kernels of earlier runs that the last one did not run, and that are not listed: "
            f"{len({activity.name for activity in earlier})}, {format_share(share)} of the kernels' time in marked runs"
        )


def _explained(runs: int) -> tuple[str, ...]:
    if runs == 1:
        return ("the only marked run lasts from its first to its last activity on the GPU",)
    return (
        f"a run lasts from its first activity on the GPU to that of the next one: {runs} marked runs give {runs - 1} "
        "times",
    )


def _runs(marked: Sequence[Activity]) -> list[list[Activity]]:
    runs: defaultdict[int, list[Activity]] = defaultdict(list)
    for activity in marked:
        runs[activity.run or 0].append(activity)
    return [runs[number] for number in sorted(runs)]


def _kernels(runs: Sequence[Sequence[Activity]]) -> tuple[LoggedKernel, ...]:
    """What the last run ran, in its order; what has one name is one kernel with calls."""
    last = sorted(runs[-1], key=lambda each: each.start)
    calls = Counter(activity.name for activity in last)
    kinds: dict[str, str] = {}
    for activity in last:
        kinds.setdefault(activity.name, activity.operator if activity.kind == "kernel" else activity.kind)
    sums: dict[str, list[int]] = {name: [] for name in calls}
    for run in runs:
        total: defaultdict[str, int] = defaultdict(int)
        for activity in run:
            total[activity.name] += activity.end - activity.start
        for name in sums.keys() & total.keys():
            sums[name].append(total[name])
    return tuple(
        LoggedKernel(name, kinds[name], _SECOND * _median_with_zeros(sums[name], len(runs)), calls=count)
        for name, count in calls.items()
    )


def _median_with_zeros(numbers: list[int], count: int) -> float:
    """The median of ``count`` numbers that are not negative, of which those that are not given are 0."""
    numbers.sort()
    zeros = count - len(numbers)
    middle = (numbers[index - zeros] if index >= zeros else 0 for index in ((count - 1) // 2, count // 2))
    return sum(middle) / 2


def require_kernels(activities: Sequence[Activity], content: Content, help: str) -> None:
    """Check that there is a kernel, and that they have no more names than a log may have. Raises InputError."""
    names = {activity.name for activity in activities if activity.computes}
    if not names:
        refuse(content, "has no kernel of a GPU", help)
    if len(names) > MOST_KERNELS:
        refuse(content, f"has kernels of more than {MOST_KERNELS} names", "trace a shorter time")
