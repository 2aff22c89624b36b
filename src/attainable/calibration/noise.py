"""Whether a calibration was disturbed, and how much higher its roofs may then lie."""

from dataclasses import dataclass

MOST_OTHERS = 0.10
"""Share of the machine that others may use before a calibration is called noisy."""

MOST_DRIFT = 0.03
"""Share by which a clock may change before a calibration is called noisy."""

_MOST_LOST = 0.5
"""Beyond this share the others took too much for the rest to be scaled up."""


@dataclass(frozen=True, slots=True)
class Noise:
    """What disturbed a calibration.

    Attributes:
        others: share of the machine, 0 to 1, that others used meanwhile; None where unknown.
        drift: share by which a core's clock changed between beginning and end; None where unknown.
        throttle_events: times that heat slowed a core down meanwhile.
    """

    others: float | None
    drift: float | None
    throttle_events: int = 0

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the numbers may be too low; empty for a quiet calibration."""
        found: list[str] = []
        if self.others is not None and self.others > MOST_OTHERS:
            found.append(f"others used {self.others:.0%} of the machine")
        if self.drift is not None and self.drift > MOST_DRIFT:
            found.append(f"the clock changed by {self.drift:.0%} between beginning and end")
        if self.throttle_events:
            found.append(f"heat slowed the processor down {self.throttle_events} times")
        return tuple(found)

    @property
    def memory_factor(self) -> float:
        """How many times the measured bandwidth a quiet machine might reach; 1 for a quiet calibration.

        As much more as the others took, and as the clock changed.
        """
        return self.core_factor / (1 - min(self.others or 0.0, _MOST_LOST)) if self.reasons else 1.0

    @property
    def core_factor(self) -> float:
        """The same for what happens inside a core: a trial is short enough to have a core for itself, not a clock."""
        return 1 + (self.drift or 0.0) if self.reasons else 1.0
