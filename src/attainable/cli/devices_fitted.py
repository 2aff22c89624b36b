"""The screen of ``attainable devices fit``: the fitted figures with their intervals, and the errors of the fit."""

import sys
from collections.abc import Callable, Sequence
from math import exp

from rich.console import Console
from rich.table import Column

from attainable.calibration.fit.result import COVERED, Fit, FitReport, PredictedModel
from attainable.cli.devices_fit_messages import say
from attainable.cli.screen import bare_table, fact_grid, number_columns, open_console, plain, show, show_title
from attainable.devices.device import Device
from attainable.devices.figures import Sourced
from attainable.devices.traits import OP_CLASSES
from attainable.names import short_name
from attainable.prediction.calibrated import algorithm_of
from attainable.quantities import format_bytes_per_second, format_operations_per_second, format_seconds, format_share


def print_fit(report: FitReport, *, base: Device, console: Console | None = None) -> None:
    """Print a fit.

    Args:
        report: the fitted device, its errors, and the models that were asked for.
        base: what it was fitted on top of.
        console: where to; stdout without it.
    """
    out, fit = console or open_console(sys.stdout), report.fit
    out.print()
    note = say("note", {"models": len(fit.left_out), "base": short_name(base.name)})
    show_title(out, short_name(fit.device.title), f"({short_name(fit.device.name)})", note)
    out.print()
    _print_efficiencies(out, fit)
    show(out, plain(say("legend"), "dim"))
    out.print()
    facts = fact_grid(2)
    for key, number in (("launch", fit.device.launch_seconds), ("run", fit.device.run_seconds)):
        if number is not None:
            told = say("assumed") if number.kind == "assumed" else ""
            facts.add_row(plain(say(key)), plain(_interval(number, format_seconds) + told))
    facts.add_row(plain(say("convolutions")), plain(say(f"algorithm.{algorithm_of(fit.device)}")))
    median, factor = f"{100 * fit.median_error:.0f}", f"{exp(COVERED * fit.spread):.2f}"
    facts.add_row(plain(say("error"), "bold"), plain(say("error.value", {"median": median, "factor": factor}), "bold"))
    show(out, facts)
    out.print()
    _print_left_out(out, fit)
    if report.predictions:
        out.print()
        _print_predictions(out, report.predictions)


def _print_efficiencies(out: Console, fit: Fit) -> None:
    device = fit.device
    roof, bandwidth = device.roof("matrix", fit.dtype, fit.threads), device.bytes_per_second(fit.threads)
    titles = ("column.share", "column.rate", "column.moving", "column.moved")
    columns = number_columns(*map(say, titles))
    table = bare_table([Column(plain(say("column.class").lower(), "dim")), *columns])
    shares = {(row.op_class, row.limit): row.share for row in device.efficiencies}
    rows = [(name, shares[name, "compute"], shares[name, "memory"]) for name in OP_CLASSES]
    for name, compute, memory in ((say("common"), fit.compute_share, fit.memory_share), *rows):
        if "measured" not in (compute.kind, memory.kind):
            continue
        rate = format_operations_per_second(roof.operations_per_second.value * compute.value) if roof else ""
        moved = format_bytes_per_second(bandwidth.value * memory.value) if bandwidth else ""
        # a figure that is not told for this kind would look like one that is
        computing = (_interval(compute, format_share), rate) if compute.kind == "measured" else (say("untold"), "")
        moving = (_interval(memory, format_share), moved) if memory.kind == "measured" else (say("untold"), "")
        table.add_row(plain(name), *map(plain, (*computing, *moving)))
    others = [name for name, compute, memory in rows if {compute.kind, memory.kind} == {"assumed"}]
    show(out, table)
    if others:
        show(out, plain(say("others", {"kinds": ", ".join(others)}), "dim"))


def _print_left_out(out: Console, fit: Fit) -> None:
    titles = ("column.measured", "column.predicted", "column.error")
    table = bare_table([Column(plain(say("column.model").lower(), "dim")), *number_columns(*map(say, titles))])
    for row in fit.left_out:
        table.add_row(
            plain(short_name(row.model)),
            plain(format_seconds(row.seconds)),
            plain(format_seconds(row.predicted_seconds)),
            plain(f"{100 * row.error:+.0f} %"),
        )
    show(out, table)


def _print_predictions(out: Console, predictions: Sequence[PredictedModel]) -> None:
    titles = ("column.predicted", "column.interval")
    table = bare_table([Column(plain(say("column.unseen").lower(), "dim")), *number_columns(*map(say, titles))])
    for row in predictions:
        low, high = format_seconds(row.prediction.low), format_seconds(row.prediction.high)
        ends = say("ends", {"low": low, "high": high})
        table.add_row(plain(short_name(row.model)), plain(format_seconds(row.prediction.seconds), "bold"), plain(ends))
    show(out, table)


def _interval(number: Sourced, written: Callable[[float], str]) -> str:
    if number.low is None or number.high is None:
        return written(number.value)
    return say("interval", {"value": written(number.value), "low": written(number.low), "high": written(number.high)})
