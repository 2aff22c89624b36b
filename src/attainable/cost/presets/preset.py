"""A preset: how another counter counts, kind of operator by kind of operator.

::

    total = sum over ops of  term[kind of op](op)

A kind without a term counts nothing there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from attainable.cost.count import Count, OpCount

Quantity = Literal["macs", "operations", "activation bytes"]
"""Which of our figures the other counter's total stands beside."""


@dataclass(frozen=True, slots=True)
class Term:
    """How one kind of operator is counted, as a function and in words."""

    of: Callable[[OpCount], int]
    meaning: str


@dataclass(frozen=True, slots=True)
class Preset:
    """The convention of another counter.

    Attributes:
        counter: its name and the version that this describes.
        unit: what its total is, in our words, and how it calls it.
        quantity: our figure that the total stands beside.
        terms: by kind of operator.
        limits: what a graph cannot tell and the counter sees.
        source: where its convention is read.
    """

    counter: str
    unit: str
    quantity: Quantity
    terms: Mapping[str, Term]
    limits: str
    source: str


@dataclass(frozen=True, slots=True)
class PresetRow:
    """All ops of one kind: how many, our figure, the other counter's, and how it counts them."""

    kind: str
    ops: int
    ours: int
    theirs: int
    meaning: str


@dataclass(frozen=True, slots=True)
class PresetCount:
    """A network under a preset; the rows are sorted by the size of the difference, then of the term."""

    preset: str
    counter: str
    unit: str
    quantity: str
    ours: int
    theirs: int
    rows: list[PresetRow]
    limits: str
    source: str


def preset_count(count: Count, name: str, preset: Preset) -> PresetCount:
    """Count a network as another counter does, beside ours.

    Args:
        count: ours.
        name: of the preset.
        preset: the other counter's convention.
    """
    ours: dict[str, list[int]] = {}
    theirs: dict[str, int] = {}
    for entry, times in _running(count.ops):
        if entry.state == "folded":
            continue
        kind = entry.op.type
        ours.setdefault(kind, []).append(times * _ours(entry, preset.quantity))
        term = preset.terms.get(kind)
        if term is not None and entry.state == "counted":
            theirs[kind] = theirs.get(kind, 0) + times * term.of(entry)
    rows = [
        PresetRow(
            kind, len(figures), sum(figures), theirs.get(kind, 0),
            preset.terms[kind].meaning if kind in preset.terms else NOT_COUNTED,
        )
        for kind, figures in ours.items()
    ]  # fmt: skip
    rows.sort(key=lambda row: (-abs(row.ours - row.theirs), -max(row.ours, row.theirs), row.kind))
    return PresetCount(
        name, preset.counter, preset.unit, preset.quantity, sum(row.ours for row in rows),
        sum(row.theirs for row in rows), rows, preset.limits, preset.source,
    )  # fmt: skip


def _running(entries: Iterable[OpCount], times: int = 1) -> Iterator[tuple[OpCount, int]]:
    """The ops that run and how often: in place of an op with bodies those of its bodies, of an If the dearer branch."""
    for entry in entries:
        bodies = entry.bodies
        if entry.op.type == "If" and bodies:
            bodies = (max(bodies, key=lambda body: sum(inner.work.total_operations for inner in body.ops)),)
        if not bodies:
            yield entry, times
        for body in bodies:
            yield from _running(body.ops, times * body.repeats)


NOT_COUNTED = "not counted"


def _ours(entry: OpCount, quantity: Quantity) -> int:
    if quantity == "macs":
        return entry.work.macs
    if quantity == "operations":
        return entry.work.total_operations
    return entry.work.bytes_activation_out
