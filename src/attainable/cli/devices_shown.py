"""The screen of ``attainable devices show``: every number of a device, with its kind and its source."""

import sys
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Column
from rich.text import Text

from attainable.analysis.device_sheet import BandwidthPair, DeviceSheet, RoofPair, device_sheet
from attainable.cli.devices_messages import say
from attainable.cli.screen import bare_table, fact_grid, number_columns, open_console, plain, show, show_title
from attainable.devices import Alignment, Ceiling, Device, Memory, Sourced
from attainable.names import short_name, short_sentence
from attainable.quantities import (
    format_bytes,
    format_bytes_per_second,
    format_count,
    format_operations_per_second,
    format_seconds,
    format_share,
    format_watts,
)
from attainable.report.views.machine import short_cpu, short_dtype


def print_device(device: Device, console: Console | None = None) -> None:
    """Print a device: each number with its kind and source, and the conditions."""
    print_sheet(device_sheet(device), console)


def print_sheet(sheet: DeviceSheet, console: Console | None = None) -> None:
    """Print everything that is known of a device; sources stand below, by number."""
    out, sources, device = console or open_console(sys.stdout), _Sources(), sheet.device
    out.print()
    show_title(out, short_name(short_cpu(device.title)), f"({short_name(device.name)})", "")
    _print_facts(out, sheet, sources)
    _print_roofs(out, sheet, sources)
    _print_memories(out, sheet, sources)
    _print_practice(out, sheet, sources)
    _print_traits(out, device, sources)
    if device.conditions:
        conditions = fact_grid(2)
        for name, text in device.conditions:
            conditions.add_row(plain(short_name(name), "dim"), plain(short_sentence(text), "dim"))
        show(out, plain(say("show.conditions"), "bold"))
        show(out, conditions)
        out.print()
    sources.show(out)


_NONE = "-"


class _Sources:
    """Numbers the sources in the order in which they are cited."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def cite(self, number: Sourced, text: str) -> Text:
        """A number as text, with how far it may be off, its kind, and the number of its source."""
        index = self._numbers.setdefault(number.source, len(self._numbers) + 1)
        return plain(text + _interval(number)) + plain(f" {say(f'kind.{number.kind}')} [{index}]", "dim")

    def show(self, out: Console) -> None:
        """Print the sources that were cited."""
        if not self._numbers:
            return
        rows = fact_grid(2)
        for source, index in self._numbers.items():
            rows.add_row(plain(f"[{index}]", "dim"), plain(short_sentence(source), "dim"))
        show(out, plain(say("show.sources"), "bold"))
        show(out, rows)
        out.print()
        show(out, plain(say("show.legend", {"kinds": say("kinds")}), "dim"))


def _interval(number: Sourced) -> str:
    """How far the number may be off; both ways at once where that is alike."""
    ends = (number.low, number.high)
    below, above = ("" if end is None else format_share(abs(end / number.value - 1)) for end in ends)
    if below == above:
        return f" ± {below}" if below else ""
    return "".join([f" -{below}" if below else "", f" +{above}" if above else ""])


def _print_facts(out: Console, sheet: DeviceSheet, sources: _Sources) -> None:
    device, facts = sheet.device, fact_grid(2)
    texts = {
        "show.vendor": device.vendor,
        "show.category": (device.category or "").upper(),
        "show.cores": "" if device.cores is None else str(device.cores),
        "show.interfaces": ", ".join(map(short_name, device.interfaces)),
        "show.toolchains": ", ".join(map(short_name, device.toolchains)),
    }
    for key, text in texts.items():
        if text:
            facts.add_row(plain(say(key), "dim"), plain(short_sentence(text)))
    numbers = (
        ("show.power", device.power_watts, format_watts), ("show.launch", device.launch_seconds, format_seconds),
        ("show.run", device.run_seconds, format_seconds),
    )  # fmt: skip
    for key, number, format in numbers:
        if number is not None:
            facts.add_row(plain(say(key), "dim"), sources.cite(number, format(number.value)))
    if sheet.origin not in ("", "shipped"):
        values = {"path": short_sentence(sheet.path), "origin": sheet.origin}
        facts.add_row(plain(say("show.profile"), "dim"), plain(say("show.profile_of", values)))
    if facts.row_count:
        show(out, facts)
    out.print()


def _print_roofs(out: Console, sheet: DeviceSheet, sources: _Sources) -> None:
    rows = [
        [plain(short_name(f"{short_dtype(roof.dtype)} {roof.engine}")),
         *_pair(roof, sources, format_operations_per_second)]
        for roof in sheet.roofs
    ]  # fmt: skip
    _show_rows(out, say("show.roofs"), _pair_titles(), rows)
    titles = (say("show.stated"), say("show.measured"))
    ridges = [
        [plain(short_name(f"{short_dtype(ridge.dtype)} {ridge.engine}")),
         *(plain(_ridge(each)) for each in (ridge.stated, ridge.measured))]
        for ridge in sheet.ridge_points
    ]  # fmt: skip
    _show_rows(out, say("show.ridge"), titles, ridges)


def _ridge(operations_per_byte: float | None) -> str:
    return (
        _NONE if operations_per_byte is None else say("show.ridge_unit", {"ridge": format_count(operations_per_byte)})
    )


def _print_memories(out: Console, sheet: DeviceSheet, sources: _Sources) -> None:
    rows: list[list[Text]] = []
    for memory in sheet.device.memories:
        name = short_name(memory.name)
        for number, key, text in _sizes(memory):
            cited = sources.cite(number, text)
            is_measured = number.kind == "measured"
            numbers = (plain(""), cited) if is_measured else (cited, plain(""))
            rows.append([plain(f"{name} {say(key)}"), plain(""), *numbers, plain("")])
        for pair in sheet.bandwidths:
            if pair.memory == memory.name:
                access = pair.access.replace("_nt", " nt")
                rows.append([plain(f"{name} {access}"), *_pair(pair, sources, format_bytes_per_second)])
    _show_rows(out, say("show.memory"), _pair_titles(), rows)


def _sizes(memory: Memory) -> list[tuple[Sourced, str, str]]:
    rows: list[tuple[Sourced, str, str]] = []
    if memory.capacity_bytes is not None:
        key = "show.on_chip" if memory.on_chip else "show.capacity"
        rows.append((memory.capacity_bytes, key, format_bytes(memory.capacity_bytes.value)))
    if memory.latency_seconds is not None:
        rows.append((memory.latency_seconds, "show.latency", format_seconds(memory.latency_seconds.value)))
    return rows


def _pair_titles() -> Sequence[str]:
    return say("show.threads"), say("show.stated"), say("show.measured"), say("show.ratio")


def _show_rows(out: Console, title: str, numbers: Sequence[str], rows: Sequence[Sequence[Text]]) -> None:
    """Print a table without the columns in which nothing stands; nothing where there are no rows."""
    if not rows:
        return
    columns = [Column(plain(title, "dim"), overflow="fold"), *number_columns(*numbers)]
    kept = [at for at in range(len(columns)) if at == 0 or any(row[at].plain not in ("", _NONE) for row in rows)]
    table = bare_table([columns[at] for at in kept])
    for row in rows:
        table.add_row(*(row[at] for at in kept))
    show(out, table)
    out.print()


def _pair(pair: RoofPair | BandwidthPair, sources: _Sources, format: Callable[[float], str]) -> list[Text]:
    ratio = "" if pair.ratio is None else format_share(pair.ratio)
    numbers = (pair.stated, pair.measured)
    cited = [sources.cite(number, format(number.value)) if number else plain(_NONE) for number in numbers]
    return [plain(_threads(pair.threads)), *cited, plain(ratio)]


def _print_practice(out: Console, sheet: DeviceSheet, sources: _Sources) -> None:
    titles = (say("show.threads"), say("show.rate"), say("show.of_roof"))
    rows: list[list[Text]] = []
    for entry in sheet.ceilings:
        rate, share = entry.ceiling.operations_per_second, entry.share_of_roof
        cited = sources.cite(rate, format_operations_per_second(rate.value))
        of_roof = plain(_NONE if share is None else format_share(share))
        rows.append([plain(_ceiling(entry.ceiling)), plain(_threads(entry.ceiling.threads)), cited, of_roof])
    _show_rows(out, say("show.ceilings"), titles, rows)


def _ceiling(ceiling: Ceiling) -> str:
    types = dict.fromkeys((short_dtype(ceiling.dtype), short_dtype(ceiling.weight_dtype)))
    return short_name(
        say("show.ceiling", {"practice": ceiling.practice, "types": " x ".join(types), "runtime": ceiling.runtime})
    )


def _print_traits(out: Console, device: Device, sources: _Sources) -> None:
    shares = [
        [plain(entry.op_class), plain(entry.limit), sources.cite(entry.share, format_share(entry.share.value))]
        for entry in device.efficiencies
    ]
    _show_rows(out, say("show.efficiencies"), (say("show.limit"), say("show.share")), shares)
    multiples = [
        [plain(entry.axis.replace("_", " ")), plain(short_name(_dtype(entry))),
         sources.cite(entry.multiple, format_count(entry.multiple.value))]
        for entry in device.alignments
    ]  # fmt: skip
    _show_rows(out, say("show.alignments"), ("", say("show.multiple")), multiples)


def _dtype(alignment: Alignment) -> str:
    return say("show.any_type") if alignment.dtype is None else short_dtype(alignment.dtype)


def _threads(threads: int | None) -> str:
    return say("show.all_threads") if threads is None else str(threads)
