"""Sums over everything that has the same label: the rows of "Where it goes" and the points of the chart."""

from collections.abc import Iterable
from dataclasses import dataclass

from attainable.analysis.records import Analysis, DeviceRow, OpRow
from attainable.analysis.run_records import GroupRow, RunRow
from attainable.names import short_name

_MOST_COMPANIONS = 4


@dataclass(frozen=True, slots=True)
class Labelled:
    """Work of one label, summed.

    Attributes:
        label: clean and short.
        companions: kinds of the other ops that run in the same kernels.
        times: how many groups, or kernels of the roofline.
        seconds: measured, or the roofline where nothing was measured.
        roofline_seconds: None where a group has none.
        bound_by: the roof under which most of the roofline's seconds are; empty where unknown.
        operations: counted.
        bytes_moved: across the boundary of the groups.
    """

    label: str
    companions: tuple[str, ...]
    times: int
    seconds: float
    roofline_seconds: float | None
    bound_by: str
    operations: int
    bytes_moved: int


def measured_by_label(analysis: Analysis, run: RunRow) -> tuple[Labelled, ...]:
    """The groups of a run by label, the longest first."""
    rows = {op.id: op for op in analysis.ops}
    by_label: dict[str, list[GroupRow]] = {}
    for group in run.groups:
        by_label.setdefault(group.label, []).append(group)
    return _longest_first(_measured(label, groups, rows) for label, groups in by_label.items())


def roofline_by_label(analysis: Analysis, device: DeviceRow) -> tuple[Labelled, ...]:
    """The kernels of a device's roofline by the label of their first op, the longest first."""
    rows = {op.id: op for op in analysis.ops}
    members: dict[str, list[OpRow]] = {}
    for line in device.ops:
        if line.id in rows:
            members.setdefault(line.fused_into or line.id, []).append(rows[line.id])
    kernels: dict[str, list[tuple[float, str, list[OpRow]]]] = {}
    for line in device.ops:
        if line.fused_into is None and line.roofline_seconds > 0 and line.id in rows:
            kernel = (line.roofline_seconds, line.bound_by, members[line.id])
            kernels.setdefault(rows[line.id].label, []).append(kernel)
    return _longest_first(_paper(label, entries) for label, entries in kernels.items())


def _measured(label: str, groups: list[GroupRow], rows: dict[str, OpRow]) -> Labelled:
    known = [group.roofline_seconds for group in groups if group.roofline_seconds is not None]
    ops = [rows[id] for group in groups for id in group.ops if id in rows]
    return Labelled(
        label=short_name(label),
        companions=_companions(label, ops),
        times=len(groups),
        seconds=sum(group.seconds for group in groups),
        roofline_seconds=sum(known) if len(known) == len(groups) else None,
        bound_by=_binding((group.bound_by or "", group.roofline_seconds or 0.0) for group in groups),
        operations=sum(group.operations for group in groups),
        bytes_moved=sum(group.bytes_moved for group in groups),
    )


def _paper(label: str, kernels: list[tuple[float, str, list[OpRow]]]) -> Labelled:
    seconds = sum(time for time, _, _ in kernels)
    ops = [op for _, _, kernel in kernels for op in kernel]
    return Labelled(
        label=short_name(label), companions=_companions(label, ops), times=len(kernels), seconds=seconds,
        roofline_seconds=seconds, bound_by=_binding((roof, time) for time, roof, _ in kernels),
        operations=sum(op.operations for op in ops), bytes_moved=sum(op.bytes_read + op.bytes_written for op in ops),
    )  # fmt: skip


def _companions(label: str, ops: Iterable[OpRow]) -> tuple[str, ...]:
    kinds = dict.fromkeys(short_name(op.kind) for op in ops if op.label != label)
    shown = tuple(kinds)[:_MOST_COMPANIONS]
    return (*shown, "…") if len(kinds) > len(shown) else shown


def _binding(entries: Iterable[tuple[str, float]]) -> str:
    seconds: dict[str, float] = {}
    for roof, time in entries:
        if roof not in ("", "nothing"):
            seconds[roof] = seconds.get(roof, 0.0) + time
    return short_name(max(seconds, key=lambda roof: seconds[roof])) if seconds else ""


def _longest_first(rows: Iterable[Labelled]) -> tuple[Labelled, ...]:
    return tuple(sorted(rows, key=lambda row: (-row.seconds, row.label)))
