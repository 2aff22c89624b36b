"""Figures with their ratios to the first, as cells of a table."""

from collections.abc import Sequence

from rich.table import Column
from rich.text import Text

from attainable.cli.screen import number_columns, plain
from attainable.export.messages import say

_LARGE_RATIO, _SMALL_RATIO = 100, 0.01


def pairs(names: Sequence[str]) -> list[Column]:
    """A column of figures and a narrow one of ratios for each name."""
    return [column for name in names for column in number_columns(say(f"column.{name}"), "")]


def pair(figure: str, ratio: float | None) -> tuple[Text, Text]:
    """A figure and its ratio."""
    return plain(figure), plain("-" if ratio is None else format_ratio(ratio), "dim")


def format_ratio(ratio: float) -> str:
    """``x0.84``; two decimals are enough for a comparison."""
    if 0 < ratio < _SMALL_RATIO:
        return f"<x{_SMALL_RATIO}"
    return f"x{ratio:.0f}" if ratio >= _LARGE_RATIO else f"x{ratio:.2f}"
