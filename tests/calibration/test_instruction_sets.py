"""Peak kernels: what they compute here, and for every other processor the loop that LLVM makes of them."""

import importlib
import struct
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from attainable.calibration.arithmetic import multiply_adds
from attainable.calibration.instruction_sets import CONVERTED, FAMILIES, Family, families
from attainable.calibration.jit import Compiler
from attainable.calibration.team import Team

ROUNDS = 8

X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"

ALL = [family for tiers in FAMILIES.values() for tier in tiers for family in tier]

# A processor that has each family, and what its loop consists of: instructions a step, beside the loop's own counter.
EXPECTED: dict[tuple[str, str, int], tuple[str, tuple[str, ...]]] = {
    ("fma", "float64", 64): ("skylake-avx512", ("vfmadd231pd",)),
    ("fma", "float64", 32): ("haswell", ("vfmadd231pd",)),
    ("fmla", "float64", 16): ("cortex-a72", ("fmla",)),
    ("mul_add", "float64", 32): ("sandybridge", ("vmulpd", "vaddpd")),
    ("mul_add", "float64", 16): ("nehalem", ("mulpd", "addpd")),
    ("fma", "float32", 64): ("znver4", ("vfmadd231ps",)),
    ("fma", "float32", 32): ("znver3", ("vfmadd231ps",)),
    ("fmla", "float32", 16): ("neoverse-n1", ("fmla",)),
    ("mul_add", "float32", 32): ("ivybridge", ("vmulps", "vaddps")),
    ("mul_add", "float32", 16): ("nehalem", ("mulps", "addps")),
    ("fma", "float16", 64): ("sapphirerapids", ("vfmadd231ph",)),
    ("fma", "float16", 32): ("sapphirerapids", ("vfmadd231ph",)),
    ("fmla", "float16", 16): ("apple-m1", ("fmla",)),
    ("vdpbf16ps", "bfloat16", 64): ("cooperlake", ("vdpbf16ps",)),
    ("vdpbf16ps", "bfloat16", 32): ("znver4", ("vdpbf16ps",)),
    ("bfmmla", "bfloat16", 16): ("neoverse-v1", ("bfmmla",)),
    ("bfdot", "bfloat16", 16): ("neoverse-n2", ("bfdot",)),
    ("vpdpbusd", "int8", 64): ("cascadelake", ("vpdpbusd",)),
    ("vpdpbusd", "int8", 32): ("alderlake", ("vpdpbusd",)),
    ("smmla", "int8", 16): ("neoverse-n2", ("smmla",)),
    ("usmmla", "int8", 16): ("neoverse-v2", ("usmmla",)),
    ("sdot", "int8", 16): ("cortex-a76", ("sdot",)),
    ("pmaddubsw_pmaddwd", "int8", 64): ("skylake-avx512", ("vpmaddubsw", "vpmaddwd", "vpaddd")),
    ("pmaddubsw_pmaddwd", "int8", 32): ("znver3", ("vpmaddubsw", "vpmaddwd", "vpaddd")),
    ("pmaddubsw_pmaddwd", "int8", 16): ("nehalem", ("pmaddubsw", "pmaddwd", "paddd")),
    ("pmaddwd", "int8", 32): ("haswell", ("vpmaddwd", "vpaddd")),
    ("smull_sadalp", "int8", 16): ("cortex-a72", ("smull", "sadalp")),
}

# What closes a loop; without it a loop can only have what was asked for.
CONTROL = {"incq", "cmpq", "jl", "jne", "addq", "decq", "add", "adds", "sub", "subs", "cmp", "b.lt", "b.ne"}


def loop(ir: str, triple: str, processor: str) -> list[str]:
    """The instructions of the longest block, which is the loop, when LLVM compiles for a processor."""
    llvm: Any = importlib.import_module("llvmlite.binding")
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=processor, opt=2)
    blocks: list[list[str]] = [[]]
    for line in str(machine.emit_assembly(llvm.parse_assembly(ir))).splitlines():
        if not line.startswith("\t"):
            blocks.append([])
        elif line[1] != ".":
            blocks[-1].append(line.strip().removeprefix("{vex}").strip())
            if blocks[-1][-1].startswith(("j", "b.", "cb")):
                blocks.append([])
    return max(blocks, key=len)


@pytest.mark.parametrize("family", ALL, ids=lambda family: f"{family.name}-{family.dtype}-{family.register_bytes * 8}")
def test_the_loop_has_the_instructions_and_nothing_else(family: Family):
    processor, wanted = EXPECTED[family.name, family.dtype, family.register_bytes]
    accumulators = max(family.accumulators)
    triple = X86 if family.architecture == "x86" else ARM
    lines = loop(multiply_adds(family, accumulators, ROUNDS).ir, triple, processor)
    found = Counter(line.split()[0] for line in lines)
    for instruction in wanted:
        assert found[instruction] == accumulators * ROUNDS, found
    others = found.total() - len(wanted) * accumulators * ROUNDS
    moves = sum(found[name] for name in ("movdqa", "movaps", "movapd"))
    # SSE overwrites its first operand: a product of a sum that is still needed costs a copy.
    copies = accumulators * ROUNDS if processor == "nehalem" else 0
    assert moves <= copies
    assert others - moves == sum(found[name] for name in CONTROL) <= 4, found
    # A spilled sum would be loaded again from the stack.
    assert not any("(%rsp)" in line or "[sp" in line for line in lines)
    register = {64: "%zmm", 32: "%ymm", 16: "%xmm"}[family.register_bytes] if triple == X86 else "v"
    assert sum(register in line for line in lines) >= accumulators * ROUNDS


def test_every_family_has_a_processor_above():
    assert {(family.name, family.dtype, family.register_bytes) for family in ALL} == set(EXPECTED)


@pytest.mark.parametrize(
    ("architecture", "features", "best"),
    [
        ("x86", {"sse2", "ssse3"}, {"float32": "mul_add", "int8": "pmaddubsw_pmaddwd"}),
        ("x86", {"sse2", "ssse3", "avx", "avx2", "fma"}, {"float64": "fma", "int8": "pmaddubsw_pmaddwd"}),
        ("x86", {"avx2", "fma", "avxvnni"}, {"float32": "fma", "int8": "vpdpbusd"}),
        ("x86", {"avx2", "fma", "avx512f", "avx512bw", "avx512vl"}, {"int8": "pmaddubsw_pmaddwd"}),
        (
            "x86",
            {"avx512f", "avx512vl", "avx512vnni", "avx512bf16", "avx512fp16"},
            {"float16": "fma", "bfloat16": "vdpbf16ps", "int8": "vpdpbusd"},
        ),
        ("arm", {"neon"}, {"float32": "fmla", "int8": "smull_sadalp"}),
        ("arm", {"neon", "dotprod", "fullfp16"}, {"float16": "fmla", "int8": "sdot"}),
        ("arm", {"neon", "i8mm", "bf16", "dotprod"}, {"bfloat16": "bfmmla", "int8": "smmla"}),
    ],
)
def test_the_best_tier_is_taken(architecture: Any, features: set[str], best: dict[str, str]):
    for dtype, name in best.items():
        assert families(dtype, architecture, frozenset(features))[0].name == name


def test_without_an_instruction_there_is_no_family_and_a_reason():
    here = frozenset({"sse2", "ssse3", "avx", "avx2", "fma", "f16c"})
    missing = {dtype for dtype in FAMILIES if not families(dtype, "x86", here)}
    assert missing == {"float16", "bfloat16"} == set(CONVERTED)
    assert not families("float32", None, frozenset())


def test_operations_of_a_step():
    counted = {(f.name, f.dtype, f.register_bytes): f.operations_per_step for f in ALL}
    assert counted["fma", "float32", 32] == 2 * 8  # a product and a sum in each of 8 lanes
    assert counted["vpdpbusd", "int8", 64] == 2 * 64  # each of 64 bytes is multiplied and added
    assert counted["vdpbf16ps", "bfloat16", 32] == 2 * 16
    assert counted["smmla", "int8", 16] == 2 * 2 * 2 * 8  # a 2x8 matrix times an 8x2 matrix
    assert counted["bfmmla", "bfloat16", 16] == 2 * 2 * 2 * 4  # 2x4 times 4x2
    assert counted["pmaddubsw_pmaddwd", "int8", 32] == 2 * 32
    assert counted["pmaddwd", "int8", 32] == 2 * 16
    assert counted["smull_sadalp", "int8", 16] == 2 * 8


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    return Compiler()


def result(compiler: Compiler, family: Family, accumulators: int, operands: Sequence[Any], count: int) -> int:
    memory = np.zeros(32, np.uint8)
    for place, operand in zip((0, 16), operands, strict=True):
        encoded = np.atleast_1d(operand).view(np.uint8)
        memory[place : place + len(encoded)] = encoded
    kernel = compiler.compile(multiply_adds(family, accumulators, ROUNDS))
    with Team((0,)) as team:
        return team.run(kernel, [memory.ctypes.data], count, members=(0,)).results[0]


def here(compiler: Compiler, name: str, dtype: str, width: int) -> Family:
    wanted = next(f for f in ALL if (f.name, f.dtype, f.register_bytes) == (name, dtype, width))
    if wanted.architecture != compiler.architecture or not compiler.features.issuperset(wanted.features):
        pytest.skip(f"no {name} here")
    return wanted


@pytest.mark.parametrize("accumulators", [1, 3, 12])
@pytest.mark.parametrize(("dtype", "scalar", "code"), [("float32", np.float32, "If"), ("float64", np.float64, "Qd")])
def test_fused_multiply_add(compiler: Compiler, dtype: str, scalar: type[Any], code: str, accumulators: int):
    family = families(dtype, compiler.architecture, compiler.features)[-1]
    if family.name == "mul_add":
        pytest.skip("no fused multiply-add here")
    bits = result(compiler, family, accumulators, (scalar(2.0**-4), scalar(2.0**-3)), 5)
    # Accumulator k starts at k + 1 and gains x * y in each of 5 x ROUNDS steps; powers of two stay exact.
    each = [k + 1 + 5 * ROUNDS * 2.0**-7 for k in range(accumulators)]
    total = struct.unpack(code[1], struct.pack(code[0], bits % 2 ** (32 if dtype == "float32" else 64)))[0]
    assert total == family.lanes * sum(each)
    assert multiply_adds(family, accumulators, ROUNDS).work == 2 * family.lanes * accumulators * ROUNDS


def test_multiply_then_add(compiler: Compiler):
    family = here(compiler, "mul_add", "float32", 16)
    x, y = np.float32(0.3), np.float32(0.7)
    lanes = np.arange(1, 4, dtype=np.float32)
    for _ in range(2 * ROUNDS):
        lanes = x * lanes + y
    one_lane = (lanes[0] + lanes[1]) + lanes[2]
    bits = result(compiler, family, 3, (x, y), 2)
    assert struct.unpack("f", struct.pack("I", bits))[0] == one_lane * 4


def test_pairs_of_bytes(compiler: Compiler):
    family = here(compiler, "pmaddubsw_pmaddwd", "int8", 32)
    y = -3
    sums = np.arange(1, 3, dtype=np.int64)
    for _ in range(2 * ROUNDS):
        unsigned = sums.astype(np.int32).view(np.uint8).reshape(-1, 4).astype(np.int64)
        signed = unsigned.astype(np.uint8).view(np.int8).astype(np.int64)
        # y is the unsigned factor, the sum's own bytes the signed one; a pair saturates at 16 bits.
        pairs = np.clip((signed * (y % 256)).reshape(-1, 2, 2).sum(axis=2), -(2**15), 2**15 - 1)
        sums = (sums + pairs.sum(axis=1)).astype(np.int32).astype(np.int64)
    assert result(compiler, family, 2, (np.int8(1), np.int8(y)), 2) == int(8 * sums.sum()) % 2**32


def test_pairs_of_widened_bytes(compiler: Compiler):
    family = here(compiler, "pmaddwd", "int8", 32)
    sums = np.arange(1, 4, dtype=np.int64)
    for _ in range(3 * ROUNDS):
        words = sums.astype(np.int32).view(np.int16).astype(np.int64).reshape(-1, 2)
        sums = (sums + (words * 5).sum(axis=1)).astype(np.int32).astype(np.int64)
    assert result(compiler, family, 3, (np.int16(1), np.int16(5)), 3) == int(8 * sums.sum()) % 2**32


@pytest.mark.parametrize("dtype", sorted(FAMILIES))
def test_dot_products_elsewhere_than_here_have_their_remark(dtype: str):
    for tier in FAMILIES[dtype]:
        for family in tier:
            assert bool(family.remark) == (family.unit == "integer")


def test_the_peak_never_leaves_normal_numbers(compiler: Compiler):
    family = families("float32", compiler.architecture, compiler.features)[0]
    small = np.float32(2.0**-10)  # what the calibration uses
    bits = result(compiler, family, 8, (small, small), 2_000_000)
    total = struct.unpack("f", struct.pack("I", bits))[0]
    assert 2.0**-12 < total / (8 * family.lanes) <= 16  # all saturated: no infinity, no denormal
