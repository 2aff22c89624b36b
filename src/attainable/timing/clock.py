"""The clock that a core runs at now, told by how long a chain of dependent instructions takes.

What the system says is often the nominal clock, and in a virtual machine it is made up.
"""

import time
from itertools import pairwise

from attainable.timing.jit import compile_function

_LINKS = 64
"""Links of the chain in the body of the loop, so that the loop's own instructions hide behind them."""

_CYCLES_PER_LINK = 2
"""A rotation by a constant and an addition of 64-bit registers take one cycle each on x86-64 and ARM64 cores.

Source: uops.info; the software optimization guides of Arm.
"""

_TURNS = 2_000
_TRIALS = 25
"""A trial takes 50 to 150 us, so that most meet no interruption; all together they take 2 to 3 ms."""


def measure_clock_hertz() -> float:
    """Cycles per second of the core that this thread is on: the best of several trials of about 100 us.

    The first call in a process takes 0.2 s longer, because it compiles.
    """
    chain = compile_function("chain", _chain(), 2).call
    # A core that slept needs some time to wake up; the first trial is for that.
    moments = [time.perf_counter()]
    for _ in range(_TRIALS + 1):
        chain(_TURNS, 3)
        moments.append(time.perf_counter())
    fastest = min(end - start for start, end in pairwise(moments[1:]))
    return _TURNS * _LINKS * _CYCLES_PER_LINK / fastest


def _chain() -> str:
    """IR of ``chain(turns, step)``: rotate by 7 and add the step, each link waiting for the one before."""
    lines = [
        "declare i64 @llvm.fshl.i64(i64, i64, i64)",
        "define i64 @chain(i64 %turns, i64 %step) {",
        "entry:",
        "  br label %loop",
        "loop:",
        "  %turn = phi i64 [ 0, %entry ], [ %next, %loop ]",
        f"  %v0 = phi i64 [ 1, %entry ], [ %v{_LINKS}, %loop ]",
    ]
    for link in range(_LINKS):
        lines.append(f"  %r{link} = call i64 @llvm.fshl.i64(i64 %v{link}, i64 %v{link}, i64 7)")
        lines.append(f"  %v{link + 1} = add i64 %r{link}, %step")
    lines += [
        "  %next = add i64 %turn, 1",
        "  %again = icmp slt i64 %next, %turns",
        "  br i1 %again, label %loop, label %done",
        "done:",
        f"  ret i64 %v{_LINKS}",
        "}",
    ]
    return "\n".join(lines)
