"""The kernels compute what they say: each result against the same steps in numpy."""

import ctypes
import importlib
import struct
from collections import Counter
from typing import Any

import numpy as np
import pytest

from attainable.calibration.jit import Compiler, Kernel
from attainable.calibration.kernels import CHAIN_STEPS, FMA_ROUNDS, KernelSource, clock_chain, multiply_add
from attainable.calibration.memory_kernels import MEMORY_BLOCK, copy, read
from attainable.calibration.team import Team


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    return Compiler()


def result(kernel: Kernel, address: int, count: int, repeats: int = 1) -> int:
    with Team((0,)) as team:
        return team.run(kernel, [address], count, repeats=repeats, members=(0,)).results[0]


def aligned(size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    block = np.zeros(size + 64, np.uint8)
    start = -block.ctypes.data % 64
    return block[start : start + size]


@pytest.mark.parametrize("accumulators", [1, 3, 12])
@pytest.mark.parametrize("width", [4, 8])
def test_fused_multiply_add(compiler: Compiler, width: int, accumulators: int):
    if not compiler.fused:
        pytest.skip("no fused multiply-add here")
    source = multiply_add(width=width, accumulators=accumulators, fused=True)
    operands = np.array([2.0**-4, 2.0**-3], np.float32)
    bits = result(compiler.compile(source), operands.ctypes.data, 5)
    # Accumulator k starts at k + 1 and gains x * y in each of 5 x FMA_ROUNDS steps; powers of two stay exact.
    each = [k + 1 + 5 * FMA_ROUNDS * 2.0**-7 for k in range(accumulators)]
    assert struct.unpack("f", struct.pack("I", bits))[0] == width * sum(each)
    assert source.work == 2 * width * accumulators * FMA_ROUNDS  # two operations a lane and step


def test_multiply_then_add(compiler: Compiler):
    kernel = compiler.compile(multiply_add(width=4, accumulators=3, fused=False))
    x, y = np.float32(0.3), np.float32(0.7)
    lanes = np.arange(1, 4, dtype=np.float32)
    for _ in range(2 * FMA_ROUNDS):
        lanes = x * lanes + y
    one_lane = (lanes[0] + lanes[1]) + lanes[2]
    bits = result(kernel, np.array([x, y]).ctypes.data, 2)
    assert struct.unpack("f", struct.pack("I", bits))[0] == one_lane * 4


def test_the_peak_never_leaves_normal_numbers(compiler: Compiler):
    kernel = compiler.compile(multiply_add(width=compiler.widths[0], accumulators=8, fused=compiler.fused))
    operands = np.array([2.0**-10, 2.0**-10], np.float32)  # what the calibration uses
    total = struct.unpack("f", struct.pack("I", result(kernel, operands.ctypes.data, 2_000_000)))[0]
    assert 2.0**-12 < total / (8 * compiler.widths[0]) <= 16  # all saturated: no infinity, no denormal


def test_clock_chain(compiler: Compiler):
    step, value = 0x5DEECE66D, 1
    for _ in range(3 * CHAIN_STEPS):
        value = (((value << 7) | (value >> 57)) + step) % 2**64
    memory = ctypes.c_int64(step)
    assert result(compiler.compile(clock_chain()), ctypes.addressof(memory), 3) % 2**64 == value


@pytest.mark.parametrize(("streams", "prefetch"), [(1, 0), (4, 0), (6, 256), (12, 0)])
@pytest.mark.parametrize("width", [4, 8])
def test_read_sums_every_word(compiler: Compiler, width: int, streams: int, prefetch: int):
    size = 3 * streams * MEMORY_BLOCK
    memory = aligned(size)
    memory[:] = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    kernel = compiler.compile(read(width=width, streams=streams, prefetch=prefetch))
    expected = int(memory.view(np.uint32).sum(dtype=np.uint64))
    assert result(kernel, memory.ctypes.data, size) == expected % 2**32
    assert result(kernel, memory.ctypes.data, size, repeats=3) == 3 * expected % 2**32


def test_copy_copies(compiler: Compiler):
    half = 4 * MEMORY_BLOCK
    memory = aligned(2 * half)
    memory[:half] = np.random.default_rng(0).integers(0, 256, half, np.uint8)
    assert result(compiler.compile(copy(width=compiler.widths[0])), memory.ctypes.data, half) == half
    assert np.array_equal(memory[:half], memory[half:])


def assembly(source: KernelSource, triple: str, processor: str) -> Counter[str]:
    """How often each mnemonic occurs when LLVM compiles for another processor."""
    llvm: Any = importlib.import_module("llvmlite.binding")
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=processor, opt=2)
    text = str(machine.emit_assembly(llvm.parse_assembly(source.ir)))
    return Counter(line.split()[0] for line in text.splitlines() if line.startswith("\t") and line[1] != ".")


def test_arm_gets_one_instruction_a_step_and_no_moves():
    """On ARM the addend is overwritten; a kernel written otherwise would need a move beside each step."""
    found = assembly(multiply_add(width=4, accumulators=24, fused=True), "aarch64-linux-gnu", "cortex-a76")
    assert found["fmla"] == 24 * FMA_ROUNDS
    assert found["mov"] < 24
    chain = assembly(clock_chain(), "aarch64-linux-gnu", "cortex-a76")
    assert chain["ror"] == CHAIN_STEPS
    assert assembly(copy(width=4), "aarch64-linux-gnu", "cortex-a76")["stnp"] > 0


def test_avx512_keeps_all_accumulators_in_registers():
    found = assembly(multiply_add(width=16, accumulators=24, fused=True), "x86_64-linux-gnu", "skylake-avx512")
    assert found["vfmadd231ps"] == 24 * FMA_ROUNDS
    assert found["vmovaps"] + found["vmovups"] < 24, "spilled"
