"""The worker's timer: what it says of periods, of interruptions and of memory."""

from types import SimpleNamespace

import pytest

from attainable.runtimes import worker

MILLISECOND = 1_000_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A clock that only moves when told; its one element is the time in nanoseconds."""
    now = [5 * MILLISECOND]

    def sleep(seconds: float) -> None:
        now[0] += round(seconds * 1e9)

    fake = SimpleNamespace(
        perf_counter_ns=lambda: now[0], sleep=sleep, process_time=lambda: now[0] * 1e-9, thread_time=lambda: 0.0
    )
    monkeypatch.setattr(worker, "time", fake)
    return now


def run(clock: list[int], milliseconds: list[int], *, period: int = 10) -> tuple[dict[str, object], list[int]]:
    """Time calls that take these times with a period; also gives when each started, from the first on."""
    starts: list[int] = []
    durations = iter(milliseconds)

    def call() -> None:
        starts.append(clock[0] // MILLISECOND - 5)
        clock[0] += next(durations) * MILLISECOND

    count = len(milliseconds)
    return worker.timed(call, 0.0, count, count, period_seconds=period * 1e-3), starts


def test_a_run_starts_at_each_period(clock: list[int]) -> None:
    told, starts = run(clock, [3, 4, 3])
    assert starts == [0, 10, 20]
    assert told["seconds"] == pytest.approx([3e-3, 4e-3, 3e-3])
    assert (told["periods"], told["missed_periods"]) == (3, 0)
    # 20 ms of waiting and the last run
    assert told["wall_seconds"] == pytest.approx(23e-3)


def test_a_run_that_is_late_misses_every_period_that_it_runs_into(clock: list[int]) -> None:
    # 25 ms from 10 on end at 35: the periods from 10, 20 and 30 are missed, and the next run starts at 40
    told, starts = run(clock, [3, 25, 3])
    assert starts == [0, 10, 40]
    assert (told["periods"], told["missed_periods"]) == (5, 3)


def test_the_last_run_counts_as_the_others(clock: list[int]) -> None:
    told, _ = run(clock, [3, 12])
    assert (told["periods"], told["missed_periods"]) == (3, 2)


def test_a_run_that_ends_with_its_period_is_late_by_nothing_to_spare(clock: list[int]) -> None:
    told, starts = run(clock, [10, 3])
    assert starts == [0, 20]
    assert (told["periods"], told["missed_periods"]) == (3, 2)


def test_without_a_period_nobody_waits(clock: list[int]) -> None:
    told, starts = run(clock, [3, 25, 3], period=0)
    assert starts == [0, 3, 28]
    assert (told["periods"], told["missed_periods"]) == (0, 0)


def test_pages_that_a_run_touches_are_counted() -> None:
    size = 64 * 2**20
    told = worker.timed(lambda: bytearray(size), 0.0, 1, 1)
    usage = told["usage"]
    # zeroed memory comes in pages of 4 KiB, or of 2 MiB where the system gives huge ones
    assert usage["minor_faults"] >= size / 2**21
    assert told["resident_bytes"] > 0
    assert told["peak_rss_bytes"] >= told["resident_bytes"]


def test_sleeping_is_a_context_switch() -> None:
    import time

    told = worker.timed(lambda: time.sleep(1e-3), 0.0, 20, 20)
    # a sleep that a hypervisor or another program outlasts is over before it gives its core up
    assert told["usage"]["voluntary_switches"] >= 10
