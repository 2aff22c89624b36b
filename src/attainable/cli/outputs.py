"""What the counting commands do with a result: print it, write it in a format, hold it against a budget."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from attainable.analysis.records import Analysis

FormatName = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="table, json, csv, markdown, latex, netron or model-explorer. Default: by the extension of --output, "
        "else table.",
        show_default=False,
    ),
]
By = Annotated[str, typer.Option("--by", metavar="GROUPING", help="Rows of the table: signature, scope or kind.")]
Depth = Annotated[int, typer.Option("--depth", min=1, max=100, help="Levels of modules that --by scope shows.")]
DEPTH = 2
"""Levels of modules that are shown unless the user says otherwise."""

Output = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="Write to this file instead of the terminal.")
]
Annotate = Annotated[
    Path | None,
    typer.Option(
        "--annotate",
        metavar="OUT.onnx",
        help="Write a copy of the ONNX model with the counts as metadata of its nodes.",
    ),
]
Limits = Annotated[
    list[str] | None,
    typer.Option(
        "--budget",
        metavar="KEY=LIMIT",
        help="Exit with 1 above a limit, e.g. macs=4.1G,peak=50MiB. Keys: macs, operations, parameters, weights, "
        "bytes, peak, file. Repeatable.",
    ),
]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where a count goes; made by ``requested`` before any long work."""

    format: str
    by: str
    depth: int
    output: Path | None
    annotate: Path | None
    overwrite: bool
    limits: Mapping[str, int]


def requested(
    *, format: str | None, json: bool, by: str, depth: int, output: Path | None, annotate: Path | None,
    budget: Iterable[str] | None, force: bool,
) -> Outputs:  # fmt: skip
    """Check what the user asked for.

    Raises:
        InputError: an unknown name, a budget that cannot be read, or a file that may not be written.
    """
    from attainable.analysis.budget import parse_budget
    from attainable.cli.grouped import GROUPINGS, SIGNATURE
    from attainable.errors import InvalidQuantity, unknown_name
    from attainable.export import FORMATS, TABLE, chosen_format
    from attainable.files import require_writable

    groupings = (SIGNATURE, *GROUPINGS)
    if by not in groupings:
        raise unknown_name("grouping", by, groupings)
    require_one_format(format, json=json)
    limits = parse_budget(budget or ())
    for target in (output, annotate):
        if target is not None:
            require_writable(target, overwrite=force)
    chosen = chosen_format("json" if json and format is None else format, output, FORMATS)
    if by != SIGNATURE and chosen != TABLE:
        raise InvalidQuantity(
            f"groups the rows of the table; {chosen} has its own", where=f"--by {by}",
            help="leave out --by, or ask for --format table",
        )  # fmt: skip
    return Outputs(chosen, by, depth, output, annotate, force, limits)


def require_one_format(format: str | None, *, json: bool) -> None:
    """Refuse ``--json`` beside another ``--format``. Raises InvalidQuantity."""
    from attainable.errors import InvalidQuantity

    if json and format not in (None, "json"):
        raise InvalidQuantity("are two formats", where=f"--json --format {format}", help="ask for one after the other")


def deliver(analysis: "Analysis", outputs: Outputs) -> None:
    """Print or write a count, and hold it against its budget.

    Raises:
        Exit: with code 1, where a limit is exceeded.
        InputError: a file cannot be written.
    """
    from attainable.cli.asides import print_warnings
    from attainable.export import FORMATS, TABLE

    if outputs.annotate is not None:
        from attainable.transforms.annotate import annotate

        annotate(analysis, outputs.annotate, overwrite=outputs.overwrite)
    if outputs.format == TABLE:
        _table(analysis, outputs)
    else:
        write(FORMATS[outputs.format].render(analysis), outputs.output, overwrite=outputs.overwrite)
        # JSON has the warnings inside
        noted = [] if outputs.format == "json" else [*analysis.warnings, *FORMATS[outputs.format].warnings(analysis)]
        print_warnings(noted)
    for target in (outputs.output, outputs.annotate):
        if target is not None:
            print_written(target)
    if over_budget(analysis, outputs.limits):
        raise typer.Exit(1)


def write(content: str, output: Path | None, *, overwrite: bool) -> None:
    """Write a result to a file, or to stdout without one. Raises InputError."""
    if output is None:
        sys.stdout.write(content)
        return
    from attainable.files import write_atomically

    write_atomically(output, content.encode("utf-8", "backslashreplace"), overwrite=overwrite)


def print_written(output: Path) -> None:
    """Say on stderr which file was written."""
    from attainable.names import short_sentence

    print(f"  output: {short_sentence(str(output))}", file=sys.stderr)


def over_budget(analysis: "Analysis", limits: Mapping[str, int]) -> bool:
    """Say on stderr which limits are exceeded, and which cannot be proven to be kept; whether any is exceeded."""
    from attainable.analysis.budget import QUANTITIES, judge
    from attainable.export.messages import say

    verdicts = judge(analysis, limits)
    for verdict in verdicts:
        format = QUANTITIES[verdict.key].format
        values = {
            "key": verdict.key, "actual": format(verdict.actual), "limit": format(verdict.limit),
            "excess": format(verdict.actual - verdict.limit),
            "floor": say("budget.at_least") if verdict.at_least else "",
        }  # fmt: skip
        if verdict.exceeded:
            print(say("budget.over", values), file=sys.stderr)
        elif not verdict.proven:
            print(say("budget.open", values), file=sys.stderr)
    return any(verdict.exceeded for verdict in verdicts)


def _table(analysis: "Analysis", outputs: Outputs) -> None:
    import io

    from rich.console import Console

    from attainable.cli.screen import WIDTH_OF_A_PIPE
    from attainable.cli.terminal import print_count

    if outputs.output is None:
        print_count(analysis, by=outputs.by, depth=outputs.depth)
        return
    text = io.StringIO()
    console = Console(file=text, width=WIDTH_OF_A_PIPE, markup=False, highlight=False, emoji=False)
    print_count(analysis, console, by=outputs.by, depth=outputs.depth)
    write(text.getvalue(), outputs.output, overwrite=outputs.overwrite)
