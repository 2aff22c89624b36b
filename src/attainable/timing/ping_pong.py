"""How long one core takes to hand a number over to another: an atomic that two cores exchange in turns.

Threads of a run hand work over for each kernel of a network. Where a hypervisor has placed two processors far apart, or
another program sits on one of them, that takes several times as long, and a run of two threads with it, while neither
the load nor the spread of the times shows anything: on two processors of a virtual machine, mobilenet_v2 took 3.6 to
3.8 ms where a hand-over took 57 to 86 ns, and 6.4 ms, with nobody else running, where it took 350 ns.

Source of the method: core-to-core-latency (github.com/nviennot/core-to-core-latency).
"""

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from attainable.timing.conditions import core_processors
from attainable.timing.jit import compile_function

PROBE_SECONDS = 0.07
"""For all pairs together."""

_DEADLINE_SECONDS = 0.4
"""Beyond the time of a probe, for processors that are busy with something else."""

_TURNS = 512
"""Turns of the leader in a burst: 0.05 to 0.4 ms, far longer than Python takes between two bursts and far shorter than
the system lets a thread run at a time."""

_FEWEST_BURSTS = 3
_LINE = 128
"""Bytes between the numbers: a cache line, and its neighbour that some processors fetch along with it."""

_FOREVER = 1 << 60

_EXCHANGE = """\
define i64 @exchange(i64 %place, i64 %mine, i64 %turns) {
entry:
  %ball = inttoptr i64 %place to ptr
  %stop = getelementptr i8, ptr %ball, i64 LINE
  %theirs = xor i64 %mine, 1
  br label %wait
wait:
  %turn = phi i64 [ 0, %entry ], [ %turn, %idle ], [ %next, %caught ]
  %try = cmpxchg ptr %ball, i64 %mine, i64 %theirs seq_cst seq_cst
  %is_mine = extractvalue { i64, i1 } %try, 1
  br i1 %is_mine, label %caught, label %idle
caught:
  %next = add i64 %turn, 1
  %more = icmp slt i64 %next, %turns
  br i1 %more, label %wait, label %done
idle:
  %stopped = load atomic i64, ptr %stop monotonic, align 8
  %goes_on = icmp eq i64 %stopped, 0
  br i1 %goes_on, label %wait, label %done
done:
  %count = phi i64 [ %next, %caught ], [ %turn, %idle ]
  ret i64 %count
}
""".replace("LINE", str(_LINE))
"""Wait until the ball says ``mine``, make it the other's, ``turns`` times or until told to stop; gives the turns."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """How quickly two processors exchange an atomic.

    Attributes:
        processors: numbers of the two logical processors.
        seconds: of one hand-over, one way; the median of the bursts.
        best_seconds: in the quickest burst.
        bursts: how many.
    """

    processors: tuple[int, int]
    seconds: float
    best_seconds: float
    bursts: int


def probe_hand_overs(
    processors: Sequence[int] | None = None, *, seconds: float = PROBE_SECONDS
) -> tuple[HandOver, ...]:  # fmt: skip
    """Measure the hand-over between some pairs of cores, all one after the other.

    Empty where there is one core only, where threads cannot be bound to processors, and where the processors were so
    busy that nothing was handed over. The first call in a process takes 0.2 s longer, because it compiles.

    Args:
        processors: between which; None for one logical processor of each core that this process may use.
        seconds: for all pairs together.
    """
    if sys.platform != "linux":
        return ()
    pairs = pairs_of(core_processors() if processors is None else processors)
    found = (_probe(pair, seconds / len(pairs)) for pair in pairs)
    return tuple(each for each in found if each is not None)


def pairs_of(cores: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The pairs to look at: the first core with its neighbour, with one in the middle, and with the last.

    Cores with close numbers often share a cache, and the last one is often on another chip or socket.
    """
    if len(cores) < 2:
        return ()
    others = dict.fromkeys((cores[1], cores[len(cores) // 2], cores[-1]))
    return tuple((cores[0], other) for other in others)


def _probe(pair: tuple[int, int], seconds: float) -> HandOver | None:
    call = compile_function("exchange", _EXCHANGE, 3).call
    # The ball, then the word to stop, each at the beginning of a line of its own.
    memory = ctypes.create_string_buffer(3 * _LINE)
    ball = ctypes.addressof(memory) + -ctypes.addressof(memory) % _LINE
    stop = ctypes.c_int64.from_address(ball + _LINE)
    bursts: list[float] = []

    def lead() -> None:
        # The other thread may still be on its way during the first burst, which therefore does not count.
        call(ball, 0, _TURNS)
        end = time.perf_counter() + seconds
        while not stop.value and (len(bursts) < _FEWEST_BURSTS or time.perf_counter() < end):
            start = time.perf_counter()
            turns = call(ball, 0, _TURNS)
            if turns:
                # Each turn of the leader is one there and one back.
                bursts.append((time.perf_counter() - start) / (2 * turns))
        stop.value = 1

    def follow() -> None:
        call(ball, 1, _FOREVER)

    unbound: list[OSError] = []
    threads = [
        threading.Thread(
            target=_bound, args=(processor, job, stop, unbound), name=f"ping-pong {processor}", daemon=True
        )
        for processor, job in zip(pair, (lead, follow), strict=True)
    ]
    try:
        for thread in threads:
            thread.start()
        threads[0].join(seconds + _DEADLINE_SECONDS)
    finally:
        stop.value = 1
        for thread in threads:
            if thread.ident is not None:
                thread.join()
    if unbound or not bursts:
        return None
    return HandOver(pair, median(bursts), min(bursts), len(bursts))


def _bound(processor: int, job: Callable[[], None], stop: ctypes.c_int64, unbound: list[OSError]) -> None:
    """Run a job on one processor; where the system forbids that, note it and stop everybody."""
    if sys.platform == "linux":
        try:
            os.sched_setaffinity(0, {processor})  # 0 is the calling thread
        except OSError as error:
            unbound.append(error)
            stop.value = 1
            return
    job()
