"""What a core could do on paper, and the caches it has."""

from pathlib import Path

import pytest

from attainable.calibration.caches import CacheLevel, cache_levels
from attainable.calibration.instruction_sets import families
from attainable.calibration.theory import CORES, operations_per_cycle

AVX2 = frozenset({"sse2", "ssse3", "avx", "avx2", "fma"})
AVX512 = AVX2 | {"avx512f", "avx512bw", "avx512vl", "avx512vnni"}


@pytest.mark.parametrize(
    ("processor", "dtype", "features", "expected"),
    [
        ("znver3", "float32", AVX2, 2 * 8 * 2),  # two units, 8 lanes, multiply and add
        ("znver3", "float64", AVX2, 2 * 4 * 2),
        # Two multipliers of 32 bytes, two multiplications for the products of 32 bytes: 32 a cycle.
        ("znver3", "int8", AVX2, 32 * 2),
        ("haswell", "int8", AVX2, 32),  # one multiplier
        ("sandybridge", "float32", frozenset({"sse2", "avx"}), 8 + 8),  # a multiplier and an adder
        ("cascadelake", "float32", AVX512, 2 * 16 * 2),
        ("cascadelake", "int8", AVX512, 2 * 64 * 2),
        ("znver4", "float32", AVX512, 16 * 2),  # 64 bytes a cycle, in two halves
    ],
)
def test_units_times_width(processor: str, dtype: str, features: frozenset[str], expected: float):
    assert operations_per_cycle(processor, families(dtype, "x86", features)) == expected


def test_arm():
    found = families("int8", "arm", frozenset({"neon", "dotprod"}))
    assert operations_per_cycle("neoverse-n1", found) == 2 * 16 * 2  # two units of 16 bytes
    both = families("int8", "arm", frozenset({"neon", "dotprod", "i8mm"}))
    # The table does not know how fast smmla is there: nothing is said, rather than what sdot reaches.
    assert operations_per_cycle("neoverse-n2", both) is None


def test_what_the_table_does_not_know_has_no_theory():
    assert operations_per_cycle("generic", families("float32", "x86", AVX2)) is None
    assert operations_per_cycle("znver3", ()) is None


def test_every_row_has_a_source():
    assert all(core.source and core.units for core in CORES.values())


def system(folder: Path, processor: int, index: int, level: int, kind: str, size: str, sharers: str) -> None:
    place = folder / f"sys/devices/system/cpu/cpu{processor}/cache/index{index}"
    place.mkdir(parents=True)
    for name, text in (("level", level), ("type", kind), ("size", size), ("shared_cpu_list", sharers)):
        (place / name).write_text(f"{text}\n")


def test_caches_of_big_and_little_cores(tmp_path: Path):
    for processor, first in ((0, "48K"), (1, "32K")):
        system(tmp_path, processor, 0, 1, "Data", first, str(processor))
        system(tmp_path, processor, 1, 1, "Instruction", "64K", str(processor))
        system(tmp_path, processor, 2, 2, "Unified", "1024K", str(processor))
        system(tmp_path, processor, 3, 3, "Unified", "32768K", "0-1")
    assert cache_levels((0, 1), root=tmp_path) == (
        CacheLevel("L1", 48 << 10, 2, 32 << 10),
        CacheLevel("L2", 1 << 20, 2, 1 << 20),
        CacheLevel("L3", 32 << 20, 1, 32 << 20),
    )
    assert cache_levels((0, 1), root=tmp_path)[1].all_bytes == 2 << 20


def test_unreadable_descriptions_are_left_out(tmp_path: Path):
    system(tmp_path, 0, 0, 1, "Data", "unknown", "0")
    assert cache_levels((0,), root=tmp_path) == ()
    assert cache_levels((0,), root=tmp_path / "nowhere") == ()
