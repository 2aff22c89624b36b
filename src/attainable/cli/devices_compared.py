"""The screen of ``attainable devices compare``."""

import sys
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.table import Column
from rich.text import Text

from attainable.analysis.device_comparison import ComparedQuantity, DevicesCompared
from attainable.cli.devices_messages import say
from attainable.cli.screen import INDENT, bare_table, number_columns, open_console, plain, show, show_title
from attainable.names import short_name
from attainable.quantities import (
    format_bytes,
    format_bytes_per_second,
    format_count,
    format_operations_per_second,
    format_watts,
)
from attainable.report.views.machine import short_cpu, short_dtype


def _operations_per_byte(ridge: float) -> str:
    return say("show.ridge_unit", {"ridge": format_count(ridge)})


_FORMATS: Mapping[str, Callable[[float], str]] = {
    "operations_per_second": format_operations_per_second,
    "bytes_per_second": format_bytes_per_second,
    "operations_per_byte": _operations_per_byte,
    "capacity_bytes": format_bytes,
    "on_chip_bytes": format_bytes,
    "power_watts": format_watts,
    "operations_per_joule": format_count,
}
_LABEL, _FIGURE = 22, 26
"""Columns that a label takes, and a device with its ratio."""
_LARGE_RATIO, _SMALL_RATIO = 100, 0.01


def print_compared(compared: DevicesCompared, console: Console | None = None) -> None:
    """Print devices side by side; as many at once as fit, each time beside the first."""
    out = console or open_console(sys.stdout)
    out.print()
    count = len(compared.names)
    show_title(out, say("compare.title", {"count": count}), say("compare.about"), "")
    for name, title in zip(compared.names, compared.titles, strict=True):
        show(
            out, plain(say("compare.device", {"name": short_name(name), "title": short_name(short_cpu(title))}), "dim")
        )
    out.print()
    at_once = max((out.width - INDENT - _LABEL) // _FIGURE - 1, 1)
    others = range(1, count)
    for start in range(0, max(len(others), 1), at_once):
        _print_some(out, compared, [0, *others[start : start + at_once]])
    show(out, plain(say(f"compare.basis.{compared.basis}"), "dim"))
    show(out, plain(say("compare.legend", {"kinds": say("kinds")}), "dim"))


def _print_some(out: Console, compared: DevicesCompared, shown: list[int]) -> None:
    columns = [Column(plain(""), overflow="fold"), *number_columns(short_name(compared.names[0]))]
    for at in shown[1:]:
        columns += number_columns(short_name(compared.names[at]), "")
    table = bare_table(columns)
    for row in compared.rows:
        if any(row.figures[at] for at in shown):
            table.add_row(plain(_label(row)), *(cell for at in shown for cell in _cells(row, at)))
    show(out, table)
    out.print()


def _label(row: ComparedQuantity) -> str:
    by_engine = f"{row.quantity}.{row.engine}" if row.engine else row.quantity
    return short_name(say(f"quantity.{by_engine}", {"dtype": short_dtype(row.dtype)}))


def _cells(row: ComparedQuantity, at: int) -> list[Text]:
    figure, ratio = row.figures[at], row.ratios[at]
    if figure is None:
        text = plain("-")
    else:
        text = plain(_FORMATS[row.quantity](figure.value)) + plain(f" {say(f'kind.{figure.kind}')}", "dim")
    return [text] if at == 0 else [text, plain("" if ratio is None else _ratio(ratio), "bold")]


def _ratio(ratio: float) -> str:
    if ratio < _SMALL_RATIO:
        return f"<x{_SMALL_RATIO}"
    return f"x{format_count(round(ratio))}" if ratio >= _LARGE_RATIO else f"x{ratio:.2f}"
