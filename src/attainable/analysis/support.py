"""Holds a network against the support tables of targets."""

from collections.abc import Iterable, Sequence

from attainable.analysis.labels import op_label
from attainable.analysis.op_patterns import op_patterns
from attainable.analysis.segments import segments
from attainable.analysis.support_messages import say
from attainable.analysis.support_records import SourceRow, SupportCheck, SupportRow, TargetSupport
from attainable.analysis.support_verdict import SEVERITY, SupportTable, Verdict, pattern_verdict, reason_of
from attainable.cost.count import Count, OpCount
from attainable.devices.targets.target import Source, Target
from attainable.workload.graph import Op


def check(count: Count, targets: Iterable[Target]) -> SupportCheck:
    """Hold a counted network against targets; the warnings are what its reader assumed."""
    workload = count.workload
    return SupportCheck(
        model=workload.name,
        path=workload.provenance.path,
        targets=[target_support(count, target) for target in targets],
        warnings=list(workload.notes),
    )


def target_support(count: Count, target: Target) -> TargetSupport:
    """Hold a counted network against one target."""
    entries = [entry for entry in count.ops if entry.state != "folded"]
    ops = [entry.op for entry in entries]
    table, rows = SupportTable(target), _Rows()
    verdicts = [table.verdict(op) for op in ops]
    together = _judged_together(ops, target)
    for positions, name, verdict in together:
        rows.add(name, verdict, [entries[position] for position in positions], pattern=True)
        for position in positions:
            verdicts[position] = verdict
    done = {position for positions, _, _ in together for position in positions}
    for position, (entry, verdict) in enumerate(zip(entries, verdicts, strict=True)):
        if position not in done:
            rows.add(entry.op.type, verdict, [entry], pattern=False)
    statuses = [verdict.status for verdict in verdicts]
    beside = [status in ("refused", "fallback") for status in statuses]
    cut = segments(ops, beside)
    moved = [entry.work for entry, away in zip(entries, beside, strict=True) if away]
    return TargetSupport(
        name=target.name, title=target.title, toolchain=target.toolchain,
        sources=[_source_row(source) for source in target.sources], complete=target.complete, beside=target.beside,
        notes=list(target.notes), ops=len(ops), taken=statuses.count("taken"), refused=statuses.count("refused"),
        fallback=statuses.count("fallback"), not_listed=statuses.count("not_listed"),
        unchecked=sum(verdict.unchecked for verdict in verdicts), conditions=_conditions(ops, verdicts),
        macs_share=_share(sum(work.macs for work in moved), sum(entry.work.macs for entry in entries)),
        bytes_share=_share(sum(work.bytes_moved for work in moved), sum(entry.work.bytes_moved for entry in entries)),
        segments=cut.accelerator, segments_beside=cut.beside, transfers=cut.transfers,
        transfer_bytes=cut.transfer_bytes, rows=rows.sorted(),
    )  # fmt: skip


def _judged_together(ops: Sequence[Op], target: Target) -> list[tuple[tuple[int, ...], str, Verdict]]:
    """Positions, name and verdict of the patterns that the table speaks of."""
    judged = {entry.pattern: entry for entry in target.patterns}
    matches = [match for match in op_patterns(ops) if match.name in judged] if judged else []
    return [
        (match.positions, say(f"pattern.{match.name}"), pattern_verdict(judged[match.name], target.beside))
        for match in matches
    ]


def _conditions(ops: Sequence[Op], verdicts: Sequence[Verdict]) -> list[str]:
    """What no limit can state, once for each operator."""
    stated = ((op, verdict) for op, verdict in zip(ops, verdicts, strict=True) if verdict.condition)
    return list(dict.fromkeys(f"{op.type}: {verdict.condition}" for op, verdict in stated))


class _Rows:
    """Ops that are not taken, by operator and reason."""

    def __init__(self) -> None:
        self._groups: dict[tuple[object, ...], tuple[str, bool, list[tuple[OpCount, Verdict]]]] = {}

    def add(self, operator: str, verdict: Verdict, entries: Sequence[OpCount], *, pattern: bool) -> None:
        """Add ops of one verdict, unless they are taken; with ``pattern`` they are one thing."""
        if verdict.status == "taken":
            return
        rules = tuple(miss.rule for miss in verdict.misses)
        key = (operator, pattern, verdict.status, verdict.reason, rules, verdict.note, verdict.help, verdict.source)
        _, _, members = self._groups.setdefault(key, (operator, pattern, []))
        members.extend((entry, verdict) for entry in entries)

    def sorted(self) -> list[SupportRow]:
        """The rows, the gravest and largest first."""
        rows = [_row(operator, members, pattern=pattern) for operator, pattern, members in self._groups.values()]
        return sorted(rows, key=lambda row: (-SEVERITY[row.status], -row.macs, -row.bytes_moved, row.operator, row.ids))


def _row(operator: str, members: Sequence[tuple[OpCount, Verdict]], *, pattern: bool) -> SupportRow:
    entries = [entry for entry, _ in members]
    first = members[0][1]
    largest = max(entries, key=lambda entry: (entry.work.macs, entry.work.bytes_moved))
    return SupportRow(
        status=first.status, operator=operator, pattern=pattern, reason=reason_of([verdict for _, verdict in members]),
        label=op_label(largest.op), ids=[entry.op.id for entry in entries],
        macs=sum(entry.work.macs for entry in entries), bytes_moved=sum(entry.work.bytes_moved for entry in entries),
        note=first.note, help=first.help, source=None if first.source is None else _source_row(first.source),
    )  # fmt: skip


def _source_row(source: Source) -> SourceRow:
    return SourceRow(source.document, source.section, source.date)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
