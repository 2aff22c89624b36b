"""One network against another: order, interval, budget and doubts with written times; a network against itself."""

import itertools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pytest

from attainable.errors import InvalidQuantity
from attainable.measurement.compare import Comparison, _order, compare_workloads  # pyright: ignore[reportPrivateUsage]
from attainable.runtimes import RUNTIMES, Samples
from attainable.workload import Workload, load
from tests.measurement.fake_runtime import FakeRuntime
from tests.models import value
from tests.transforms.nets import Net, image, residual_network

if TYPE_CHECKING:
    from attainable.runtimes import Array


@dataclass(slots=True)
class WrittenTimes:
    """A runtime whose run times stand in ``times``, by network; every run is logged by the network's initial."""

    times: dict[str, list[float]]
    log: list[str] = field(default_factory=list[str])
    inputs: list[list[str]] = field(default_factory=list[list[str]])
    name: str = "written"

    def open(
        self,
        workload: Workload,
        inputs: "Mapping[str, Array]",
        *,
        threads: int,
        deadline_seconds: float,
        precision: str | None = None,
    ) -> "WrittenSession":
        """A session that takes the network's next time for all its runs."""
        del threads, deadline_seconds, precision
        self.inputs.append(list(inputs))
        times = self.times[workload.name]
        times.append(times.pop(0))
        return WrittenSession(self, workload.name, times[-1])


class WrittenSession:
    """Answers at once."""

    precision = ""
    version = "7"
    load_seconds = 0.0

    def __init__(self, runtime: WrittenTimes, name: str, seconds: float) -> None:
        self._runtime, self._name, self._seconds = runtime, name, seconds
        self.process_id = os.getpid()

    def run(self, *, seconds: float, minimum: int, maximum: int, deadline_seconds: float) -> Samples:
        """As many runs as fit."""
        del deadline_seconds
        count = max(minimum, min(maximum, int(seconds / self._seconds)))
        self._runtime.log.append(self._name)
        return Samples((self._seconds,) * count, count * self._seconds, count * self._seconds, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        pass


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> WrittenTimes:
    runtime = WrittenTimes({"a": [1.0], "b": [1.0]})
    monkeypatch.setattr("tests.measurement.test_compare.RUNTIME", runtime)
    monkeypatch.setitem(RUNTIMES, "written", "tests.measurement.test_compare")
    return runtime


RUNTIME: WrittenTimes | None = None
"""Where the table of runtimes finds the one of the fixture."""


@pytest.fixture
def networks(tmp_path: Path) -> tuple[Workload, Workload]:
    found: list[Workload] = []
    for name in ("a", "b"):
        net = Net()
        net.save(tmp_path, [value("x", [1, 4])], net.op("Relu", "x"))
        found.append(load((tmp_path / "model.onnx").rename(tmp_path / f"{name}.onnx")))
    return found[0], found[1]


Pair = tuple[Workload, Workload]


def compare(networks: Pair, *, pairs: int = 20, seconds: float = 60.0) -> Comparison:
    return compare_workloads(*networks, runtime="written", pairs=pairs, time_budget_seconds=seconds)


def opened(times: Iterable[float]) -> list[float]:
    """The times of the first network by pair, again where a second process of it runs: nine calm pairs."""
    return [seconds for pair, seconds in enumerate(times) for _ in range(2 if pair < 9 else 1)]


def test_each_pair_gives_a_ratio_and_order_statistics_the_interval(written: WrittenTimes, networks: Pair) -> None:
    written.times["a"] = opened(1e-3 * (20 + number) for number in range(20))
    written.times["b"] = [10e-3]
    comparison = compare(networks)
    assert comparison.ratios == pytest.approx([2 + 0.1 * number for number in range(20)])
    # of 20 samples the 6th and the 15th enclose the median with 95 %
    assert (comparison.low, comparison.ratio, comparison.high) == pytest.approx((2.5, 2.95, 3.4))
    assert (comparison.first_seconds, comparison.second_seconds) == pytest.approx((29.5e-3, 10e-3))
    assert comparison.is_faster
    assert (comparison.first, comparison.second, comparison.version, comparison.threads) == ("a", "b", "7", 1)


def test_turns_alternate_and_neither_goes_first_more_often(written: WrittenTimes, networks: Pair) -> None:
    written.times |= {"a": [0.2], "b": [0.1]}
    compare(networks, pairs=1)
    # a, b and a again in another process: all six orders, and 0.2 s a run reach 0.3 s by then
    assert written.log == [*"aba", *"aba", *"aba", *"baa", *"aab", *"aab", *"baa"]
    assert [_order(turn, 3) for turn in range(6)] == [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1], [2, 0, 1], [1, 0, 2]]
    assert [_order(turn, 2) for turn in range(4)] == [[0, 1], [1, 0], [1, 0], [0, 1]]


def test_a_slower_network_is_not_faster(written: WrittenTimes, networks: Pair) -> None:
    written.times |= {"a": [0.01], "b": [0.02]}
    comparison = compare(networks)
    assert (comparison.ratio, comparison.is_faster) == (0.5, False)


def test_few_pairs_are_no_proof(written: WrittenTimes, networks: Pair) -> None:
    written.times |= {"a": [0.02], "b": [0.01]}
    comparison = compare(networks, pairs=5)
    assert (comparison.ratio, comparison.has_interval, comparison.is_faster) == (2.0, False, False)
    assert comparison.warnings[0] == "5 pairs give no 95 % interval; give at least 6 with --pairs"


def test_the_budget_ends_it_but_not_before_there_is_an_interval(written: WrittenTimes, networks: Pair) -> None:
    comparison = compare(networks, seconds=0.0)
    assert (len(comparison.ratios), comparison.has_interval) == (6, True)
    assert comparison.warnings[0] == "only 6 of 20 pairs fitted into the time budget; give more with --time-budget"


def test_noise_is_said(written: WrittenTimes, networks: Pair) -> None:
    written.times["a"] = opened(itertools.islice(itertools.cycle([0.01, 0.02]), 20))
    comparison = compare(networks)
    assert not comparison.is_faster
    assert any(warning.startswith("noisy: the ratio is 0.01 to 0.02 over 20 pairs") for warning in comparison.warnings)


def test_wrong_outputs_of_either_network_are_told(monkeypatch: pytest.MonkeyPatch, networks: Pair) -> None:
    runtime = FakeRuntime()
    runtime.answer = lambda outputs: {name: np.zeros_like(array) for name, array in outputs.items()}
    monkeypatch.setitem(RUNTIMES, "fake", "tests.measurement.fake_runtime")
    monkeypatch.setattr("tests.measurement.fake_runtime.RUNTIME", runtime)
    comparison = compare_workloads(*networks, runtime="fake", pairs=1, check_outputs=True)
    assert [sentence.split(":")[0] for sentence in comparison.wrong] == ["a", "b"]
    runtime.answer = lambda outputs: outputs
    assert compare_workloads(*networks, runtime="fake", pairs=1, check_outputs=True).wrong == ()


def test_wrong_questions(networks: Pair) -> None:
    with pytest.raises(InvalidQuantity, match="at least one pair"):
        compare_workloads(*networks, pairs=0)


def test_a_network_is_as_fast_as_itself(tmp_path: Path) -> None:
    workload = load(residual_network().save(tmp_path, [image(size=32)], "y"))
    told: list[tuple[int, int]] = []
    comparison = compare_workloads(workload, workload, pairs=6, progress=lambda done, pairs: told.append((done, pairs)))
    assert told == [(number, 6) for number in range(1, 7)]
    # Other programs on the machine move it, never by much: that is what turns and pairs are for.
    assert comparison.low < 1.15
    assert comparison.high > 0.87
    # a single median of six is moved further now and then; how little, the benchmarks say
    assert 0.67 < comparison.ratio < 1.5


def test_a_difference_beyond_what_the_first_network_differs_from_itself_is_claimed(
    written: WrittenTimes, networks: Pair
) -> None:
    written.times |= {"a": [0.0100], "b": [0.0105]}
    comparison = compare(networks, pairs=9)
    assert len(comparison.own_ratios) == 9
    assert comparison.claim.noise == 0.0
    assert comparison.claim.change == pytest.approx(0.05)
    # each process of the first network 4 or 8 % off another: 5 % are nothing special there
    written.times["a"] = [0.0100, 0.0104, 0.0100, 0.0108]
    assert compare(networks, pairs=9).claim.noise == pytest.approx(0.08)
    assert compare(networks, pairs=9).claim.kind == "noisy"


def test_a_network_that_differs_from_itself_meets_itself_until_that_is_known_well(
    written: WrittenTimes, networks: Pair
) -> None:
    # Its second process takes 10 % more in the first pair and 3 % more in the next seven; then it is as quick as the
    # first. Of 9 such ratios the 2nd and the 8th are the interval, and the second smallest is 1 / 1.03. Of 18 it is the
    # 5th smallest, which is 1 / 1.03 again; of 24 the 7th, of 27 the 8th, of 28 the 9th, which is 1.
    extra = [0.0110, *[0.0103] * 7]
    written.times["a"] = [seconds for second in (*extra, *[0.0100] * 32) for seconds in (0.0100, second)]
    written.times["b"] = [0.0100]
    comparison = compare(networks, pairs=40)
    assert len(comparison.own_ratios) == 28
    assert comparison.claim.noise == 0.0


def test_a_network_with_other_inputs_gets_its_own(written: WrittenTimes, networks: Pair, tmp_path: Path) -> None:
    net = Net()
    net.save(tmp_path, [value("z", [2, 4])], net.op("Relu", "z"))
    other = load((tmp_path / "model.onnx").rename(tmp_path / "b.onnx"))
    written.times["b"] = [0.5]
    assert compare((networks[0], other), pairs=1).ratio == 2.0
    assert written.inputs == [["x"], ["z"], ["x"]]
