"""The roofline chart as data: marks, roofs, ranges and ticks, all in SI base units.

Source: Williams, Waterman, Patterson, Roofline, CACM 52(4), 2009: attainable = min(peak, intensity x bandwidth).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from attainable.analysis.records import Analysis, DeviceRow, RoofRow
from attainable.names import short_name
from attainable.quantities import format_bytes_per_second, format_operations_per_second
from attainable.report.messages import say
from attainable.report.views.labelled import measured_by_label
from attainable.report.views.machine import shown_device, shown_run
from attainable.report.views.operators import operator_rows

MOST_POINTS = 100
"""Marks beyond this are the smallest ones and would only cover each other."""

_MARGIN = 1.6
"""Empty space beyond the outermost mark or corner, as a factor."""


@dataclass(frozen=True, slots=True)
class Point:
    """A mark. ``rank`` is its row in "Where it goes"; ``roof`` is the rate its roofline allows, None where unknown.

    ``series`` is the position of its model among several.
    """

    rank: int
    label: str
    operational_intensity: float
    operations_per_second: float
    roof: float | None
    bound_by: str
    share: float
    series: int = 0


@dataclass(frozen=True, slots=True)
class Roofing:
    """A roof as a line; ``slope`` for memory, else a plateau that starts at its ridge point.

    ``counts`` is false for a roof that stands beside the ones that bind; ``measured`` is false for one on paper, which
    is drawn dashed. ``ridge`` is the label of a plateau's ridge point, empty elsewhere.
    """

    label: str
    slope: bool
    start: tuple[float, float]
    end: tuple[float, float]
    counts: bool = True
    measured: bool = True
    ridge: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """Range and ticks of a logarithmic axis."""

    low: float
    high: float
    ticks: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RooflineChart:
    """Everything that the drawing needs.

    Attributes:
        measured: whether the marks are measured; otherwise they lie on their roofs.
        points: the longest first.
        roofs: the slope first; empty where no device is known.
        intensity: the horizontal axis.
        rate: the vertical axis.
        left_out: rows that have no operations or no bytes, which a logarithm cannot show.
        undrawn: rows beyond the most that are drawn.
        models: names of the models, where there are several.
    """

    measured: bool
    points: tuple[Point, ...]
    roofs: tuple[Roofing, ...]
    intensity: Axis
    rate: Axis
    left_out: int
    undrawn: int
    models: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.points and not self.roofs


def roofline_chart(analysis: Analysis, *, most_points: int = MOST_POINTS) -> RooflineChart:
    """The chart of the first run against its machine; without a run, of the operators on paper."""
    device, run = shown_device(analysis), shown_run(analysis)
    points, left_out = _measured_points(analysis) if run else _paper_points(analysis, device)
    points = _shares(points, sum(point.share for point in points))
    return _chart(device, points, left_out, most_points, measured=run is not None)


def models_chart(
    analyses: Sequence[Analysis], labels: Sequence[str], *, most_points: int = MOST_POINTS
) -> RooflineChart:
    """The operators of several models on paper, under the roofs of the first device of each, which is the same.

    Args:
        analyses: one a model.
        labels: a name for each.
        most_points: for all models together.
    """
    found = [_paper_points(analysis, analysis.devices[0]) for analysis in analyses]
    longest = max(sum(point.share for point in points) for points, _ in found)
    points = [replace(point, series=series) for series, (points, _) in enumerate(found) for point in points]
    points = _shares(points, longest)
    left_out = sum(number for _, number in found)
    chart = _chart(analyses[0].devices[0], points, left_out, most_points, measured=False)
    return replace(chart, models=tuple(labels) if len(labels) > 1 else ())


def _shares(points: Sequence[Point], whole: float) -> list[Point]:
    """The points with their seconds as shares of ``whole``, the longest first."""
    ordered = sorted(points, key=lambda point: -point.share)
    return [replace(point, share=point.share / whole if whole else 0.0) for point in ordered]


def _chart(
    device: DeviceRow | None, points: Sequence[Point], left_out: int, most_points: int, *, measured: bool
) -> RooflineChart:
    stated = [*device.roofs, *device.other_roofs] if device else []
    peaks = [roof.operations_per_second for roof in stated if roof.operations_per_second > 0]
    bandwidth = (device.bytes_per_second or 0.0) if device else 0.0
    ridges = [peak / bandwidth for peak in peaks] if bandwidth > 0 else []
    intensity = _axis([*(point.operational_intensity for point in points), *ridges], around=1.0)
    heights = [point.operations_per_second for point in points] + [point.roof for point in points if point.roof]
    rate = _axis([*heights, *peaks], around=bandwidth or 1e9, room_above=False)
    return RooflineChart(
        measured=measured, points=tuple(points[:most_points]),
        roofs=_roofs(device, bandwidth, intensity, rate) if device else (),
        intensity=intensity, rate=rate, left_out=left_out, undrawn=max(0, len(points) - most_points),
    )  # fmt: skip


def _measured_points(analysis: Analysis) -> tuple[list[Point], int]:
    """Points whose share is still their seconds, and how many rows cannot be drawn."""
    run = shown_run(analysis)
    rows = measured_by_label(analysis, run) if run else ()
    points = [
        Point(
            rank, row.label, row.operations / row.bytes_moved, row.operations / row.seconds,
            row.operations / row.roofline_seconds if row.roofline_seconds else None, row.bound_by, row.seconds,
        )
        for rank, row in enumerate(rows, start=1)
        if row.operations > 0 and row.bytes_moved > 0 and row.seconds > 0
    ]  # fmt: skip
    return points, len(rows) - len(points)


def _paper_points(analysis: Analysis, device: DeviceRow | None) -> tuple[list[Point], int]:
    """Points on their roof, whose share is still their seconds, and how many rows cannot be drawn."""
    if device is None:
        return [], 0
    contractions = "contractions" in device.accounting
    rows = [row for row in operator_rows(analysis) if row.state == "counted" and (row.macs or not contractions)]
    points: list[Point] = []
    for row in rows:
        if row.operations <= 0 or row.bytes_moved <= 0:
            continue
        intensity = row.operations / row.bytes_moved
        peak = _peak(device, row.dtype, contraction=row.macs > 0)
        slope = intensity * device.bytes_per_second if device.bytes_per_second else None
        roof = min((limit for limit in (peak, slope) if limit), default=None)
        if roof:
            bound_by = "memory" if roof == slope else "compute"
            points.append(Point(0, row.label, intensity, roof, roof, bound_by, row.operations / roof))
    return points, sum(row.operations <= 0 or row.bytes_moved <= 0 for row in rows)


def _peak(device: DeviceRow, dtype: str, *, contraction: bool) -> float | None:
    """The plateau of an op: contractions run on the matrix engine where the device has one for their type."""
    for engine in ("matrix", "vector") if contraction else ("vector",):
        for roof in device.roofs:
            if (roof.engine, roof.dtype) == (engine, dtype):
                return roof.operations_per_second
    return None


_MEASURED = "measured"


def _roofs(device: DeviceRow, bandwidth: float, intensity: Axis, rate: Axis) -> tuple[Roofing, ...]:
    """The roofs that bind, each slope up to the highest plateau, and behind them those that stand beside."""
    plateaus = {
        (roof.engine, roof.dtype): roof for roof in device.roofs if roof.operations_per_second > 0
    }.values()  # fmt: skip
    top = max((roof.operations_per_second for roof in plateaus), default=rate.high)
    lines: list[Roofing] = []
    if bandwidth > 0:
        lines.append(_slope(say("chart.memory_name"), bandwidth, device.bytes_per_second_kind, top, intensity, rate))
    lines += [_plateau(roof, bandwidth, intensity) for roof in plateaus]
    beside = [_plateau(roof, bandwidth, intensity) for roof in device.other_roofs if roof.operations_per_second > 0]
    beside += [
        _slope(short_name(memory.name), memory.bytes_per_second, memory.kind, top, intensity, rate)
        for memory in device.other_memories
        if memory.bytes_per_second > 0
    ]
    return (*lines, *(replace(line, counts=False, ridge="") for line in beside if line.start[0] < line.end[0]))


def _slope(name: str, bandwidth: float, kind: str, top: float, intensity: Axis, rate: Axis) -> Roofing:
    start = max(intensity.low, rate.low / bandwidth)
    end = min(top / bandwidth, intensity.high)
    values = {"rate": format_bytes_per_second(bandwidth), "name": name, "kind": short_name(kind)}
    return Roofing(
        say("chart.slope", values), True, (start, start * bandwidth), (end, end * bandwidth), measured=kind == _MEASURED
    )  # fmt: skip


def _plateau(roof: RoofRow, bandwidth: float, intensity: Axis) -> Roofing:
    peak = roof.operations_per_second
    values = {
        "rate": format_operations_per_second(peak), "engine": short_name(roof.engine),
        "dtype": short_name(roof.dtype), "kind": short_name(roof.kind),
    }  # fmt: skip
    ridge = peak / bandwidth if bandwidth > 0 else intensity.low
    label = say("chart.ridge", {"ridge": f"{ridge:.3g}"}) if bandwidth > 0 else ""
    return Roofing(
        say("chart.plateau", values), False, (ridge, peak), (intensity.high, peak), measured=roof.kind == _MEASURED,
        ridge=label,
    )  # fmt: skip


def _axis(values: Sequence[float], *, around: float, room_above: bool = True) -> Axis:
    """A range with some room, at least two decades wide, and its powers of ten; nothing is above a roof."""
    finite = [value for value in values if 0 < value < math.inf]
    low, high = min(finite, default=around) / _MARGIN, max(finite, default=around) * _MARGIN
    missing = 100 / (high / low)
    if missing > 1:
        low, high = (low / math.sqrt(missing), high * math.sqrt(missing)) if room_above else (low / missing, high)
    return Axis(low, high, tuple(_powers_of_ten(low, high)))


def _powers_of_ten(low: float, high: float) -> Iterable[float]:
    exponents = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
    return (10.0**exponent for exponent in exponents)
