"""Timed runs on written times: when they stop, what a period misses, what is added up."""

import itertools

import pytest

from attainable.measurement.timed_runs import run_first, time_periodic_runs, time_runs
from attainable.runtimes import Samples
from attainable.runtimes.worker_statistics import Loading, Usage


class Told:
    """A session that answers at once, each run taking a millisecond; a block of periods misses its first."""

    version, precision, load_seconds, process_id, loading = "7", "", 0.0, 1, Loading()

    def __init__(self, usage: Usage | None = None) -> None:
        self.usage = usage
        self.periods: list[float] = []

    def run(
        self, *, seconds: float, minimum: int, maximum: int, deadline_seconds: float, period_seconds: float = 0.0
    ) -> Samples:
        assert deadline_seconds >= 60.0
        self.periods.append(period_seconds)
        count = max(minimum, min(maximum, int(seconds / (period_seconds or 1e-3))))
        wall, missed = max(count * 1e-3, count * period_seconds), 1 if period_seconds else 0
        periods = count if period_seconds else 0
        return Samples((1e-3,) * count, wall, count * 1e-3, 2**20, 2**19, self.usage, periods, missed)


def test_the_first_run_stands_alone() -> None:
    first = run_first(Told(), deadline_seconds=60.0)  # pyright: ignore[reportArgumentType]
    assert (first.seconds, first.resident_bytes) == (1e-3, 2**19)


def test_steady_runs_stop_with_four_blocks_and_faults_add_up() -> None:
    found = time_runs(
        Told(Usage(1, 2, 3, 4)), 20.0, deadline_seconds=60.0, share=0.0  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    assert len(found.timed.seconds) == 4 * 150
    assert found.usage == Usage(4, 8, 12, 16)
    assert found.missed_share is None
    assert found.timed.cpu_share == pytest.approx(1.0)


def test_what_one_block_does_not_tell_is_not_known() -> None:
    found = time_runs(Told(), 20.0, deadline_seconds=60.0, share=0.0)  # pyright: ignore[reportArgumentType]
    assert found.usage is None


def test_periods_take_the_whole_budget_and_sleep_is_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Told()
    monkeypatch.setattr("attainable.measurement.timed_runs.monotonic", itertools.count(0.0, 0.01).__next__)
    found = time_periodic_runs(
        session, 1.5, period_seconds=0.05, deadline_seconds=60.0  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    # a block of a second is twenty periods, of which the first is missed; blocks go on for half a second at least,
    # because this session does not really sleep
    assert found.missed_share == pytest.approx(1 / 20)
    assert set(session.periods) == {0.0, 0.05}
    assert len(found.timed.seconds) > 20
    # the processor was there whenever it ran, though it slept for 49 of 50 ms
    assert found.timed.cpu_share == pytest.approx(1.0)
