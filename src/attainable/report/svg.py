"""Draws the roofline chart as a static SVG that follows the page's colours and needs no script.

Marks differ in shape as well as in colour: circles where arithmetic binds, diamonds where memory does.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from attainable.quantities import format_count, format_operations_per_second, format_share
from attainable.report.assets import asset
from attainable.report.markup import Markup, element, joined, picture, style_sheet
from attainable.report.messages import say
from attainable.report.views.roofline_chart import Axis, Point, Roofing, RooflineChart

_WIDTH, _HEIGHT = 820, 430
_LEFT, _RIGHT, _TOP, _BOTTOM = 86, 18, 22, 56
_SMALLEST, _LARGEST = 3.5, 13.0
_NUMBERED = 12
"""Marks with the number of their row; "Where it goes" has as many rows."""
_SERIES = 4
"""Colours for models."""
_LABEL_DISTANCE = 15.0


@dataclass(frozen=True, slots=True)
class _Frame:
    """Maps intensity and rate to the drawing."""

    intensity: Axis
    rate: Axis
    largest_share: float

    def x(self, value: float) -> float:
        return _LEFT + _fraction(self.intensity, value) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return _HEIGHT - _BOTTOM - _fraction(self.rate, value) * (_HEIGHT - _TOP - _BOTTOM)


def roofline_svg(chart: RooflineChart, *, described_by: str) -> Markup:
    """The chart as an SVG element of a page.

    Args:
        chart: what to draw; not empty.
        described_by: id of the table that says the same in words.
    """
    return element("svg", {**_head(chart), "aria-describedby": described_by}, *_layers(chart))


def roofline_picture(chart: RooflineChart, title: str) -> str:
    """The chart as a whole SVG file that brings its colours, light and dark.

    Args:
        chart: what to draw.
        title: what it shows.
    """
    style, _ = style_sheet("\n".join(map(asset, ("colours.css", "chart.css"))) + _OWN_BACKGROUND)
    size = {"xmlns": _NAMESPACE, "width": str(_WIDTH), "height": str(_HEIGHT)}
    background = element("rect", {"width": str(_WIDTH), "height": str(_HEIGHT), "class": "background"})
    return picture(
        element("svg", {**_head(chart), **size}, element("title", {}, title), style, background, *_layers(chart))
    )


_NAMESPACE = "http://www.w3.org/2000/svg"
_OWN_BACKGROUND = ".background { fill: var(--page); } .chart { font-family: system-ui, sans-serif; }\n"


def _head(chart: RooflineChart) -> dict[str, str]:
    label = say("chart.label", {"points": len(chart.points), "roofs": len(chart.roofs)})
    return {"class": "chart", "viewBox": f"0 0 {_WIDTH} {_HEIGHT}", "role": "img", "aria-label": label}


def _layers(chart: RooflineChart) -> Iterable[Markup]:
    frame = _Frame(chart.intensity, chart.rate, max((point.share for point in chart.points), default=1.0))
    several = bool(chart.models)
    return (
        element("g", {"class": "grid"}, *_grid(frame)),
        element("g", {"class": "roofs"}, *_roof_lines(frame, chart.roofs)),
        # the largest first, so that small marks stay on top and can be pointed at
        element("g", {"class": "gaps"}, *(_gap(frame, point) for point in chart.points if chart.measured)),
        element("g", {"class": "points"}, *(_mark(frame, point, several=several) for point in chart.points)),
        element("g", {"class": "numbers"}, *_numbers(frame, chart.points)),
        element("g", {"class": "key"}, *_key(chart.models)),
    )


def _key(models: Sequence[str]) -> Iterable[Markup]:
    """Which colour is which model, in the lower right corner, where no roof is."""
    for place, name in enumerate(models):
        y = _HEIGHT - _BOTTOM - 14 - 18 * (len(models) - 1 - place)
        size = {"x": str(_WIDTH - _RIGHT - 18), "y": str(y - 9), "width": "11", "height": "11"}
        yield element("rect", {**size, "class": f"series-{place % _SERIES}"})
        yield _text(_WIDTH - _RIGHT - 26, y, name, anchor="end")


def _grid(frame: _Frame) -> Iterable[Markup]:
    left, right, top, bottom = _LEFT, _WIDTH - _RIGHT, _TOP, _HEIGHT - _BOTTOM
    for tick in frame.intensity.ticks:
        x = frame.x(tick)
        yield _line(x, top, x, bottom)
        yield _text(x, bottom + 18, f"{tick:g}" if 1e-3 <= tick < 1e5 else format_count(tick), anchor="middle")
    for tick in frame.rate.ticks:
        y = frame.y(tick)
        yield _line(left, y, right, y)
        yield _text(left - 8, y + 4, format_operations_per_second(tick), anchor="end")
    yield _line(left, bottom, right, bottom, style="axis")
    yield _line(left, top, left, bottom, style="axis")
    yield _text((left + right) / 2, _HEIGHT - 10, say("chart.x"), anchor="middle", style="axis-title")
    yield _text(left, top - 9, say("chart.y"), anchor="start", style="axis-title")


def _roof_lines(frame: _Frame, roofs: Iterable[Roofing]) -> Iterable[Markup]:
    heights: list[float] = []
    # what binds has the first choice of places for its labels
    for roof in sorted(roofs, key=lambda roof: not roof.counts):
        x1, y1, x2, y2 = frame.x(roof.start[0]), frame.y(roof.start[1]), frame.x(roof.end[0]), frame.y(roof.end[1])
        yield _line(x1, y1, x2, y2, style=_roof_style(roof))
        if roof.slope:
            angle = math.degrees(math.atan2(y2 - y1, x2 - x1))
            x, y = x1 + 0.04 * (x2 - x1), y1 + 0.04 * (y2 - y1)
            turned = f"translate({x:.1f} {y:.1f}) rotate({angle:.1f})"
            yield element("text", {"transform": turned, "dx": "4", "dy": "-13", "class": "roof-label"}, roof.label)
        elif all(abs(y1 - height) >= _LABEL_DISTANCE for height in heights):
            heights.append(y1)
            yield _text(x2 - 4, y1 - 14, roof.label, anchor="end", style="roof-label")
            if roof.ridge:
                # left of the ridge point is above every roof
                yield _text(x1 - 10, y1 + 6, roof.ridge, anchor="end", style="ridge")


def _roof_style(roof: Roofing) -> str:
    """Solid where measured, dashed on paper, thin where it only stands beside."""
    return " ".join(filter(None, ("roof", "" if roof.measured else "paper", "" if roof.counts else "beside")))


def _gap(frame: _Frame, point: Point) -> Markup:
    """From a measured mark to the roof above it, or below it where a cache helped."""
    if point.roof is None:
        return joined(())
    x = frame.x(point.operational_intensity)
    return _line(x, frame.y(point.operations_per_second), x, frame.y(point.roof), style=_style(point))


def _mark(frame: _Frame, point: Point, *, several: bool) -> Markup:
    x, y = frame.x(point.operational_intensity), frame.y(point.operations_per_second)
    radius = _radius(frame, point)
    style = f"series-{point.series % _SERIES}" if several else _style(point)
    rate = format_operations_per_second(point.operations_per_second)
    title = element("title", {}, f"{point.label}: {rate}, {_intensity(point)}, {format_share(point.share)}")
    if point.bound_by == "memory":
        reach = 1.25 * radius
        corners = f"{x:.1f},{y - reach:.1f} {x + reach:.1f},{y:.1f} {x:.1f},{y + reach:.1f} {x - reach:.1f},{y:.1f}"
        return element("polygon", {"points": corners, "class": style}, title)
    circle = {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{radius:.1f}", "class": style}
    return element("circle", circle, title)


def _numbers(frame: _Frame, points: Sequence[Point]) -> Iterable[Markup]:
    """Numbers beside the marks that have a row in the table, left out where they would cover an earlier one."""
    marks = [(frame.x(point.operational_intensity), frame.y(point.operations_per_second)) for point in points]
    numbers: list[tuple[float, float]] = []
    for point, (x, y) in zip(points, marks, strict=True):
        if not 0 < point.rank <= _NUMBERED:
            continue
        reach = _radius(frame, point) + 10
        # below first, because the line to the roof usually leads up
        for place in ((x, y + reach), (x + reach, y), (x - reach, y), (x, y + 2 * reach)):
            clear = all(abs(place[0] - mark[0]) > 10 or abs(place[1] - mark[1]) > 8 for mark in marks)
            if clear and all(abs(place[0] - other[0]) > 15 or abs(place[1] - other[1]) > 12 for other in numbers):
                numbers.append(place)
                yield _text(place[0], place[1] + 4, str(point.rank), anchor="middle")
                break


def _radius(frame: _Frame, point: Point) -> float:
    """The area of a mark is its time, as far as it can still be seen."""
    share = point.share / frame.largest_share if frame.largest_share > 0 else 0.0
    return max(_SMALLEST, _LARGEST * math.sqrt(min(1.0, max(0.0, share))))


def _style(point: Point) -> str:
    return point.bound_by if point.bound_by in ("compute", "memory") else "unknown"


def _intensity(point: Point) -> str:
    return f"{format_count(point.operational_intensity)} {say('column.intensity').lower()}"


def _fraction(axis: Axis, value: float) -> float:
    fraction = math.log(value / axis.low) / math.log(axis.high / axis.low)
    return min(1.0, max(0.0, fraction))


def _line(x1: float, y1: float, x2: float, y2: float, *, style: str = "tick") -> Markup:
    ends = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}", "class": style}
    return element("line", ends)


def _text(x: float, y: float, text: str, *, anchor: str, style: str = "tick-label") -> Markup:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "class": style}
    return element("text", place, text)
