"""The hand-over between cores: which pairs, and that the probe ends whatever happens."""

import ctypes
import os
import sys
import threading
import time

import pytest

from attainable.timing.clock import measure_clock_hertz
from attainable.timing.conditions import core_processors
from attainable.timing.jit import compile_function
from attainable.timing.ping_pong import pairs_of, probe_hand_overs


@pytest.mark.parametrize(
    ("cores", "pairs"),
    [
        ((), ()),
        ((5,), ()),
        ((0, 1), ((0, 1),)),
        ((2, 4, 6), ((2, 4), (2, 6))),
        (tuple(range(16)), ((0, 1), (0, 8), (0, 15))),
    ],
)
def test_the_first_core_is_paired_with_near_and_far_ones(
    cores: tuple[int, ...], pairs: tuple[tuple[int, int], ...]
) -> None:
    assert pairs_of(cores) == pairs


def test_one_core_has_nobody_to_hand_over_to() -> None:
    assert probe_hand_overs([0]) == ()


def test_this_machine_hands_over() -> None:
    found = probe_hand_overs(seconds=0.02)
    assert len(found) <= len(pairs_of(core_processors()))
    for each in found:
        assert each.processors in pairs_of(core_processors())
        assert each.bursts >= 1
        # Light travels 30 cm in a nanosecond; how long a burst waits on a busy machine is not ours to say.
        assert 1e-9 < each.best_seconds <= each.seconds


def test_the_probe_leaves_no_thread_and_no_binding_behind() -> None:
    before = core_processors()
    start = time.perf_counter()
    probe_hand_overs(seconds=0.02)
    assert [thread for thread in threading.enumerate() if thread.name.startswith("ping-pong")] == []
    assert core_processors() == before
    # far from no end
    assert time.perf_counter() - start < 60


@pytest.mark.skipif(sys.platform != "linux", reason="threads cannot be bound")
def test_a_processor_that_may_not_be_used_makes_the_hand_over_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(thread: int, processors: set[int]) -> None:
        raise OSError(f"{thread} may not run on {processors}")

    monkeypatch.setattr(os, "sched_setaffinity", forbid)
    assert probe_hand_overs([0, 1]) == ()


@pytest.mark.skipif(sys.platform != "linux", reason="threads cannot be bound")
def test_a_partner_that_never_answers_ends_the_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    # Told from outside to stop, the leader comes back although nobody ever took the ball.
    call = compile_function("exchange", _source(), 3).call
    memory = ctypes.create_string_buffer(512)
    ball = ctypes.addressof(memory) + -ctypes.addressof(memory) % 128
    stop = ctypes.c_int64.from_address(ball + 128)
    turns: list[int] = []
    alone = threading.Thread(target=lambda: turns.append(call(ball, 0, 1000)), daemon=True)
    alone.start()
    time.sleep(0.05)
    assert alone.is_alive()
    stop.value = 1
    alone.join(60)
    # it caught the ball that lay there in the beginning, and waited for it to come back
    assert turns == [1]


def _source() -> str:
    from attainable.timing import ping_pong

    return str(vars(ping_pong)["_EXCHANGE"])


def test_the_clock_of_a_core_is_one_of_a_processor_and_repeats() -> None:
    clocks = [measure_clock_hertz() for _ in range(10)]
    assert all(1e7 < clock < 2e10 for clock in clocks)
    # What disturbs a reading makes it lower: the best of five repeats, taken in turns with the best of five others.
    first, second = max(clocks[::2]), max(clocks[1::2])
    assert max(first, second) > 1e8
    assert max(first, second) < 3 * min(first, second)
