"""find(): order, budget, failures, and what is said of findings together."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from attainable.advice import RULES
from attainable.advice.find import find
from attainable.advice.rule import Advice, Candidate, Conclusion, Probed, Rule, Situation, Variant
from attainable.cost.count import count
from attainable.errors import WorkerCrashed
from attainable.workload import Workload
from attainable.workload.graph import UnresolvedShape
from tests.advice.situations import AVX2, RUN, always, measured, network, pairs


def rule(code: str, *seen: Candidate | Conclusion) -> Rule:
    """A rule that always sees the same."""
    return Rule(code, f"Title of {code}", "design", lambda situation: seen)


def candidate(*ops: str, at_stake_seconds: float = 1.0, threads: int = 1) -> Candidate:
    """A candidate that is a finding where its second variant is quicker."""

    def conclude(probed: Probed) -> Conclusion:
        saving = probed.saving(1)
        return Conclusion(saving if saving.low > 0 else None, "seen", "headline", "do it")

    return Candidate(ops, at_stake_seconds, (Variant(threads, never_written),) * 2, conclude)


def never_written(folder: Path) -> Workload:
    """A variant for probes that do not look."""
    raise AssertionError(folder)


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    return network(tmp_path, pairs(64))


def test_findings_are_sorted_by_what_they_save(workload: Workload) -> None:
    def prober(variants: Sequence[Variant], budget_seconds: float) -> Probed:
        return measured(*[(1.0, 1.0 - 0.1 * variants[0].threads)] * 6)

    rules = [rule("AAA001", candidate("1", threads=1)), rule("AAA002", candidate("2", threads=3))]
    advice = find(count(workload), RUN, conditions=AVX2, prober=prober, rules=rules)
    assert [finding.code for finding in advice.findings] == ["AAA002", "AAA001"]
    assert advice.warnings == []


def test_what_has_most_at_stake_is_probed_first_and_the_rest_is_named(workload: Workload) -> None:
    said: list[str] = []
    rules = [rule("AAA001", candidate("1", at_stake_seconds=0.1)), rule("AAA002", candidate("2", at_stake_seconds=0.2))]
    advice = find(
        count(workload), RUN, conditions=AVX2, prober=always(1.0, 0.5), rules=rules, progress=said.append
    )  # fmt: skip
    assert said == ["probing AAA002, 1 of 2", "probing AAA001, 2 of 2"]
    late = find(count(workload), RUN, conditions=AVX2, prober=always(1.0, 0.5), rules=rules, time_budget_seconds=1.0)
    assert late.findings == []
    assert late.warnings[0].startswith("AAA002: 1 candidate was not probed")
    assert len(advice.findings) == len(late.warnings) == 2


def test_a_probe_that_fails_is_a_warning_and_the_others_go_on(workload: Workload) -> None:
    def prober(variants: Sequence[Variant], budget_seconds: float) -> Probed:
        if variants[0].threads == 2:
            raise WorkerCrashed("the worker died of SIGSEGV during 'run'")
        return measured(*[(1.0, 0.5)] * 6)

    rules = [rule("AAA001", candidate("1", threads=2)), rule("AAA002", candidate("2"))]
    advice = find(count(workload), RUN, conditions=AVX2, prober=prober, rules=rules)
    assert [finding.code for finding in advice.findings] == ["AAA002"]
    assert advice.warnings == ["AAA001: a probe failed, nothing is known: the worker died of SIGSEGV during 'run'"]


def test_unknown_shapes_are_a_warning(workload: Workload) -> None:
    def look(situation: Situation) -> Sequence[Candidate | Conclusion]:
        raise UnresolvedShape("mystery")

    advice = find(count(workload), RUN, conditions=AVX2, rules=[Rule("AAA001", "Title", "design", look)])
    assert advice == Advice([], [], ["AAA001: the shape of mystery is not known; bind it with --shape"])


def test_too_few_rounds_are_said(workload: Workload) -> None:
    def prober(variants: Sequence[Variant], budget_seconds: float) -> Probed:
        return measured((1.0, 0.5), (1.0, 0.5))

    advice = find(count(workload), RUN, conditions=AVX2, prober=prober, rules=[rule("AAA001", candidate("1"))])
    assert advice.findings[0].confidence.startswith("low: only 2 rounds")


def test_a_gain_of_unknown_size_is_said(workload: Workload) -> None:
    def prober(variants: Sequence[Variant], budget_seconds: float) -> Probed:
        return measured(*[(1.0, 0.9)] * 5, (1.0, 0.1))

    advice = find(count(workload), RUN, conditions=AVX2, prober=prober, rules=[rule("AAA001", candidate("1"))])
    assert advice.findings[0].confidence.startswith("medium")


@pytest.mark.parametrize(("first", "second", "overlap"), [("1", "2", False), ("1", "1", True), ("", "2", True)])
def test_savings_that_do_not_add_up(workload: Workload, first: str, second: str, overlap: bool) -> None:
    rules = [rule("AAA001", candidate(*first)), rule("AAA002", candidate(*second))]
    advice = find(count(workload), RUN, conditions=AVX2, prober=always(1.0, 0.5), rules=rules)
    assert any("do not add up" in warning for warning in advice.warnings) == overlap


def test_every_rule_says_something_of_every_network(workload: Workload) -> None:
    advice = find(count(workload), RUN, conditions=AVX2, prober=always())
    assert [checked.code for checked in advice.checked] == list(RULES)
    assert all(checked.observation for checked in advice.checked)
    other = find(count(workload), replace(RUN, runtime="openvino"), conditions=AVX2, prober=always())
    assert [checked.code for checked in other.checked] == list(RULES)
