"""The part of ``attainable import`` that is about GPUs: how busy they were, and what the network achieved meanwhile."""

from collections.abc import Iterator

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
        for sentence in _waiting(gpu):
            show(out, plain(sentence, "yellow"))
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
        figures = (f"{format_count(row.operations)}op", format_operations_per_second(row.operations_per_second))
        roof = row.roof_operations_per_second
        _add_row(table, name, figures, format_operations_per_second(roof) if roof else "", _share(achieved, row.share))
    for moved in achieved.bytes:
        figures = (format_bytes(moved.bytes), format_bytes_per_second(moved.bytes_per_second))
        roof = moved.roof_bytes_per_second
        name = say(f"achieved.{moved.moved}")
        _add_row(table, name, figures, format_bytes_per_second(roof) if roof else "", _share(achieved, moved.share))
    show(out, table)
    for sentence in _basis(achieved):
        show(out, plain(sentence, "dim"))
    out.print()
    for sentence in _sentences(achieved):
        show(out, plain(sentence))
    out.print()


def _add_row(table: Table, name: str, figures: tuple[str, str], roof: str, share: str) -> None:
    table.add_row(*map(plain, (name, *figures, roof or say("untold"), share or say("untold"))))


def _share(achieved: Achieved, share: float | None) -> str:
    if share is None:
        return ""
    return say("achieved.floor", {"figure": format_share(share)}) if achieved.at_least else format_share(share)


def _basis(achieved: Achieved) -> Iterator[str]:
    device = say("achieved.device", {"device": short_name(achieved.device)}) if achieved.device else ""
    yield say("achieved.basis", {"statistic": achieved.statistic, "device": device})
    if not achieved.batch_told and achieved.batch is not None:
        yield say("achieved.batch", {"batch": achieved.batch})
    elif not achieved.batch_told:
        yield say("achieved.shapes")
    if achieved.at_least:
        yield say("achieved.at_least")


def _sentences(achieved: Achieved) -> Iterator[str]:
    highest = achieved.highest
    if achieved.gpus > 1:
        yield say("achieved.gpus", {"count": achieved.gpus})
        return
    if highest is None or highest.share is None:
        if not achieved.device:
            yield say("achieved.no_device")
        return
    shares = [row.share for row in achieved.bytes if row.share is not None]
    band = {"low": _share(achieved, min(shares)), "high": _share(achieved, max(shares))} if shares else {}
    values = {
        "share": _share(achieved, highest.share), "dtype": short_name(highest.dtype),
        "bytes": say("achieved.bandwidth", band) if band else "",
    }  # fmt: skip
    if achieved.busy_share is None:
        yield say("achieved.peak", {**values, "device": short_name(achieved.device)})
    else:
        yield say("achieved.busy", {**values, "busy": format_share(achieved.busy_share)})
    if highest.share > 1:
        yield say("achieved.narrower")
    if shares and max(shares) > 1:
        yield say("achieved.kept")


def _waiting(gpu: GpuActivity) -> Iterator[str]:
    """What a GPU waits for, where the trace tells."""
    if gpu.copy_bound:
        yield say("trace.copying", {"share": format_share(gpu.copy_seconds / gpu.gaps.seconds)})
    if gpu.launch_bound and gpu.median_kernel_seconds is not None:
        values = {
            "kernel": format_seconds(gpu.median_kernel_seconds), "gap": format_seconds(gpu.idle.median_seconds),
        }  # fmt: skip
        yield say("trace.launch", values)


def _add_span(facts: Table, trace: Trace, gpu: GpuActivity) -> None:
    counts = (("trace.kernels", gpu.kernels), ("trace.graphs", gpu.graphs))
    told = ", ".join(say_count(key, count) for key, count in counts if count)
    values = {"activities": told, "span": format_seconds(trace.span_seconds), "count": trace.runs or 0}
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
