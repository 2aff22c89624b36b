"""What a rule is: it looks at a measured network, names candidates, and a probe decides.

A rule believes nothing. What it sees only makes a candidate: the pattern as found and the pattern as proposed, both as
small models that can be run. The probe times both here, and what it finds is the result either way: a Finding with the
seconds saved, or a Checked that says there is no gain on this machine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from attainable.analysis.records import Finding
from attainable.cost.count import Count
from attainable.measurement.inputs import Given
from attainable.measurement.run import Run
from attainable.timing.conditions import Conditions
from attainable.timing.statistics import Summary
from attainable.workload.graph import Workload


@dataclass(frozen=True, slots=True)
class Situation:
    """What a rule may look at.

    Attributes:
        count: the network and its work on paper.
        run: how it ran here, with its kernels where they are known.
        conditions: of this machine.
        inputs: the user's own arrays, for probes that run the whole network.
    """

    count: Count
    run: Run
    conditions: Conditions
    inputs: Given | None = None

    def seconds_of(self, ops: Sequence[str]) -> float:
        """Measured time of the groups that hold any of these ops."""
        wanted = set(ops)
        return sum(group.seconds for group in self.run.groups if not wanted.isdisjoint(group.ops))


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to write a pattern, ready to be run.

    Attributes:
        label: what a person calls it: ``65 channels``.
        threads: processor threads that one kernel may use.
        write: makes the model in the folder given, when it is needed.
        inputs: the user's own arrays, for a variant that is the whole network.
    """

    label: str
    threads: int
    write: Callable[[Path], Workload]
    inputs: Given | None = None


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe measured: for each variant, in the order asked, the time of one run in each round.

    A round is one fresh process for each variant, timed in turns, so that the times of a round belong together.
    """

    rounds: tuple[tuple[float, ...], ...]

    def times(self, variant: int) -> tuple[float, ...]:
        """Times of one variant, round by round."""
        return tuple(times[variant] for times in self.rounds)

    def savings(self, variant: int, *, occurrences: int = 1) -> tuple[float, ...]:
        """Seconds that a variant is faster than the first, round by round, over all occurrences of the pattern."""
        return tuple((times[0] - times[variant]) * occurrences for times in self.rounds)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a rule makes of the times of its candidate.

    Attributes:
        saves: the seconds saved; None where there is no gain.
        observation: what was seen and measured, with numbers.
        action: what to do; empty where there is no gain.
    """

    saves: Summary | None
    observation: str
    action: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pattern that may be worth changing.

    Attributes:
        ops: ids of its ops, over all occurrences.
        at_stake_seconds: measured time of these ops; what has most at stake is probed first.
        variants: the pattern as found, then what is proposed.
        conclude: turns the times of the variants into a result.
    """

    ops: tuple[str, ...]
    at_stake_seconds: float
    variants: tuple[Variant, ...]
    conclude: Callable[[Probed], Conclusion]


@dataclass(frozen=True, slots=True)
class Checked:
    """A rule that looked and found no gain here, with its numbers. A result as good as a finding."""

    code: str
    title: str
    ops: list[str]
    observation: str


Look = Callable[[Situation], Sequence[Candidate | Conclusion]]
"""What a rule does: candidates to probe, and conclusions (without gain) that need no probe. Never nothing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the advisor.

    Attributes:
        code: three letters of the theme and the number of the catalogue: ``DSG005``.
        title: a few words.
        theme: the module in ``advice.rules`` that it is in.
        look: what it sees; its docstring is what ``attainable explain`` prints.
    """

    code: str
    title: str
    theme: str
    look: Look


@dataclass(frozen=True, slots=True)
class Advice:
    """All that the rules found.

    Attributes:
        findings: what a change would save, most seconds first.
        checked: what was looked at without gain.
        warnings: what was not looked at, one sentence each with the next thing to try.
    """

    findings: list[Finding]
    checked: list[Checked]
    warnings: list[str]
