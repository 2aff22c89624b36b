"""The frame that all micro-benchmarks share, and the clock, as LLVM IR.

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
