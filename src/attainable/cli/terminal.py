"""Results as text in a terminal. Names are ``Text``, never markup, and cleaned, so that a terminal obeys nothing."""

import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from attainable.analysis.records import Analysis, Fault
from attainable.quantities import (
    format_bytes,
    format_bytes_per_second,
    format_count,
    format_operations_per_second,
    format_seconds,
    format_share,
)
from attainable.report.messages import say, say_count
from attainable.report.names import clean, short_name, short_sentence
from attainable.report.views.advice import checked_line, most_saved_first, saving_line
from attainable.report.views.hotspots import Hotspot, hotspots
from attainable.report.views.indicators import Indicator
from attainable.report.views.machine import short_cpu
from attainable.report.views.operators import OperatorRow, operators
from attainable.report.views.subject import subject
from attainable.report.views.verdict import VerdictRow, interval, verdict
from attainable.report.views.work import work_on_paper

if TYPE_CHECKING:
    from attainable.devices.device import Device, Sourced
    from attainable.measurement.run import Run

WIDTH_OF_A_PIPE = 120
"""Columns where the output is no terminal, so that no table is cut."""

_MOST_ROWS = 8
_MOST_OPERATORS = 12
_INDENT, _GAP = 2, 5
_NARROW = 100
"""Columns below which a table leaves out what can be told from the others."""


def print_analysis(analysis: Analysis, console: Console | None = None, *, aside: Console | None = None) -> None:
    """Print the verdict: the answers, where the time goes, the indicators, the findings.

    Args:
        analysis: what to say.
        console: for the result; None for stdout.
        aside: for warnings and errors; None for stderr.
    """
    out, aside = console or _console(sys.stdout), aside or _console(sys.stderr)
    answer = verdict(analysis)
    out.print()
    _title(out, answer.subject.model, answer.subject.place, answer.subject.note)
    answers = _grid(3)
    for row in answer.rows:
        answers.add_row(*_answer(row))
    _print(out, answers)
    out.print()
    _print_hotspots(out, analysis)
    indicators = _grid(3)
    for indicator in answer.indicators:
        _add_indicator(indicators, indicator)
    _print(out, indicators)
    out.print()
    _print_advice(out, analysis)
    _print_asides(aside, analysis.warnings, analysis.errors)


def print_count(analysis: Analysis, console: Console | None = None, *, aside: Console | None = None) -> None:
    """Print the work on paper: totals, conventions, coverage, the operators that work most."""
    out, aside = console or _console(sys.stdout), aside or _console(sys.stderr)
    # whatever else is known of time, this is about the paper
    analysis = replace(analysis, devices=[], runs=[])
    head, work = subject(analysis), work_on_paper(analysis)
    out.print()
    _title(out, head.model, head.place, head.note)
    totals = Table.grid(Column(justify="right"), Column(), padding=(0, 2, 0, 0))
    for total in work.totals:
        totals.add_row(_text(total.value, "bold"), _text(total.meaning, "dim"))
    _print(out, totals)
    out.print()
    _print(out, _text(f"{work.conventions} {work.coverage}", "dim"))
    out.print()
    _print_operators(out, analysis)
    _print_asides(aside, analysis.warnings, analysis.errors)


def print_run(run: "Run", console: Console | None = None, *, aside: Console | None = None) -> None:
    """Print a run: its time, the interval, the memory, and the kernels by kind."""
    out, aside = console or _console(sys.stdout), aside or _console(sys.stderr)
    threads = say_count("subject.threads", run.threads)
    out.print()
    _title(
        out, say("verdict.measured"), short_name(f"{run.runtime} {run.version}"), f"{short_name(run.dtype)}, {threads}"
    )
    spread = interval(run.median_seconds, run.low_seconds, run.high_seconds)
    samples, fastest = say_count("verdict.samples", run.samples), format_seconds(run.minimum_seconds)
    notes = [spread, samples, say("terminal.fastest", {"fastest": fastest})]
    facts = _grid(2)
    facts.add_row(_text(format_seconds(run.median_seconds), "bold"), _text(", ".join(filter(None, notes))))
    facts.add_row(_text(format_seconds(run.load_seconds)), _text(say("terminal.load"), "dim"))
    if run.peak_rss_bytes:
        facts.add_row(_text(format_bytes(run.peak_rss_bytes)), _text(say("terminal.resident"), "dim"))
    for line in run.inputs:
        facts.add_row(_text(say("method.input"), "dim"), _text(short_sentence(line), "dim"))
    _print(out, facts)
    out.print()
    if run.kernels:
        _print_kernels(out, run)
    _print_asides(aside, run.warnings, ())


def print_device(device: "Device", console: Console | None = None) -> None:
    """Print a device: each roof with its source, and the conditions."""
    out = console or _console(sys.stdout)
    out.print()
    _title(out, short_name(short_cpu(device.title)), f"({short_name(device.name)})", "")
    titles = ("terminal.roof", "method.threads", "terminal.rate", "terminal.kind", "terminal.source")
    table = _table([Column(_text(say(key).capitalize(), "dim"), overflow="fold") for key in titles])
    for roof in device.roofs:
        rate = format_operations_per_second(roof.operations_per_second.value)
        _add_roof(table, f"{roof.dtype} {roof.engine}", roof.threads, rate, roof.operations_per_second)
    for memory in device.memories:
        name = say("terminal.memory", {"name": memory.name})
        for speed in memory.bandwidths:
            rate = format_bytes_per_second(speed.bytes_per_second.value)
            _add_roof(table, name, speed.threads, rate, speed.bytes_per_second)
    _print(out, table)
    out.print()
    conditions = _grid(2)
    for name, text in device.conditions:
        conditions.add_row(_text(short_name(name), "dim"), _text(short_sentence(text), "dim"))
    _print(out, conditions)


def print_progress(sentence: str) -> None:
    """Say on stderr that a long stage starts."""
    _console(sys.stderr).print(_text(f"{sentence} ...", "dim"))


def _console(stream: TextIO) -> Console:
    """A console that obeys NO_COLOR, COLUMNS and the terminal's width, and never cuts a table in a pipe."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        # a terminal without Unicode shows escapes instead of ending the program
        reconfigure(errors="backslashreplace")
    width = None if stream.isatty() or "COLUMNS" in os.environ else WIDTH_OF_A_PIPE
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def _text(text: str, style: str = "") -> Text:
    return Text(clean(text), style=style, overflow="fold")


def _print(out: Console, what: Table | Text) -> None:
    out.print(Padding(what, (0, 0, 0, _INDENT), expand=False))


def _grid(columns: int) -> Table:
    return Table.grid(*(Column(overflow="fold") for _ in range(columns)), padding=(0, 3, 0, 0))


def _table(columns: Iterable[Column]) -> Table:
    return Table(*columns, box=None, pad_edge=False, padding=(0, 3, 0, 0))


def _numbers(*titles: str) -> list[Column]:
    return [Column(_text(title.lower(), "dim"), justify="right", no_wrap=True) for title in titles]


def _title(out: Console, name: str, place: str, note: str) -> None:
    head, side = Text.assemble(_text(name, "bold"), " ", _text(place)), _text(note, "dim")
    fits = _INDENT + len(head) + _GAP + len(side) <= out.width
    _print(out, Text.assemble(head, " " * _GAP if fits else "\n", side) if note else head)


def _answer(row: VerdictRow) -> tuple[Text, ...]:
    value = _text(row.value, "bold" if row.kind else "dim")
    device = say("verdict.on_device", {"device": row.device}) if row.device else ""
    note = ", ".join(filter(None, (row.kind, row.note, device)))
    share = [_text(f"   {row.share}", "bold")] if row.share else []
    return _text(row.label), value, Text.assemble(_text(note, "" if row.kind else "dim"), *share)


def _print_hotspots(out: Console, analysis: Analysis) -> None:
    view = hotspots(analysis, most_rows=_MOST_ROWS)
    if view.rows:
        columns = [
            Column(_text(view.title, "bold"), overflow="fold"), *_numbers("", say("column.time"), say("column.share")),
            Column(_text(say("column.bound").lower(), "dim"), no_wrap=True),
            *(_numbers(say("column.of_roof")) if view.measured else []),
        ]  # fmt: skip
        table = _table(columns)
        for row in (*view.rows, *([view.rest] if view.rest else [])):
            table.add_row(*_hotspot(row, measured=view.measured))
        _print(out, table)
    for note in view.notes:
        _print(out, _text(note, "dim"))
    out.print()


def _hotspot(row: Hotspot, *, measured: bool) -> list[Text]:
    cells = [
        _text(row.label), _text(f"x{row.times}"), _text(format_seconds(row.seconds)),
        _text("-" if row.share is None else format_share(row.share)), _text(row.bound_by or "-"),
    ]  # fmt: skip
    if measured:
        of_roof = "-" if row.of_roof is None else format_share(row.of_roof)
        cells.append(_text(f"{row.over} {of_roof}".strip()))
    return cells


def _add_indicator(grid: Table, indicator: Indicator) -> None:
    for index, figure in enumerate(indicator.figures):
        note = ", ".join(filter(None, (figure.kind, figure.meaning)))
        name = indicator.name if index == 0 else ""
        grid.add_row(_text(name), _text(figure.value, "" if figure.kind else "dim"), _text(note, "dim"))


def _print_advice(out: Console, analysis: Analysis) -> None:
    rows = _grid(2)
    for finding in most_saved_first(analysis.findings):
        title = _text(f"{short_sentence(finding.title)}     ")
        rows.add_row(_text(short_name(finding.code), "bold"), title + _text(saving_line(finding), "bold"))
        rows.add_row("", _text(say("errors.help", {"help": short_sentence(finding.action)})))
    for checked in analysis.checked:
        rows.add_row(_text(short_name(checked.code), "dim"), _text(checked_line(checked), "dim"))
    _print(out, rows)


def _print_operators(out: Console, analysis: Analysis) -> None:
    view = operators(analysis, most_rows=_MOST_OPERATORS)
    if view.rows:
        narrow = out.width < _NARROW
        names = ["macs", "operations", "parameters", "bytes", "intensity"][narrow:]
        columns = [
            Column(_text(say("operators.title"), "bold"), overflow="fold"),
            *_numbers("", *(say(f"column.{name}") for name in names)),
        ]
        table = _table(columns)
        for row in view.rows:
            label, times, macs, *others = _operator(row)
            table.add_row(label, times, *([] if narrow else [macs]), *others)
        _print(out, table)
    for note in view.notes:
        _print(out, _text(note, "dim"))
    out.print()


def _operator(row: OperatorRow) -> list[Text]:
    known = row.state in ("counted", "folded")
    intensity = row.operational_intensity
    label = row.label if row.state == "counted" else f"{row.label} ({row.state})"
    numbers = [format_count(number) if known else "?" for number in (row.macs, row.operations, row.parameters)]
    moved = format_bytes(row.bytes_moved) if known else "?"
    return [_text(cell) for cell in (label, f"x{row.times}", *numbers, moved,
                                     "-" if intensity is None else format_count(intensity))]  # fmt: skip


def _print_kernels(out: Console, run: "Run") -> None:
    total, times, seconds = sum(kernel.seconds for kernel in run.kernels), Counter[str](), Counter[str]()
    for kernel in run.kernels:
        times[kernel.kind] += 1
        # Counter adds floats as well as integers, its stub only knows integers
        seconds[kernel.kind] += kernel.seconds  # pyright: ignore[reportArgumentType]
    columns = [
        Column(_text(say("terminal.kernels"), "bold"), overflow="fold"),
        *_numbers("", say("column.time"), say("column.share")),
    ]
    table = _table(columns)
    for kind, time in seconds.most_common(_MOST_OPERATORS):
        share = format_share(time / total) if total else "-"
        table.add_row(_text(short_name(kind)), _text(f"x{times[kind]}"), _text(format_seconds(time)), _text(share))
    _print(out, table)
    out.print()


def _add_roof(table: Table, name: str, threads: int | None, rate: str, sourced: "Sourced") -> None:
    cores = say("method.whole_device") if threads is None else str(threads)
    cells = (short_name(name), cores, rate, sourced.kind, short_sentence(sourced.source))
    table.add_row(*map(_text, cells))


def _print_asides(aside: Console, warnings: Iterable[str], errors: Iterable[Fault]) -> None:
    for warning in warnings:
        aside.print(_text(say("terminal.warning", {"text": short_sentence(warning)}), "yellow"))
    for fault in errors:
        where = f" ({short_sentence(fault.where)})" if fault.where else ""
        failed = say("errors.failed", {"stage": short_name(fault.stage), "what": short_sentence(fault.what)})
        aside.print(_text(say("terminal.error", {"text": f"{failed}{where}"}), "bold red"))
        if fault.help:
            aside.print(_text(f"  {say('errors.help', {'help': short_sentence(fault.help)})}"))
