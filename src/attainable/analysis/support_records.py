"""What a support check found: flat records, the JSON contract of ``attainable check``."""

from dataclasses import dataclass, field

SUPPORT_SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Where a fact is written."""

    document: str
    section: str
    date: str


@dataclass(frozen=True, slots=True)
class SupportRow:
    """Ops that a toolchain does not take for one reason.

    Attributes:
        status: ``refused``, ``fallback`` or ``not_listed``.
        operator: their type, or the name of the pattern that they make.
        pattern: whether several ops are one thing.
        reason: a sentence.
        label: of the one that works most.
        ids: in the order of the file.
        macs, bytes_moved: of all of them.
        note, help: as in the table; help may be empty.
        source: of the fact; null where the table has no entry.
    """

    status: str
    operator: str
    pattern: bool
    reason: str
    label: str
    ids: list[str]
    macs: int
    bytes_moved: int
    note: str
    help: str
    source: SourceRow | None


@dataclass(frozen=True, slots=True)
class TargetSupport:
    """A network on one target. Ops that are computed before the run are left out.

    Attributes:
        name, title, toolchain, sources, complete, beside, notes: of the table.
        ops: all; the next four add up to it.
        taken, refused, fallback, not_listed: how many.
        unchecked: ops that are taken unless a limit refuses them that the file does not tell enough to check.
        conditions: what must hold for ops that are taken and no limit can state, ``operator: condition``.
        macs_share, bytes_share: of the MACs and of the memory access, what is refused or falls back; 0 of nothing.
        segments, segments_beside, transfers, transfer_bytes: the cut graph; see ``analysis.segments``. What is refused
            counts as run beside, what is not listed as taken.
        rows: what is not taken, the gravest and largest first.
    """

    name: str
    title: str
    toolchain: str
    sources: list[SourceRow]
    complete: bool
    beside: str
    notes: list[str]
    ops: int
    taken: int
    refused: int
    fallback: int
    not_listed: int
    unchecked: int
    conditions: list[str]
    macs_share: float
    bytes_share: float
    segments: int
    segments_beside: int
    transfers: int
    transfer_bytes: int
    rows: list[SupportRow]


@dataclass(frozen=True, slots=True)
class SupportCheck:
    """A network held against support tables."""

    model: str
    path: str
    targets: list[TargetSupport]
    warnings: list[str] = field(default_factory=list[str])
    schema_version: int = SUPPORT_SCHEMA_VERSION

    @property
    def refused(self) -> bool:
        """Whether any target refuses any op."""
        return any(target.refused for target in self.targets)
