"""THR001: threads against processors and quota."""

from dataclasses import replace
from pathlib import Path

import pytest

from attainable.advice.find import find
from attainable.advice.rule import Candidate, Conclusion
from attainable.advice.rules import threads
from attainable.cost.count import count
from tests.advice.situations import AVX2, RUN, always, network, pairs, situation

RULE = threads.RULES["THR001"]


@pytest.mark.parametrize(
    ("asked", "processors", "quota", "tried"),
    [
        (1, 2, None, None),
        (2, 2, None, None),
        (4, 2, None, [4, 2]),
        (2, 8, 1.5, [2, 1]),
        (8, 8, 4.0, [8, 4]),
        (2, 1, 0.5, [2, 1]),
    ],
)
def test_threads_are_held_against_what_is_granted(
    tmp_path: Path, asked: int, processors: int, quota: float | None, tried: list[int] | None
) -> None:
    conditions = replace(AVX2, processors=processors, cpu_quota=quota)
    run = replace(RUN, threads=asked)
    (seen,) = RULE.look(situation(network(tmp_path, pairs(64)), conditions=conditions, run=run))
    if tried is None:
        assert isinstance(seen, Conclusion)
        assert seen.saves is None
    else:
        assert isinstance(seen, Candidate)
        assert [variant.threads for variant in seen.variants] == tried


def test_the_finding_names_the_flag(tmp_path: Path) -> None:
    workload = network(tmp_path, pairs(64))
    conditions = replace(AVX2, processors=8, cpu_quota=2.0)
    advice = find(
        count(workload), replace(RUN, threads=8), conditions=conditions, prober=always(30e-3, 10e-3), rules=[RULE]
    )
    (finding,) = advice.findings
    assert finding.title == "8 threads on 2 processors"
    assert "the control group grants 2 processors' worth of time, and 8 may be used" in finding.observation
    assert "30.0 ms with 8, 10.0 ms with 2" in finding.observation
    assert "--threads 2" in finding.action
    assert finding.saves_low_seconds == pytest.approx(20e-3)


def test_no_gain_is_a_result(tmp_path: Path) -> None:
    workload = network(tmp_path, pairs(64))
    advice = find(count(workload), replace(RUN, threads=4), conditions=AVX2, prober=always(1e-3, 1e-3), rules=[RULE])
    assert advice.findings == []
    assert "1.00 ms with 4, 1.00 ms with 2" in advice.checked[0].observation
