"""The part of ``attainable import`` that is about GPUs: how busy they were, and what the network achieved meanwhile."""

from rich.console import Console
from rich.table import Column, Table

from attainable.cli.import_messages import say, say_count
from attainable.cli.screen import bare_table, fact_grid, number_columns, plain, show
from attainable.importers.achieved import Achieved
from attainable.importers.log import Statistic
from attainable.importers.trace import GpuActivity, Trace
from attainable.names import short_name
from attainable.quantities import (
    format_bytes,
    format_bytes_per_second,
    format_count,
    format_operations_per_second,
    format_seconds,
    format_share,
)

_MOST_GPUS = 8
_MOST_STREAMS = 4


def print_trace(out: Console, trace: Trace, *, statistic: Statistic) -> None:
    """Print how busy each GPU was, and what that means.

    Args:
        out: where to.
        trace: what was read.
        statistic: what the times of its kernels are.
    """
    for gpu in trace.gpus[:_MOST_GPUS]:
        show(out, plain(" ".join(filter(None, (say("trace.gpu", {"number": gpu.gpu}), short_name(gpu.name)))), "bold"))
        facts = fact_grid(2)
        _add_span(facts, trace, gpu)
        _add_shares(facts, trace, gpu)
        _add_gaps(facts, gpu)
        show(out, facts)
        if gpu.launch_bound:
            values = {
                "kernel": format_seconds(gpu.median_kernel_seconds), "gap": format_seconds(gpu.gaps.median_seconds),
            }  # fmt: skip
            show(out, plain(say("trace.launch", values), "yellow"))
        out.print()
    if statistic == "whole log":
        show(out, plain(say("trace.runs"), "dim"))
        out.print()


def print_achieved(out: Console, achieved: Achieved) -> None:
    """Print operations and bytes per second beside the roofs, and the sentence that joins them with the busy share."""
    columns = number_columns(*(say(f"achieved.{key}") for key in ("counted", "rate", "roof", "share")))
    table = bare_table([Column(plain(say("achieved"), "bold"), overflow="fold"), *columns])
    for row in achieved.operations:
        name = say("achieved.operations", {"engine": row.engine, "dtype": short_name(row.dtype)})
        counted, rate = f"{format_count(row.operations)}op", format_operations_per_second(row.operations_per_second)
        roof = row.roof_operations_per_second
        _add_row(table, name, counted, rate, format_operations_per_second(roof) if roof else "", row.share)
    for moved in achieved.bytes:
        counted, rate = format_bytes(moved.bytes), format_bytes_per_second(moved.bytes_per_second)
        roof = moved.roof_bytes_per_second
        name = say(f"achieved.{moved.moved}")
        _add_row(table, name, counted, rate, format_bytes_per_second(roof) if roof else "", moved.share)
    show(out, table)
    device = say("achieved.device", {"device": short_name(achieved.device)}) if achieved.device else ""
    show(out, plain(say("achieved.basis", {"statistic": achieved.statistic, "device": device}), "dim"))
    out.print()
    for sentence in _sentences(achieved):
        show(out, plain(sentence))
    out.print()


def _add_row(table: Table, name: str, counted: str, rate: str, roof: str, share: float | None) -> None:
    cells = (name, counted, rate, roof or say("untold"), say("untold") if share is None else format_share(share))
    table.add_row(*map(plain, cells))


def _sentences(achieved: Achieved) -> list[str]:
    if achieved.gpus > 1:
        return [say("achieved.gpus", {"count": achieved.gpus})]
    highest = achieved.highest
    if highest is None or highest.share is None:
        return [] if achieved.device else [say("achieved.no_device")]
    shares = [row.share for row in achieved.bytes if row.share is not None]
    values = {
        "share": format_share(highest.share), "dtype": short_name(highest.dtype),
        "bytes": say("achieved.bandwidth", {"low": format_share(min(shares)), "high": format_share(max(shares))})
        if shares
        else "",
    }  # fmt: skip
    if achieved.busy_share is None:
        told = say("achieved.peak", {**values, "device": short_name(achieved.device)})
    else:
        told = say("achieved.busy", {**values, "busy": format_share(achieved.busy_share)})
    return [told, say("achieved.narrower")] if highest.share > 1 else [told]


def _add_span(facts: Table, trace: Trace, gpu: GpuActivity) -> None:
    values = {"kernels": gpu.kernels, "span": format_seconds(trace.span_seconds), "count": trace.runs or 0}
    key = "trace.span" if trace.runs is None else "trace.span.marked" if trace.marked else "trace.span.told"
    facts.add_row("", plain(say(key, values), "dim"))


def _add_shares(facts: Table, trace: Trace, gpu: GpuActivity) -> None:
    facts.add_row(plain(format_share(gpu.busy_share), "bold"), plain(say("trace.busy")))
    if len(gpu.streams) > 1:
        for stream in gpu.streams[:_MOST_STREAMS]:
            told = say("trace.stream", {"stream": short_name(stream.stream)})
            facts.add_row(plain(format_share(stream.busy_share)), plain(told, "dim"))
        if (rest := len(gpu.streams) - _MOST_STREAMS) > 0:
            facts.add_row("", plain(say("rest", {"count": rest}), "dim"))
    if gpu.copy_seconds:
        facts.add_row(plain(format_share(gpu.copy_seconds / trace.span_seconds)), plain(say("trace.copies"), "dim"))
    if gpu.occupancy is not None:
        facts.add_row(plain(format_share(gpu.occupancy)), plain(say("trace.occupancy"), "dim"))


def _add_gaps(facts: Table, gpu: GpuActivity) -> None:
    if not gpu.gaps.count:
        return
    values = {
        "longest": format_seconds(gpu.gaps.longest_seconds), "median": format_seconds(gpu.gaps.median_seconds),
    }  # fmt: skip
    told = say_count("trace.gaps", gpu.gaps.count, values)
    facts.add_row(plain(format_seconds(gpu.gaps.seconds)), plain(told, "dim"))
