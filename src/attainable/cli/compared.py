"""A comparison of models as text in a terminal."""

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from attainable.analysis.comparison import Comparison
from attainable.analysis.differences import Differences, Figures, total
from attainable.cli.compared_devices import print_devices
from attainable.cli.outputs import write
from attainable.cli.ratios import pair, pairs
from attainable.cli.screen import (
    INDENT,
    WIDTH_OF_A_PIPE,
    bare_table,
    number_columns,
    open_console,
    plain,
    show,
    show_title,
)
from attainable.export.messages import say, say_count
from attainable.names import short_name
from attainable.quantities import (
    format_bytes,
    format_count,
)

_MOST_DIFFERENCES = 60
_SPARED_FIRST = ("operations", "peak_short", "parameters")
"""Columns that a table leaves out where the screen is narrow, in this order."""
_LEAST_LABEL = 16
"""Characters of a model's name that are not folded."""


def render_comparison(
    comparison: Comparison, *, output: Path | None = None, overwrite: bool = False, ops: bool = False
) -> None:
    """Print a comparison to stdout, or write the same text to a file. Raises InputError."""
    if output is None:
        print_comparison(comparison, open_console(sys.stdout), ops=ops)
        return
    text = io.StringIO()
    console = Console(file=text, width=WIDTH_OF_A_PIPE, markup=False, highlight=False, emoji=False)
    print_comparison(comparison, console, ops=ops)
    write(text.getvalue(), output, overwrite=overwrite)


def print_comparison(comparison: Comparison, out: Console, *, ops: bool = False) -> None:
    """Print the totals, the times at best on each device, where the winner flips, and what differs op by op."""
    out.print()
    show_title(out, say("compare.title", {"count": len(comparison.models)}), say("compare.paper"), "")
    _totals(out, comparison)
    out.print()
    if comparison.devices:
        print_devices(out, comparison, _labels(comparison))
    if comparison.differences is not None:
        _differences(out, comparison, comparison.differences, ops=ops)


def _totals(out: Console, comparison: Comparison) -> None:
    names = ["macs", "operations", "parameters", "moved", "peak_short"]
    table = _totals_table(comparison, names)
    for spared in _SPARED_FIRST:
        if out.measure(table).maximum <= out.width - INDENT:
            break
        names.remove(spared)
        table = _totals_table(comparison, names)
    show(out, table)
    show(out, plain(say("compare.to_first"), "dim"))


def _totals_table(comparison: Comparison, names: Sequence[str]) -> Table:
    longest = max(len(short_name(entry.label)) for entry in comparison.models)
    label = Column(plain(""), overflow="fold", min_width=min(longest, _LEAST_LABEL))
    table = bare_table([label, *pairs(names)])
    for entry in comparison.models:
        totals, ratios, floor = entry.totals, entry.ratios, "≥ " if entry.totals.at_least else ""
        figures = {
            "macs": (floor + format_count(totals.macs), ratios.macs),
            "operations": (floor + format_count(totals.operations), ratios.operations),
            "parameters": (format_count(totals.parameters), ratios.parameters),
            "moved": (floor + format_bytes(totals.bytes_moved), ratios.bytes_moved),
            "peak_short": (floor + format_bytes(totals.peak_activation_bytes), ratios.peak_activation_bytes),
        }
        cells = (cell for name in names for cell in pair(*figures[name]))
        table.add_row(plain(short_name(entry.label), "bold"), *cells)
    return table


def _differences(out: Console, comparison: Comparison, differences: Differences, *, ops: bool) -> None:
    first, second = _labels(comparison)
    values = {
        "equal": differences.equal, "changed": len(differences.changed), "first": differences.first.ops,
        "second": differences.second.ops, "first_model": first, "second_model": second,
    }  # fmt: skip
    if ops:
        rows = _difference_rows(differences, first, second)
        table = bare_table(
            [
                Column(plain(say("diff.title"), "bold"), overflow="fold"), Column(plain(""), overflow="fold"),
                *number_columns("", *(say(f"column.{name}") for name in ("operations", "parameters", "moved"))),
            ]
        )  # fmt: skip
        for row in rows[:_MOST_DIFFERENCES]:
            label, what, sums = row.label, plain(row.what, "dim"), _signed(row.figures)
            table.add_row(plain(label), what, plain(f"x{row.figures.ops}"), *sums)
        table.add_row(plain(say("diff.total"), "bold"), "", "", *_signed(_all_differences(differences)))
        show(out, table)
        if len(rows) > _MOST_DIFFERENCES:
            show(out, plain(say_count("diff.rest", len(rows) - _MOST_DIFFERENCES), "dim"))
    found = differences.changed or differences.first.ops or differences.second.ops
    help = "" if ops or not found else f" {say('diff.help')}"
    show(out, plain(say("diff.summary", values) + help, "" if found else "dim"))
    if not differences.aligned:
        show(out, plain(say("diff.by_count"), "dim"))
    out.print()


@dataclass(frozen=True, slots=True)
class _Row:
    """Equal differences: what they are, which model has them, and their sum (second model less first)."""

    label: str
    what: str
    figures: Figures


_DERIVED = ("label", "macs", "operations", "bytes_read", "bytes_written")
"""Fields that change because others do; said only where nothing else changed."""


def _difference_rows(differences: Differences, first: str, second: str) -> list[_Row]:
    """The differences, equal ones in a row, the one that weighs most first."""
    sums: dict[tuple[str, str], list[Figures]] = {}
    for op in differences.changed:
        before, after = short_name(op.first_label), short_name(op.second_label)
        names = [change.field for change in op.changes]
        fields = ", ".join([name for name in names if name not in _DERIVED] or names).replace("_", " ")
        what = say("diff.changed_fields", {"fields": fields}) if before == after else say("diff.changed")
        label = before if before == after else f"{before} -> {after}"
        sums.setdefault((label, what), []).append(op.figures)
    for model, references, sign in ((first, differences.only_in_first, -1), (second, differences.only_in_second, 1)):
        for op in references:
            key = (short_name(op.label), say("diff.only", {"model": model}))
            sums.setdefault(key, []).append(_times(op.figures, sign))
    rows = [_Row(label, what, total(figures)) for (label, what), figures in sums.items()]
    return sorted(rows, key=lambda row: (-abs(row.figures.operations), -abs(_moved(row.figures))))


def _times(figures: Figures, sign: int) -> Figures:
    return Figures(
        figures.ops, sign * figures.macs, sign * figures.operations, sign * figures.parameters,
        sign * figures.bytes_read, sign * figures.bytes_written,
    )  # fmt: skip


def _all_differences(differences: Differences) -> Figures:
    """What the second model has more than the first."""
    return total([differences.second, _times(differences.first, -1), differences.changed_by])


def _moved(figures: Figures) -> int:
    return figures.bytes_read + figures.bytes_written


def _signed(figures: Figures) -> list[Text]:
    texts = (
        (figures.operations, format_count), (figures.parameters, format_count), (_moved(figures), format_bytes)
    )  # fmt: skip
    return [plain(f"{'+' if number > 0 else ''}{format(number)}" if number else "=") for number, format in texts]


def _labels(comparison: Comparison) -> list[str]:
    return [short_name(entry.label) for entry in comparison.models]
