"""``attainable count --symbolic`` and ``--sweep``: totals as formulas, and as a table over a dimension."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column

from attainable.errors import InvalidQuantity
from attainable.names import short_name, short_sentence
from attainable.quantities import format_bytes, format_count
from attainable.report.messages import say
from attainable.workload.shapes import LARGEST_DIMENSION, Bindings

if TYPE_CHECKING:
    from attainable.analysis.symbolic import Sweep, Symbolic
    from attainable.cost.control_flow import TripCounts

MOST_ROWS = 64

_TITLES_WITH_UNIT = {"peak_activation_bytes": "formulas.peak_in_bytes"}
"""A number prints with its unit, a formula does not."""

_RANGE = re.compile(r"(?P<name>.+)=(?P<first>[0-9]+)\.\.(?P<last>[0-9]+)(:(?P<step>[0-9]+))?")


def parse_sweep(text: str) -> tuple[str, list[int]]:
    """Read ``T=128..4096``, which doubles, or ``T=128..4096:128``, which adds; both ends are included.

    Raises:
        InvalidQuantity: it is neither, or has more than 64 values.
    """
    help = "write --sweep T=128..4096 (doubling) or --sweep T=128..4096:128 (in steps)"
    found = _RANGE.fullmatch(text)
    if not found:
        raise InvalidQuantity(f"not NAME=FIRST..LAST[:STEP]: {text}", where="--sweep", help=help)
    first, last, step = int(found["first"]), int(found["last"]), found["step"]
    if not 1 <= first <= last <= LARGEST_DIMENSION or (step is not None and int(step) < 1):
        raise InvalidQuantity(f"an empty range: {text}", where="--sweep", help=help)
    if step is not None:
        values = list(range(first, last + 1, int(step))[: MOST_ROWS + 1])
    else:
        values = [first << doubling for doubling in range(MOST_ROWS) if first << doubling <= last]
    if values[-1] != last and len(values) <= MOST_ROWS:
        values.append(last)
    if len(values) > MOST_ROWS:
        raise InvalidQuantity(f"more than {MOST_ROWS} values: {text}", where="--sweep", help="take a larger step")
    return found["name"], values


def scale(
    model: Path, *, shapes: Bindings, batch: int | None, trip_counts: "TripCounts", sweep: str | None, json: bool
) -> None:
    """Print formulas, or the table of a sweep."""
    from attainable import pipeline
    from attainable.analysis.records import as_json

    if sweep is not None:
        dimension, values = parse_sweep(sweep)
        if dimension in shapes:
            raise InvalidQuantity(
                f"{dimension} has a number already", where=f"--shape {dimension}", help="leave it out: --sweep sets it"
            )
        try:
            table = pipeline.sweep(model, dimension, values, shapes=shapes, batch=batch, trip_counts=trip_counts)
        except InvalidQuantity as error:
            if not any(fault.endswith(f"@ {dimension}") for fault in error.faults):
                raise
            # the reader knows of no sweep and says --shape
            raise InvalidQuantity(error.what, where="--sweep", faults=error.faults, help=error.help) from None
        sys.stdout.write(as_json(table)) if json else print_sweep(table)
        return
    if batch is not None:
        raise InvalidQuantity(
            "would leave no formula in the batch", where="--symbolic --batch",
            help="leave out --batch, or set one dimension by its name: --shape N=8",
        )  # fmt: skip
    formulas = pipeline.symbolic(model, shapes=shapes, trip_counts=trip_counts)
    sys.stdout.write(as_json(formulas)) if json else print_symbolic(formulas)


def print_symbolic(result: "Symbolic", console: Console | None = None) -> None:
    """Print each formula on a line of its own, and for which numbers it holds."""
    from attainable.cli.screen import fact_grid, open_console, plain, show, show_title

    out = console or open_console(sys.stdout)
    out.print()
    show_title(out, short_name(result.model), say("formulas.title"), say("work.at_least") if result.at_least else "")
    lines = fact_grid(2)
    for formula in result.formulas:
        text = plain(formula.formula, "bold") if formula.formula is not None else plain(formula.reason, "dim")
        title = _TITLES_WITH_UNIT.get(formula.figure, f"formulas.{formula.figure}")
        lines.add_row(plain(say(title), "dim"), text)
    show(out, lines)
    for name, multiple in result.multiples.items():
        if multiple > 1:
            values = {"name": short_name(name), "multiple": str(multiple)}
            show(out, plain(say("formulas.multiples", values), "dim"))
    show(out, plain(say("formulas.checked"), "dim"))
    out.print()
    _warn(result.warnings)


def print_sweep(result: "Sweep", console: Console | None = None) -> None:
    """Print a row for each value of the dimension."""
    from attainable.cli.screen import bare_table, number_columns, open_console, plain, show, show_title

    out = console or open_console(sys.stdout)
    out.print()
    show_title(out, short_name(result.model), say("formulas.sweep"), say("work.at_least") if result.at_least else "")
    figures = ("macs", "operations", "bytes_moved", "peak_activation_bytes")
    titles = [say(f"formulas.{figure}") for figure in figures]
    columns = [Column(plain(short_name(result.dimension), "bold"), justify="right"), *number_columns(*titles)]
    table = bare_table(columns)
    for row in result.rows:
        cells = [(format_bytes if "bytes" in figure else format_count)(row.figures[figure]) for figure in figures]
        table.add_row(plain(str(row.value)), *map(plain, cells))
    show(out, table)
    out.print()
    _warn(result.warnings)


def _warn(warnings: Iterable[str]) -> None:
    from attainable.cli.asides import print_warnings

    print_warnings(short_sentence(warning) for warning in warnings)
