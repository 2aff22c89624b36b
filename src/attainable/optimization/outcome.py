"""The records of an optimisation: what each change did, what was seen, and what became of it."""

from dataclasses import dataclass

from attainable.measurement.compare import Comparison
from attainable.optimization.verification import Verification


@dataclass(frozen=True, slots=True)
class Outcome:
    """One change: made, verified, measured, and kept or refused.

    Attributes:
        transform: a key of ``TRANSFORMS``.
        changed: what was changed, or why nothing could be; one sentence.
        details: further facts about the change, one sentence each.
        verification: against the original model; None where nothing was changed.
        comparison: against the model that the change was applied to; None where it was not reached.
        kept: whether it is equal enough and certainly faster.
        reason: why it was kept or refused, one sentence.
        output: the file that was written with this change in it; empty where none was.
        warnings: what to know before trusting this, one sentence each.
    """

    transform: str
    changed: str
    details: tuple[str, ...]
    verification: Verification | None
    comparison: Comparison | None
    kept: bool
    reason: str
    output: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Optimization:
    """Changes applied to a model one after the other.

    Attributes:
        model: the original file, as the user named it; it is never written to.
        sha256: of that file.
        processor: this machine's, and whether it has VNNI.
        outcomes: of each change, in the order in which they were applied.
        total: the last model against the original, where more than one change is in it; else None.
        output: the file that was written; empty where none was.
        warnings: what to know about the model and the total, one sentence each.
    """

    model: str
    sha256: str
    processor: str
    outcomes: tuple[Outcome, ...]
    total: Comparison | None
    output: str
    warnings: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether any change was kept by its merits."""
        return any(outcome.kept for outcome in self.outcomes)
