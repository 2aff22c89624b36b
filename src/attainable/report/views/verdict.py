"""The verdict: how fast it could be, will be and is."""

from dataclasses import dataclass, replace

from attainable.analysis.records import Analysis, DeviceRow
from attainable.analysis.run_records import RunRow
from attainable.names import short_name
from attainable.quantities import format_seconds, format_share
from attainable.report.messages import say, say_count
from attainable.report.views.indicators import Indicator, indicators
from attainable.report.views.machine import device_title, machine_device, roof_kinds, short_dtype, shown_run
from attainable.report.views.subject import Subject, subject


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """One answer.

    Attributes:
        label: the question: ``At best``.
        value: the time, or that there is none.
        kind: of the number; empty where there is none.
        note: where it comes from, or why it is missing.
        share: of the bound, for a measured time.
        seconds: None where there is no number.
        device: empty for the machine of the run.
    """

    label: str
    value: str
    kind: str
    note: str
    share: str = ""
    seconds: float | None = None
    device: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answers for one analysis; ``indicators`` are always all four."""

    subject: Subject
    rows: tuple[VerdictRow, ...]
    indicators: tuple[Indicator, ...]

    @property
    def title(self) -> str:
        """Model and place in one line."""
        return f"{self.subject.model} {self.subject.place}"


def verdict(analysis: Analysis) -> Verdict:
    """The verdict of an analysis; what is missing is said, never left out."""
    machine = machine_device(analysis)
    here = (
        _at_best(analysis, machine)
        if machine
        # a calibration that failed leaves an environment, a saved count has none
        else _missing(
            "verdict.at_best",
            "state.not_available",
            f"verdict.{'no_device' if analysis.environment else 'count_alone'}",
        )
    )
    others = [
        replace(_at_best(analysis, device), device=device_title(device))
        for device in analysis.devices
        if device is not machine
    ]
    rows = (here, _predicted(analysis), _measured(analysis, shown_run(analysis), machine), *others)
    return Verdict(subject(analysis), rows, indicators(analysis))


def _at_best(analysis: Analysis, device: DeviceRow) -> VerdictRow:
    label = say("verdict.at_best")
    if not device.roofs and not device.bytes_per_second:
        return VerdictRow(label, say("state.not_available"), "", say("verdict.no_roof"))
    notes = [say("verdict.roofs", {"kinds": say("verdict.and").join(map(short_name, roof_kinds(device)))})]
    if device.bound_by in ("compute", "memory", "nothing"):
        notes.append(say(f"verdict.{device.bound_by}"))
    if device.without_roof:
        dtypes = ", ".join(sorted({short_dtype(entry.dtype) for entry in device.without_roof}))
        notes.append(say("verdict.without_roof", {"dtypes": short_name(dtypes)}))
    if analysis.totals.at_least:
        notes.append(say("verdict.uncounted"))
    return VerdictRow(
        label, format_seconds(device.bound_seconds), say("kind.bound"), ", ".join(notes), seconds=device.bound_seconds
    )


def _predicted(analysis: Analysis) -> VerdictRow:
    prediction = analysis.predicted
    if prediction is None:
        return _missing("verdict.predicted", "state.not_available", "verdict.no_predictor")
    note = interval(prediction.seconds, prediction.low_seconds, prediction.high_seconds)
    return VerdictRow(
        say("verdict.predicted"), format_seconds(prediction.seconds), say("kind.predicted"), note,
        seconds=prediction.seconds,
    )  # fmt: skip


def _measured(analysis: Analysis, run: RunRow | None, machine: DeviceRow | None) -> VerdictRow:
    if run is None:
        failed = any(fault.stage == "measurement" for fault in analysis.errors)
        return _missing("verdict.measured", "state.not_measured", "verdict.failed" if failed else "verdict.no_run")
    notes = [
        say("verdict.wrong") if run.is_wrong else "",
        say("verdict.noisy") if run.surroundings and run.surroundings.state == "noisy" else "",
        "" if run.statistic == "median" else say("verdict.statistic", {"statistic": short_name(run.statistic)}),
        ""
        if run.low_seconds is None or run.high_seconds is None
        else interval(run.seconds, run.low_seconds, run.high_seconds),
        "" if run.samples is None else say_count("verdict.samples", run.samples),
    ]
    return VerdictRow(
        say("verdict.measured"), format_seconds(run.seconds), say("kind.measured"),
        ", ".join(filter(None, notes)), share=_share_of_bound(run, machine), seconds=run.seconds,
    )  # fmt: skip


def _share_of_bound(run: RunRow, machine: DeviceRow | None) -> str:
    if machine is None or machine.bound_seconds <= 0 or run.seconds <= 0 or machine.threads != run.threads:
        return ""
    share = machine.bound_seconds / run.seconds
    return say("verdict.of_bound" if share <= 1 else "verdict.beats_bound", {"share": format_share(share)})


def interval(middle: float, low: float, high: float) -> str:
    """Half the width where the interval is symmetric enough for one number, else both ends."""
    above, below = high - middle, middle - low
    if above <= 0 and below <= 0:
        return ""
    if max(above, below) > 1.5 * min(above, below):
        return say("verdict.interval_between", {"low": format_seconds(low), "high": format_seconds(high)})
    return say("verdict.interval", {"half": format_seconds(max(above, below))})


def _missing(label: str, state: str, why: str) -> VerdictRow:
    return VerdictRow(say(label), say(state), "", say(why))
