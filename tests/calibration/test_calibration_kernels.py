"""The kernels compute what they say: each result against the same steps in numpy."""

import ctypes
import importlib
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from attainable.calibration.jit import Compiler, Kernel
from attainable.calibration.kernels import CHAIN_STEPS, KernelSource, clock_chain
from attainable.calibration.memory_kernels import (
    ARRAYS,
    CHASE_STEPS,
    LINE,
    MEMORY_BLOCK,
    Store,
    chase,
    link,
    read,
    store,
)
from attainable.calibration.special_kernels import BLOCK, FUNCTIONS, special
from attainable.calibration.team import Team

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    return Compiler()


def result(kernel: Kernel, address: int, count: int, repeats: int = 1) -> int:
    with Team((0,)) as team:
        return team.run(kernel, [address], count, repeats=repeats, members=(0,)).results[0]


def aligned(size: int) -> Bytes:
    block = np.zeros(size + 64, np.uint8)
    start = -block.ctypes.data % 64
    return block[start : start + size]


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


@pytest.mark.parametrize("temporal", [True, False])
@pytest.mark.parametrize("access", ["write", "copy", "triad"])
def test_stores_write_what_they_say_and_nothing_else(compiler: Compiler, access: Store, temporal: bool):
    size, arrays = 4 * MEMORY_BLOCK, ARRAYS[access]
    memory = aligned((arrays + 1) * size)
    floats = memory.view(np.float32)
    floats[:] = np.random.default_rng(0).random(len(floats), np.float32)
    before = floats.reshape(arrays + 1, -1).copy()
    source = store(access, width=compiler.width, temporal=temporal)
    assert result(compiler.compile(source), memory.ctypes.data, size) == size
    after = floats.reshape(arrays + 1, -1)
    # What each element becomes, from the elements of the arrays before it; the multiplier is a power of two, exact.
    expected = {
        "write": np.full_like(before[0], 2.0**-10),
        "copy": before[0],
        "triad": before[0] + np.float32(2.0**-10) * before[1 if access == "triad" else 0],
    }[access]
    assert np.array_equal(after[arrays - 1], expected)
    untouched = [k for k in range(arrays + 1) if k != arrays - 1]
    assert np.array_equal(after[untouched], before[untouched])
    assert source.work == arrays  # bytes by byte of one array


@pytest.mark.parametrize("lines", [2, 64, 4096])
def test_the_chain_visits_every_line_once(compiler: Compiler, lines: int):
    memory = aligned(lines * LINE)
    base = memory.ctypes.data
    assert result(compiler.compile(link()), base, lines) == lines
    places = (memory.view(np.uint64)[:: LINE // 8] - base) // LINE
    seen, place = set[int](), 0
    for _ in range(lines):
        seen.add(place)
        place = int(places[place])
    assert seen == set(range(lines))
    assert place == 0


def test_the_chase_goes_on_where_it_stopped(compiler: Compiler):
    lines = 256
    memory = aligned(lines * LINE)
    base = memory.ctypes.data
    result(compiler.compile(link()), base, lines)
    places = (memory.view(np.uint64)[:: LINE // 8] - base) // LINE
    kernel, place = compiler.compile(chase()), 0
    for count in (3, 5):
        for _ in range(count * CHASE_STEPS):
            place = int(places[place])
        assert result(kernel, base, count) == place


def _erf(x: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([math.erf(value) for value in x])


EXACT: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "exp": (np.exp, -87.0, 88.0),
    "tanh": (np.tanh, -12.0, 12.0),
    "erf": (_erf, -6.0, 6.0),
    "divide": (lambda x: 1 / x, -9.0, 9.0),
}


@pytest.mark.parametrize("abreast", [1, 4])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_special_functions_are_as_exact_as_they_say(compiler: Compiler, function: str, abreast: int):
    exact, low, high = EXACT[function]
    size = 128 * BLOCK
    memory = aligned(2 * size)
    floats = memory.view(np.float32).reshape(2, -1)
    # An even number of points, so that none is zero.
    floats[0] = np.linspace(low, high, floats.shape[1])
    source = special(function, width=compiler.width, abreast=abreast)
    assert result(compiler.compile(source), memory.ctypes.data, 128) == 128
    expected = exact(floats[0].astype(np.float64))
    assert np.max(np.abs(floats[1] / expected - 1)) < 4e-7
    assert source.work == BLOCK // 4  # a result of each float32


def test_exp_of_what_would_be_denormal_stays_normal(compiler: Compiler):
    memory = aligned(2 * BLOCK)
    floats = memory.view(np.float32).reshape(2, -1)
    floats[0] = -1000.0
    result(compiler.compile(special("exp", width=compiler.width, abreast=1)), memory.ctypes.data, 1)
    assert np.all((floats[1] >= 2.0**-126) & (floats[1] < 1e-37))


def assembly(source: KernelSource, triple: str, processor: str) -> Counter[str]:
    """How often each mnemonic occurs when LLVM compiles for another processor."""
    llvm: Any = importlib.import_module("llvmlite.binding")
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu=processor, opt=2)
    text = str(machine.emit_assembly(llvm.parse_assembly(source.ir)))
    return Counter(line.split()[0] for line in text.splitlines() if line.startswith("\t") and line[1] != ".")


def test_arm_gets_the_instructions_too():
    chain = assembly(clock_chain(), "aarch64-linux-gnu", "cortex-a76")
    assert chain["ror"] == CHAIN_STEPS
    assert assembly(store("copy", width=4, temporal=False), "aarch64-linux-gnu", "cortex-a76")["stnp"] > 0
    exp = assembly(special("exp", width=4, abreast=2), "aarch64-linux-gnu", "cortex-a76")
    vectors = BLOCK // 16
    assert exp["fmla"] == 9 * vectors  # one to scale, two to reduce, six of the polynomial
    assert assembly(chase(), "aarch64-linux-gnu", "cortex-a76")["ldr"] >= CHASE_STEPS


def test_non_temporal_stores_are_non_temporal():
    wide = assembly(store("triad", width=16, temporal=False), "x86_64-linux-gnu", "skylake-avx512")
    assert wide["vmovntps"] == wide["vfmadd132ps"] + wide["vfmadd213ps"] + wide["vfmadd231ps"] == MEMORY_BLOCK // 64
    plain = assembly(store("triad", width=16, temporal=True), "x86_64-linux-gnu", "skylake-avx512")
    assert plain["vmovntps"] == 0
