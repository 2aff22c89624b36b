"""The screen of ``attainable devices choose``: devices in order, each with what binds it."""

import sys
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from attainable.analysis.choosing import Choice, LeftOut, RankedDevice
from attainable.cli.devices_messages import say, say_count
from attainable.cli.screen import INDENT, fact_grid, number_columns, open_console, plain, show, show_title
from attainable.names import short_name
from attainable.quantities import (
    format_bytes,
    format_bytes_per_second,
    format_joules,
    format_operations_per_second,
    format_seconds,
    format_share,
    format_watts,
)
from attainable.report.views.machine import short_dtype

_FORMATS = {
    "over_latency": format_seconds, "over_power": format_watts, "over_energy": format_joules,
    "over_memory": format_bytes,
}  # fmt: skip
_MOST_NAMES = 8
_LEAST_REASON = 45
"""Columns that a reason has beside the figures; on a narrower screen the reasons stand below, by rank."""


def print_choice(choice: Choice, console: Console | None = None, *, top: int = 10) -> None:
    """Print the best devices, each with its reason, and why others are left out.

    Args:
        choice: what to say.
        console: for the result; None for stdout.
        top: how many devices.
    """
    out = console or open_console(sys.stdout)
    out.print()
    note = say("choose.dtype", {"dtype": short_name(choice.dtype)})
    show_title(out, say("choose.title", {"model": short_name(choice.model)}), note, "")
    out.print()
    if choice.ranked:
        _print_ranked(out, choice, top)
    else:
        show(out, plain(say("choose.none" if choice.limits else "choose.nothing_known"), "bold"))
        out.print()
    _print_left_out(out, choice)
    for line in _about(choice, top):
        show(out, plain(line, "dim"))


def _print_ranked(out: Console, choice: Choice, top: int) -> None:
    shown = choice.ranked[:top]
    why = ["; ".join(_reasons(device, choice)) for device in shown]
    table = _table(choice, shown)
    beside = out.width - INDENT - out.measure(table).maximum >= _LEAST_REASON
    if beside:
        table = _table(choice, shown, why)
    show(out, table)
    if not beside:
        out.print()
        reasons = fact_grid(2)
        for rank, text in enumerate(why, 1):
            reasons.add_row(plain(str(rank), "dim"), plain(text))
        show(out, reasons)
    hidden, every = len(choice.ranked) - top, len(choice.ranked)
    if hidden > 0:
        show(out, plain(say_count("choose.rest", hidden, {"every": every}), "dim"))
    out.print()


def _table(choice: Choice, shown: Sequence[RankedDevice], why: Sequence[str] | None = None) -> Table:
    several = len(choice.goals) > 1
    with_energy, with_chip = "power" in choice.goals, "memory" in choice.goals
    table = Table(
        *number_columns(""), *([Column(no_wrap=True)] if several else []),
        Column(plain(say("choose.device").lower(), "dim"), no_wrap=why is not None, overflow="fold"),
        Column(plain(say("choose.type").lower(), "dim"), no_wrap=True), *number_columns(say("choose.latency")),
        *(number_columns(say("choose.energy")) if with_energy else []),
        *(number_columns(say("choose.on_chip")) if with_chip else []),
        *([Column(plain(say("choose.why").lower(), "dim"), overflow="fold")] if why is not None else []),
        box=None, pad_edge=False, padding=(0, 2, 0, 0),
    )  # fmt: skip
    for rank, device in enumerate(shown, 1):
        energy = [plain("-" if device.joules is None else format_joules(device.joules))] if with_energy else []
        share = device.on_chip_share
        on_chip = [plain("-" if share is None else format_share(share))] if with_chip else []
        reason = [plain(why[rank - 1])] if why is not None else []
        table.add_row(
            plain(str(rank), "dim"), *([plain(say("choose.front") if device.on_front else "")] if several else []),
            plain(short_name(device.name), "bold"), plain(short_dtype(device.dtype)),
            plain(_latency(device)), *energy, *on_chip, *reason,
        )  # fmt: skip
    return table


def _latency(device: RankedDevice) -> str:
    latency = format_seconds(device.seconds)
    return say("choose.at_least", {"latency": latency}) if device.without_roof else latency


def _reasons(device: RankedDevice, choice: Choice) -> Iterator[str]:
    if device.fits is False and device.capacity_bytes is not None:
        yield say("choose.does_not_fit", _sizes(device))
    if device.dtype != choice.dtype:
        asked, dtype = short_dtype(choice.dtype), short_dtype(device.dtype)
        yield say("choose.only", {"dtype": dtype}) if device.only_dtype else say("choose.instead", {"asked": asked})
    by = device.bound_by
    rates = {
        "compute": format_operations_per_second(device.peak.value),
        "memory": format_bytes_per_second(device.bytes_per_second.value),
    }
    share = format_share(device.shares.get(by, 0.0))
    yield say(f"choose.{by}", {"share": share, "rate": rates.get(by, "")})
    if "power" in choice.goals and device.joules is None:
        yield say("choose.power_not_stated")
    if "memory" in choice.goals and device.fits is not False:
        yield say("choose.fits", _sizes(device)) if device.capacity_bytes else say("choose.size_not_stated")


def _sizes(device: RankedDevice) -> dict[str, str | int]:
    capacity = device.capacity_bytes.value if device.capacity_bytes else 0
    return {"needed": format_bytes(device.bytes_needed), "capacity": format_bytes(capacity)}


def _print_left_out(out: Console, choice: Choice) -> None:
    reasons: dict[str, list[LeftOut]] = {}
    for device in choice.left_out:
        reasons.setdefault(device.why, []).append(device)
    if not reasons:
        return
    rows = fact_grid(2)
    for why, devices in reasons.items():
        title = say(f"why.{why}", {"dtype": short_dtype(choice.dtype)})
        rows.add_row(plain(title, "dim"), _named(devices))
    show(out, plain(say("choose.left_out"), "bold"))
    show(out, rows)
    out.print()


def _named(devices: list[LeftOut]) -> Text:
    devices = sorted(devices, key=lambda device: device.figure or 0.0)
    names = [
        f"{short_name(device.name)} ({_FORMATS[device.why](device.figure)})"
        if device.figure
        else short_name(device.name)
        for device in devices[:_MOST_NAMES]
    ]
    more = len(devices) - len(names)
    return plain(", ".join([*names, say("choose.more", {"count": more})] if more else names), "dim")


def _about(choice: Choice, top: int) -> Iterator[str]:
    """What the figures mean, and what they assume."""
    first, *others = (say(f"goal.{goal}") for goal in choice.goals)
    yield say("choose.goals", {"first": first, "accounting": choice.accounting})
    left_out = max((device.without_roof_share for device in choice.ranked[:top]), default=0.0)
    if left_out:
        yield say("choose.at_least_about", {"share": format_share(left_out)})
    if others:
        yield say("choose.front_about", {"goals": ", ".join([first, *others])})
    if "power" in choice.goals or "energy" in choice.limits:
        yield say("choose.power_about")
    if "memory" in choice.goals:
        yield say("choose.memory_about")
    if any(device.dtype != choice.dtype for device in choice.ranked[:top]):
        yield say("choose.recast")
