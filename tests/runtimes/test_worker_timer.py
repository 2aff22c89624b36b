"""The worker's timer: what it says of periods, of interruptions and of memory."""

import mmap
import resource
import time
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


def counted(monkeypatch: pytest.MonkeyPatch, *counters: tuple[int, int, int, int]) -> object:
    """The usage of one timed call where the system's counters stand like this before and after it."""
    names = ("ru_minflt", "ru_majflt", "ru_nvcsw", "ru_nivcsw")
    readings = iter([SimpleNamespace(**dict(zip(names, each, strict=True))) for each in counters])

    def getrusage(who: int) -> SimpleNamespace:
        assert who == resource.RUSAGE_SELF
        return next(readings)

    monkeypatch.setattr(resource, "getrusage", getrusage)
    return worker.timed(lambda: None, 0.0, 1, 1)["usage"]


def test_what_the_system_counts_during_the_runs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert counted(monkeypatch, (900, 7, 50, 30), (1000, 9, 53, 34)) == {
        "minor_faults": 100, "major_faults": 2, "voluntary_switches": 3, "involuntary_switches": 4,
    }  # fmt: skip


def test_a_system_that_counts_no_pages_tells_nothing_rather_than_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    assert counted(monkeypatch, (0, 0, 50, 0), (0, 0, 53, 0)) is None


def test_this_system_counts_the_pages_and_the_waiting_of_a_run_or_nothing() -> None:
    size = 16 * 2**20

    def call() -> None:
        # pages of the system itself: the C library may still have some that an earlier test touched
        with mmap.mmap(-1, size) as fresh:
            fresh.write(bytes(size))
        time.sleep(1e-3)

    told = worker.timed(call, 0.0, 20, 20)
    counts = resource.getrusage(resource.RUSAGE_SELF).ru_minflt > 0
    assert (told["usage"] is not None) == counts
    if counts:
        # they are of 4 KiB, or of 2 MiB where the system gives huge ones
        assert told["usage"]["minor_faults"] >= 20 * size / 2**21
        # a sleep that a hypervisor or another program outlasts is over before it gives its core up
        assert told["usage"]["voluntary_switches"] >= 10


def test_memory_is_that_of_the_process() -> None:
    told = worker.timed(lambda: None, 0.0, 1, 1)
    assert 0 < told["resident_bytes"] <= told["peak_rss_bytes"]


def test_where_the_peak_is_in_no_file_the_usage_record_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told = worker.resident_bytes

    def without_peak(which: str) -> int:
        return 0 if which == "VmHWM" else told(which)

    monkeypatch.setattr(worker, "resident_bytes", without_peak)
    peak = worker.timed(lambda: None, 0.0, 1, 1)["peak_rss_bytes"]
    assert told("VmRSS") / 2 < peak <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
