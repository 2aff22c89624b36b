"""Operators side by side in a terminal."""

import sys

from rich.table import Column

from attainable.analysis.op_sheet import OpOnDevice, OpSheets
from attainable.cli.ratios import pair, pairs
from attainable.cli.screen import bare_table, number_columns, open_console, plain, show
from attainable.export.figures import accounting_terms
from attainable.export.messages import say
from attainable.names import short_name
from attainable.quantities import (
    format_bytes,
    format_count,
    format_operations_per_second,
    format_seconds,
    format_share,
)
from attainable.report.views.machine import short_dtype

_UNKNOWN = "-"


def print_op_sheets(sheets: OpSheets) -> None:
    """Print what the operators cost on paper, and their class and time on each device."""
    out = open_console(sys.stdout)
    names = [short_name(sheet.text) for sheet in sheets.ops]
    table = bare_table(
        [
            Column(plain(say("compare.paper"), "bold"), overflow="fold"),
            *number_columns(*(say(f"column.{name}") for name in ("macs", "operations", "parameters"))),
            *number_columns(*(say(f"op.{name}") for name in ("in", "weight", "out", "intensity"))),
        ]
    )  # fmt: skip
    for name, sheet in zip(names, sheets.ops, strict=True):
        intensity = sheet.operational_intensity
        table.add_row(
            plain(name, "bold"), *(plain(format_count(number)) for number in (sheet.macs, sheet.operations)),
            plain(format_count(sheet.parameters)), plain(format_bytes(sheet.bytes_activation_in)),
            plain(format_bytes(sheet.bytes_weight)), plain(format_bytes(sheet.bytes_activation_out)),
            plain(_UNKNOWN if intensity is None else f"{intensity:.2f}"),
        )  # fmt: skip
    out.print()
    show(out, table)
    out.print()
    for index in range(len(sheets.ops[0].devices)):
        places = [sheet.devices[index] for sheet in sheets.ops]
        _device(sheets, names, places)
    if sheets.ops[0].devices:
        show(out, plain(f"{say('op.kinds')} {accounting_terms(sheets.accounting)}.", "dim"))
        out.print()


def _device(sheets: OpSheets, names: list[str], places: list[OpOnDevice]) -> None:
    out = open_console(sys.stdout)
    first = places[0]
    table = bare_table(
        [
            Column(plain(short_name(first.device), "bold"), overflow="fold"), Column(plain(say("op.class"), "dim")),
            *pairs(["roofline"]), *number_columns(*(say(f"op.{key}") for key in ("ridge", "attainable", "of_peak"))),
        ]
    )  # fmt: skip
    for name, sheet, place in zip(names, sheets.ops, places, strict=True):
        rate, share, ridge = place.attainable_operations_per_second, place.of_peak, place.ridge_point
        typed = f"  {name}" if place.dtype == sheet.dtype else f"  {name} ({place.dtype})"
        counts = place.bound_by not in ("unknown", "left out")
        table.add_row(
            plain(typed), plain(say(f"op.{place.bound_by.replace(' ', '_')}_bound")),
            *pair(
                format_seconds(place.seconds) if counts else _UNKNOWN,
                place.seconds / first.seconds if first.seconds and counts else None,
            ),
            plain(_UNKNOWN if ridge is None else f"{ridge:.2f} {short_dtype(place.dtype)}"),
            plain(_UNKNOWN if rate is None else format_operations_per_second(rate)),
            plain(_UNKNOWN if share is None else format_share(share)),
        )  # fmt: skip
    show(out, table)
    out.print()
