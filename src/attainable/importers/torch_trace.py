"""Reads what PyTorch's profiler writes with ``export_chrome_trace``: an object with a list ``traceEvents``.

What a GPU did are complete events (``ph: X``) of the categories ``kernel``, ``gpu_memcpy`` and ``gpu_memset``, with
``device``, ``stream``, ``correlation``, ``External id`` and ``est. achieved occupancy %`` in ``args``; older releases
write ``Kernel``, ``Memcpy`` and ``Memset``. Times are in microseconds, of a clock that may have begun in 1970. An event
of the category ``cuda_runtime`` or ``cuda_driver`` with the same ``correlation`` tells when it was started, and a
``cpu_op`` with the same ``External id`` which operator did. ``ProfilerStep#7`` on the processor marks a run: all that
was started in it, however much later it ran.

Source: pytorch/kineto, libkineto/src/output_json.cpp; PyTorch documentation, torch.profiler (schedule, step); the
envelope was read against files that PyTorch 2.13 writes on a processor.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from attainable.garbage import collector_paused
from attainable.importers.content import LARGEST_NUMBER, MOST_EVENTS, Content, Faults, decode_json, refuse
from attainable.importers.log import Log
from attainable.importers.trace import Activity, Kind
from attainable.importers.traced_runs import log_of, require_kernels

_HELP = "give the file of prof.export_chrome_trace(), of a profile with ProfilerActivity.CUDA"
_KINDS: Mapping[str, Kind] = {
    "kernel": "kernel", "gpu_memcpy": "copy", "memcpy": "copy", "gpu_memset": "fill", "memset": "fill",
}  # fmt: skip
_LAUNCHES = ("cuda_runtime", "cuda_driver", "runtime")
_OPERATORS = ("cpu_op", "operator")
_STEP = "ProfilerStep#"
_NANOSECONDS = 1000
_LATEST = 1e17
"""Microseconds; a clock that began in 1970 shows this in the year 5138."""
_BRACES_OF_AN_EVENT = 2

_Name = int | float | str | None


class _Arguments(msgspec.Struct):
    device: _Name = None
    stream: _Name = None
    correlation: _Name = None
    external: _Name = msgspec.field(name="External id", default=None)
    old_external: _Name = msgspec.field(name="external id", default=None)
    occupancy: _Name = msgspec.field(name="est. achieved occupancy %", default=None)


class _Event(msgspec.Struct):
    ph: str = ""
    cat: str = ""
    name: str = ""
    ts: float | None = None
    dur: float | None = None
    args: _Arguments | None = None


class _Properties(msgspec.Struct):
    id: int = 0
    name: str = ""


class _Trace(msgspec.Struct):
    events: list[_Event] = msgspec.field(name="traceEvents")
    properties: list[_Properties] = msgspec.field(name="deviceProperties", default_factory=list[_Properties])


def sniff(head: str) -> bool:
    """Whether a file that begins like this is such a trace."""
    return head.lstrip().startswith("{") and any(
        key in head for key in ('"traceEvents"', '"schemaVersion"', '"deviceProperties"')
    )


@collector_paused()
def read(content: Content) -> tuple[Log, ...]:
    """Read a trace.

    Raises:
        InputError: the file cannot be used, or nothing in it ran on a GPU.
    """
    # counted before they become objects, because an empty one takes three bytes
    if content.text.count("{") > _BRACES_OF_AN_EVENT * MOST_EVENTS:
        refuse(content, f"has more than {MOST_EVENTS} events", "profile fewer steps, or without record_shapes")
    trace = decode_json(content, _Trace, help=_HELP)
    faults = Faults(content.path, _HELP)
    events = [event for event in trace.events if event.ph == "X"]
    steps = _steps(events, faults)
    notes = ["the profiler was on: kernels are started later than without it"]
    if any(later[0] < earlier[1] for earlier, later in pairwise(steps)):
        steps, notes = [], [*notes, "steps are marked at the same time, so that they mark no runs"]
    activities = _activities(events, steps, faults)
    faults.raise_any()
    require_kernels(activities, content, _HELP)
    names = {properties.id: properties.name for properties in trace.properties}
    return (log_of(activities, runtime="PyTorch", names=names, notes=notes),)


def _steps(events: Sequence[_Event], faults: Faults) -> list[tuple[int, int]]:
    """Start and end of the steps on the processor, in nanoseconds."""
    found = [
        _interval(event, position, faults)
        for position, event in enumerate(events)
        if event.name.startswith(_STEP) and not event.cat.startswith("gpu_")
    ]
    return sorted(found)


def _activities(events: Sequence[_Event], steps: Sequence[tuple[int, int]], faults: Faults) -> list[Activity]:
    started: dict[_Name, int] = {}
    operators: dict[_Name, str] = {}
    for position, event in enumerate(events):
        category = event.cat.lower()
        if event.args is None:
            continue
        if category in _LAUNCHES and event.args.correlation is not None:
            started[event.args.correlation] = _nanoseconds(event.ts, position, "ts", faults)
        elif category in _OPERATORS:
            operators[_external(event.args)] = event.name
    begins = [begin for begin, _ in steps]
    found: list[Activity] = []
    for position, event in enumerate(events):
        kind = _KINDS.get(event.cat.lower())
        if kind is None:
            continue
        start, end = _interval(event, position, faults)
        arguments = event.args or _Arguments()
        when = started.get(arguments.correlation, start)
        step = bisect_right(begins, when) - 1
        found.append(
            Activity(
                event.name, kind, start, end, gpu=_number(arguments.device), stream=str(arguments.stream),
                run=step if step >= 0 and when < steps[step][1] else None,
                operator=operators.get(_external(arguments), "") if _external(arguments) is not None else "",
                occupancy=_share(arguments.occupancy),
            )
        )  # fmt: skip
    return found


def _external(arguments: _Arguments) -> _Name:
    return arguments.external if arguments.external is not None else arguments.old_external


def _interval(event: _Event, position: int, faults: Faults) -> tuple[int, int]:
    start = _nanoseconds(event.ts, position, "ts", faults)
    if event.dur is None:
        faults.add("has no duration", f"event {position}")
        return start, start
    # LARGEST_NUMBER is of nanoseconds
    length = faults.checked(event.dur * _NANOSECONDS, f"event {position}, dur", what="duration in nanoseconds")
    return start, start + round(length)


def _nanoseconds(time: float | None, position: int, key: str, faults: Faults) -> int:
    """Of the trace's clock; it may be negative, where the trace counts from its own beginning."""
    if time is None or not math.isfinite(time) or abs(time) > _LATEST:
        faults.add("is no time", f"event {position}, {key}")
        return 0
    return round(time * _NANOSECONDS)


def _number(device: _Name) -> int:
    """The number of a GPU; what is no number counts as the first one."""
    return int(device) if isinstance(device, int | float) and abs(device) < LARGEST_NUMBER else 0


def _share(percent: _Name) -> float | None:
    """The estimate of the occupancy as a share; older releases write 0 for all kernels."""
    if isinstance(percent, int | float) and math.isfinite(percent) and 0 < percent <= 100:
        return percent / 100
    return None
