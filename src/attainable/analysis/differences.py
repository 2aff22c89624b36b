"""What differs between two models, op by op.

Ops are paired by their name where a name belongs to one op of each model, the others by what they do and in their
order: a longest common sequence of equal ops, and ops of one kind between two pairs of it. Names that an exporter
counted through (``Conv_12``) say nothing about which op is meant and are no names here.
"""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from attainable.analysis.alignment import longest_common
from attainable.analysis.records import OpRow

MOST_DIFFERENCES = 2_000
"""Ops that only one of two models has, beyond which they are not aligned and equal ops are paired in their order only.

So many take about a second and 30 MB; equal ops cost next to nothing.
"""

_COUNTED_NAME = re.compile(r"(?:node_?)?(?P<kind>[A-Za-z]+)_?[0-9]+")


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over some ops, or differences of such sums (second model less first)."""

    ops: int = 0
    macs: int = 0
    operations: int = 0
    parameters: int = 0
    bytes_read: int = 0
    bytes_written: int = 0


@dataclass(frozen=True, slots=True)
class OpReference:
    """An op that only one of the models has."""

    id: str
    name: str
    kind: str
    label: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Change:
    """A field of an op that differs, as text."""

    field: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class ChangedOp:
    """An op of both models that is not the same in them; the figures are second less first."""

    first_id: str
    second_id: str
    name: str
    first_label: str
    second_label: str
    changes: list[Change]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Differences:
    """All ops of two models: equal ones counted, the others listed.

    ``first``, ``second`` and ``changed_by`` sum the three lists; ``aligned`` is false where the models are too large
    to be aligned and equal ops were paired in their order only.
    """

    equal: int
    only_in_first: list[OpReference]
    only_in_second: list[OpReference]
    changed: list[ChangedOp]
    first: Figures
    second: Figures
    changed_by: Figures
    aligned: bool


def differences(first: Sequence[OpRow], second: Sequence[OpRow]) -> Differences:
    """Pair the ops of two models and list what is not equal."""
    named = _by_name(first, second)
    taken_first, taken_second = {left for left, _ in named}, {right for _, right in named}
    rest_first = [index for index in range(len(first)) if index not in taken_first]
    rest_second = [index for index in range(len(second)) if index not in taken_second]
    left, right = [first[index] for index in rest_first], [second[index] for index in rest_second]
    common = longest_common(
        [_signature(op) for op in left], [_signature(op) for op in right], most_differences=MOST_DIFFERENCES
    )
    found = _in_order(left, right) if common is None else _with_changed(left, right, common)
    pairs = sorted([*named, *((rest_first[before], rest_second[after]) for before, after in found)])
    paired_first, paired_second = {left for left, _ in pairs}, {right for _, right in pairs}
    changed = [
        _changed(first[left], second[right], changes)
        for left, right in pairs
        if (changes := _changes(first[left], second[right]))
    ]
    gone = [_reference(op) for index, op in enumerate(first) if index not in paired_first]
    new = [_reference(op) for index, op in enumerate(second) if index not in paired_second]
    return Differences(
        equal=len(pairs) - len(changed), only_in_first=gone, only_in_second=new, changed=changed,
        first=total([op.figures for op in gone]), second=total([op.figures for op in new]),
        changed_by=total([op.figures for op in changed]), aligned=common is not None,
    )  # fmt: skip


def _by_name(first: Sequence[OpRow], second: Sequence[OpRow]) -> list[tuple[int, int]]:
    left, right = _unique_names(first), _unique_names(second)
    return [(index, right[name]) for name, index in left.items() if name in right]


def _unique_names(ops: Sequence[OpRow]) -> dict[str, int]:
    times = Counter(op.name for op in ops)
    return {op.name: index for index, op in enumerate(ops) if times[op.name] == 1 and _is_name(op)}


def _is_name(op: OpRow) -> bool:
    # a longer one is no counted name, and is not searched
    counted = _COUNTED_NAME.fullmatch(op.name) if len(op.name) < 200 else None
    return bool(op.name) and not (counted and counted["kind"].lower() == op.kind.rpartition(":")[2].lower())


def _signature(op: OpRow) -> tuple[object, ...]:
    """Equal for ops that look the same from outside and cost the same."""
    return (
        op.kind, op.dtype, op.label, op.state, op.macs, op.operations, op.bytes_read, op.bytes_written,
        repr(op.input_shapes), repr(op.output_shapes),
    )  # fmt: skip


def _with_changed(
    first: Sequence[OpRow], second: Sequence[OpRow], common: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """The pairs of equal ops, and between them ops of the same kind in their order."""
    pairs = list(common)
    before_left = before_right = 0
    for left, right in (*common, (len(first), len(second))):
        pairs += _same_kind(first, second, range(before_left, left), range(before_right, right))
        before_left, before_right = left + 1, right + 1
    return pairs


def _same_kind(
    first: Sequence[OpRow], second: Sequence[OpRow], left: Sequence[int], right: Sequence[int]
) -> Iterator[tuple[int, int]]:
    waiting: defaultdict[str, deque[int]] = defaultdict(deque)
    for index in right:
        waiting[second[index].kind].append(index)
    for index in left:
        if candidates := waiting[first[index].kind]:
            yield index, candidates.popleft()


def _in_order(first: Sequence[OpRow], second: Sequence[OpRow]) -> list[tuple[int, int]]:
    """Equal ops, the n-th of one model with the n-th of the other."""
    waiting: defaultdict[tuple[object, ...], deque[int]] = defaultdict(deque)
    for index, op in enumerate(second):
        waiting[_signature(op)].append(index)
    return [(index, candidates.popleft()) for index, op in enumerate(first) if (candidates := waiting[_signature(op)])]


def _changes(first: OpRow, second: OpRow) -> list[Change]:
    if first.parameters == second.parameters and _signature(first) == _signature(second):
        return []
    fields = (
        ("operator", first.kind, second.kind),
        ("element_type", first.dtype, second.dtype),
        ("label", first.label, second.label),
        ("state", first.state, second.state),
        ("input_shapes", _shapes(first.input_shapes), _shapes(second.input_shapes)),
        ("output_shapes", _shapes(first.output_shapes), _shapes(second.output_shapes)),
        ("macs", str(first.macs), str(second.macs)),
        ("operations", str(first.operations), str(second.operations)),
        ("parameters", str(first.parameters), str(second.parameters)),
        ("bytes_read", str(first.bytes_read), str(second.bytes_read)),
        ("bytes_written", str(first.bytes_written), str(second.bytes_written)),
    )
    return [Change(name, before, after) for name, before, after in fields if before != after]


def _shapes(shapes: Sequence[Sequence[int] | None]) -> str:
    return " ".join("?" if shape is None else "x".join(map(str, shape)) or "scalar" for shape in shapes)


def _figures(op: OpRow) -> Figures:
    return Figures(1, op.macs, op.operations, op.parameters, op.bytes_read, op.bytes_written)


def _reference(op: OpRow) -> OpReference:
    return OpReference(op.id, op.name, op.kind, op.label, _figures(op))


def _changed(first: OpRow, second: OpRow, changes: list[Change]) -> ChangedOp:
    before, after = _figures(first), _figures(second)
    return ChangedOp(
        first.id, second.id, second.name, first.label, second.label, changes,
        Figures(
            1, after.macs - before.macs, after.operations - before.operations, after.parameters - before.parameters,
            after.bytes_read - before.bytes_read, after.bytes_written - before.bytes_written,
        ),
    )  # fmt: skip


def total(parts: Sequence[Figures]) -> Figures:
    """The sum of figures."""
    return Figures(
        ops=sum(part.ops for part in parts), macs=sum(part.macs for part in parts),
        operations=sum(part.operations for part in parts), parameters=sum(part.parameters for part in parts),
        bytes_read=sum(part.bytes_read for part in parts), bytes_written=sum(part.bytes_written for part in parts),
    )  # fmt: skip
