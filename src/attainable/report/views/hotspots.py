"""Where the time goes: the labels that take most of it, against their roofline."""

from collections.abc import Sequence
from dataclasses import dataclass

from attainable.analysis.records import Analysis, DeviceRow
from attainable.analysis.run_records import RunRow
from attainable.names import short_name
from attainable.quantities import format_seconds, format_share
from attainable.report.messages import say
from attainable.report.views.labelled import Labelled, measured_by_label, roofline_by_label
from attainable.report.views.machine import device_title, machine_device, shown_device, shown_run

MOST_ROWS = 12
"""Rows that are shown; the others are summed."""

_WIDE_GAP = 0.1
"""Kernels that differ from the whole run by more than this share need a word."""


@dataclass(frozen=True, slots=True)
class Hotspot:
    """A row.

    Attributes:
        rank: its number in the chart; 0 for the sum of the others.
        label: what a person calls it.
        companions: kinds of ops that ran in the same kernels.
        times: how often it ran.
        seconds: measured, or of the roofline.
        share: of all seconds; None where those are zero.
        bound_by: compute, memory, or empty.
        roofline_seconds: None where unknown.
        of_roof: roofline / measured; None where either is unknown or zero.
        over: ``cache`` or ``algorithm`` where it beat its roofline, else empty.
    """

    rank: int
    label: str
    companions: tuple[str, ...]
    times: int
    seconds: float
    share: float | None
    bound_by: str
    roofline_seconds: float | None
    of_roof: float | None
    over: str


@dataclass(frozen=True, slots=True)
class Hotspots:
    """The table with its title and the sentences that say what its numbers are."""

    title: str
    measured: bool
    rows: tuple[Hotspot, ...]
    rest: Hotspot | None
    notes: tuple[str, ...]

    @property
    def longest_seconds(self) -> float:
        """Of a single row: the length of a full bar."""
        return max((row.seconds for row in self.rows), default=0.0)


def hotspots(analysis: Analysis, *, most_rows: int = MOST_ROWS) -> Hotspots:
    """Groups of the run by label; without a run, the kernels of the roofline, clearly named so."""
    run, device = shown_run(analysis), shown_device(analysis)
    if run:
        entries = measured_by_label(analysis, run)
        total = run.kernels_seconds or sum(entry.seconds for entry in entries)
    elif device:
        entries = roofline_by_label(analysis, device)
        total = sum(entry.seconds for entry in entries)
    else:
        return Hotspots(say("hotspots.title"), False, (), None, (say("hotspots.none"),))
    measured = run is not None
    rows = [_row(rank, entry, total, measured=measured) for rank, entry in enumerate(entries, start=1)]
    # a single row more is shown rather than called "everything else"
    most = most_rows if len(rows) > most_rows + 1 else len(rows)
    rest = _rest(entries[most:], total, measured=measured)
    shown = tuple(rows[:most])
    notes = _run_notes(analysis, run, total) if run else _paper_notes(device, total) if device else ()
    over = {row.over for row in (*shown, *([rest] if rest else []))}
    explained = [say(f"hotspots.{reason}") for reason in ("cache", "algorithm") if say(_OVER[reason]) in over]
    title = say("hotspots.title" if measured else "hotspots.paper_title")
    return Hotspots(title, measured, shown, rest, (*notes, *explained))


_OVER = {"cache": "hotspots.over_memory", "algorithm": "hotspots.over_compute"}


def _row(rank: int, entry: Labelled, total: float, *, measured: bool) -> Hotspot:
    of_roof = over = None
    if measured and entry.roofline_seconds is not None and entry.roofline_seconds > 0 and entry.seconds > 0:
        of_roof = entry.roofline_seconds / entry.seconds
        # up to what rounds to 100 %, nothing was beaten
        if of_roof >= 1.005 and entry.bound_by in ("compute", "memory"):
            over = say(f"hotspots.over_{entry.bound_by}")
    return Hotspot(
        rank=rank, label=entry.label, companions=entry.companions, times=entry.times, seconds=entry.seconds,
        share=entry.seconds / total if total > 0 else None, bound_by=entry.bound_by,
        roofline_seconds=entry.roofline_seconds, of_roof=of_roof, over=over or "",
    )  # fmt: skip


def _rest(entries: Sequence[Labelled], total: float, *, measured: bool) -> Hotspot | None:
    if not entries:
        return None
    known = [entry.roofline_seconds for entry in entries if entry.roofline_seconds is not None]
    return _row(
        0,
        Labelled(
            label=say("hotspots.rest"), companions=(), times=sum(entry.times for entry in entries),
            seconds=sum(entry.seconds for entry in entries),
            roofline_seconds=sum(known) if len(known) == len(entries) else None, bound_by="",
            operations=sum(entry.operations for entry in entries),
            bytes_moved=sum(entry.bytes_moved for entry in entries),
        ),
        total,
        measured=measured,
    )  # fmt: skip


def _run_notes(analysis: Analysis, run: RunRow, total: float) -> tuple[str, ...]:
    machine = machine_device(analysis)
    values = {"runtime": short_name(f"{run.runtime} {run.version}".strip()), "seconds": format_seconds(total)}
    notes = [say("hotspots.measured", values)]
    if total > 0 and abs(run.seconds - total) > _WIDE_GAP * run.seconds:
        notes.append(say("hotspots.gap", {"seconds": format_seconds(run.seconds)}))
    if machine:
        notes.append(say("hotspots.groups_only"))
    if run.attributed_share is not None and run.attributed_share < 0.995:
        notes.append(say("hotspots.attributed", {"share": format_share(run.attributed_share)}))
    return tuple(notes)


def _paper_notes(device: DeviceRow, total: float) -> tuple[str, ...]:
    values = {
        "device": device_title(device), "accounting": short_name(device.accounting),
        "seconds": format_seconds(total),
    }  # fmt: skip
    return (say("hotspots.paper", values),)
