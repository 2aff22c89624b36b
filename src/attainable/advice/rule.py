"""What a rule is: it looks at a measured network, names candidates, and a probe decides.

A rule believes nothing. What it sees only makes a candidate: the pattern as found and the pattern as proposed, both as
small models that can be run. The probe times both here, and what it finds is the result either way: a Finding with the
seconds saved, or a Checked that says there is no gain on this machine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from attainable.analysis.records import Checked, Finding
from attainable.cost.count import Count
from attainable.measurement.inputs import Given
from attainable.measurement.run import Run
from attainable.timing.conditions import Conditions
from attainable.timing.statistics import Summary, summarize
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
        threads: processor threads that one kernel may use.
        write: makes the model in the folder given, when it is needed.
        inputs: the user's own arrays, for a variant that is the whole network.
    """

    threads: int
    write: Callable[[Path], Workload]
    inputs: Given | None = None


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe measured.

    Attributes:
        rounds: for each round the times of each variant, in the order asked. A round is one fresh process for each
            variant, run in turns, so that the times of a round belong together.
    """

    rounds: tuple[tuple[Summary, ...], ...]

    def seconds(self, variant: int) -> float:
        """Time of a variant where nothing disturbs it: the quickest run, at the middle of the rounds."""
        return median(times[variant].minimum for times in self.rounds)

    def saving(self, variant: int, *, occurrences: int = 1) -> Summary:
        """Seconds that a variant is quicker than the first, where nothing disturbs either, over all occurrences."""
        return summarize([occurrences * (times[0].minimum - times[variant].minimum) for times in self.rounds])

    def typical_seconds(self, variant: int) -> float:
        """Time of a variant as it comes: the median run, at the middle of the rounds."""
        return median(times[variant].median for times in self.rounds)

    def typical_saving(self, variant: int) -> Summary:
        """Seconds that the median run of a variant is quicker than that of the first."""
        return summarize([times[0].median - times[variant].median for times in self.rounds])


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a rule makes of the times of its candidate.

    Attributes:
        saves: the seconds saved; None where there is no gain.
        observation: what was seen and measured, with numbers.
        headline: the finding in one line.
        action: what to do, an imperative.
    """

    saves: Summary | None
    observation: str
    headline: str = ""
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


Look = Callable[[Situation], Sequence[Candidate | Conclusion]]
"""What a rule does: candidates to probe, and conclusions (without gain) that need no probe. Never nothing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the advisor.

    Attributes:
        code: three letters of the theme and a number that is never used again: ``DSG005``.
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
