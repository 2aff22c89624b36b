"""The screen of ``attainable devices list``."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from attainable.analysis.device_list import DeviceList, DeviceSummary, FaultyProfile
from attainable.cli.devices_messages import say, say_count
from attainable.cli.screen import INDENT, open_console, plain, show
from attainable.devices import LOCAL, Sourced
from attainable.names import short_name, short_sentence
from attainable.quantities import format_bytes_per_second, format_count
from attainable.report.views.machine import short_cpu

_PEAKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("f32", ("float32",)), ("f16", ("float16", "bfloat16")), ("i8", ("int8", "uint8")),
)  # fmt: skip
"""Columns of peaks, and the element types of which each shows the best."""

_GROUPS = ("measured", "cpu", "soc", "gpu", "npu", "other")
_GAP = 2
_LEAST_TITLE = 16
"""Columns below which titles are left out; the names say much of the same."""
_MOST_FAULTY = 10


def print_device_list(listed: DeviceList, console: Console | None = None, *, calibrated: bool = True) -> None:
    """Print the devices in groups, this machine first, and the profiles that cannot be read.

    Args:
        listed: what to say.
        console: for the result; None for stdout.
        calibrated: False to say how to measure this machine.
    """
    out = console or open_console(sys.stdout)
    out.print()
    groups = {group: [each for each in listed.devices if _group(each) == group] for group in _GROUPS}
    if any(groups.values()):
        show(out, _table(groups, out.width - INDENT, calibrated=calibrated))
        out.print()
    else:
        show(out, plain(say("list.none")))
    if not calibrated:
        show(out, plain(say("list.not_calibrated", {"name": LOCAL})))
    for line in _own(listed.devices):
        show(out, plain(line))
    if listed.devices:
        show(out, plain(say("list.legend"), "dim"))
        show(out, plain(say("kinds"), "dim"))
    _print_faulty(out, listed.faulty)


def _table(groups: Mapping[str, Sequence[DeviceSummary]], width: int, *, calibrated: bool) -> Table:
    """The devices under the headings of their groups; without titles where there is no room for them."""
    numbers = [name for name, _ in _PEAKS] + [say("list.bandwidth"), say("list.ridge")]
    heads = [plain(text.lower(), "dim") for text in (say("list.device"), *numbers, say("list.kind"))]
    rows = {group: [_row(device) for device in devices] for group, devices in groups.items()}
    # rich would lay out the whole table to tell how wide it is
    lines = [heads, *(row for group in rows.values() for row in group)]
    spare = width - sum(max(cell.cell_len for cell in column) + _GAP for column in zip(*lines, strict=True))
    with_titles = spare >= _LEAST_TITLE
    name, *figures, kind = heads
    table = Table(
        Column(name, no_wrap=with_titles, overflow="fold"),
        *([Column(plain(""), no_wrap=True, max_width=spare)] if with_titles else []),
        *(Column(figure, justify="right", no_wrap=True) for figure in figures), Column(kind, no_wrap=True),
        box=None, pad_edge=False, padding=(0, _GAP, 0, 0),
    )  # fmt: skip
    for group, devices in groups.items():
        if devices or (group == "measured" and not calibrated):
            table.add_row(plain(say(f"list.{group}"), "bold"))
        if group == "measured" and not calibrated:
            table.add_row(plain(f"  {LOCAL}"))
        for device, (first, *others) in zip(devices, rows[group], strict=True):
            title = Text(short_name(short_cpu(device.title)), overflow="ellipsis", no_wrap=True)
            table.add_row(first, *([title] if with_titles else []), *others)
    return table


def _group(device: DeviceSummary) -> str:
    return "measured" if device.origin == "measured" else device.category or "other"


def _row(device: DeviceSummary) -> list[Text]:
    peaks = [_best(device, dtypes) for _, dtypes in _PEAKS]
    ridge = _ridge(device)
    rates = [plain(format_count(peak.value) if peak else "-") for peak in peaks]
    speed = device.bytes_per_second
    return [
        plain(f"  {short_name(device.name)}"), *rates,
        plain(format_bytes_per_second(speed.value) if speed else "-"),
        plain(format_count(ridge.value) if ridge else "-"), plain(_kinds([*peaks, speed]), "dim"),
    ]  # fmt: skip


def _best(device: DeviceSummary, dtypes: Iterable[str]) -> Sourced | None:
    found = [device.peaks[dtype] for dtype in dtypes if dtype in device.peaks]
    return max(found, key=lambda peak: peak.value, default=None)


def _ridge(device: DeviceSummary) -> Sourced | None:
    if "float32" in device.ridge_points:
        return device.ridge_points["float32"]
    return max(device.ridge_points.values(), key=lambda ridge: ridge.value, default=None)


def _kinds(numbers: Iterable[Sourced | None]) -> str:
    """A letter for each kind that is among the numbers."""
    present = {number.kind for number in numbers if number is not None}
    return "".join(say(f"kind.{kind}") for kind in ("measured", "specified", "assumed") if kind in present)


def _own(devices: Sequence[DeviceSummary]) -> Iterator[str]:
    """Where profiles lie that do not ship, and what they stand before."""
    for device in devices:
        if device.origin == "shipped" or (device.origin == "measured" and not device.hides):
            continue
        values = {"name": short_name(device.name), "path": short_sentence(device.path)}
        line = say(f"own.{device.origin}", values)
        hidden = [
            say("own.hidden_shipped") if profile.origin == "shipped" else short_sentence(profile.path)
            for profile in device.hides
        ]
        yield say("own.hides", {"line": line, "hidden": ", ".join(hidden)}) if hidden else line


def _print_faulty(out: Console, faulty: Sequence[FaultyProfile]) -> None:
    if not faulty:
        return
    out.print()
    show(out, plain(say("list.faulty"), "bold"))
    for profile in faulty[:_MOST_FAULTY]:
        first = next(iter(profile.faults), "")
        what = say("list.faults", {"what": profile.what, "fault": first}) if first else profile.what
        show(out, plain(f"  {short_sentence(profile.path)}: {short_sentence(what)}", "yellow"))
    if len(faulty) > _MOST_FAULTY:
        show(out, plain(say_count("list.more_faulty", len(faulty) - _MOST_FAULTY), "dim"))
