"""The roofline chart in a terminal: logarithmic axes, roofs as lines, operators as marks."""

import math
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from attainable.cli.screen import INDENT, open_console, plain, show
from attainable.quantities import format_count, format_operations_per_second
from attainable.report.messages import say, say_count
from attainable.report.views.roofline_chart import Axis, Point, Roofing, RooflineChart

_HEIGHT = 22
_MOST_WIDTH = 110
_MARGIN = 11
"""Columns left of the chart, for the rates."""

_LARGE_SHARE = 0.02
"""Marks of at least this share of the time are drawn large."""

_SERIES_STYLES = ("blue", "dark_orange", "green", "magenta")
_Cell = tuple[str, str]


def print_roofline(chart: RooflineChart, title: str) -> None:
    """Print the chart with its roofs named below it."""
    out = open_console(sys.stdout)
    if chart.is_empty:
        out.print()
        show(out, plain(title, "bold"))
        show(out, plain(say("chart.nothing")))
        out.print()
        return
    width = max(40, min(out.width, _MOST_WIDTH) - _MARGIN - INDENT - 1)
    cells: dict[tuple[int, int], _Cell] = {}
    for roof in sorted(chart.roofs, key=lambda roof: roof.counts):
        cells |= dict(_line(chart, roof, width))
    # the largest last, on top
    for point in reversed(chart.points):
        cells[_column(chart.intensity, point.operational_intensity, width), _row(chart.rate, point)] = _mark(
            point, several=bool(chart.models)
        )
    out.print()
    show(out, plain(title, "bold"))
    ticks = {round(_fraction(chart.rate, tick) * (_HEIGHT - 1)): tick for tick in chart.rate.ticks}
    for row in reversed(range(_HEIGHT)):
        label = format_operations_per_second(ticks[row]) if row in ticks else ""
        line = Text(f"{label:>{_MARGIN - 1}} {'┤' if label else '│'}", style="dim")
        for column in range(width):
            text, style = cells.get((column, row), (" ", ""))
            line.append(text, style=style)
        show(out, line)
    _axis(out, chart.intensity, width)
    _legend(out, chart)


def _line(chart: RooflineChart, roof: Roofing, width: int) -> Iterator[tuple[tuple[int, int], _Cell]]:
    """The cells of a roof: solid where measured, dotted on paper, faint where it only stands beside."""
    (x1, y1), (x2, y2) = roof.start, roof.end
    first, last = _column(chart.intensity, x1, width), _column(chart.intensity, x2, width)
    text = ("╱" if roof.slope else "─") if roof.measured else ("∙" if roof.slope else "╌")
    for column in range(first, last + 1):
        share = (column - first) / max(1, last - first)
        rate = math.exp(math.log(y1) + share * (math.log(y2) - math.log(y1)))
        row = round(_fraction(chart.rate, rate) * (_HEIGHT - 1))
        if 0 <= row < _HEIGHT:
            yield (column, row), (text, "" if roof.counts else "dim")


def _mark(point: Point, *, several: bool) -> _Cell:
    """A round mark where computing binds, a square one where memory does; a letter a model where there are several."""
    large = point.share >= _LARGE_SHARE
    if several:
        letter = chr(ord("a") + point.series % 26)
        return (letter.upper() if large else letter), f"bold {_SERIES_STYLES[point.series % len(_SERIES_STYLES)]}"
    shapes = ("◆", "◇") if point.bound_by == "memory" else ("●", "○")
    return shapes[0] if large else shapes[1], "bold dark_orange" if point.bound_by == "memory" else "bold blue"


def _axis(out: Console, axis: Axis, width: int) -> None:
    rule, labels = ["─"] * width, [" "] * (width + 8)
    for tick in axis.ticks:
        column = _column(axis, tick, width)
        text = f"{tick:g}" if 1e-3 <= tick < 1e5 else format_count(tick)
        rule[column] = "┬"
        start = max(0, column - len(text) // 2)
        labels[start : start + len(text)] = list(text)
    show(out, Text(f"{'':{_MARGIN}}└{''.join(rule)}"[1:], style="dim"))
    show(out, Text(f"{'':{_MARGIN}}{''.join(labels)}".rstrip(), style="dim"))
    show(out, plain(f"{'':{_MARGIN}}{say('chart.x')}", "dim"))


def _legend(out: Console, chart: RooflineChart) -> None:
    out.print()
    for series, name in enumerate(chart.models):
        letter = chr(ord("a") + series % 26)
        show(out, plain(f"{letter.upper()} {letter}  {name}", _SERIES_STYLES[series % len(_SERIES_STYLES)]))
    show(out, plain(say("chart.terminal_models" if chart.models else "chart.terminal_one"), "dim"))
    if not chart.measured:
        show(out, plain(say("chart.paper"), "dim"))
    for roof in chart.roofs:
        sample = ("╱" if roof.slope else "─") if roof.measured else ("∙" if roof.slope else "╌")
        ridge = f", {roof.ridge}" if roof.ridge else ""
        show(out, plain(f"{sample}  {roof.label}{ridge}", "" if roof.counts else "dim"))
    if chart.left_out:
        show(out, plain(say_count("chart.left_out", chart.left_out), "dim"))
    if chart.undrawn:
        show(out, plain(say_count("chart.undrawn", chart.undrawn), "dim"))
    out.print()


def _column(axis: Axis, value: float, width: int) -> int:
    return round(_fraction(axis, value) * (width - 1))


def _row(axis: Axis, point: Point) -> int:
    return round(_fraction(axis, point.operations_per_second) * (_HEIGHT - 1))


def _fraction(axis: Axis, value: float) -> float:
    fraction = math.log(value / axis.low) / math.log(axis.high / axis.low)
    return min(1.0, max(0.0, fraction))
