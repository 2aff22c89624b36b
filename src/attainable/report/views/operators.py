"""The operator table: equal ops share a row, so that ten thousand ops stay readable."""

from collections.abc import Sequence
from dataclasses import dataclass

from attainable.analysis.records import Analysis, OpRow
from attainable.names import short_name
from attainable.quantities import format_bytes, format_count
from attainable.report.messages import say, say_count
from attainable.report.views.machine import device_title, shown_device, shown_run

MOST_ROWS = 500
"""Rows that are drawn; a sentence sums up the others."""


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """All ops of one kind, label and state.

    Attributes:
        state: counted, folded, or why the ops could not be counted; their zeros then mean nothing.
        roofline_seconds: on the device that is shown; None without one.
        roofline_elsewhere: whether all of these ops are in the roofline of other ops' kernels.
        measured_seconds: of the groups in which an op of this row works most; None where there is none.
        measured_elsewhere: whether ops of this row ran in the kernels of other rows.
    """

    label: str
    kind: str
    dtype: str
    state: str
    times: int
    macs: int
    operations: int
    parameters: int
    bytes_moved: int
    roofline_seconds: float | None
    roofline_elsewhere: bool
    measured_seconds: float | None
    measured_elsewhere: bool

    @property
    def operational_intensity(self) -> float | None:
        """Operations per byte; None where no byte moves."""
        return self.operations / self.bytes_moved if self.bytes_moved else None


@dataclass(frozen=True, slots=True)
class Operators:
    """The table, its sentences, and whether it has a column for the roofline and one for measured times."""

    rows: tuple[OperatorRow, ...]
    with_roofline: bool
    with_measured: bool
    notes: tuple[str, ...]


def operators(analysis: Analysis, *, most_rows: int = MOST_ROWS) -> Operators:
    """The rows that take the longest, or work most where nothing is known of time."""
    rows = operator_rows(analysis)
    device, run = shown_device(analysis), shown_run(analysis)
    notes = [_about(analysis)] if rows else [say("operators.none")]
    if run and run.groups:
        notes.append(say("operators.measured"))
    rest = rows[most_rows:]
    if rest:
        values = {
            "operations": format_count(sum(row.operations for row in rest)),
            "bytes": format_bytes(sum(row.bytes_moved for row in rest)),
        }
        notes.append(say_count("operators.rest", len(rest), values))
    return Operators(rows[:most_rows], device is not None, bool(run and run.groups), tuple(notes))


def operator_rows(analysis: Analysis) -> tuple[OperatorRow, ...]:
    """All rows, the longest first."""
    device = shown_device(analysis)
    roofline = {line.id: line.roofline_seconds for line in device.ops} if device else None
    fused = {line.id for line in device.ops if line.fused_into is not None} if device else set[str]()
    seconds, elsewhere = _measured(analysis)
    grouped: dict[tuple[str, str, str], list[OpRow]] = {}
    for op in analysis.ops:
        grouped.setdefault((op.label, op.kind, op.state), []).append(op)
    rows = [_row(ops, roofline=roofline, fused=fused, seconds=seconds, elsewhere=elsewhere) for ops in grouped.values()]
    return tuple(
        sorted(rows, key=lambda row: (-(row.measured_seconds or 0), -(row.roofline_seconds or 0), -row.operations))
    )


def _row(
    ops: Sequence[OpRow], *, roofline: dict[str, float] | None, fused: set[str], seconds: dict[str, float],
    elsewhere: set[str],
) -> OperatorRow:  # fmt: skip
    first = ops[0]
    times = [seconds[op.id] for op in ops if op.id in seconds]
    return OperatorRow(
        label=short_name(first.label), kind=short_name(first.kind), dtype=short_name(first.dtype),
        state=short_name(first.state), times=len(ops),
        macs=sum(op.macs for op in ops), operations=sum(op.operations for op in ops),
        parameters=sum(op.parameters for op in ops), bytes_moved=sum(op.bytes_read + op.bytes_written for op in ops),
        roofline_seconds=sum(roofline.get(op.id, 0.0) for op in ops) if roofline is not None else None,
        roofline_elsewhere=all(op.id in fused for op in ops),
        measured_seconds=sum(times) if times else None, measured_elsewhere=any(op.id in elsewhere for op in ops),
    )  # fmt: skip


def _measured(analysis: Analysis) -> tuple[dict[str, float], set[str]]:
    """The seconds of each group at the op that works most in it, and the ids of the ops that ran with that one."""
    run, rows = shown_run(analysis), {op.id: op for op in analysis.ops}
    seconds: dict[str, float] = {}
    elsewhere: set[str] = set()
    for group in run.groups if run else ():
        ops = [rows[id] for id in group.ops if id in rows]
        if not ops:
            continue
        # the same rule that names the group
        leader = min(ops, key=lambda op: (-op.operations, -(op.bytes_read + op.bytes_written)))
        seconds[leader.id] = seconds.get(leader.id, 0.0) + group.seconds
        elsewhere.update(op.id for op in ops if op.id != leader.id)
    return seconds, elsewhere


def _about(analysis: Analysis) -> str:
    device = shown_device(analysis)
    if device is None:
        return say("operators.about_paper")
    values = {"device": device_title(device), "accounting": short_name(device.accounting)}
    return say("operators.about", values)
