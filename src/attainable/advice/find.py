"""find(): every rule looks, every candidate is probed, and what the probes say is the advice."""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic

from attainable.advice import RULES
from attainable.advice.messages import say, say_count
from attainable.advice.probe import Prober, probe
from attainable.advice.rule import Advice, Candidate, Checked, Conclusion, Rule, Situation
from attainable.analysis.records import Finding
from attainable.cost.count import Count
from attainable.errors import AttainableError
from attainable.measurement.inputs import Given
from attainable.measurement.run import Run
from attainable.timing.conditions import Conditions, read_conditions
from attainable.timing.statistics import FEWEST_FOR_INTERVAL
from attainable.workload.graph import UnresolvedShape

PROBE_SECONDS = 10.0
"""Budget of one probe."""
SHORTEST_PROBE_SECONDS = 4.0
"""With less time left no probe is started, because six rounds of fresh processes take longer."""

_ROUGH = 0.5
"""Half the interval as a share of the saving, beyond which its size is not known."""

Progress = Callable[[str], None]
"""Told a sentence when a probe starts."""


def find(
    count: Count, run: Run, *, time_budget_seconds: float = 60.0, inputs: Given | None = None,
    conditions: Conditions | None = None, prober: Prober | None = None, rules: Sequence[Rule] = tuple(RULES.values()),
    progress: Progress = lambda sentence: None,
) -> Advice:  # fmt: skip
    """Look at a measured network with every rule, and prove or refute what they see with probes.

    What has most at stake is probed first. A probe that fails is a warning; the others go on.

    Args:
        count: the network and its work on paper.
        run: how it ran here: its runtime and threads are those of the probes.
        time_budget_seconds: for all probes together; a probe that has begun may take twice its share to be certain.
        inputs: the user's own arrays, for probes that run the whole network.
        conditions: of this machine; None to read them.
        prober: times variants against each other; None for real processes.
        rules: which to ask.
        progress: told when a probe starts.
    """
    situation = Situation(count, run, conditions or read_conditions(), inputs)
    end = monotonic() + time_budget_seconds
    warnings: list[str] = []
    seen: list[tuple[Rule, Candidate | Conclusion]] = []
    for rule in rules:
        try:
            seen += [(rule, what) for what in rule.look(situation)]
        except UnresolvedShape as error:
            warnings.append(say("warning.shapes", {"code": rule.code, "tensor": str(error)}))
    checked = [_checked(rule, (), what) for rule, what in seen if isinstance(what, Conclusion)]
    candidates = [(rule, what) for rule, what in seen if isinstance(what, Candidate)]
    candidates.sort(key=lambda entry: -entry[1].at_stake_seconds)
    findings: list[Finding] = []
    left: list[str] = []
    for number, (rule, candidate) in enumerate(candidates, start=1):
        seconds = min(PROBE_SECONDS, end - monotonic())
        if seconds < SHORTEST_PROBE_SECONDS:
            left.append(rule.code)
            continue
        progress(say("progress.probe", {"code": rule.code, "number": number, "count": len(candidates)}))
        try:
            if prober is None:
                probed = probe(candidate.variants, runtime=run.runtime, budget_seconds=seconds)
            else:
                probed = prober(candidate.variants, seconds)
        except AttainableError as error:
            warnings.append(say("warning.failed", {"code": rule.code, "error": error.what}))
            continue
        conclusion = candidate.conclude(probed)
        if conclusion.saves is None:
            checked.append(_checked(rule, candidate.ops, conclusion))
        else:
            findings.append(_finding(rule, candidate, conclusion, len(probed.rounds)))
    findings.sort(key=lambda finding: -finding.saves_high_seconds)
    return Advice(findings, checked, [*warnings, *_not_probed(left), *_overlaps(findings)])


def _checked(rule: Rule, ops: Sequence[str], conclusion: Conclusion) -> Checked:
    return Checked(rule.code, rule.title, list(ops), conclusion.observation)


def _finding(rule: Rule, candidate: Candidate, conclusion: Conclusion, rounds: int) -> Finding:
    assert conclusion.saves is not None
    certain = "confidence.measured" if conclusion.saves.relative_half_width < _ROUGH else "confidence.rough"
    if rounds < FEWEST_FOR_INTERVAL:
        certain = "confidence.weak"
    return Finding(
        code=rule.code, title=conclusion.headline, ops=list(candidate.ops), observation=conclusion.observation,
        action=conclusion.action, saves_low_seconds=conclusion.saves.low, saves_high_seconds=conclusion.saves.high,
        confidence=say(certain, {"rounds": rounds}),
    )  # fmt: skip


def _not_probed(codes: Sequence[str]) -> Iterator[str]:
    for code in dict.fromkeys(codes):
        yield say_count("warning.not_probed", codes.count(code), {"code": code})


def _overlaps(findings: Sequence[Finding]) -> Iterator[str]:
    """Savings add up where findings share no op; one without ops is about the whole network."""
    if len(findings) > 1:
        ops = [op for finding in findings for op in finding.ops]
        if len(ops) > len(set(ops)) or not all(finding.ops for finding in findings):
            yield say("warning.alone")
