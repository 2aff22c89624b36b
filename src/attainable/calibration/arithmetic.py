"""The loop that saturates the units of a `Family`: independent sums in registers, all the time.

As many sums as latency times units keep all units busy; more than there are registers would be spilled. How many is
best is found by trying.
"""

from attainable.calibration.instruction_sets import ELEMENT_BYTES, LLVM_SUFFIX, Family
from attainable.calibration.kernels import KernelSource, assemble


def multiply_adds(family: Family, accumulators: int, rounds: int) -> KernelSource:
    """The loop that visits each of ``accumulators`` sums ``rounds`` times: ``a = a + x * y`` over and over.

    ``memory`` holds one element x and, 16 bytes on, one element y, which fill all lanes. Sum k starts at k + 1 in each
    lane. Floating-point sums creep up by small products until they no longer change: no infinity, no denormal. The
    result is the sum over accumulators and lanes, as the bits of its own type; ``count`` is in passes of the loop.
    """
    sums, operands = f"<{family.lanes} x {family.accumulator}>", _vector(family)
    name = f"{family.name}_{_SHORT[family.dtype]}_{family.register_bytes * 8}x{accumulators}x{rounds}"
    lines = [*_broadcast("x", 0, family), *_broadcast("y", 16, family)]
    if "%y8" in "".join(family.steps):
        lines.append(f"  %y8 = shufflevector {operands} %y, {operands} poison, <8 x i32> zeroinitializer")
    lines += ["  br label %loop", "loop:", "  %i = phi i64 [ 0, %work ], [ %i_next, %loop ]"]
    for k in range(accumulators):
        start = f"splat ({family.accumulator} {k + 1}{'' if _is_integer(family) else '.0'})"
        lines.append(f"  %a{k}_0 = phi {sums} [ {start}, %work ], [ %a{k}_{rounds}, %loop ]")
    for step in range(rounds):
        for k in range(accumulators):
            names = {"old": f"%a{k}_{step}", "new": f"%a{k}_{step + 1}", "sums": sums, "operands": operands}
            lines += [f"  {line.format(**names)}" for line in family.steps]
    lines += [
        "  %i_next = add i64 %i, 1",
        "  %again = icmp slt i64 %i_next, %count",
        "  br i1 %again, label %loop, label %done",
        "done:",
    ]
    total, add = f"%a0_{rounds}", "add" if _is_integer(family) else "fadd"
    for k in range(1, accumulators):
        lines.append(f"  %t{k} = {add} {sums} {total}, %a{k}_{rounds}")
        total = f"%t{k}"
    folded, reduction = _folded(family, total)
    types = {"sums": sums, "operands": operands}
    declared = tuple(line.format(**types) for line in family.declared)
    work = family.operations_per_step * accumulators * rounds
    return KernelSource(name, assemble(name, [*lines, *folded], (*declared, reduction)), work)


_SHORT = {"float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16", "int8": "i8"}


def _is_integer(family: Family) -> bool:
    return family.accumulator.startswith("i")


def _vector(family: Family) -> str:
    return f"<{family.register_bytes // ELEMENT_BYTES[family.operand]} x {family.operand}>"


def _broadcast(name: str, offset: int, family: Family) -> list[str]:
    vector, scalar = _vector(family), family.operand
    lanes = family.register_bytes // ELEMENT_BYTES[scalar]
    return [
        f"  %{name}_at = getelementptr i8, ptr %memory, i64 {offset}",
        f"  %{name}_one = load {scalar}, ptr %{name}_at, align {ELEMENT_BYTES[scalar]}",
        f"  %{name}_lane = insertelement {vector} poison, {scalar} %{name}_one, i64 0",
        f"  %{name} = shufflevector {vector} %{name}_lane, {vector} poison, <{lanes} x i32> zeroinitializer",
    ]


def _folded(family: Family, total: str) -> tuple[list[str], str]:
    """Lines that add the lanes up to an i64 of bits, and the declaration that they need."""
    sums, scalar, bits = (
        f"<{family.lanes} x {family.accumulator}>",
        family.accumulator,
        8 * ELEMENT_BYTES[family.accumulator],
    )
    if _is_integer(family):
        function = f"i32 @llvm.vector.reduce.add.v{family.lanes}i32"
        return [f"  %sum = call {function}({sums} {total})", "  %result = zext i32 %sum to i64"], (
            f"declare {function}({sums})"
        )
    function = f"{scalar} @llvm.vector.reduce.fadd.v{family.lanes}{LLVM_SUFFIX[scalar]}"
    lines = [f"  %sum = call {function}({scalar} 0.0, {sums} {total})", f"  %bits = bitcast {scalar} %sum to i{bits}"]
    widen = "add i64 %bits, 0" if bits == 64 else f"zext i{bits} %bits to i64"
    return [*lines, f"  %result = {widen}"], f"declare {function}({scalar}, {sums})"
