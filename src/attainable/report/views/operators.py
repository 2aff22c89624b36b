"""The operator table: equal ops share a row, so that ten thousand ops stay readable."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from attainable.analysis.grouping import COUNTED
from attainable.analysis.records import Analysis, OpRow
from attainable.names import short_name
from attainable.quantities import format_bytes, format_count
from attainable.report.messages import say, say_count
from attainable.report.views.machine import device_title, shown_device, shown_run

MOST_ROWS = 500
"""Rows that are drawn; a sentence sums up the others."""

MOST_ROWS_INSIDE, MOST_DEPTH = 5, 4
"""Rows a body, and levels of bodies, that are drawn."""

_Repeated = tuple[OpRow, int]
"""An op in a body, and how often it runs."""


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """All ops of one kind, label and state.

    Attributes:
        label: what a person calls them, the branch of an If before it.
        state: counted, folded, or why the ops could not be counted; their zeros then mean nothing.
        roofline_seconds: on the device that is shown; None without one.
        roofline_elsewhere: whether all of these ops are in the roofline of other ops' kernels.
        measured_seconds: of the groups in which an op of this row works most; None where there is none.
        measured_elsewhere: whether ops of this row ran in the kernels of other rows.
        depth: 0 for ops of the graph, 1 for ops in the bodies of those, and so on.
        at_least: the figures are floors: a loop that does not say how often it runs, or ops in a body not counted.
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
    depth: int = 0
    at_least: bool = False

    @property
    def known(self) -> bool:
        """Whether the figures mean something, if only as floors."""
        return self.at_least or self.state in COUNTED

    @property
    def operational_intensity(self) -> float | None:
        """Operations per byte; None where no byte moves or not all are known."""
        exact = self.bytes_moved and self.known and not self.at_least
        return self.operations / self.bytes_moved if exact else None


@dataclass(frozen=True, slots=True)
class Operators:
    """The table, its sentences, and whether it has a column for the roofline and one for measured times."""

    rows: tuple[OperatorRow, ...]
    with_roofline: bool
    with_measured: bool
    notes: tuple[str, ...]


def operators(analysis: Analysis, *, most_rows: int = MOST_ROWS) -> Operators:
    """The rows that take the longest, or work most where nothing is known of time."""
    groups = _grouped(analysis)
    rows = tuple(row for row, _ in groups)
    device, run = shown_device(analysis), shown_run(analysis)
    notes = [_about(analysis)] if rows else [say("operators.none")]
    if run and run.groups:
        notes.append(say("operators.measured"))
    shown = [line for row, ops in groups[:most_rows] for line in (row, *rows_inside(ops))]
    if any(row.depth for row in shown):
        notes.append(say("operators.inside"))
    rest = rows[most_rows:]
    if rest:
        values = {
            "operations": format_count(sum(row.operations for row in rest)),
            "bytes": format_bytes(sum(row.bytes_moved for row in rest)),
        }
        notes.append(say_count("operators.rest", len(rest), values))
    return Operators(tuple(shown), device is not None, bool(run and run.groups), tuple(notes))


def operator_rows(analysis: Analysis) -> tuple[OperatorRow, ...]:
    """All rows of ops of the graph, the longest first."""
    return tuple(row for row, _ in _grouped(analysis))


def _grouped(analysis: Analysis) -> list[tuple[OperatorRow, list[OpRow]]]:
    device = shown_device(analysis)
    roofline = {line.id: line.roofline_seconds for line in device.ops} if device else None
    fused = {line.id for line in device.ops if line.fused_into is not None} if device else set[str]()
    seconds, elsewhere = _measured(analysis)
    grouped: dict[tuple[str, str, str], list[OpRow]] = {}
    for op in analysis.ops:
        grouped.setdefault((op.label, op.kind, op.state), []).append(op)
    rows = [
        (_row(ops, roofline=roofline, fused=fused, seconds=seconds, elsewhere=elsewhere), ops)
        for ops in grouped.values()
    ]
    return sorted(rows, key=lambda entry: _by_weight(entry[0]))


def _by_weight(row: OperatorRow) -> tuple[float, float, int]:
    return -(row.measured_seconds or 0), -(row.roofline_seconds or 0), -row.operations


def rows_inside(ops: Iterable[OpRow]) -> tuple[OperatorRow, ...]:
    """What runs in the bodies of equal ops: equal ops in a row, all repeats together, their own bodies behind them.

    A body that never runs has no rows. At most five rows a body and four levels of bodies are made.
    """
    return tuple(_inside([(op, 1) for op in ops], 1))


def _inside(outer: Sequence[_Repeated], depth: int) -> Iterator[OperatorRow]:
    grouped: dict[tuple[str, str, str, str], list[_Repeated]] = {}
    for op, times in outer:
        for body in op.bodies:
            branch = body.name if len(op.bodies) > 1 else ""
            for inner in body.ops if body.repeats else ():
                key = (branch, inner.label, inner.kind, inner.state)
                grouped.setdefault(key, []).append((inner, times * body.repeats))
    rows = [(_summed(ops, branch=branch, depth=depth), ops) for (branch, *_), ops in grouped.items()]
    rows.sort(key=lambda entry: (-entry[0].operations, -entry[0].bytes_moved))
    most = MOST_ROWS_INSIDE if len(rows) > MOST_ROWS_INSIDE + 1 else len(rows)
    for row, ops in rows[:most]:
        yield row
        if depth < MOST_DEPTH:
            yield from _inside(ops, depth + 1)
    if rest := [entry for _, ops in rows[most:] for entry in ops]:
        yield replace(
            _summed(rest, branch="", depth=depth), label=say("operators.inside_rest"), kind="", state="counted"
        )


def _summed(ops: Sequence[_Repeated], *, branch: str, depth: int) -> OperatorRow:
    first, label = ops[0][0], short_name(ops[0][0].label)
    return OperatorRow(
        label=say("operators.branch", {"body": short_name(branch), "label": label}) if branch else label,
        kind=short_name(first.kind), dtype=short_name(first.dtype), state=short_name(first.state),
        times=sum(times for _, times in ops), macs=sum(op.macs * times for op, times in ops),
        operations=sum(op.operations * times for op, times in ops), parameters=sum(op.parameters for op, _ in ops),
        bytes_moved=sum((op.bytes_read + op.bytes_written) * times for op, times in ops),
        roofline_seconds=None, roofline_elsewhere=False, measured_seconds=None, measured_elsewhere=False,
        depth=depth, at_least=any(op.bodies and _is_floor(op) for op, _ in ops),
    )  # fmt: skip


def _is_floor(op: OpRow) -> bool:
    """Whether something in the bodies of an op could not be counted, or runs nobody knows how often."""
    pending = [op]
    while pending:
        current = pending.pop()
        if current.bodies and current.state not in COUNTED:
            return True
        inner = [entry for body in current.bodies if body.repeats for entry in body.ops]
        if any(not entry.bodies and entry.state not in COUNTED for entry in inner):
            return True
        pending.extend(entry for entry in inner if entry.bodies)
    return False


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
        at_least=any(op.bodies and _is_floor(op) for op in ops),
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
