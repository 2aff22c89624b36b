"""The arithmetic micro-benchmarks as LLVM IR, and the frame that all kernels share.

IR is text that any LLVM target compiles, no compiler and no assembly needed.

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
    return KernelSource(name, assemble(name, lines, declared), 2 * width * accumulators * FMA_ROUNDS)


CHAIN_STEPS = 64
"""Steps of `clock_chain` in its loop body."""


def clock_chain() -> KernelSource:
    """The clock: rotate by 7 and add, each step waiting for the one before, two cycles a step.

    ``memory`` holds the number to add. The result is the end of the chain.

    Source: a rotation by a constant and an addition of 64-bit registers take one cycle each on x86-64 and ARM64 cores
    of today (uops.info; software optimization guides of Arm).
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
        "clock_chain", assemble("clock_chain", lines, ("declare i64 @llvm.fshl.i64(i64, i64, i64)",)), CHAIN_STEPS
    )


def assemble(name: str, lines: list[str], declared: tuple[str, ...]) -> str:
    """The module of one kernel: the gate around ``lines``, which begin in %work and compute %result."""
    return "\n".join([_ENTRY.replace("{name}", name), *lines, _EXIT, *declared, ""])
