"""What multiplies and adds: the instructions of each instruction set, by element type.

A `Family` is one instruction, or a short sequence, that multiplies and adds. ``FAMILIES`` lists them by element type,
in tiers, the best first: of the first tier that this processor has something of, all that it has compete.

What has no family here has no roof: an element type that the processor only converts has no unit of its own. Tile units
(AMX of x86, SME of ARM) are not measured: they need a mode to be set up around the kernel, and say so in the profile.

Source: the instructions' own pages in Intel's Intrinsics Guide and in Arm's A64 instruction set reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Architecture = Literal["x86", "arm"]
Unit = Literal["float", "half", "bfloat", "integer", "dot", "matrix", "bfloat_matrix"]
"""Execution units that an instruction occupies; the key of the theory beside the measurement."""


@dataclass(frozen=True, slots=True)
class Family:
    """A way to multiply and add.

    Attributes:
        name: the instruction, or the sequence of them.
        dtype: element type of the operands.
        architecture: whose instruction it is.
        features: what LLVM calls the instruction sets that it needs.
        register_bytes: size of its vectors.
        accumulator: LLVM type of a sum.
        operand: LLVM type of an element of x and y.
        macs: multiply-adds that one step adds to each sum of the vector.
        unit: what it occupies.
        issues: how many instructions of a step go to that unit.
        steps: LLVM lines of a step: {old} and {new} are the sums, {sums} their type, {operands} the type of x and y.
        declared: the intrinsics that the lines call.
        accumulators: numbers of sums worth trying.
        rounds: how often the loop body visits each sum; more hide the loop itself.
        remark: what is counted, where that needs saying.
    """

    name: str
    dtype: str
    architecture: Architecture
    features: tuple[str, ...]
    register_bytes: int
    accumulator: str
    operand: str
    macs: int
    unit: Unit
    steps: tuple[str, ...]
    declared: tuple[str, ...]
    accumulators: tuple[int, ...]
    rounds: tuple[int, ...] = (8,)
    issues: int = 1
    remark: str = ""

    @property
    def lanes(self) -> int:
        """Sums in a vector."""
        return self.register_bytes // ELEMENT_BYTES[self.accumulator]

    @property
    def operations_per_step(self) -> int:
        """Multiplications and additions of one step, counted as two."""
        return 2 * self.macs * self.lanes


ELEMENT_BYTES = {"double": 8, "float": 4, "half": 2, "bfloat": 2, "i32": 4, "i16": 2, "i8": 1}
LLVM_SUFFIX = {"double": "f64", "float": "f32", "half": "f16"}
_DTYPES = {"double": "float64", "float": "float32", "half": "float16"}

_FEW_REGISTERS = (8, 10, 12, 14)
"""Sums to try with 16 registers: two are left for x and y."""
_FEW_AND_A_TEMPORARY = (11, 12, 13)
_UNEVEN = (6, 8, 12)
"""Rounds to try of a sequence in which two kinds of instructions compete for a unit: how they settle is chance."""

_MANY_REGISTERS = (8, 12, 16, 24)
_AND_TEMPORARIES = {16: (8, 10), 32: _FEW_AND_A_TEMPORARY, 64: _MANY_REGISTERS}
"""Sums to try by the size of a vector where a step needs registers of its own; SSE needs most."""

_WIDENED = "signed bytes widened to 16 bits beforehand, pairs of products added into 32-bit sums"
_SATURATING = (
    "unsigned times signed bytes, pairs of products added in 16 bits (which saturates), then into 32-bit sums; "
    "code that keeps several of them in 16 bits needs fewer instructions and may be faster"
)


def _fused(scalar: str, architecture: Architecture, features: Sequence[str], width: int) -> Family:
    """Fused multiply-add; the sum is the addend, as ARM's FMLA overwrites the addend."""
    lanes = width // ELEMENT_BYTES[scalar]
    function = f"@llvm.fma.v{lanes}{LLVM_SUFFIX[scalar]}"
    return Family(
        name="fma" if architecture == "x86" else "fmla",
        dtype=_DTYPES[scalar],
        architecture=architecture,
        features=tuple(features),
        register_bytes=width,
        accumulator=scalar,
        operand=scalar,
        macs=1,
        unit="half" if scalar == "half" else "float",
        steps=(f"{{new}} = call {{sums}} {function}({{sums}} %x, {{sums}} %y, {{sums}} {{old}})",),
        declared=(f"declare {{sums}} {function}({{sums}}, {{sums}}, {{sums}})",),
        accumulators=_FEW_REGISTERS if architecture == "x86" and width < 64 else _MANY_REGISTERS,
    )


def _multiply_then_add(scalar: str, features: Sequence[str], width: int) -> Family:
    """For processors without a fused one; a multiplier and an adder work side by side."""
    return Family(
        name="mul_add",
        dtype=_DTYPES[scalar],
        architecture="x86",
        features=tuple(features),
        register_bytes=width,
        accumulator=scalar,
        operand=scalar,
        macs=1,
        unit="float",
        steps=("{new}.product = fmul {sums} %x, {old}", "{new} = fadd {sums} {new}.product, %y"),
        declared=(),
        accumulators=_FEW_REGISTERS,
    )


def _dot(
    name: str,
    dtype: str,
    architecture: Architecture,
    features: Sequence[str],
    width: int,
    intrinsic: str,
    *,
    sums: str,
    operand: str,
    macs: int,
    unit: Unit,
) -> Family:
    """An instruction that adds several products of neighbours to each sum."""
    return Family(
        name=name,
        dtype=dtype,
        architecture=architecture,
        features=tuple(features),
        register_bytes=width,
        accumulator=sums,
        operand=operand,
        macs=macs,
        unit=unit,
        steps=(f"{{new}} = call {{sums}} @{intrinsic}({{sums}} {{old}}, {{operands}} %x, {{operands}} %y)",),
        declared=(f"declare {{sums}} @{intrinsic}({{sums}}, {{operands}}, {{operands}})",),
        accumulators=_FEW_REGISTERS if architecture == "x86" and width < 64 else _MANY_REGISTERS,
    )


def _saturating_pairs(features: Sequence[str], width: int, first: str, second: str) -> Family:
    """PMADDUBSW, PMADDWD by ones, PADDD. The sums themselves are x, so that no product is the same as another."""
    pairs = f"<{width // 2} x i16>"
    return Family(
        name="pmaddubsw_pmaddwd",
        dtype="int8",
        architecture="x86",
        features=tuple(features),
        register_bytes=width,
        accumulator="i32",
        operand="i8",
        macs=4,
        unit="integer",
        issues=2,
        steps=(
            "{new}.bytes = bitcast {sums} {old} to {operands}",
            f"{{new}}.pairs = call {pairs} @{first}({{operands}} %y, {{operands}} {{new}}.bytes)",
            f"{{new}}.fours = call {{sums}} @{second}({pairs} {{new}}.pairs, {pairs} splat (i16 1))",
            "{new} = add {sums} {old}, {new}.fours",
        ),
        declared=(
            f"declare {pairs} @{first}({{operands}}, {{operands}})",
            f"declare {{sums}} @{second}({pairs}, {pairs})",
        ),
        accumulators=_AND_TEMPORARIES[width],
        rounds=_UNEVEN,
        remark=_SATURATING,
    )


def _widened_pairs(features: Sequence[str], width: int, intrinsic: str) -> Family:
    """PMADDWD, PADDD, on bytes that were widened when they were packed."""
    return Family(
        name="pmaddwd",
        dtype="int8",
        architecture="x86",
        features=tuple(features),
        register_bytes=width,
        accumulator="i32",
        operand="i16",
        macs=2,
        unit="integer",
        steps=(
            "{new}.words = bitcast {sums} {old} to {operands}",
            f"{{new}}.pairs = call {{sums}} @{intrinsic}({{operands}} {{new}}.words, {{operands}} %y)",
            "{new} = add {sums} {old}, {new}.pairs",
        ),
        declared=(f"declare {{sums}} @{intrinsic}({{operands}}, {{operands}})",),
        accumulators=_AND_TEMPORARIES[width],
        remark=_WIDENED,
    )


_WIDENING_MULTIPLY = Family(
    name="smull_sadalp",
    dtype="int8",
    architecture="arm",
    features=("neon",),
    register_bytes=16,
    accumulator="i32",
    operand="i8",
    macs=2,
    unit="integer",
    issues=2,
    steps=(
        "{new}.bytes = bitcast {sums} {old} to {operands}",
        "{new}.low = shufflevector {operands} {new}.bytes, {operands} poison, "
        "<8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>",
        "{new}.pairs = call <8 x i16> @llvm.aarch64.neon.smull.v8i16(<8 x i8> {new}.low, <8 x i8> %y8)",
        "{new}.fours = call {sums} @llvm.aarch64.neon.saddlp.v4i32.v8i16(<8 x i16> {new}.pairs)",
        "{new} = add {sums} {old}, {new}.fours",
    ),
    declared=(
        "declare <8 x i16> @llvm.aarch64.neon.smull.v8i16(<8 x i8>, <8 x i8>)",
        "declare <4 x i32> @llvm.aarch64.neon.saddlp.v4i32.v8i16(<8 x i16>)",
    ),
    accumulators=_MANY_REGISTERS,
    remark="signed bytes, products in 16 bits, added in pairs into 32-bit sums",
)  # fmt: skip


def _vpdpbusd(features: Sequence[str], width: int) -> Family:
    intrinsic = f"llvm.x86.avx512.vpdpbusd.{width * 8}"
    return _dot("vpdpbusd", "int8", "x86", features, width, intrinsic, sums="i32", operand="i8", macs=4, unit="dot")


def _vdpbf16ps(features: Sequence[str], width: int) -> Family:
    return _dot(
        "vdpbf16ps", "bfloat16", "x86", features, width, f"llvm.x86.avx512bf16.dpbf16ps.{width * 8}",
        sums="float", operand="bfloat", macs=2, unit="bfloat",
    )  # fmt: skip


def _neon(name: str, feature: str, *, macs: int, unit: Unit) -> Family:
    return _dot(
        name, "int8", "arm", (feature,), 16, f"llvm.aarch64.neon.{name}.v4i32.v16i8",
        sums="i32", operand="i8", macs=macs, unit=unit,
    )  # fmt: skip


def _neon_bfloat(name: str, intrinsic: str, *, macs: int, unit: Unit) -> Family:
    return _dot(
        name, "bfloat16", "arm", ("bf16",), 16, intrinsic, sums="float", operand="bfloat", macs=macs, unit=unit
    )  # fmt: skip


def _floating(scalar: str) -> tuple[tuple[Family, ...], ...]:
    return (
        (
            _fused(scalar, "x86", ("avx512f",), 64),
            _fused(scalar, "x86", ("fma",), 32),
            _fused(scalar, "arm", ("neon",), 16),
        ),
        (_multiply_then_add(scalar, ("avx",), 32),),
        (_multiply_then_add(scalar, ("sse2",), 16),),
    )


FAMILIES: dict[str, tuple[tuple[Family, ...], ...]] = {
    "float64": _floating("double"),
    "float32": _floating("float"),
    "float16": (
        (
            _fused("half", "x86", ("avx512fp16",), 64),
            _fused("half", "x86", ("avx512fp16", "avx512vl"), 32),
            _fused("half", "arm", ("fullfp16",), 16),
        ),
    ),
    "bfloat16": (
        (
            _vdpbf16ps(("avx512bf16",), 64),
            _vdpbf16ps(("avx512bf16", "avx512vl"), 32),
            _neon_bfloat("bfmmla", "llvm.aarch64.neon.bfmmla", macs=4, unit="bfloat_matrix"),
            _neon_bfloat("bfdot", "llvm.aarch64.neon.bfdot.v4f32.v8bf16", macs=2, unit="bfloat"),
        ),
    ),
    "int8": (
        (
            _vpdpbusd(("avx512vnni",), 64),
            _vpdpbusd(("avx512vnni", "avx512vl"), 32),
            _neon("smmla", "i8mm", macs=8, unit="matrix"),
            _neon("usmmla", "i8mm", macs=8, unit="matrix"),
            _neon("sdot", "dotprod", macs=4, unit="dot"),
        ),
        (_vpdpbusd(("avxvnni",), 32),),
        (
            _saturating_pairs(("avx512bw",), 64, "llvm.x86.avx512.pmaddubs.w.512", "llvm.x86.avx512.pmaddw.d.512"),
            _saturating_pairs(("avx2",), 32, "llvm.x86.avx2.pmadd.ub.sw", "llvm.x86.avx2.pmadd.wd"),
            _widened_pairs(("avx2",), 32, "llvm.x86.avx2.pmadd.wd"),
            _WIDENING_MULTIPLY,
        ),
        (_saturating_pairs(("ssse3",), 16, "llvm.x86.ssse3.pmadd.ub.sw.128", "llvm.x86.sse2.pmadd.wd"),),
    ),
}  # fmt: skip
"""Families by element type, in tiers, the best first."""

CONVERTED = {
    "float16": "no instruction that multiplies half precision; values are converted to float32",
    "bfloat16": "no instruction that multiplies bfloat16; values are converted to float32",
}
"""Why an element type has no roof on a processor without a family for it."""


def families(dtype: str, architecture: Architecture | None, features: frozenset[str]) -> tuple[Family, ...]:
    """The families of the first tier that a processor has something of; empty where it has none.

    Args:
        dtype: a key of ``FAMILIES``.
        architecture: of the processor; None for another one, which gets nothing.
        features: LLVM's names of its instruction sets.
    """
    for tier in FAMILIES[dtype]:
        available = [f for f in tier if f.architecture == architecture and features.issuperset(f.features)]
        if available:
            return tuple(available)
    return ()
