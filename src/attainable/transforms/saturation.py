"""Whether this processor computes u8 x s8 products without losing their sums.

Without the VNNI instructions, x86 multiplies unsigned by signed bytes with VPMADDUBSW, which adds two neighbouring
products in 16 bits and saturates: 2 x 255 x 127 = 64770 exceeds 32767. Weights of 7 bits, -64 to 64, cannot:
2 x 255 x 64 = 32640.

Source: Intel 64 and IA-32 Architectures Software Developer's Manual, PMADDUBSW and VPDPBUSD; onnxruntime,
"Quantize ONNX models", section on u8s8 on AVX2 and AVX512.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from attainable.timing.conditions import Conditions, read_conditions

VNNI_FLAGS = ("avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8")
"""Any of these adds four products in 32 bits."""
_X86_FLAGS = ("avx", "avx2", "avx512f")
_ARM_FLAGS = ("asimd",)


@dataclass(frozen=True, slots=True)
class WeightRange:
    """How many bits int8 weights get, and why.

    Attributes:
        bits: 7 or 8.
        reason: the end of a sentence.
    """

    bits: int
    reason: str


def weight_range(reduce: bool | None = None, *, isa: Sequence[str] | None = None) -> WeightRange:
    """The range of int8 weights: as asked, or what this machine needs.

    Args:
        reduce: True for 7 bits, False for 8; None decides by the processor.
        isa: names as in ``timing.conditions.ISA_FLAGS``; None for this machine's.
    """
    if reduce is not None:
        return WeightRange(7 if reduce else 8, "as asked")
    flags = read_conditions().isa if isa is None else isa
    if has_vnni(flags):
        return WeightRange(8, "this processor has VNNI")
    if any(flag in flags for flag in _ARM_FLAGS):
        return WeightRange(8, "ARM adds products in 32 bits")
    if any(flag in flags for flag in _X86_FLAGS):
        return WeightRange(7, "this processor has no VNNI, sums of 8-bit products would saturate in 16 bits")
    return WeightRange(7, "the processor is not known, 8 bits could saturate")


def has_vnni(isa: Sequence[str]) -> bool:
    """Whether any instruction set among these sums products of bytes in 32 bits."""
    return any(flag in isa for flag in VNNI_FLAGS)


def processor(conditions: Conditions) -> str:
    """The processor's name and whether it has VNNI, for the user."""
    return f"{conditions.cpu}, {'VNNI' if has_vnni(conditions.isa) else 'no VNNI'}"
