"""What a calibration runs: every kernel with the memory that it works on, compiled for this machine."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from attainable.calibration.arena import WINDOW_BYTES, Arena
from attainable.calibration.arithmetic import multiply_adds
from attainable.calibration.caches import CacheLevel
from attainable.calibration.instruction_sets import FAMILIES, Family, families
from attainable.calibration.jit import Compiler, Kernel
from attainable.calibration.kernels import clock_chain
from attainable.calibration.memory_kernels import ARRAYS, MEMORY_BLOCK, Store, read, store
from attainable.calibration.special_kernels import BLOCK, FUNCTIONS, special
from attainable.calibration.trials import Key

MAIN = "DRAM"
CLOCK: Key = ("clock", "")

TRIAL_SECONDS = 0.001
"""Length of a trial in registers or caches: short enough to fall between disturbances, long enough for the clock."""

# (streams, bytes of prefetch). Six or twelve streams spread over memory channels where powers of two collide.
READ_PATTERNS = ((1, 0), (4, 0), (6, 0), (6, 256), (8, 0), (12, 0))
CACHE_PATTERNS = ((1, 0), (4, 0), (8, 0))

SPECIAL_BYTES = 16 << 10
"""Arguments and results of a special function: half of the smallest first-level cache there is."""

_ABREAST = (1, 2, 4)

_STEP = 0x5DEECE66D
"""What the clock chain adds: an odd number with many ones, so that nothing is easy."""


@dataclass(frozen=True, slots=True)
class Lot:
    """What one trial works on.

    Attributes:
        addresses: memory of each member.
        count: the kernel's count, for each.
        before: memory of each member to run the same kernel on first, untimed; None for none.
    """

    addresses: Sequence[int]
    count: int
    before: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A kernel and where it works.

    Attributes:
        key: what it measures.
        kernel: the compiled code.
        lot: the memory for these members.
        scaled: what is raised until a trial takes `TRIAL_SECONDS`; None where its lot says how much there is.
    """

    key: Key
    kernel: Kernel
    lot: Callable[[Sequence[int]], Lot]
    scaled: Literal["count", "repeats"] | None


class Workbench:
    """Compiles kernels and hands them memory.

    Args:
        compiler: of this machine.
        arena: memory to read and write.
        last_cache_bytes: of all caches of the last level, which plain stores have to overflow; 0 where unknown.
    """

    def __init__(self, compiler: Compiler, arena: Arena, last_cache_bytes: int) -> None:
        self.compiler, self.arena, self._last_cache_bytes = compiler, arena, last_cache_bytes
        self._operands: list[ctypes.Array[ctypes.c_char]] = []
        self._step = ctypes.c_int64(_STEP)
        self._compiled: dict[str, Kernel] = {}

    def clock(self) -> Task:
        """The dependent chain."""
        kernel = self.compiler.compile(clock_chain())
        address = ctypes.addressof(self._step)
        return Task(CLOCK, kernel, lambda members: Lot([address] * len(members), 1), scaled="count")

    def peaks(self) -> list[Task]:
        """Multiply-adds of every element type that this processor has instructions for."""
        return [
            self._peak(family, count, rounds)
            for dtype in FAMILIES
            for family in families(dtype, self.compiler.architecture, self.compiler.features)
            for count in family.accumulators
            for rounds in family.rounds
        ]

    def specials(self) -> list[Task]:
        """Special functions on an array in the first-level cache, one for each member."""
        size = 2 * SPECIAL_BYTES
        tasks: list[Task] = []
        for function in FUNCTIONS:
            for abreast in _ABREAST:
                kernel = self.compiler.compile(special(function, width=self.compiler.width, abreast=abreast))

                def lot(members: Sequence[int]) -> Lot:
                    places = [self.arena.address + place * size for place in range(len(members))]
                    return Lot(places, SPECIAL_BYTES // 2 // BLOCK)

                tasks.append(Task(("special", function), kernel, lot, scaled="repeats"))
        return tasks

    def cached(self, level: CacheLevel, accesses: Sequence[Store]) -> list[Task]:
        """Reading from a cache, and writing to it."""
        tasks = [
            Task(("read", level.name), self._read(streams, prefetch), self._inside(level, 1, streams), scaled="repeats")
            for streams, prefetch in CACHE_PATTERNS
        ]
        for access in accesses:
            kernel = self._store(access, temporal=True)
            tasks.append(Task((access, level.name), kernel, self._inside(level, ARRAYS[access], 1), scaled="repeats"))
        return tasks

    def main_memory(self, accesses: Sequence[Store]) -> list[Task]:
        """Reading from the main memory, and writing to it with both kinds of stores."""
        tasks: list[Task] = []
        for streams, prefetch in READ_PATTERNS:
            task = Task(("read", MAIN), self._read(streams, prefetch), self._fresh(streams), scaled=None)
            # Memory is shared with more neighbours than a core is: it gets twice the trials.
            tasks += [task, task]
        for access in accesses:
            passing, plain = self._store(access, temporal=False), self._store(access, temporal=True)
            lot = self._fresh(1, arrays=ARRAYS[access])
            tasks.append(Task((f"{access}_nt", MAIN), passing, lot, scaled=None))
            tasks.append(Task((access, MAIN), plain, self._overflowing(ARRAYS[access]), scaled=None))
        return tasks

    def _peak(self, family: Family, accumulators: int, rounds: int) -> Task:
        kernel = self.compiler.compile(multiply_adds(family, accumulators, rounds))
        operands = ctypes.create_string_buffer(OPERANDS[family.operand] * 1, 64)
        operands[16 : 16 + len(OPERANDS[family.operand])] = OPERANDS[family.operand]
        self._operands.append(operands)
        address = ctypes.addressof(operands)
        return Task(("peak", family.dtype), kernel, lambda members: Lot([address] * len(members), 1), scaled="count")

    def _read(self, streams: int, prefetch: int) -> Kernel:
        source = read(width=self.compiler.width, streams=streams, prefetch=prefetch)
        if source.name not in self._compiled:
            self._compiled[source.name] = self.compiler.compile(source)
        return self._compiled[source.name]

    def _store(self, access: Store, *, temporal: bool) -> Kernel:
        source = store(access, width=self.compiler.width, temporal=temporal)
        if source.name not in self._compiled:
            self._compiled[source.name] = self.compiler.compile(source)
        return self._compiled[source.name]

    def _inside(self, level: CacheLevel, arrays: int, streams: int) -> Callable[[Sequence[int]], Lot]:
        """Arrays in a part of the cache that each member has: three quarters of the first level, half of the others.

        The whole would be shared with the stack, the page tables and the other levels' copies.
        """

        def lot(members: Sequence[int]) -> Lot:
            share = level.smallest_bytes if len(members) == 1 else min(
                level.smallest_bytes, level.all_bytes // len(members)
            )  # fmt: skip
            share = min(share * 3 // 4 if level.name == "L1" else share // 2, self.arena.size // len(members))
            count = (
                _apart(share // arrays) if arrays > 1 else share // (streams * MEMORY_BLOCK) * streams * MEMORY_BLOCK
            )
            places = [self.arena.address + place * _whole_pages(share) for place in range(len(members))]
            self.arena.touch(places, share)
            return Lot(places, count)

        return lot

    def _fresh(self, streams: int, *, arrays: int = 1) -> Callable[[Sequence[int]], Lot]:
        def lot(members: Sequence[int]) -> Lot:
            window = self.arena.window(len(members), streams * arrays * MEMORY_BLOCK)
            return Lot(self.arena.fresh(len(members), window), window // arrays)

        return lot

    def _overflowing(self, arrays: int) -> Callable[[Sequence[int]], Lot]:
        """As much written before the clock runs as the last cache holds, so that every line written pushes one out."""

        def lot(members: Sequence[int]) -> Lot:
            together = max(WINDOW_BYTES, self._last_cache_bytes * arrays)
            window = self.arena.window(len(members), arrays * MEMORY_BLOCK, together=together)
            before = self.arena.fresh(len(members), window)
            return Lot(self.arena.fresh(len(members), window), window // arrays, before)

        return lot


OPERANDS = {
    "double": b"\x00\x00\x00\x00\x00\x00\x50\x3f",
    "float": b"\x00\x00\x80\x3a",
    "half": b"\x00\x14",
    "bfloat": b"\x80\x3a",
    "i16": b"\x35\x00",
    "i8": b"\x35",
}
"""x and y of a multiply-add, by LLVM type: 2^-10, so that sums stay normal numbers; 53 for integers."""


def _apart(size: int) -> int:
    """An array size that is 512 short of a multiple of 4 KiB.

    Arrays behind each other then never have a load closely follow a store whose address agrees in the lowest 12 bits,
    which processors take for the same place. Source: Intel optimization reference manual, "4-KByte aliasing".
    """
    return max(MEMORY_BLOCK, size // 4096 * 4096 - MEMORY_BLOCK)


def _whole_pages(size: int) -> int:
    return -(-size // 4096) * 4096
