"""The screen of ``attainable import``: what a log says, what it does not, and which ops its kernels are."""

import sys
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.table import Column, Table

from attainable.cli.import_messages import say, say_count
from attainable.cli.import_traced import print_achieved, print_trace
from attainable.cli.screen import bare_table, fact_grid, number_columns, open_console, plain, show, show_title
from attainable.importers.attribution import ROUTINES
from attainable.importers.join import Joined
from attainable.importers.log import Log, Source
from attainable.names import short_name, short_sentence
from attainable.quantities import format_seconds, format_share

_MOST_KERNELS = 12
_MOST_NETWORKS = 60
_HASH_DIGITS = 12


def print_log(log: Log, joined: Joined | None = None, *, console: Console | None = None) -> None:
    """Print one run.

    Args:
        log: what was read.
        joined: the same beside its model; None without one.
        console: where to; stdout without it.
    """
    out = console or open_console(sys.stdout)
    out.print()
    runtime = " ".join(filter(None, (log.runtime, log.version)))
    note = ", ".join(filter(None, _setting(log)))
    show_title(out, short_name(log.network) if log.network else say("imported"), short_name(runtime), note)
    facts = fact_grid(2)
    _add_times(facts, log)
    for key, seconds in (("load", log.load_seconds), ("first", log.first_run_seconds)):
        if seconds is not None:
            facts.add_row(plain(format_seconds(seconds)), plain(say(key), "dim"))
    if log.kernels_seconds is not None:
        told = say("kernels.total", {"statistic": say(f"statistic.{log.statistic}")})
        facts.add_row(plain(format_seconds(log.kernels_seconds)), plain(told, "dim"))
    for device in joined.analysis.devices if joined is not None else ():
        told = say("roofline", {"device": short_name(device.name)})
        facts.add_row(plain(format_seconds(device.roofline_seconds)), plain(told, "dim"))
    show(out, facts)
    out.print()
    if log.trace is not None:
        print_trace(out, log.trace, statistic=log.statistic)
    if joined is not None and joined.achieved is not None:
        print_achieved(out, joined.achieved)
    if log.kernels:
        _print_kernels(out, log, joined)
    if log.times.typical is not None and log.times.samples != 1 and log.times.missing:
        names = ", ".join(say(f"figure.{name}") for name in log.times.missing)
        show(out, plain(say("missing", {"names": names}), "dim"))
    for reason in joined.left_out if joined is not None else ():
        show(out, plain(say("not_joined", {"reason": reason}), "dim"))
    for text in log.notes:
        show(out, plain(say("note", {"text": short_sentence(text)}), "dim"))
    _print_sources(out, log.sources)


def print_networks(logs: Sequence[Log], *, console: Console | None = None) -> None:
    """Print the runs of a log that lists several networks."""
    out = console or open_console(sys.stdout)
    figures = ("median", "average", "minimum", "maximum")
    titles = [say("column.threads"), *(say(f"column.{name}") for name in figures)]
    table = bare_table([Column(plain(say("networks"), "bold"), overflow="fold"), *number_columns(*titles)])
    for log in logs[:_MOST_NETWORKS]:
        times = (log.times.median, log.times.average, log.times.minimum, log.times.maximum)
        cells = [say("untold") if time is None else format_seconds(time) for time in times]
        threads = say("untold") if log.threads is None else str(log.threads)
        table.add_row(*(plain(cell) for cell in (short_name(log.network), threads, *cells)))
    out.print()
    show_title(out, say("imported"), short_name(logs[0].runtime), say("lines", {"count": len(logs)}))
    out.print()
    show(out, table)
    if len(logs) > _MOST_NETWORKS:
        show(out, plain(say("rest", {"count": len(logs) - _MOST_NETWORKS}), "dim"))
    out.print()
    _print_sources(out, logs[0].sources)


def _setting(log: Log) -> Iterator[str]:
    yield short_name(log.precision)
    yield say(f"accelerator.{log.accelerator}") if log.accelerator else ""
    yield "" if log.threads is None else say_count("threads", log.threads)
    yield "" if log.batch in (None, 1) else say("batch", {"batch": log.batch or 1})


def _add_times(facts: Table, log: Log) -> None:
    times = log.times
    typical = times.typical
    if typical is None:
        facts.add_row(plain(say("time.none"), "dim"), "")
        return
    kind, seconds = typical
    notes = [
        say("basis.operators") if times.basis == "operators" else "",
        say("time.single" if times.samples == 1 else f"time.{kind}"),
        "" if times.samples == 1 else _range(times.minimum, times.maximum),
        _number_of_runs(times.samples),
        say("also.average", {"seconds": format_seconds(times.average)})
        if kind == "median" and times.average is not None and times.samples != 1
        else "",
    ]
    facts.add_row(plain(format_seconds(seconds), "bold"), plain(", ".join(filter(None, notes))))
    for percent, time in times.percentiles:
        facts.add_row("", plain(say("percentile", {"percent": f"{percent:g}", "seconds": format_seconds(time)}), "dim"))


def _number_of_runs(samples: int | None) -> str:
    if samples is None:
        return say("samples.untold")
    return "" if samples == 1 else say_count("samples", samples)


def _range(minimum: float | None, maximum: float | None) -> str:
    values = {
        "low": "" if minimum is None else format_seconds(minimum),
        "high": "" if maximum is None else format_seconds(maximum),
    }
    if minimum is not None and maximum is not None:
        return say("range", values)
    return say("range.minimum", values) if minimum is not None else say("range.maximum", values) if maximum else ""


def _print_kernels(out: Console, log: Log, joined: Joined | None) -> None:
    total = sum(kernel.seconds for kernel in log.kernels)
    share: Callable[[float], str] = lambda seconds: format_share(seconds / total) if total else say("untold")  # noqa: E731
    columns = [
        Column(plain(say("column.kernel"), "bold"), overflow="fold"),
        Column(plain(say("column.kind").lower(), "dim"), overflow="fold"),
        *number_columns(say("column.time"), say("column.share")),
    ]
    has_ops = joined is not None and log.runtime not in ROUTINES
    if has_ops:
        columns.append(Column(plain(say("column.op").lower(), "dim"), overflow="fold"))
    table = bare_table(columns)
    order = sorted(range(len(log.kernels)), key=lambda index: -log.kernels[index].seconds)
    for index in order[:_MOST_KERNELS]:
        kernel = log.kernels[index]
        cells = [
            short_name(kernel.name),
            short_name(kernel.kind),
            format_seconds(kernel.seconds),
            share(kernel.seconds),
        ]
        if joined is not None and has_ops:
            layout = joined.kernels[index].attribution == "layout"
            cells.append(short_name(joined.labels[index]) or say("layout" if layout else "no_op"))
        table.add_row(*map(plain, cells))
    if rest := order[_MOST_KERNELS:]:
        seconds = sum(log.kernels[index].seconds for index in rest)
        cells = [say("rest", {"count": len(rest)}), "", format_seconds(seconds), share(seconds)]
        table.add_row(*(plain(cell, "dim") for cell in cells))
    show(out, table)
    out.print()
    if log.runtime in ROUTINES:
        show(out, plain(say("routines" if joined is not None else "routines.no_model"), "dim"))
    elif joined is None:
        show(out, plain(say("not_mapped"), "dim"))
    elif joined.attributed_share is not None:
        values = {
            "share": format_share(joined.attributed_share),
            "rest": format_share(1 - joined.attributed_share),
            "model": short_name(joined.analysis.model.name),
        }
        show(out, plain(say("mapped", values)))


def _print_sources(out: Console, sources: Sequence[Source]) -> None:
    for source in sources:
        values = {
            "path": short_sentence(source.path),
            "tool": source.tool,
            "sha256": source.sha256[:_HASH_DIGITS],
        }
        show(out, plain(say("source", values), "dim"))
    out.print()
