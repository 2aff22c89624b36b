"""What the toolchain of a target takes: records of a support table. Facts only, each with its document."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Support = Literal["yes", "no", "partial", "fallback"]
"""``partial`` is within limits; ``fallback`` runs on the processor beside the accelerator."""

Outside = Literal["no", "fallback"]
"""What becomes of an op that the accelerator does not take: the toolchain refuses it, or runs it beside."""

PatternName = Literal["channel_shuffle", "hard_swish", "folded_batch_normalization"]

LimitValue: TypeAlias = "int | tuple[int, ...] | tuple[str, ...]"
AttributeChoice: TypeAlias = "int | float | str | tuple[int, ...]"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact is written.

    Attributes:
        document: its title and version.
        section: heading or table.
        date: of the document, ``undated`` where it does not say.
    """

    document: str
    section: str
    date: str


@dataclass(frozen=True, slots=True)
class LimitSet:
    """Limits that hold together.

    Attributes:
        limits: ``(name, value)`` pairs; the names are those of ``targets.limits.LIMITS``.
        attributes: ``(attribute, values)`` pairs: the values that an attribute may have.
    """

    limits: tuple[tuple[str, LimitValue], ...] = ()
    attributes: tuple[tuple[str, tuple[AttributeChoice, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What the table says of some operators.

    Attributes:
        operators: their types, as ``Op.type`` writes them.
        support: whether they are taken.
        alternatives: for ``partial``: an op is taken where all limits of one alternative hold.
        outside: for ``partial``: what becomes of the others.
        source: of this entry.
        note: what a person should know; may be empty.
        help: what to do instead; may be empty.
        condition: what must also hold and no limit can state; may be empty.
    """

    operators: tuple[str, ...]
    support: Support
    alternatives: tuple[LimitSet, ...]
    outside: Outside
    source: Source
    note: str
    help: str
    condition: str = ""


@dataclass(frozen=True, slots=True)
class CommonRule:
    """Limits of every op but some, beside those of its own entry."""

    limits: LimitSet
    exempt: tuple[str, ...]
    outside: Outside
    source: Source
    note: str
    help: str


@dataclass(frozen=True, slots=True)
class PatternEntry:
    """What becomes of several ops that do one thing together; goes before what the table says of each."""

    pattern: PatternName
    support: Literal["yes", "no", "fallback"]
    source: Source
    note: str
    help: str


@dataclass(frozen=True, slots=True)
class Target:
    """The support table of a toolchain for one target.

    Attributes:
        name: how the tool calls it.
        title: how a person calls it.
        toolchain: with the version of the document.
        sources: all documents, the main one first.
        complete: the table has every operator that the toolchain takes, so that one it does not have is not taken;
            without it nothing is known of the others.
        outside: what becomes of ops that are not taken, unless an entry says otherwise.
        beside: what runs the ops of a fallback, e.g. ``CPU``.
        entries, common, patterns: the table.
        notes: what the table cannot say, one sentence each.
    """

    name: str
    title: str
    toolchain: str
    sources: tuple[Source, ...]
    complete: bool
    outside: Outside
    beside: str
    entries: tuple[Entry, ...]
    common: tuple[CommonRule, ...] = ()
    patterns: tuple[PatternEntry, ...] = ()
    notes: tuple[str, ...] = ()
