"""The memory micro-benchmarks as LLVM IR, in the frame of `attainable.calibration.kernels`.

Bytes are those that the program reads and writes, as STREAM counts them. A plain store to a line that is not in the
cache makes the processor read it first; that read is not counted, so plain stores look slower than non-temporal ones.

Source: J. D. McCalpin, STREAM (cs.virginia.edu/stream): write, copy and triad; L. McVoy, C. Staelin, lmbench, USENIX
1996: the chain of dependent loads.
"""

from typing import Literal

from attainable.calibration.kernels import KernelSource, assemble

MEMORY_BLOCK = 512
"""Bytes that the loop body of a memory kernel takes from each stream."""


def read(*, width: int, streams: int, prefetch: int) -> KernelSource:
    """Read bandwidth: the sum of all 32-bit words of ``memory``, ``count`` bytes, ``repeats`` times.

    The array is cut into ``streams`` equal parts that are read side by side; ``count`` must be a multiple of
    ``streams * MEMORY_BLOCK``. The result is the sum modulo 2**32.

    Args:
        width: 32-bit lanes of a vector.
        streams: places read at the same time; hardware prefetchers follow each.
        prefetch: bytes to ask for ahead of the read; 0 leaves it to the hardware.
    """
    vector, step = f"<{width} x i32>", width * 4
    name = f"read_{streams}_streams" + (f"_prefetch_{prefetch}" if prefetch else "")
    # Several sums, so that no load waits for the addition before it.
    sums = [f"%sum{k}" for k in range(max(4, streams))]
    body: list[str] = []
    current = list(sums)
    places = [(offset, stream) for offset in range(0, MEMORY_BLOCK, step) for stream in range(streams)]
    for index, (offset, stream) in enumerate(places):
        if prefetch and offset % 64 == 0:
            body.append(f"  %ahead{index} = getelementptr i8, ptr %stream{stream}, i64 {offset + prefetch}")
            body.append(f"  call void @llvm.prefetch.p0(ptr %ahead{index}, i32 0, i32 3, i32 1)")
        slot = index % len(sums)
        body.append(f"  %at{index} = getelementptr i8, ptr %stream{stream}, i64 {offset}")
        body.append(f"  %word{index} = load {vector}, ptr %at{index}, align {step}")
        body.append(f"  %new{index} = add {vector} {current[slot]}, %word{index}")
        current[slot] = f"%new{index}"
    carried = [
        line
        for first, last in zip(sums, current, strict=True)
        for line in (
            f"  {first}_pass = phi {vector} [ zeroinitializer, %work ], [ {last}, %pass_end ]",
            f"  {first} = phi {vector} [ {first}_pass, %pass ], [ {last}, %loop ]",
        )
    ]
    total: list[str] = []
    whole = current[0]
    for k, last in enumerate(current[1:], start=1):
        total.append(f"  %total{k} = add {vector} {whole}, {last}")
        whole = f"%total{k}"
    total.append(f"  %folded = call i32 @llvm.vector.reduce.add.v{width}i32({vector} {whole})")
    total.append("  %result = zext i32 %folded to i64")
    lines = _passes(streams, before_loop=carried[0::2], in_loop=[*carried[1::2], *_streams(streams), *body], end=total)
    declared = (
        f"declare i32 @llvm.vector.reduce.add.v{width}i32({vector})",
        "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)",
    )
    return KernelSource(name, assemble(name, lines, declared), 1)


Store = Literal["write", "copy", "triad"]
ARRAYS: dict[Store, int] = {"write": 1, "copy": 2, "triad": 3}
"""How many arrays each touches, the written one last."""

_SCALAR = "splat (float 0x3F50000000000000)"
"""2^-10 in every lane: what triad multiplies by, so that repeated sums stay small numbers."""


def store(access: Store, *, width: int, temporal: bool) -> KernelSource:
    """Write bandwidth: a constant (write), an array (copy), or b + s * c (triad) into the last of the arrays.

    The arrays lie behind each other in ``memory``, ``count`` bytes of float32 each, a multiple of ``MEMORY_BLOCK``. The
    result is ``count``.

    Args:
        access: what is written.
        width: lanes of a vector.
        temporal: plain stores; else non-temporal ones, which pass the caches by.
    """
    vector, step, arrays = f"<{width} x float>", width * 4, ARRAYS[access]
    name = access if temporal else f"{access}_nt"
    body = ["  %array0 = getelementptr i8, ptr %memory, i64 %i"]
    body += [f"  %array{k} = getelementptr i8, ptr %array{k - 1}, i64 %count" for k in range(1, arrays)]
    for index, offset in enumerate(range(0, MEMORY_BLOCK, step)):
        for k in range(arrays):
            body.append(f"  %at{k}_{index} = getelementptr i8, ptr %array{k}, i64 {offset}")
        for k in range(arrays - 1):
            body.append(f"  %x{k}_{index} = load {vector}, ptr %at{k}_{index}, align {step}")
        if access == "triad":
            operands = f"{vector} %x1_{index}, {vector} {_SCALAR}, {vector} %x0_{index}"
            body.append(f"  %sum{index} = call {vector} @llvm.fmuladd.v{width}f32({operands})")
        value = {"write": _SCALAR, "copy": f"%x0_{index}", "triad": f"%sum{index}"}[access]
        hint = "" if temporal else ", !nontemporal !0"
        body.append(f"  store {vector} {value}, ptr %at{arrays - 1}_{index}, align {step}{hint}")
    lines = _passes(1, before_loop=[], in_loop=body, end=["  %result = add i64 %count, 0"])
    declared = (f"declare {vector} @llvm.fmuladd.v{width}f32({vector}, {vector}, {vector})", "!0 = !{i32 1}")
    return KernelSource(name, assemble(name, lines, declared), arrays)


LINE = 64
"""Bytes between two places of the chain: a cache line of nearly all processors."""

_MULTIPLIER, _INCREMENT = 1664525, 1013904223
"""A generator with these visits all of a power of two of numbers before it returns.

Source: T. E. Hull, A. R. Dobell, SIAM Review 4(3), 1962: the increment is odd and the multiplier 1 modulo 4; the
numbers are those of Numerical Recipes, chapter 7.1.
"""

CHASE_STEPS = 16
"""Dependent loads in the loop body of `chase`."""


def link() -> KernelSource:
    """Turn ``memory`` into a cycle through all of its ``count`` lines, a power of two, in an order that looks random.

    Each line begins with the address of the next. The second word of the first line says where `chase` goes on; it is
    set to the first line. The result is ``count``.
    """
    lines = [
        "  %mask = sub i64 %count, 1",
        "  %cursor = getelementptr i8, ptr %memory, i64 8",
        "  store ptr %memory, ptr %cursor, align 8",
        "  br label %loop",
        "loop:",
        "  %i = phi i64 [ 0, %work ], [ %i_next, %loop ]",
        f"  %product = mul i64 %i, {_MULTIPLIER}",
        f"  %sum = add i64 %product, {_INCREMENT}",
        "  %next = and i64 %sum, %mask",
        f"  %from = mul i64 %i, {LINE}",
        f"  %to = mul i64 %next, {LINE}",
        "  %place = getelementptr i8, ptr %memory, i64 %from",
        "  %target = getelementptr i8, ptr %memory, i64 %to",
        "  store ptr %target, ptr %place, align 8",
        "  %i_next = add i64 %i, 1",
        "  %again = icmp slt i64 %i_next, %count",
        "  br i1 %again, label %loop, label %done",
        "done:",
        "  %result = add i64 %count, 0",
    ]
    return KernelSource("link", assemble("link", lines, ()), LINE)


def chase() -> KernelSource:
    """Latency: ``count`` times ``CHASE_STEPS`` loads along the cycle of `link`, each needing the one before.

    It goes on where it stopped, so that a line is met again only after all others. The result is the number of the line
    where it stands.
    """
    lines = [
        "  %cursor = getelementptr i8, ptr %memory, i64 8",
        "  %start = load ptr, ptr %cursor, align 8",
        "  br label %loop",
        "loop:",
        "  %i = phi i64 [ 0, %work ], [ %i_next, %loop ]",
        f"  %p0 = phi ptr [ %start, %work ], [ %p{CHASE_STEPS}, %loop ]",
        *(f"  %p{step + 1} = load ptr, ptr %p{step}, align 8" for step in range(CHASE_STEPS)),
        "  %i_next = add i64 %i, 1",
        "  %again = icmp slt i64 %i_next, %count",
        "  br i1 %again, label %loop, label %done",
        "done:",
        f"  store ptr %p{CHASE_STEPS}, ptr %cursor, align 8",
        f"  %address = ptrtoint ptr %p{CHASE_STEPS} to i64",
        "  %base = ptrtoint ptr %memory to i64",
        "  %distance = sub i64 %address, %base",
        f"  %result = sdiv i64 %distance, {LINE}",
    ]
    return KernelSource("chase", assemble("chase", lines, ()), CHASE_STEPS)


def _streams(streams: int) -> list[str]:
    """Where each stream stands: its part of the array, advanced by %i."""
    lines = ["  %stream0 = getelementptr i8, ptr %memory, i64 %i"]
    for stream in range(1, streams):
        lines.append(f"  %stream{stream} = getelementptr i8, ptr %stream{stream - 1}, i64 %part")
    return lines


def _passes(streams: int, *, before_loop: list[str], in_loop: list[str], end: list[str]) -> list[str]:
    """The two loops of a memory kernel: over the repeats, and over the blocks of one stream's part."""
    return [
        f"  %part = sdiv i64 %count, {streams}",
        "  br label %pass",
        "pass:",
        "  %r = phi i64 [ 0, %work ], [ %r_next, %pass_end ]",
        *before_loop,
        "  br label %loop",
        "loop:",
        "  %i = phi i64 [ 0, %pass ], [ %i_next, %loop ]",
        *in_loop,
        f"  %i_next = add i64 %i, {MEMORY_BLOCK}",
        "  %more = icmp slt i64 %i_next, %part",
        "  br i1 %more, label %loop, label %pass_end",
        "pass_end:",
        "  %r_next = add i64 %r, 1",
        "  %again = icmp slt i64 %r_next, %repeats",
        "  br i1 %again, label %pass, label %done",
        "done:",
        *end,
    ]
