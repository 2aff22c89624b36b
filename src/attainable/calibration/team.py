"""A team of threads, one a core, that run a kernel together while one clock runs."""

import contextlib
import ctypes
import itertools
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from attainable.calibration.jit import Kernel
from attainable.calibration.kernels import GATE_BYTES, GATE_LINE

_Job = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """One timed run.

    Attributes:
        seconds: from the moment the last member set off to the moment the last was done.
        results: what the kernels returned, in the order of the members.
    """

    seconds: float
    results: tuple[int, ...]


class Team:
    """Threads that live for the time of a ``with`` block, each pinned to its processor where the system can.

    Args:
        processors: one logical processor number a member.
    """

    def __init__(self, processors: Sequence[int]) -> None:
        self.size = len(processors)
        self._memory = ctypes.create_string_buffer(GATE_BYTES + GATE_LINE)
        address = ctypes.addressof(self._memory)
        self._gate = address + -address % GATE_LINE
        self._arrived, self._departed, self._parties = (
            ctypes.c_int64.from_address(self._gate + line * GATE_LINE) for line in range(3)
        )
        self._outbox: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()
        self._inboxes: list[queue.SimpleQueue[_Job | None]] = [queue.SimpleQueue() for _ in processors]
        self._threads = [
            threading.Thread(target=self._serve, args=(member, processor), name=f"calibration {member}", daemon=True)
            for member, processor in enumerate(processors)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for inbox in self._inboxes:
            inbox.put(None)
        # After an interrupt some may wait at the gate for members that never come: let them through. Who leads leaves
        # when many have departed, the others when none has.
        departed = itertools.cycle((0, 1 << 40))
        for thread in self._threads:
            while thread.is_alive():
                self._arrived.value, self._departed.value = 1 << 40, next(departed)
                thread.join(0.01)

    def each(self, job: _Job) -> None:
        """Run ``job(member)`` in every member's thread at once and wait for all."""
        self._spread(range(self.size), job)

    def run(
        self, kernel: Kernel, addresses: Sequence[int], count: int, *, repeats: int = 1, members: Sequence[int]
    ) -> Trial:
        """Run a kernel once on each of ``members``, all at the same time.

        Args:
            kernel: what to run.
            addresses: the memory of each member.
            count: the kernel's count, for each member.
            repeats: the kernel's repeats.
            members: who takes part.
        """
        self._arrived.value, self._departed.value, self._parties.value = 0, 0, len(members)
        clock, call, gate, departed = time.perf_counter, kernel.call, self._gate, self._departed
        memory = dict(zip(members, addresses, strict=True))

        spans: dict[int, tuple[float, float, int]] = {}

        def job(member: int) -> None:
            address = memory[member]
            start = clock()
            result = call(gate, address, count, repeats)
            end = clock()
            # The leader comes out first; this lets the others out. Theirs find it done already.
            departed.value = 0
            spans[member] = (start, end, result)

        self._spread(members, job)
        seconds = min(end for _, end, _ in spans.values()) - max(start for start, _, _ in spans.values())
        return Trial(seconds, tuple(spans[member][2] for member in members))

    def _spread(self, members: Sequence[int], job: _Job) -> None:
        for member in members:
            self._inboxes[member].put(job)
        errors = [self._outbox.get() for _ in members]
        for error in errors:
            if error is not None:
                raise error

    def _serve(self, member: int, processor: int) -> None:
        if sys.platform == "linux":
            # A container may forbid it; then the scheduler places the thread.
            with contextlib.suppress(OSError):
                os.sched_setaffinity(0, {processor})  # 0 is the calling thread
        while (job := self._inboxes[member].get()) is not None:
            error = None
            try:
                job(member)
            except Exception as raised:  # handed to the thread that asked
                error = raised
            self._outbox.put(error)
