"""Results as text in a terminal. Names are ``Text``, never markup, and cleaned, so that a terminal obeys nothing."""

import sys
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from attainable.analysis.records import Analysis
from attainable.cli.grouped import SIGNATURE, show_groups
from attainable.cli.measure_checks import asides_of, show_checks
from attainable.cli.screen import (
    NARROW,
    bare_table,
    fact_grid,
    number_columns,
    open_console,
    plain,
    show,
    show_asides,
    show_title,
)
from attainable.names import short_name, short_sentence
from attainable.quantities import (
    format_bytes,
    format_count,
    format_seconds,
    format_share,
)
from attainable.report.messages import say, say_count
from attainable.report.views.advice import checked_line, most_saved_first, saving_line
from attainable.report.views.hotspots import Hotspot, hotspots
from attainable.report.views.indicators import Indicator
from attainable.report.views.operators import OperatorRow, operators
from attainable.report.views.subject import subject
from attainable.report.views.verdict import VerdictRow, interval, verdict
from attainable.report.views.work import work_on_paper

if TYPE_CHECKING:
    from attainable.measurement.run import Run

_MOST_ROWS = 8
_MOST_OPERATORS = 12
_STEP = "  "


def print_analysis(analysis: Analysis, console: Console | None = None, *, aside: Console | None = None) -> None:
    """Print the verdict: the answers, where the time goes, the indicators, the findings.

    Args:
        analysis: what to say.
        console: for the result; None for stdout.
        aside: for warnings and errors; None for stderr.
    """
    out, aside = console or open_console(sys.stdout), aside or open_console(sys.stderr)
    answer = verdict(analysis)
    out.print()
    show_title(out, answer.subject.model, answer.subject.place, answer.subject.note)
    answers = fact_grid(3)
    for row in answer.rows:
        answers.add_row(*_answer(row))
    show(out, answers)
    out.print()
    _print_hotspots(out, analysis)
    indicators = fact_grid(3)
    for indicator in answer.indicators:
        _add_indicator(indicators, indicator)
    show(out, indicators)
    out.print()
    _print_advice(out, analysis)
    show_asides(aside, analysis.warnings, analysis.errors)


def print_count(
    analysis: Analysis, console: Console | None = None, *, aside: Console | None = None, by: str = SIGNATURE,
    depth: int = 2,
) -> None:  # fmt: skip
    """Print the work on paper: totals, conventions, coverage, the operators that work most.

    Args:
        analysis: what to say.
        console: for the result; None for stdout.
        aside: for warnings; None for stderr.
        by: how ops are grouped, ``signature`` or a key of ``GROUPINGS``.
        depth: levels of modules, where they are grouped by ``scope``.
    """
    out, aside = console or open_console(sys.stdout), aside or open_console(sys.stderr)
    # whatever else is known of time, this is about the paper
    analysis = replace(analysis, devices=[], runs=[])
    head, work = subject(analysis), work_on_paper(analysis)
    out.print()
    show_title(out, head.model, head.place, head.note)
    totals = Table.grid(Column(justify="right"), Column(), padding=(0, 2, 0, 0))
    for total in work.totals:
        meaning = f"{total.meaning}: {total.note}" if total.note else total.meaning
        totals.add_row(plain(total.value, "bold"), plain(meaning, "dim"))
    show(out, totals)
    out.print()
    show(out, plain(f"{work.conventions} {work.coverage}", "dim"))
    out.print()
    if by == SIGNATURE:
        _print_operators(out, analysis)
    else:
        show_groups(out, analysis, by=by, depth=depth)
    show_asides(aside, analysis.warnings, analysis.errors)


def print_run(run: "Run", console: Console | None = None, *, aside: Console | None = None) -> None:
    """Print a run: whether its outputs are right, its time, the interval, the memory, and the kernels by kind."""
    out, aside = console or open_console(sys.stdout), aside or open_console(sys.stderr)
    threads = say_count("subject.threads", run.threads)
    out.print()
    show_title(
        out, say("verdict.measured"), short_name(f"{run.runtime} {run.version}"), f"{short_name(run.dtype)}, {threads}"
    )
    show_checks(out, run)
    spread = interval(run.median_seconds, run.low_seconds, run.high_seconds)
    samples, fastest = say_count("verdict.samples", run.samples), format_seconds(run.minimum_seconds)
    notes = [spread, samples, say("terminal.fastest", {"fastest": fastest})]
    facts = fact_grid(2)
    facts.add_row(plain(format_seconds(run.median_seconds), "bold"), plain(", ".join(filter(None, notes))))
    facts.add_row(plain(format_seconds(run.load_seconds)), plain(say("terminal.load"), "dim"))
    if run.peak_rss_bytes:
        facts.add_row(plain(format_bytes(run.peak_rss_bytes)), plain(say("terminal.resident"), "dim"))
    for line in run.inputs:
        facts.add_row(plain(say("method.input"), "dim"), plain(short_sentence(line), "dim"))
    show(out, facts)
    out.print()
    if run.kernels:
        _print_kernels(out, run)
    show_asides(aside, asides_of(run), ())


def print_progress(sentence: str) -> None:
    """Say on stderr that a long stage starts."""
    open_console(sys.stderr).print(plain(f"{sentence} ...", "dim"))


def _answer(row: VerdictRow) -> tuple[Text, ...]:
    value = plain(row.value, "bold" if row.kind else "dim")
    device = say("verdict.on_device", {"device": row.device}) if row.device else ""
    note = ", ".join(filter(None, (row.kind, row.note, device)))
    share = [plain(f"   {row.share}", "bold")] if row.share else []
    return plain(row.label), value, Text.assemble(plain(note, "" if row.kind else "dim"), *share)


def _print_hotspots(out: Console, analysis: Analysis) -> None:
    view = hotspots(analysis, most_rows=_MOST_ROWS)
    if view.rows:
        columns = [
            Column(plain(view.title, "bold"), overflow="fold"),
            *number_columns("", say("column.time"), say("column.share")),
            Column(plain(say("column.bound").lower(), "dim"), no_wrap=True),
            *(number_columns(say("column.of_roof")) if view.measured else []),
        ]  # fmt: skip
        table = bare_table(columns)
        for row in (*view.rows, *([view.rest] if view.rest else [])):
            table.add_row(*_hotspot(row, measured=view.measured))
        show(out, table)
    for note in view.notes:
        show(out, plain(note, "dim"))
    out.print()


def _hotspot(row: Hotspot, *, measured: bool) -> list[Text]:
    cells = [
        plain(row.label), plain(f"x{row.times}"), plain(format_seconds(row.seconds)),
        plain("-" if row.share is None else format_share(row.share)), plain(row.bound_by or "-"),
    ]  # fmt: skip
    if measured:
        of_roof = "-" if row.of_roof is None else format_share(row.of_roof)
        cells.append(plain(f"{row.over} {of_roof}".strip()))
    return cells


def _add_indicator(grid: Table, indicator: Indicator) -> None:
    for index, figure in enumerate(indicator.figures):
        note = ", ".join(filter(None, (figure.kind, figure.meaning)))
        name = indicator.name if index == 0 else ""
        grid.add_row(plain(name), plain(figure.value, "" if figure.kind else "dim"), plain(note, "dim"))


def _print_advice(out: Console, analysis: Analysis) -> None:
    rows = fact_grid(2)
    for finding in most_saved_first(analysis.findings):
        title = plain(f"{short_sentence(finding.title)}     ")
        rows.add_row(plain(short_name(finding.code), "bold"), title + plain(saving_line(finding), "bold"))
        rows.add_row("", plain(say("errors.help", {"help": short_sentence(finding.action)})))
    for checked in analysis.checked:
        rows.add_row(plain(short_name(checked.code), "dim"), plain(checked_line(checked), "dim"))
    show(out, rows)


def _print_operators(out: Console, analysis: Analysis) -> None:
    view = operators(analysis, most_rows=_MOST_OPERATORS)
    if view.rows:
        narrow = out.width < NARROW
        names = ["macs", "operations", "parameters", "bytes", "intensity"][narrow:]
        columns = [
            Column(plain(say("operators.title"), "bold"), overflow="fold"),
            *number_columns("", *(say(f"column.{name}") for name in names)),
        ]
        table = bare_table(columns)
        for row in view.rows:
            label, times, macs, *others = _operator(row)
            table.add_row(label, times, *([] if narrow else [macs]), *others)
        show(out, table)
    for note in view.notes:
        show(out, plain(note, "dim"))
    out.print()


def _operator(row: OperatorRow) -> list[Text]:
    intensity, floor = row.operational_intensity, "≥ " if row.at_least else ""
    label = _STEP * row.depth + (row.label if row.state == "counted" else f"{row.label} ({row.state})")
    sums = (floor + format_count(row.macs), floor + format_count(row.operations), format_count(row.parameters))
    texts = (*sums, floor + format_bytes(row.bytes_moved))
    *numbers, moved = [text if row.known else "?" for text in texts]
    return [plain(cell) for cell in (label, f"x{row.times}", *numbers, moved,
                                     "-" if intensity is None else format_count(intensity))]  # fmt: skip


def _print_kernels(out: Console, run: "Run") -> None:
    total, times, seconds = sum(kernel.seconds for kernel in run.kernels), Counter[str](), Counter[str]()
    for kernel in run.kernels:
        times[kernel.kind] += 1
        # Counter adds floats as well as integers, its stub only knows integers
        seconds[kernel.kind] += kernel.seconds  # pyright: ignore[reportArgumentType]
    columns = [
        Column(plain(say("terminal.kernels"), "bold"), overflow="fold"),
        *number_columns("", say("column.time"), say("column.share")),
    ]
    table = bare_table(columns)
    for kind, time in seconds.most_common(_MOST_OPERATORS):
        share = format_share(time / total) if total else "-"
        table.add_row(plain(short_name(kind)), plain(f"x{times[kind]}"), plain(format_seconds(time)), plain(share))
    show(out, table)
    out.print()
