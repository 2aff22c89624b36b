"""The micro-benchmarks as LLVM IR: text that any LLVM target compiles, no compiler and no assembly needed.

Every kernel has the same signature and starts behind the same gate::

    i64 kernel(gate*, memory*, i64 count, i64 repeats)

The gate makes several threads start together and lets one of them time all. It holds three numbers, a cache line each:
how many arrived, how many departed, how many take part. A thread adds itself to the arrivals and spins until all are
there. The last to arrive leads: it returns when all have departed, so that its two clock readings, one before and one
after the call, span the whole team's work. The others stay inside until the leader's caller clears the departures;
nobody fights for Python's lock while the clock runs.

No pass optimises the IR, and every kernel returns a value that depends on all it did, so nothing is left out.

Source: method after cpufp (github.com/pigirons/cpufp), clpeak (github.com/krrishnarraj/clpeak) and STREAM
(cs.virginia.edu/stream): independent accumulators for the peak, arrays far beyond the last cache for the bandwidth.
"""

from dataclasses import dataclass

GATE_LINE = 64
"""Bytes between the numbers of the gate, so that spinning on one does not slow the others."""

GATE_BYTES = 3 * GATE_LINE

_ENTRY = f"""\
define i64 @{{name}}(ptr %gate, ptr %memory, i64 %count, i64 %repeats) {{
entry:
  %departed_at = getelementptr i8, ptr %gate, i64 {GATE_LINE}
  %parties_at = getelementptr i8, ptr %gate, i64 {2 * GATE_LINE}
  %parties = load i64, ptr %parties_at, align 8
  %others = sub i64 %parties, 1
  %before = atomicrmw add ptr %gate, i64 1 seq_cst
  %leads = icmp eq i64 %before, %others
  br label %wait
wait:
  %arrived = load atomic i64, ptr %gate acquire, align 8
  %open = icmp sge i64 %arrived, %parties
  br i1 %open, label %work, label %wait
work:
"""

_EXIT = """\
  %gone = atomicrmw add ptr %departed_at, i64 1 seq_cst
  br i1 %leads, label %gather, label %linger
gather:
  %departed = load atomic i64, ptr %departed_at acquire, align 8
  %complete = icmp sge i64 %departed, %parties
  br i1 %complete, label %leave, label %gather
linger:
  %left = load atomic i64, ptr %departed_at acquire, align 8
  %dismissed = icmp eq i64 %left, 0
  br i1 %dismissed, label %leave, label %linger
leave:
  ret i64 %result
}
"""


@dataclass(frozen=True, slots=True)
class KernelSource:
    """A micro-benchmark before it is compiled.

    Attributes:
        name: of the function, also shown as the method that won.
        ir: the LLVM module as text.
        work: what one unit of ``count`` amounts to: operations of an arithmetic kernel, steps of the clock chain,
            bytes of a memory kernel.
    """

    name: str
    ir: str
    work: int


FMA_ROUNDS = 8
"""How often the loop body of `multiply_add` visits each accumulator; hides the cost of the loop itself."""


def multiply_add(*, width: int, accumulators: int, fused: bool) -> KernelSource:
    """The float32 peak: ``accumulators`` vectors of ``width``, each ``a = a + x * y`` over and over.

    ``memory`` holds x and y. Accumulator k starts at k + 1 in each lane and only creeps up, by small products, until it
    no longer changes: no infinity, no denormal. The accumulator is the addend, as ARM's FMLA overwrites the addend.
    The result is the bits of the sum over accumulators and lanes.

    Args:
        width: lanes of a vector.
        accumulators: chains in flight; latency times units of them keep all units busy.
        fused: use fused multiply-add; else a multiply and an add.
    """
    vector = f"<{width} x float>"
    name = f"{'fma' if fused else 'mul_add'}_{width}x{accumulators}"
    lines: list[str] = []
    for operand, offset in (("x", 0), ("y", 4)):
        lines += [
            f"  %{operand}_at = getelementptr i8, ptr %memory, i64 {offset}",
            f"  %{operand}_one = load float, ptr %{operand}_at, align 4",
            f"  %{operand}_lane = insertelement {vector} poison, float %{operand}_one, i64 0",
            f"  %{operand} = shufflevector {vector} %{operand}_lane, {vector} poison, <{width} x i32> zeroinitializer",
        ]
    lines += ["  br label %loop", "loop:", "  %i = phi i64 [ 0, %work ], [ %i_next, %loop ]"]
    for k in range(accumulators):
        start = ", ".join([f"float {float(k + 1)}"] * width)
        lines.append(f"  %a{k}_0 = phi {vector} [ <{start}>, %work ], [ %a{k}_{FMA_ROUNDS}, %loop ]")
    for step in range(FMA_ROUNDS):
        for k in range(accumulators):
            old, new = f"%a{k}_{step}", f"%a{k}_{step + 1}"
            if fused:
                call = f"call {vector} @llvm.fma.v{width}f32({vector} %x, {vector} %y, {vector} {old})"
                lines.append(f"  {new} = {call}")
            else:
                lines.append(f"  %p{k}_{step} = fmul {vector} %x, {old}")
                lines.append(f"  {new} = fadd {vector} %p{k}_{step}, %y")
    lines += [
        "  %i_next = add i64 %i, 1",
        "  %again = icmp slt i64 %i_next, %count",
        "  br i1 %again, label %loop, label %done",
        "done:",
    ]
    total = f"%a0_{FMA_ROUNDS}"
    for k in range(1, accumulators):
        lines.append(f"  %t{k} = fadd {vector} {total}, %a{k}_{FMA_ROUNDS}")
        total = f"%t{k}"
    lines += [
        f"  %sum = call float @llvm.vector.reduce.fadd.v{width}f32(float 0.0, {vector} {total})",
        "  %bits = bitcast float %sum to i32",
        "  %result = zext i32 %bits to i64",
    ]
    declared = (
        f"declare {vector} @llvm.fma.v{width}f32({vector}, {vector}, {vector})",
        f"declare float @llvm.vector.reduce.fadd.v{width}f32(float, {vector})",
    )
    return KernelSource(name, _module(name, lines, declared), 2 * width * accumulators * FMA_ROUNDS)


CHAIN_STEPS = 64
"""Steps of `clock_chain` in its loop body."""


def clock_chain() -> KernelSource:
    """The clock: rotate by 7 and add, each step waiting for the one before, two cycles a step.

    ``memory`` holds the number to add. The result is the end of the chain.

    Source: rotation by a constant and addition of 64-bit registers take one cycle each on x86-64 and ARM64 cores since
    2011 (uops.info; Arm Cortex software optimization guides).
    """
    lines = [
        "  %step = load i64, ptr %memory, align 8",
        "  br label %loop",
        "loop:",
        "  %i = phi i64 [ 0, %work ], [ %i_next, %loop ]",
        f"  %v0 = phi i64 [ 1, %work ], [ %v{CHAIN_STEPS}, %loop ]",
    ]
    for step in range(CHAIN_STEPS):
        lines.append(f"  %r{step} = call i64 @llvm.fshl.i64(i64 %v{step}, i64 %v{step}, i64 7)")
        lines.append(f"  %v{step + 1} = add i64 %r{step}, %step")
    lines += [
        "  %i_next = add i64 %i, 1",
        "  %again = icmp slt i64 %i_next, %count",
        "  br i1 %again, label %loop, label %done",
        "done:",
        f"  %result = add i64 %v{CHAIN_STEPS}, 0",
    ]
    return KernelSource(
        "clock_chain", _module("clock_chain", lines, ("declare i64 @llvm.fshl.i64(i64, i64, i64)",)), CHAIN_STEPS
    )


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
    return KernelSource(name, _module(name, lines, declared), 1)


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
    return KernelSource("copy", _module("copy", lines, ("!0 = !{i32 1}",)), 2)


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


def _module(name: str, lines: list[str], declared: tuple[str, ...]) -> str:
    return "\n".join([_ENTRY.replace("{name}", name), *lines, _EXIT, *declared, ""])
