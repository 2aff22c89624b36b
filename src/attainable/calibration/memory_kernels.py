"""The memory micro-benchmarks as LLVM IR: reading and copying, in the frame of `attainable.calibration.kernels`."""

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


def copy(*, width: int) -> KernelSource:
    """Copy bandwidth past the caches: ``count`` bytes of ``memory`` to the ``count`` bytes after them.

    The stores are non-temporal: the target is not read first, so ``2 * count`` bytes really move. ``count`` must be a
    multiple of ``MEMORY_BLOCK``. The result is ``count``.
    """
    vector, step = f"<{width} x i32>", width * 4
    body = ["  %target = getelementptr i8, ptr %stream0, i64 %count"]
    for index, offset in enumerate(range(0, MEMORY_BLOCK, step)):
        body += [
            f"  %from{index} = getelementptr i8, ptr %stream0, i64 {offset}",
            f"  %to{index} = getelementptr i8, ptr %target, i64 {offset}",
            f"  %word{index} = load {vector}, ptr %from{index}, align {step}",
            f"  store {vector} %word{index}, ptr %to{index}, align {step}, !nontemporal !0",
        ]
    lines = _passes(1, before_loop=[], in_loop=[*_streams(1), *body], end=["  %result = add i64 %count, 0"])
    return KernelSource("copy", assemble("copy", lines, ("!0 = !{i32 1}",)), 2)


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
