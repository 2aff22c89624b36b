"""The four indicators that no verdict leaves out: accuracy, latency, memory, energy."""

from dataclasses import dataclass

from attainable.analysis.records import Analysis
from attainable.quantities import format_bytes, format_seconds
from attainable.report.messages import say
from attainable.report.views.machine import machine_device, shown_run


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it is: ``9.19 MiB``, ``counted``, ``peak of the activations``. No kind where no number."""

    value: str
    kind: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Indicator:
    """One of the four; the first figure is the headline."""

    name: str
    figures: tuple[Figure, ...]


def indicators(analysis: Analysis) -> tuple[Indicator, ...]:
    """Accuracy, latency, memory and energy, in this order, each with its figures or with the reason for none."""
    return (
        Indicator(say("indicator.accuracy"), (Figure(say("state.not_measured"), "", say("indicator.accuracy.why")),)),
        Indicator(say("indicator.latency"), (_latency(analysis),)),
        Indicator(say("indicator.memory"), _memory(analysis)),
        Indicator(say("indicator.energy"), (Figure(say("state.not_available"), "", say("indicator.energy.why")),)),
    )


def _latency(analysis: Analysis) -> Figure:
    run, machine = shown_run(analysis), machine_device(analysis)
    if run:
        return Figure(format_seconds(run.seconds), say("kind.measured"), say("indicator.latency.median"))
    why = say("verdict.no_run")
    if machine and (machine.roofs or machine.bytes_per_second):
        best = f"{say('verdict.at_best').lower()} {format_seconds(machine.bound_seconds)}, {say('kind.bound')}"
        why = f"{why}; {best}"
    return Figure(say("state.not_measured"), "", why)


def _memory(analysis: Analysis) -> tuple[Figure, ...]:
    totals, model, run = analysis.totals, analysis.model, shown_run(analysis)
    floor = f"{say('work.at_least')} " if totals.at_least else ""
    peak = f"{floor}{format_bytes(totals.peak_activation_bytes)}"
    weights = format_bytes(model.parameter_bytes + model.buffer_bytes)
    figures = [
        Figure(peak, say("kind.counted"), say("indicator.memory.peak")),
        Figure(weights, say("kind.counted"), say("indicator.memory.weights")),
    ]
    if run and run.peak_resident_bytes:
        resident = format_bytes(run.peak_resident_bytes)
        figures.append(Figure(resident, say("kind.measured"), say("indicator.memory.resident")))
    else:
        figures.append(Figure(say("state.not_measured"), "", say("indicator.memory.resident")))
    return tuple(figures)
