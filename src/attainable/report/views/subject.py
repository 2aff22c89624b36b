"""What was analysed, where and how: the head line of the report."""

from dataclasses import dataclass
from pathlib import PurePath

from attainable.analysis.records import Analysis
from attainable.names import short_name
from attainable.report.messages import say, say_count
from attainable.report.views.machine import LOCAL, device_title, machine_device, short_cpu, short_dtype, shown_run


@dataclass(frozen=True, slots=True)
class Subject:
    """The head line.

    Attributes:
        model: file name of the model.
        place: ``on this machine (AMD EPYC, 2 cores, onnxruntime 1.31)``.
        note: ``f32, batch 1, 1 thread``.
    """

    model: str
    place: str
    note: str


def subject(analysis: Analysis) -> Subject:
    """The head line of an analysis."""
    return Subject(
        model=short_name(PurePath(analysis.model.path).name or analysis.model.name),
        place=_place(analysis),
        note=", ".join(_note(analysis)),
    )


def _place(analysis: Analysis) -> str:
    run, machine = shown_run(analysis), machine_device(analysis)
    if run is None and machine is None:
        if not analysis.devices:
            return say("subject.paper")
        return say("subject.device", {"device": device_title(analysis.devices[0])})
    if run is not None and run.device != LOCAL:
        parts = [short_name(f"{run.runtime} {run.version}".strip()), *([device_title(machine)] if machine else [])]
        return say("subject.log", {"run": ", ".join(parts)})
    cpu = machine.title if machine else analysis.environment.get("cpu", "")
    cores = analysis.environment.get("cores", "")
    parts = [short_name(short_cpu(cpu))] if cpu else []
    if cores.isascii() and cores.isdecimal():
        parts.append(say_count("subject.cores", int(cores[:6])))
    if run:
        parts.append(short_name(f"{run.runtime} {run.version}"))
    return say("subject.here", {"machine": ", ".join(parts)}) if parts else say("subject.here", {"machine": "?"})


def _note(analysis: Analysis) -> list[str]:
    run, machine, totals = shown_run(analysis), machine_device(analysis), analysis.totals
    most = max(totals.operations_by, key=lambda entry: entry.operations, default=None)
    dtype = run.dtype if run else most.dtype if most else ""
    parts = [short_name(short_dtype(dtype))] if dtype else []
    parts += _batch(analysis)
    threads = run.threads if run else machine.threads if machine else None
    return parts if threads is None else [*parts, say_count("subject.threads", threads)]


def _batch(analysis: Analysis) -> list[str]:
    """The batch where all inputs agree on their first axis, else the shape of the first input."""
    shapes = [port.shape for port in analysis.model.inputs if port.shape]
    firsts = {shape[0] for shape in shapes if len(shape) > 1}
    if len(firsts) == 1 and all(len(shape) > 1 for shape in shapes):
        return [say("subject.batch", {"count": firsts.pop()})]
    return [say("subject.input", {"shape": short_name("x".join(map(str, shapes[0])))})] if shapes else []
