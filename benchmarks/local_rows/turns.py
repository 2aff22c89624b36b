"""Contenders that run in turns of some milliseconds, so that whatever the machine does meets all of them."""

import time
from collections.abc import Callable, Sequence
from statistics import median

from attainable.runtimes import Session

_TURN_SECONDS = 0.015
_FEWEST_TURNS, _MOST_TURNS = 4, 48
_WARM_UP_SHARE = 1 / 3
_MOST_RUNS = 1000
_DEADLINE_SECONDS = 120.0

Timed = Callable[[float], Sequence[float]]
"""Runs something for about so many seconds, once at least, and gives the time of each run."""


def take_turns(entries: Sequence[Timed], seconds: float) -> list[float]:
    """The median run of each of some contenders that run in turns, forwards and backwards, after a warm-up."""
    for entry in entries:
        entry(_WARM_UP_SHARE * seconds)
    times: list[list[float]] = [[] for _ in entries]
    for turn in range(_MOST_TURNS):
        places = range(len(entries))
        for place in places if turn % 2 == 0 else reversed(places):
            times[place] += entries[place](_TURN_SECONDS)
        # Each has been early and late equally often.
        if turn % 2 and turn + 1 >= _FEWEST_TURNS and min(map(sum, times)) >= seconds:
            break
    return [median(each) for each in times]


def timed_session(session: Session) -> Timed:
    """A network that is loaded."""
    return lambda seconds: session.run(
        seconds=seconds, minimum=1, maximum=_MOST_RUNS, deadline_seconds=_DEADLINE_SECONDS
    ).seconds  # fmt: skip


def timed_function(function: Callable[[], object]) -> Timed:
    """A function of this process."""

    def run(seconds: float) -> list[float]:
        times: list[float] = []
        end = time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        return times

    return run
