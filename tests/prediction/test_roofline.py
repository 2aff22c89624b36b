"""Bound and roofline, checked by hand on round numbers and by properties."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attainable.cost.count import Count, count
from attainable.cost.work import Work
from attainable.devices.device import Device
from attainable.devices.figures import Bandwidth, Memory, Roof, Sourced
from attainable.prediction.accounting import FUSED, UNFUSED
from attainable.prediction.estimate import estimate
from attainable.prediction.roofline import bound, roofline
from attainable.workload import load
from attainable.workload.line import described
from tests.models import chain, save


def device(operations_per_second: float, bytes_per_second: float, *, dtype: str = "float32") -> Device:
    """A device with one roof and one memory, the same for any number of threads."""
    return Device(
        "toy", "Toy", None,
        (Roof("vector", dtype, None, Sourced(operations_per_second, "test", "assumed")),),
        (Memory("DRAM", None, (Bandwidth(None, Sourced(bytes_per_second, "test", "assumed")),)),),
    )  # fmt: skip


@pytest.fixture
def block(tmp_path: Path) -> Count:
    """Conv 8->8 3x3, Relu, Add on 14x14."""
    return count(load(save(chain(1), tmp_path)))


TENSOR = 8 * 14 * 14 * 4
WEIGHT = 8 * 8 * 9 * 4
OPERATIONS = 14 * 14 * 8 * (2 * 8 * 9 + 1 + 1)  # conv, relu, add


def test_the_bound_is_the_larger_of_two_times(block: Count) -> None:
    best = bound(block, device(1e9, 1e9))
    assert best.compute_seconds == pytest.approx(OPERATIONS / 1e9)
    assert best.memory_seconds == pytest.approx((2 * TENSOR + WEIGHT) / 1e9)  # x, y and the weight; nothing between
    assert (best.seconds, best.bound_by) == (best.compute_seconds, "compute")
    slow_memory = bound(block, device(1e9, 1e6))
    assert (slow_memory.seconds, slow_memory.bound_by) == (slow_memory.memory_seconds, "memory")


def test_what_stays_on_the_chip_does_not_cross_the_memory(block: Count) -> None:
    """The Edge TPU runs MobileNetV2 in 2.6 ms, while its 3.5 MB of weights alone would take 7 ms over USB."""
    needed, base = 2 * TENSOR + WEIGHT, device(1e15, 1e3)
    for room, speed, seconds in (
        (needed, None, 0.0),
        (needed - 1000, None, 1000 / 1e3),
        (needed, 1e6, needed / 1e6),
        (0.5, None, needed / 1e3),
    ):
        speeds = () if speed is None else (Bandwidth(None, Sourced(speed, "test", "assumed")),)
        chip = Memory("SRAM", Sourced(room, "test", "assumed"), speeds, on_chip=True)
        best = bound(block, replace(base, memories=(*base.memories, chip)))
        assert best.memory_seconds == pytest.approx(seconds, rel=1e-3)


def test_unfused_moves_every_op_and_fused_only_the_boundary(block: Count) -> None:
    memory_bound = device(1e15, 1.0)
    unfused = roofline(block, memory_bound, accounting=UNFUSED)
    fused = roofline(block, memory_bound, accounting=FUSED)
    # Conv: x, w in, c out; Relu: c in, r out; Add: r, x in, a out
    assert unfused.seconds == pytest.approx((2 * TENSOR + WEIGHT) + 2 * TENSOR + 3 * TENSOR)
    assert fused.seconds == pytest.approx(2 * TENSOR + WEIGHT)
    assert [row.fused_into for row in fused.ops] == [None, "0", "0"]


def test_a_dtype_without_roof_is_said_and_not_guessed(block: Count) -> None:
    best = bound(block, device(1e9, 1e9, dtype="int8"))
    assert best.compute_seconds == 0
    assert sum(operations for _, _, operations in best.without_roof) == OPERATIONS


def test_engines_work_side_by_side() -> None:
    work = Work(operations=(("matrix", "int8", 100), ("vector", "int8", 30)))
    both = device(10.0, 1.0, dtype="int8")
    assert estimate(work, both, threads=None).compute_seconds == 13.0  # one engine does everything
    matrix = Roof("matrix", "int8", None, Sourced(100.0, "test", "assumed"))
    assert estimate(work, replace(both, roofs=(*both.roofs, matrix)), threads=None).compute_seconds == 3.0


def test_special_functions_have_a_roof_of_their_own_where_the_device_states_one() -> None:
    softmax = count(described("softmax 4x64"))
    # per element: a difference, an exponential, a sum, a division and what finds the maximum
    operations = softmax.totals.operations
    plain = device(1e3, 1e12)
    roof = Roof("special", "float32", None, Sourced(1e2, "test", "measured"))
    own = replace(plain, roofs=(*plain.roofs, roof))
    special = 2 * 4 * 64
    assert roofline(softmax, plain).seconds == pytest.approx(operations / 1e3)
    assert roofline(softmax, own).seconds == pytest.approx(max((operations - special) / 1e3, special / 1e2))
    assert bound(softmax, own) == bound(softmax, plain)  # an execution may find a cheaper way to them


def test_the_bound_takes_the_fastest_memory_that_holds_the_bytes(block: Count) -> None:
    """What a cache holds from one run to the next need not come from the main memory."""
    main = device(1e12, 1.0)
    held = 2 * TENSOR + WEIGHT
    for capacity, bandwidth in ((held, 10.0), (held - 1, 1.0)):
        cache = Memory("L3", Sourced(capacity, "test", "assumed"), (Bandwidth(None, Sourced(10.0, "test", "assumed")),))
        machine = replace(main, memories=(*main.memories, cache))
        assert bound(block, machine).memory_seconds == pytest.approx(held / bandwidth)


def test_threads_choose_the_roof() -> None:
    roofs = tuple(Roof("vector", "float32", n, Sourced(10.0 * n, "test", "measured")) for n in (1, 4))
    machine = replace(device(1.0, 1.0), roofs=roofs)
    chosen = {
        n: roof.operations_per_second.value
        for n in (1, 2, 4, 8, None)
        if (roof := machine.roof("matrix", "float32", n))
    }
    assert chosen == {1: 10.0, 2: 40.0, 4: 40.0, 8: 40.0, None: 40.0}  # a count between two takes the higher roof


counts = st.integers(0, 10**15)
rates = st.floats(1e6, 1e15)


@given(operations=counts, moved=counts, peak=rates, speed=rates, slower=st.floats(0.1, 1.0))
def test_time_never_falls_when_a_roof_falls(
    operations: int, moved: int, peak: float, speed: float, slower: float
) -> None:
    work = Work(operations=(("vector", "float32", operations),), bytes_activation_in=moved)
    fast = estimate(work, device(peak, speed), threads=None).seconds
    assert estimate(work, device(peak * slower, speed), threads=None).seconds >= fast
    assert estimate(work, device(peak, speed * slower), threads=None).seconds >= fast
