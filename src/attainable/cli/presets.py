"""``attainable count --preset``: the total that another counter gives, and ``--explain-diff``: why it differs."""

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column

from attainable.names import short_name
from attainable.quantities import format_bytes, format_count, format_share
from attainable.report.messages import say

if TYPE_CHECKING:
    from attainable.cost.count import Count
    from attainable.cost.presets import PresetCount


def under_preset(count: "Count", name: str, *, explain: bool, json: bool) -> None:
    """Print a network's total under the preset ``name``.

    Raises:
        UnknownName: there is no such preset.
    """
    from attainable.analysis.records import as_json
    from attainable.cost.presets import PRESETS, preset_count
    from attainable.errors import unknown_name

    preset = PRESETS.get(name)
    if preset is None:
        raise unknown_name("preset", name, PRESETS)
    result = preset_count(count, name, preset)
    if json:
        sys.stdout.write(as_json(result))
    else:
        print_preset(result, model=count.workload.name, explain=explain)


def print_preset(result: "PresetCount", *, model: str, explain: bool, console: Console | None = None) -> None:
    """Print both totals, and with ``explain`` the terms that differ, the largest difference first."""
    from attainable.cli.screen import bare_table, fact_grid, number_columns, open_console, plain, show, show_title

    out = console or open_console(sys.stdout)
    figure = format_bytes if "bytes" in result.quantity else format_count
    out.print()
    show_title(out, short_name(model), say("preset.title", {"counter": result.counter}), result.unit)
    totals = fact_grid(2)
    totals.add_row(plain(figure(result.theirs), "bold"), plain(say("preset.theirs", {"exact": f"{result.theirs:,}"})))
    against = {"quantity": say(f"preset.{result.quantity}"), "exact": f"{result.ours:,}"}
    totals.add_row(plain(figure(result.ours), "bold"), plain(say("preset.ours", against)))
    if result.ours:
        share = (result.theirs - result.ours) / result.ours
        sign = "+" if share >= 0 else "-"
        totals.add_row(plain(f"{sign}{format_share(abs(share))}", "bold"), plain(say("preset.difference")))
    show(out, totals)
    out.print()
    if explain:
        columns = [
            Column(plain(say("preset.kind"), "bold"), overflow="fold"),
            *number_columns(
                "", say("preset.column_ours"), say("preset.column_theirs"), say("preset.column_difference")
            ),
            Column(plain(say("preset.how"), "dim"), overflow="fold"),
        ]
        table = bare_table(columns)
        for row in result.rows:
            if not row.ours and not row.theirs:
                continue
            difference = row.theirs - row.ours
            sign = "+" if difference > 0 else "-" if difference else ""
            cells = (short_name(row.kind), f"x{row.ops}", figure(row.ours), figure(row.theirs))
            table.add_row(*map(plain, cells), plain(f"{sign}{figure(abs(difference))}"), plain(row.meaning, "dim"))
        show(out, table)
    show(out, plain(say("preset.limits", {"limits": result.limits}), "dim"))
    show(out, plain(say("preset.source", {"source": result.source}), "dim"))
    out.print()
