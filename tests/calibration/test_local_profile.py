"""What becomes of rates: a device with sources, intervals and remarks."""

from dataclasses import replace

import pytest

from attainable.calibration.caches import CacheLevel
from attainable.calibration.instruction_sets import FAMILIES, families
from attainable.calibration.local_profile import NOISY, local_profile
from attainable.calibration.noise import Noise
from attainable.calibration.roofs import Ceiling, Measured
from attainable.calibration.trials import Best, Key
from attainable.devices import Bandwidth, Device, Roof, Sourced
from attainable.devices.figures import Access
from attainable.devices.profile import format_profile, parse_profile
from attainable.timing.conditions import read_conditions

QUIET = Noise(0.01, 0.0)
L1, L3 = CacheLevel("L1", 32 << 10, 2, 32 << 10), CacheLevel("L3", 32 << 20, 1, 32 << 20)


def both(rate: float) -> Ceiling:
    """One core at ``rate``, two at twice that, each 1 % above the worse half of the time."""
    one, two = (Best(value, "kernel", 9, value, 0.99 * value, 1.01 * value) for value in (rate, 2 * rate))
    return Ceiling(one, two)


FOUND: dict[Key, Ceiling] = {
    ("clock", ""): both(1.5e9),
    ("peak", "float32"): both(93e9),
    ("special", "exp"): both(4e9),
    ("special", "tanh"): both(3.5e9),
    ("read", "L1"): both(180e9),
    ("triad", "L1"): both(170e9),
    ("read", "L3"): both(50e9),
    ("read", "DRAM"): both(20e9),
    ("triad_nt", "DRAM"): both(15e9),
}

MEASURED = Measured(
    clock_hertz=3e9,
    shared_clock_hertz=2.9e9,
    clock_drift=0.0,
    clocks=(3e9, 2.98e9),
    found=FOUND,
    families={dtype: families(dtype, "x86", frozenset({"fma", "avx2"})) for dtype in FAMILIES},
    latencies={"L1": Best(1e9, "chase", 9, 9e8, 8e8, 1.2e9), "DRAM": Best(1e7, "chase", 9, 9e6, 8e6, 1.2e7)},
    rounds=7,
    arena_bytes=1 << 28,
    processor="znver3",
    compiler="a compiler",
)


def device(measured: Measured = MEASURED, noise: Noise = QUIET) -> Device:
    return local_profile(
        measured, conditions=read_conditions(), identity=(("cpu", "x"),), levels=(L1, L3), threads=2, noise=noise
    )


def figure(machine: Device, memory: str, access: Access, threads: int) -> Sourced:
    (found,) = (
        b.bytes_per_second
        for m in machine.memories
        for b in m.bandwidths
        if (m.name, b.access, b.threads, b.bytes_per_second.kind) == (memory, access, threads, "measured")
    )
    return found


def test_peaks_stand_beside_units_times_width_times_clock():
    roofs = {(r.engine, r.dtype, r.threads, r.operations_per_second.kind): r for r in device().roofs}
    values = {key: roof.operations_per_second.value for key, roof in roofs.items()}
    assert values == {
        ("vector", "float32", 1, "measured"): 93e9,
        ("vector", "float32", 2, "measured"): 186e9,
        ("vector", "float32", 1, "specified"): 2 * 8 * 2 * 3e9,  # units x lanes x multiply and add x clock
        ("vector", "float32", 2, "specified"): 2 * 8 * 2 * 2.9e9 * 2,  # at the clock that both have together
        ("special", "float32", 1, "measured"): 4e9,
        ("special", "float32", 2, "measured"): 8e9,
    }
    source = roofs["vector", "float32", 2, "specified"].operations_per_second.source
    assert source.startswith("32 operations per cycle of znver3 x 2.900 GHz measured x 2 cores; uops.info")


def test_an_unknown_processor_has_no_figures_on_paper():
    machine = device(replace(MEASURED, processor="generic"))
    assert {roof.operations_per_second.kind for roof in machine.roofs} == {"measured"}


def test_memories_go_from_slow_to_fast_and_hold_what_all_caches_hold():
    memories = device().memories
    assert [memory.name for memory in memories] == ["DRAM", "L3", "L1"]
    capacities = [memory.capacity_bytes.value for memory in memories[1:] if memory.capacity_bytes]
    assert capacities == [32 << 20, 2 * (32 << 10)]
    on_paper = [b for b in memories[2].bandwidths if b.bytes_per_second.kind == "specified"]
    assert [(b.access, b.threads, b.bytes_per_second.value) for b in on_paper] == [
        ("read", 1, 64 * 3e9),
        ("read", 2, 64 * 2.9e9 * 2),
    ]
    assert isinstance(on_paper[0], Bandwidth)


def test_a_latency_is_a_time_and_its_interval_is_turned_over():
    latency = device().memories[0].latency_seconds
    assert latency is not None
    assert (latency.value, latency.low, latency.high) == pytest.approx((1e-7, 1 / 1.2e7, 1 / 8e6))


def test_a_quiet_machine_has_the_intervals_of_its_trials():
    machine = device()
    assert NOISY not in dict(machine.conditions)
    read = figure(machine, "DRAM", "read", 1)
    assert (read.value, read.low, read.high) == pytest.approx((20e9, 19.8e9, 20.2e9))


def test_others_widen_what_is_shared_with_them():
    machine = device(noise=Noise(0.5, 0.0))
    assert dict(machine.conditions)[NOISY].startswith("others used 50% of the machine: memory may be up to 100% faster")
    for memory in ("DRAM", "L3"):
        read = figure(machine, memory, "read", 2)
        assert read.high == pytest.approx(2 * 1.01 * read.value)
    read = figure(machine, "L1", "read", 2)
    assert read.high == pytest.approx(1.01 * read.value)  # a core has it for itself


def test_a_falling_clock_widens_everything():
    machine = device(noise=Noise(0.0, 0.1))
    for roof in machine.roofs:
        number = roof.operations_per_second
        if number.kind == "measured":
            assert number.high == pytest.approx(1.1 * 1.01 * number.value)
    assert "the clock changed by 10%" in dict(machine.conditions)[NOISY]


def test_remarks_say_what_has_no_roof_and_what_is_counted():
    said = dict(device().conditions)
    assert "converted to float32" in said["no bfloat16 roof"]
    assert said["peak of one core"] == "31.0 operations per cycle at 3.00 GHz"  # 93e9 / 3e9
    assert said["tanh, float32"] == "3.5 G results/s on 1, 7 G results/s on 2"
    assert "clock of each core" not in said
    counted: dict[Key, Ceiling] = {("peak", "int8"): Ceiling(*(replace(b, kernel="pmaddubsw_pmaddwd_i8_256x12x8")
                                   for b in (both(1.0).one, both(1.0).all)))}  # fmt: skip
    said = dict(device(replace(MEASURED, found=FOUND | counted)).conditions)
    assert said["int8 counts"].startswith("unsigned times signed bytes")
    uneven = dict(device(replace(MEASURED, clocks=(3e9, 2e9))).conditions)
    assert uneven["clock of each core"].startswith("3.00, 2.00 GHz")
    halved = replace(FOUND["peak", "float32"], all=FOUND["peak", "float32"].one)
    assert dict(device(replace(MEASURED, found=FOUND | {("peak", "float32"): halved})).conditions)["all cores"]


def test_the_profile_survives_the_file():
    machine = device(noise=Noise(0.5, 0.1))
    assert parse_profile(format_profile(machine), "local") == machine
    assert isinstance(machine.roofs[0], Roof)
