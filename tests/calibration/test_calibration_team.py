"""The team starts together, reports the whole span, and never hangs."""

import ctypes
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from attainable.calibration.arena import FILLING, MEBIBYTE, Arena, arena_bytes
from attainable.calibration.jit import Compiler, Kernel
from attainable.calibration.kernels import clock_chain
from attainable.calibration.team import Team
from attainable.timing.conditions import Conditions, read_conditions


@pytest.fixture(scope="module")
def chain() -> Kernel:
    return Compiler().compile(clock_chain())


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_member_runs_once_and_the_slowest_counts(chain: Kernel, size: int):
    # More members than processors is allowed: it must end, only slower. Not all processors need exist here.
    steps = [ctypes.c_int64(member) for member in range(size)]
    addresses = [ctypes.addressof(step) for step in steps]
    with Team(range(size)) as team:
        alone = [team.run(chain, [addresses[i]], 1000, members=(i,)) for i in range(size)]
        for _ in range(5):
            together = team.run(chain, addresses, 1000, members=range(size))
            assert together.results == tuple(trial.results[0] for trial in alone)
            assert together.seconds > 0


def test_an_error_in_a_member_reaches_the_caller_and_the_team_goes_on(chain: Kernel):
    def job(member: int) -> None:
        if member == 1:
            raise ValueError("from a member")

    step = ctypes.c_int64(1)
    with Team(range(2)) as team:
        with pytest.raises(ValueError, match="from a member"):
            team.each(job)
        assert team.run(chain, [ctypes.addressof(step)] * 2, 10, members=range(2)).seconds > 0


class Interrupted(list[int]):
    """Members whose second walk-through, the handing out of jobs, is interrupted after the first of them."""

    walks = 0

    def __iter__(self) -> Iterator[int]:
        self.walks += 1
        for member in super().__iter__():
            yield member
            if self.walks == 2:
                raise KeyboardInterrupt


def test_a_member_left_alone_at_the_gate_is_let_through_at_the_end(chain: Kernel):
    step = ctypes.c_int64(1)
    with pytest.raises(KeyboardInterrupt), Team(range(2)) as team:
        team.run(chain, [ctypes.addressof(step)] * 2, 10, members=Interrupted(range(2)))


class InterruptedLater(list[int]):
    """Members that are all at work when the handing out of jobs is interrupted."""

    walks = 0

    def __iter__(self) -> Iterator[int]:
        self.walks += 1
        yield from super().__iter__()
        if self.walks == 2:
            time.sleep(0.01)
            raise KeyboardInterrupt


def test_a_leader_who_waits_for_the_others_is_let_through_at_the_end(chain: Kernel):
    step = ctypes.c_int64(1)
    for _ in range(12):
        # on one processor, so that they end at different times
        with pytest.raises(KeyboardInterrupt), Team((0, 0)) as team:
            team.run(chain, [ctypes.addressof(step)] * 2, 1_000_000, members=InterruptedLater(range(2)))


@pytest.fixture
def here() -> Conditions:
    return read_conditions()


def test_the_arena_is_far_larger_than_the_cache_but_not_than_the_memory(here: Conditions):
    huge = replace(here, memory_bytes=1 << 40, memory_limit_bytes=None)
    assert arena_bytes(huge, None) == 256 * MEBIBYTE
    assert arena_bytes(huge, 200 * MEBIBYTE) == 800 * MEBIBYTE
    assert arena_bytes(huge, 32 * 24 * MEBIBYTE) == 1152 * MEBIBYTE
    assert arena_bytes(replace(huge, memory_limit_bytes=512 * MEBIBYTE), None) == 128 * MEBIBYTE


def test_what_others_touched_lately_is_not_fresh():
    with Team(range(2)) as team:
        arena = Arena(16 * MEBIBYTE, team, cached_bytes=2 * MEBIBYTE)  # remembers twice that, a quarter of the arena
        # One member was at the beginning, where two would begin as well; the second part is far from it.
        (first,) = arena.fresh(1, MEBIBYTE)
        both = arena.fresh(2, MEBIBYTE)
        assert both[0] >= first + MEBIBYTE
        assert both[1] == both[0] + 8 * MEBIBYTE
        arena.touch([arena.address + MEBIBYTE, arena.address + 3 * MEBIBYTE], MEBIBYTE)
        # The next place of the single member, 1 MiB, is taken; 2 MiB is free again, the two moved on to 1 and 9.
        assert arena.fresh(1, MEBIBYTE) == [arena.address + 2 * MEBIBYTE]
        # A window larger than what is free is given nevertheless.
        assert len(arena.fresh(1, 15 * MEBIBYTE)) == 1
        arena.close()


def test_windows_stay_inside_and_move_on():
    with Team(range(3)) as team:
        arena = Arena(5 * MEBIBYTE, team)
        assert ctypes.string_at(arena.address, 1) == ctypes.string_at(arena.address + arena.size - 1, 1)
        assert ctypes.string_at(arena.address, 1)[0] == FILLING
        for members in (1, 3):
            window = arena.window(members, 1536)
            assert window % 1536 == 0
            places = [arena.fresh(members, window) for _ in range(20)]
            assert all(a[0] != b[0] for a, b in pairwise(places))
            for place in places:
                assert all(address % 4096 == 0 for address in place)
                assert all(b - a >= window for a, b in pairwise(place))
                assert place[-1] + window <= arena.address + arena.size
        arena.close()
