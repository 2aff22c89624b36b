"""What is known of a run beside its time: how it was made, its outputs, its loading, its memory, the machine."""

from collections.abc import Iterator

from attainable.analysis.run_records import OutputRow, RunRow, Surrounding
from attainable.names import short_name, short_sentence
from attainable.quantities import format_bytes, format_count, format_hertz, format_joules, format_seconds, format_share
from attainable.report.messages import say, say_count

_MOST_LINES = 20
_LATENCIES = ("minimum", "p90", "p99", "profiled", "unprofiled", "kernels", "profiler")
_LOADING = ("import", "read", "load", "parse", "optimise", "first_run")
_MEMORY = ("resident_before", "resident_loaded", "resident_first_run", "peak_resident", "arena")


def run_facts(run: RunRow) -> tuple[tuple[str, str], ...]:
    """Terms with their descriptions; what is unknown is left out."""
    return tuple(
        (term, text)
        for facts in (_made(run), _outputs(run), _times(run), _memory(run), _system(run))
        for term, text in facts
    )


def _made(run: RunRow) -> Iterator[tuple[str, str]]:
    yield say("run.runtime"), short_name(f"{run.runtime} {run.version}".strip())
    if run.threads is not None:
        yield say("run.threads"), say_count("subject.threads", run.threads)
    if run.precision:
        yield say("run.precision"), short_name(run.precision)
    if run.samples is not None:
        key = "run.samples_value" if run.statistic == "median" else "run.samples_statistic"
        yield say("run.samples"), say(key, {"count": run.samples, "statistic": short_name(run.statistic)})
    for line in run.inputs[:_MOST_LINES]:
        yield say("run.input"), short_sentence(line)
    for term, text in list(run.provenance.items())[:_MOST_LINES]:
        yield short_name(term), short_sentence(text)


def _outputs(run: RunRow) -> Iterator[tuple[str, str]]:
    if run.reference:
        yield say("run.reference"), short_sentence(run.reference)
    for output in run.outputs[:_MOST_LINES]:
        term = say("run.output", {"name": short_name(output.name)})
        yield term, say("run.right" if output.is_right else "run.wrong", {"distance": _distance(output)})


def _distance(output: OutputRow) -> str:
    if output.fault or output.relative_error is None:
        return short_sentence(output.fault) or say("run.not_finite")
    values = {
        "error": f"{output.relative_error:.1e}", "cosine": f"{output.cosine:.6f}", "top": format_share(output.same_top)
    }  # fmt: skip
    return say("run.distance", values)


def _times(run: RunRow) -> Iterator[tuple[str, str]]:
    for name in (*_LATENCIES, *_LOADING):
        seconds: float | None = getattr(run, f"{name}_seconds")
        if seconds is not None:
            yield say(f"run.{name}"), format_seconds(seconds)
    if run.inferences_per_second is not None:
        yield say("run.rate"), format_count(run.inferences_per_second)


def _memory(run: RunRow) -> Iterator[tuple[str, str]]:
    for name in _MEMORY:
        held: int | None = getattr(run, f"{name}_bytes")
        if held is not None:
            yield say(f"run.{name}"), format_bytes(held)


def _system(run: RunRow) -> Iterator[tuple[str, str]]:
    if run.minor_faults is not None and run.major_faults is not None:
        values = {"minor": run.minor_faults, "major": run.major_faults}
        yield say("run.faults"), say("run.faults_value", values)
    if run.voluntary_switches is not None and run.involuntary_switches is not None:
        values = {"voluntary": run.voluntary_switches, "involuntary": run.involuntary_switches}
        yield say("run.switches"), say("run.switches_value", values)
    if run.energy_source:
        source = short_sentence(run.energy_source)
        joules = run.joules_per_run
        yield say("run.energy"), source if joules is None else f"{format_joules(joules)}, {source}"
    if run.gpu_joules_per_run is not None:
        yield say("run.gpu_energy"), format_joules(run.gpu_joules_per_run)
    if run.surroundings is not None:
        yield from _surroundings(run.surroundings)


def _surroundings(around: Surrounding) -> Iterator[tuple[str, str]]:
    yield say("run.state"), short_sentence("; ".join([around.state, *around.reasons]))
    if around.attempts > 1:
        yield say("run.attempts"), str(around.attempts)
    for name in ("others", "steal"):
        share: float | None = getattr(around, f"{name}_share")
        if share is not None:
            yield say(f"run.{name}"), format_share(share)
    if around.clock_before_hertz is not None and around.clock_after_hertz is not None:
        clocks = {"before": format_hertz(around.clock_before_hertz), "after": format_hertz(around.clock_after_hertz)}
        yield say("run.clock"), say("run.clock_value", clocks)
    if around.hand_over_seconds is not None:
        yield say("run.hand_over"), format_seconds(around.hand_over_seconds)
