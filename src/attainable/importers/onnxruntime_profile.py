"""Reads what ONNX Runtime writes with ``SessionOptions.enable_profiling``: a JSON list of trace events.

Each run of the model is an event ``model_run``; the kernels in it are events of the category ``Node`` whose names end
with ``_kernel_time``, with the operator in ``args.op_name``. Times are in microseconds. If, Loop and Scan contain the
kernels of their bodies. Where the build has CUDA profiling, events of the category ``Kernel`` are the kernels and
copies of the GPU, with their ``stream``.

Source: ONNX Runtime, "Profiling Tools" (performance tuning documentation), onnxruntime/core/common/profiler.cc,
core/framework/sequential_executor.cc and core/providers/cuda/cuda_profiler.cc; read against files that 1.31.1 writes.
"""

from collections import defaultdict
from itertools import pairwise
from statistics import median

import msgspec

from attainable.importers.content import MOST_EVENTS, MOST_KERNELS, Content, Faults, decode_json, refuse
from attainable.importers.log import Log, LoggedKernel, times_of
from attainable.importers.trace import Activity, Trace, trace_of

_HELP = "give the JSON file that session.end_profiling() names, after the session has ended"
_SUFFIX = "_kernel_time"
_CONTROL_FLOW = ("If", "Loop", "Scan")
_MICROSECOND = 1e-6
_NANOSECONDS = 1000


class _Arguments(msgspec.Struct):
    op_name: str = ""
    provider: str = ""
    stream: str = ""


class _Event(msgspec.Struct):
    name: str
    cat: str
    ts: float
    dur: float
    args: _Arguments | None = None


def sniff(head: str) -> bool:
    """Whether a file that begins like this is such a profile."""
    return head.lstrip().startswith("[") and '"cat"' in head and '"ph"' in head and '"dur"' in head


def read(content: Content) -> tuple[Log, ...]:
    """Read a profile.

    Returns:
        One log; medians over all runs but the first where there are several, because the first one is cold.

    Raises:
        InputError: the file cannot be used.
    """
    events = decode_json(content, list[_Event], help=_HELP)
    if len(events) > MOST_EVENTS:
        refuse(content, f"has more than {MOST_EVENTS} events", "profile fewer runs")
    faults = Faults(content.path, _HELP)
    for position, event in enumerate(events):
        for key, number in (("ts", event.ts), ("dur", event.dur)):
            faults.checked(number, f"event {position}, {key}")
    faults.raise_any()
    runs = sorted((event for event in events if event.name == "model_run"), key=lambda event: event.ts)
    if not runs:
        refuse(content, "has no run of a model", _HELP)
    if any(later.ts < earlier.ts + earlier.dur for earlier, later in pairwise(runs)):
        refuse(content, "has runs at the same time, whose kernels cannot be told apart", "profile one run at a time")
    per_run = _kernels_of_runs(events, runs)
    warm = per_run[1:] or per_run
    sequence = [(name, kind) for name, kind, _ in warm[-1]]
    alike = [kernels for kernels in warm if [(name, kind) for name, kind, _ in kernels] == sequence]
    times = times_of([_MICROSECOND * run.dur for run in runs[1:] or runs])
    notes = ["the profiler was on: the times of whole runs include what it takes"]
    if len(runs) > 1:
        notes.append(f"the first of {len(runs)} runs is left out, because it is cold")
    else:
        notes.append("the only run is the first one, which is cold")
    if len(alike) < len(warm):
        notes.append(f"kernels are those of {len(alike)} runs, the others ran other kernels")
    providers = sorted({event.args.provider for event in events if event.args is not None and event.args.provider})
    if len(providers) > 1 or (providers and providers != ["CPUExecutionProvider"]):
        notes.append(f"execution providers: {', '.join(providers[:10])}")
    loads = [event.dur for event in events if event.cat == "Session" and event.name in _LOADING]
    log = Log(
        runtime="ONNX Runtime", times=times, kernels=_kernels(alike, content), statistic="median",
        load_seconds=_MICROSECOND * sum(loads) if loads else None,
        first_run_seconds=_MICROSECOND * runs[0].dur, notes=tuple(notes), trace=_trace(events, runs[1:] or runs),
    )  # fmt: skip
    return (log,)


def _trace(events: list[_Event], runs: list[_Event]) -> Trace | None:
    """What the GPU did from the beginning of the first to the end of the last of these runs; None where nothing."""
    activities = [
        Activity(
            event.name, "copy" if event.name.startswith("Memcpy") else "kernel", round(_NANOSECONDS * event.ts),
            round(_NANOSECONDS * (event.ts + event.dur)), gpu=0,
            stream=event.args.stream if event.args is not None else "",
        )
        for event in events
        if event.cat == "Kernel"
    ]  # fmt: skip
    if not activities:
        return None
    window = (round(_NANOSECONDS * runs[0].ts), round(_NANOSECONDS * (runs[-1].ts + runs[-1].dur)))
    return trace_of(activities, {}, window=window, runs=len(runs))


_LOADING = ("model_loading_uri", "model_loading_array", "model_loading_from_saved_proto", "session_initialization")

_Ran = tuple[str, str, float]
"""Name, operator and microseconds."""


def _kernels_of_runs(events: list[_Event], runs: list[_Event]) -> list[list[_Ran]]:
    """The kernels of each run in the order in which they started; those in a body are part of what runs the body."""
    nodes = sorted(
        (event for event in events if event.cat == "Node" and event.name.endswith(_SUFFIX)),
        key=lambda event: (event.ts, -event.dur),
    )
    found: list[list[_Ran]] = [[] for _ in runs]
    run, inside_until = 0, -1.0
    for node in nodes:
        while run < len(runs) and node.ts > runs[run].ts + runs[run].dur:
            run += 1
        if run == len(runs):
            break
        if node.ts < runs[run].ts or node.ts < inside_until:
            continue
        kind = node.args.op_name if node.args is not None else ""
        if kind in _CONTROL_FLOW:
            inside_until = node.ts + node.dur
        found[run].append((node.name[: -len(_SUFFIX)], kind, node.dur))
    return found


def _kernels(runs: list[list[_Ran]], content: Content) -> tuple[LoggedKernel, ...]:
    """Medians over the runs; what has the same name and operator in a run is one kernel with several calls."""
    sums: list[dict[tuple[str, str], list[float]]] = []
    for run in runs:
        calls: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        for name, kind, duration in run:
            calls[name, kind].append(duration)
        sums.append(calls)
    if len(sums[-1]) > MOST_KERNELS:
        refuse(content, f"has more than {MOST_KERNELS} kernels", "profile a smaller network")
    return tuple(
        LoggedKernel(name, kind, _MICROSECOND * median(sum(calls[name, kind]) for calls in sums), calls=len(durations))
        for (name, kind), durations in sums[-1].items()
    )
