"""Tables and small marks that several sections of the page share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from attainable.report.markup import Child, Markup, element

_BAR_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: its heading.
        kind: of its numbers: measured, counted ...
        numeric: numbers align to the right.
        names_row: its cells say what their row is about.
    """

    title: str
    kind: str = ""
    numeric: bool = False
    names_row: bool = False


def table(columns: Sequence[Column], rows: Iterable[Sequence[Child]], *, label: str, style: str = "") -> Markup:
    """A table in a frame of its own that scrolls where the screen is narrow."""
    head = element("tr", {}, *(_heading(column) for column in columns))
    body = [element("tr", {}, *map(_cell, columns, row)) for row in rows]
    grid = element("table", {"class": style}, element("thead", {}, head), element("tbody", {}, *body))
    return element("div", {"class": "scroll", "role": "region", "aria-label": label, "tabindex": "0"}, grid)


def kind_mark(kind: str) -> Markup:
    """The kind of a number, small beside it."""
    return element("span", {"class": "kind"}, kind)


def bar(length: float, *, part: float | None = None, style: str = "") -> Markup:
    """A horizontal bar.

    Args:
        length: of the bar, 0 to 1.
        part: darker part from the left, 0 to 1; None for a bar without one.
        style: class of the bar.
    """
    rects = [_rect(length, "whole")]
    if part is not None:
        rects.append(_rect(min(part, length), "part"))
    frame = {
        "class": f"bar {style}".strip(), "viewBox": f"0 0 {_BAR_WIDTH} 8", "preserveAspectRatio": "none",
        "aria-hidden": "true", "focusable": "false",
    }  # fmt: skip
    return element("svg", frame, *rects)


def _rect(length: float, style: str) -> Markup:
    width = _BAR_WIDTH * min(1.0, max(0.0, length))
    return element("rect", {"class": style, "width": f"{width:.2f}", "height": "8"})


def _heading(column: Column) -> Markup:
    attributes = {"scope": "col", "class": "number"} if column.numeric else {"scope": "col"}
    return element("th", attributes, column.title, *([kind_mark(column.kind)] if column.kind else []))


def _cell(column: Column, cell: Child) -> Markup:
    if column.names_row:
        return element("th", {"scope": "row"}, cell)
    return element("td", {"class": "number"} if column.numeric else {}, cell)
