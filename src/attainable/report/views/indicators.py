"""The four indicators that no verdict leaves out: accuracy, latency, memory, energy."""

from collections.abc import Iterator
from dataclasses import dataclass

from attainable.analysis.records import Analysis
from attainable.analysis.run_records import RunRow
from attainable.names import short_name
from attainable.quantities import format_bytes, format_joules, format_seconds
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
        Indicator(say("indicator.accuracy"), (_accuracy(shown_run(analysis)),)),
        Indicator(say("indicator.latency"), (_latency(analysis), *_percentiles(shown_run(analysis)))),
        Indicator(say("indicator.memory"), _memory(analysis)),
        Indicator(say("indicator.energy"), _energy(shown_run(analysis))),
    )


def _accuracy(run: RunRow | None) -> Figure:
    """The outputs of the run against the reference, which is not the accuracy on a data set."""
    if run is None or not run.outputs:
        return Figure(say("state.not_measured"), "", say("indicator.accuracy.why"))
    reference = {"reference": short_name(run.reference)}
    if run.is_wrong:
        return Figure(say("indicator.accuracy.wrong"), say("kind.measured"), say("indicator.accuracy.other", reference))
    error = max((output.relative_error or 0.0 for output in run.outputs), default=0.0)
    return Figure(f"{error:.1e}", say("kind.measured"), say("indicator.accuracy.error", reference))


def _latency(analysis: Analysis) -> Figure:
    run, machine = shown_run(analysis), machine_device(analysis)
    if run:
        statistic = {"statistic": short_name(run.statistic)}
        return Figure(format_seconds(run.seconds), say("kind.measured"), say("indicator.latency.run", statistic))
    why = say("verdict.no_run")
    if machine and (machine.roofs or machine.bytes_per_second):
        best = f"{say('verdict.at_best').lower()} {format_seconds(machine.bound_seconds)}, {say('kind.bound')}"
        why = f"{why}; {best}"
    return Figure(say("state.not_measured"), "", why)


def _percentiles(run: RunRow | None) -> Iterator[Figure]:
    for percent, seconds in ((90, run.p90_seconds), (99, run.p99_seconds)) if run else ():
        if seconds is not None:
            meaning = say("indicator.latency.percentile", {"percent": percent})
            yield Figure(format_seconds(seconds), say("kind.measured"), meaning)


def _energy(run: RunRow | None) -> tuple[Figure, ...]:
    told = (
        ((run.joules_per_run, run.energy_source), (run.gpu_joules_per_run, say("indicator.energy.gpu"))) if run else ()
    )
    figures = tuple(
        Figure(format_joules(joules), say("kind.measured"), say("indicator.energy.run", {"source": short_name(source)}))
        for joules, source in told
        if joules is not None
    )
    return figures or (Figure(say("state.not_available"), "", say("indicator.energy.why")),)


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
