"""What was read of the machine around a run, to be kept with it."""

from dataclasses import dataclass
from typing import Any

from attainable.timing.gate import Passage, shares


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The machine before and after a run; each None where it is unknown.

    Attributes:
        state: ``quiet``; ``noisy`` where nothing may be claimed; ``unknown`` where not everything could be read.
        reasons: what disturbed, one sentence each, with its number.
        attempts: how often the run was made for the sake of a quiet one; this is the quietest.
        others_share: of the machine, that other processes used meanwhile, 0 to 1.
        steal_share: of the processors' time, that a hypervisor took.
        load_average: runnable tasks over the minute before.
        clock_before_hertz, clock_after_hertz: of a core, measured.
        hand_over_seconds: the slowest between two cores, before or after; only where several threads ran.
    """

    state: str
    reasons: tuple[str, ...] = ()
    attempts: int = 1
    others_share: float | None = None
    steal_share: float | None = None
    load_average: float | None = None
    clock_before_hertz: float | None = None
    clock_after_hertz: float | None = None
    hand_over_seconds: float | None = None


def surroundings_of(passage: Passage[Any]) -> Surroundings:
    """What a cell that went through the gate tells of its surroundings."""
    before, after = passage.before, passage.after
    others, steal = shares(before, after)
    return Surroundings(
        state=passage.verdict.state, reasons=passage.verdict.reasons, attempts=passage.attempts,
        others_share=others, steal_share=steal, load_average=before.load_average,
        clock_before_hertz=before.clock_hertz, clock_after_hertz=after.clock_hertz,
        hand_over_seconds=max((each.seconds for each in (*before.hand_overs, *after.hand_overs)), default=None),
    )  # fmt: skip
