"""Ops by operator or by module, as a table in the terminal."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from rich.console import Console
from rich.table import Column
from rich.text import Text

from attainable.analysis.grouping import OpGroup, by_kind, by_scope
from attainable.analysis.records import Analysis
from attainable.cli.screen import NARROW, bare_table, number_columns, plain, show
from attainable.export.messages import say, say_count
from attainable.names import short_name
from attainable.quantities import format_bytes, format_count, format_share

SIGNATURE = "signature"
"""Equal ops in a row: the grouping of the default table."""

GROUPINGS: Mapping[str, Callable[[Analysis, int], tuple[OpGroup, ...]]] = MappingProxyType(
    {
        "scope": lambda analysis, depth: by_scope(analysis.ops, depth=depth),
        "kind": lambda analysis, depth: by_kind(analysis.ops),
    }
)
"""The groupings beside ``signature``: the groups of an analysis down to a depth."""

_MOST_ROWS = 60
_STEP = "  "


def show_groups(out: Console, analysis: Analysis, *, by: str, depth: int) -> None:
    """Print the ops of an analysis, summed by a grouping of ``GROUPINGS``."""
    groups = GROUPINGS[by](analysis, depth)
    if not groups:
        show(out, plain(say("groups.none"), "dim"))
        return
    narrow = out.width < NARROW
    columns = ["ops", "macs", "operations", "parameters", "moved", "share"]
    if narrow:
        columns.remove("macs")
    table = bare_table(
        [
            Column(plain(say(f"groups.{by}"), "bold"), overflow="fold"),
            *number_columns(*(_title(name) for name in columns)),
        ]
    )
    for group in groups[:_MOST_ROWS]:
        cells = _cells(group, analysis.totals.operations)
        table.add_row(_name(group), *(cells[name] for name in columns))
    show(out, table)
    if len(groups) > _MOST_ROWS:
        show(out, plain(say_count("groups.rest", len(groups) - _MOST_ROWS), "dim"))
    if by == "scope":
        nameless = all(not group.name for group in groups)
        show(out, plain(say("groups.scopeless" if nameless else "groups.nested"), "dim"))
    out.print()


def _title(name: str) -> str:
    return say(f"column.{name}")


def _name(group: OpGroup) -> Text:
    return plain(_STEP * (group.depth - 1) + (short_name(group.name) or say("groups.no_module")))


def _cells(group: OpGroup, total: int) -> dict[str, Text]:
    # a loop without a trip count is counted once: a floor, which moves bytes
    known, floor = group.uncounted < group.ops or group.bytes_moved > 0, "≥ " if group.uncounted else ""
    sums = {
        "macs": format_count(group.macs), "operations": format_count(group.operations),
        "moved": format_bytes(group.bytes_moved),
        "share": format_share(group.operations / total) if total else "-",
    }  # fmt: skip
    texts = {name: floor + text if known else "?" for name, text in sums.items()}
    texts |= {"ops": str(group.ops), "parameters": format_count(group.parameters)}
    return {name: plain(text) for name, text in texts.items()}
