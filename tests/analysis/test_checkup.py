"""The record of the doctor: the verdict, and a sentence for everything that can be found."""

from pathlib import Path
from typing import get_args

import pytest

from attainable.analysis import checkup_messages
from attainable.analysis.checkup import Checkup, checkup, judged
from attainable.runtimes import RUNTIMES
from attainable.runtimes.builds import Build, State
from attainable.timing.obstacles import Obstacle, Severity

WORKS = Build("onnxruntime", "usable", version="1.31.1", origin="own")


def verdict(builds: list[Build], *severities: Severity) -> str:
    return judged(builds, [Obstacle("virtual", severity) for severity in severities], {}).state


def test_the_worst_decides() -> None:
    assert verdict([WORKS]) == "fine"
    assert verdict([WORKS], "notable") == "fine"
    assert verdict([WORKS], "notable", "disturbs") == "disturbed"
    assert verdict([WORKS], "disturbs", "unusable") == "unusable"


def test_without_a_runtime_nothing_can_be_measured() -> None:
    for builds in ([], [Build("ncnn", "missing")], [Build("ncnn", "broken", origin="own", fault="no libGL")]):
        found = judged(builds, [], {})
        assert (found.state, found.disturbers[0].kind) == ("unusable", "no runtime")
        assert "attainable runtimes install" in found.disturbers[0].advice
    assert verdict([Build("torch", "slow", origin="own")]) == "fine"


@pytest.mark.parametrize("state", get_args(State))
@pytest.mark.parametrize("origin", ["own", "managed", "configured"])
def test_every_runtime_that_cannot_be_used_has_a_way_out(state: State, origin: str) -> None:
    if state == "missing":
        origin = ""
    (runtime,) = judged([Build("ncnn", state, origin=origin, python="/opt/python")], [], {}).runtimes
    assert bool(runtime.advice) == (state != "usable")
    assert "ncnn" in runtime.advice or state == "usable"


def test_every_observation_has_an_advice() -> None:
    keys = checkup_messages.ENGLISH.keys()
    seen = {key.removesuffix(".seen") for key in keys if key.endswith(".seen")}
    assert seen == {key.removesuffix(".do") for key in keys if key.endswith(".do")}
    # what the gate and the obstacles can say
    assert {"others", "steal", "quota", "heat", "clock", "hand-over", "one core", "blind", "governor"} <= seen


def test_values_are_filled_in() -> None:
    found = judged([WORKS], [Obstacle("nodes", "notable", {"nodes": "2", "first": "0"})], {})
    assert found.disturbers[0].observation.startswith("the processors belong to 2 memories")
    assert "numactl --cpunodebind=0 --membind=0" in found.disturbers[0].advice


def test_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path))
    found = checkup(seconds=0.2)
    assert isinstance(found, Checkup)
    assert [each.runtime for each in found.runtimes] == list(RUNTIMES)
    assert found.environment["cpu"]
    assert "others meanwhile" in found.environment
    assert all(each.observation and each.advice for each in found.disturbers)
