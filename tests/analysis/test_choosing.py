"""Ranking devices for one matrix product, whose every number is worked out by hand.

x [1, 1000] times W [1000, 2000] in float32: 2 x 1000 x 2000 = 4 M operations; W 8 MB, x 4 kB, y 8 kB = 8.012 MB moved.
At int8 the bytes are a quarter: 2.003 MB.
"""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from attainable.analysis.choosing import (
    Choice,
    RankedDevice,
    choose,
    dtypes_instead,
    parse_goals,
    parse_limits,
)
from attainable.analysis.records import as_json
from attainable.devices import Bandwidth, Device, Memory, Roof, Sourced
from attainable.errors import InvalidQuantity, UnknownName
from attainable.prediction.accounting import accounting
from attainable.workload import Workload, load
from tests.models import constant, model, save, value

OPERATIONS = 2 * 1000 * 2000
BYTES = 4 * (1000 * 2000 + 1000 + 2000)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    nodes = [helper.make_node("MatMul", ["x", "W"], ["y"])]
    proto = model(nodes, [value("x", [1, 1000])], ["y"], [constant("W", 1000, 2000)])
    return load(save(proto, tmp_path_factory.mktemp("product")))


def stated(number: float) -> Sourced:
    return Sourced(number, "test", "specified")


def toy(
    name: str, *, peaks: dict[str, float] | None = None, bandwidth: float | None = 1e9, capacity: float | None = None,
    on_chip: float | None = None, watts: float | None = None,
) -> Device:  # fmt: skip
    """A device of 1 Top/s in float32 and 1 GB/s unless said otherwise."""
    speeds = (Bandwidth(None, stated(bandwidth)),) if bandwidth else ()
    memories = [Memory("DRAM", stated(capacity) if capacity else None, speeds)]
    if on_chip:
        memories.append(Memory("SRAM", stated(on_chip), (), on_chip=True))
    roofs = [Roof("matrix", dtype, None, stated(peak)) for dtype, peak in (peaks or {"float32": 1e12}).items()]
    return Device(
        name, name.title(), None, tuple(roofs), tuple(memories), power_watts=stated(watts) if watts else None
    )  # fmt: skip


def only(choice: Choice) -> RankedDevice:
    (ranked,) = choice.ranked
    return ranked


def order(choice: Choice) -> list[str]:
    return [device.name for device in choice.ranked]


def test_latency_is_the_roofline_and_what_binds_is_said(product: Workload) -> None:
    memory_bound = only(choose(product, [toy("a")]))
    assert memory_bound.seconds == pytest.approx(BYTES / 1e9)  # 4 us of computing are hidden behind it
    assert (memory_bound.bound_by, memory_bound.shares) == ("memory", {"memory": 1.0})
    compute_bound = only(choose(product, [toy("a", peaks={"float32": 1e6})]))
    assert compute_bound.seconds == pytest.approx(OPERATIONS / 1e6)
    assert (compute_bound.bound_by, compute_bound.peak.value) == ("compute", 1e6)


def test_the_fastest_comes_first_and_equal_ones_by_name(product: Workload) -> None:
    devices = [toy("slow", bandwidth=1e8), toy("b"), toy("a"), toy("fast", bandwidth=1e10)]
    assert order(choose(product, devices)) == ["fast", "a", "b", "slow"]


def test_a_type_that_is_asked_for_shrinks_the_traffic_and_takes_its_roof(product: Workload) -> None:
    device = toy("npu", peaks={"int8": 1e9, "float32": 1e12})
    asked = only(choose(product, [device], dtype="int8"))
    assert asked.dtype == "int8"
    assert asked.seconds == pytest.approx(max(OPERATIONS / 1e9, BYTES / 4 / 1e9))
    assert asked.bytes_needed == 1000 * 2000 + 1000 + 2000


def test_a_device_without_the_type_computes_in_the_next_one_and_says_so(product: Workload) -> None:
    choice = choose(product, [toy("npu", peaks={"int8": 1e12}), toy("dsp", peaks={"int8": 1e12, "float16": 1e12})])
    npu, dsp = sorted(choice.ranked, key=lambda device: device.dtype != "int8")
    assert (choice.dtype, npu.dtype, npu.only_dtype) == ("float32", "int8", True)
    assert (dsp.dtype, dsp.only_dtype) == ("float16", False)
    assert npu.seconds == pytest.approx(BYTES / 4 / 1e9)
    assert dsp.seconds == pytest.approx(BYTES / 2 / 1e9)


def test_wider_types_come_first_where_a_type_is_missing() -> None:
    assert dtypes_instead("float32")[:3] == ("float64", "float16", "bfloat16")
    assert dtypes_instead("int8")[:4] == ("int16", "bfloat16", "float16", "float32")
    assert dtypes_instead("float4e2m1")[0] == "int4"
    assert "int8" not in dtypes_instead("int8")


def test_integers_stay_integers(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMulInteger", ["x", "W"], ["y"])]
    path = save(
        model(nodes, [value("x", [1, 1000], TensorProto.UINT8)], ["y"], [constant("W", 1000, 2000, dtype="uint8")]),
        tmp_path,
    )
    choice = choose(load(path), [toy("float"), toy("integer", peaks={"int8": 1e12})])
    assert order(choice) == ["integer"], "unsigned products have the roof of signed ones"
    assert [(device.name, device.why) for device in choice.left_out] == [("float", "no_roof")]


def test_what_is_not_stated_is_not_ranked(product: Workload) -> None:
    choice = choose(product, [toy("a"), toy("b", bandwidth=None), Device("c", "C", None, (), ())])
    assert order(choice) == ["a"]
    assert [(device.name, device.why) for device in choice.left_out] == [("b", "no_bandwidth"), ("c", "no_roof")]


def test_a_network_that_does_not_fit_comes_last_however_fast(product: Workload) -> None:
    # W 8 MB, and at the peak x and y: 12 kB
    devices = [toy("small", bandwidth=1e12, capacity=BYTES - 1), toy("large", capacity=BYTES), toy("unknown")]
    choice = choose(product, devices)
    assert order(choice) == ["large", "unknown", "small"]
    assert [device.fits for device in choice.ranked] == [True, None, False]
    assert [device.bytes_needed for device in choice.ranked] == [BYTES] * 3
    assert not choice.ranked[2].on_front


def test_buffers_need_memory_too(tmp_path: Path) -> None:
    names = ["scale", "bias", "mean", "variance"]
    nodes = [helper.make_node("BatchNormalization", ["x", *names], ["y"])]
    path = save(model(nodes, [value("x", [1, 4])], ["y"], [constant(name, 4) for name in names]), tmp_path)
    # 2 x 4 parameters, 2 x 4 buffers, x and y of 4 elements, 4 bytes each
    assert only(choose(load(path), [toy("a")])).bytes_needed == 4 * (8 + 8 + 8)


def test_memory_prefers_what_fits_then_what_keeps_more_on_the_chip(product: Workload) -> None:
    peak = 4 * (1000 + 2000)
    devices = [
        toy("unknown", on_chip=peak), toy("none", capacity=1e9), toy("half", capacity=1e9, on_chip=peak / 2),
        toy("whole", capacity=1e9, on_chip=2 * peak, bandwidth=1e6),
    ]  # fmt: skip
    choice = choose(product, devices, goals=["memory"])
    assert order(choice) == ["whole", "half", "none", "unknown"]
    assert [device.on_chip_share for device in choice.ranked] == [1.0, 0.5, None, 1.0]


def test_energy_is_power_times_latency_and_unknown_power_comes_last(product: Workload) -> None:
    devices = [toy("unknown", bandwidth=1e12), toy("hot", watts=100.0, bandwidth=1e10), toy("cool", watts=5.0)]
    choice = choose(product, devices, goals=["power"])
    # hot: 100 W x 0.8012 ms = 80.12 mJ; cool: 5 W x 8.012 ms = 40.06 mJ
    assert order(choice) == ["cool", "hot", "unknown"]
    assert choice.ranked[0].joules == pytest.approx(5.0 * BYTES / 1e9)
    assert choice.ranked[1].joules == pytest.approx(100.0 * BYTES / 1e10)
    assert choice.ranked[2].joules is None


def test_the_first_goal_sorts_and_the_front_is_marked(product: Workload) -> None:
    devices = [
        toy("fast", bandwidth=4e9, watts=40.0), toy("thrifty", bandwidth=1e9, watts=1.0),
        toy("neither", bandwidth=1e9, watts=2.0), toy("both slower", bandwidth=2e9, watts=40.0), toy("unknown"),
    ]  # fmt: skip
    choice = choose(product, devices, goals=["latency", "power"])
    # at 8.012 ms per GB/s: 2.0 ms and 80 mJ, 4.0 ms and 160 mJ, 8.0 ms and 8.0 mJ, 8.0 ms and 16 mJ
    assert order(choice) == ["fast", "both slower", "thrifty", "neither", "unknown"]
    assert [device.name for device in choice.ranked if device.on_front] == ["fast", "thrifty"]


FIGURES = st.tuples(st.floats(1e6, 1e12), st.none() | st.floats(0.1, 500), st.none() | st.floats(1, 1e9))


@given(st.lists(FIGURES, min_size=1, max_size=8))
def test_no_device_of_the_front_is_beaten_and_every_other_known_one_is(
    product: Workload, figures: list[tuple[float, float | None, float | None]]
) -> None:
    devices = [
        toy(f"d{index}", bandwidth=bandwidth, watts=watts, capacity=capacity)
        for index, (bandwidth, watts, capacity) in enumerate(figures)
    ]
    ranked = choose(product, devices, goals=["latency", "power"]).ranked
    able = [device for device in ranked if device.joules is not None and device.fits is not False]
    for device in ranked:
        assert device.joules is not None or not device.on_front
        if device.joules is not None and device.fits is not False:
            beaten = any(
                other.joules is not None
                and other.seconds <= device.seconds
                and other.joules <= device.joules
                and (other.seconds, other.joules) != (device.seconds, device.joules)
                for other in able
            )
            assert device.on_front == (not beaten)


def test_a_budget_leaves_out_what_is_over_it_or_cannot_be_proven(product: Workload) -> None:
    devices = [
        toy("good", watts=4.0), toy("slow", bandwidth=1e8, watts=4.0), toy("hot", watts=6.0), toy("unknown"),
    ]  # fmt: skip
    choice = choose(product, devices, limits={"latency": 0.010, "power": 5.0})
    assert order(choice) == ["good"]
    left = {device.name: (device.why, device.figure) for device in choice.left_out}
    assert left["slow"] == ("over_latency", pytest.approx(BYTES / 1e8))
    assert left["hot"] == ("over_power", 6.0)
    assert left["unknown"] == ("power_not_stated", None)
    by_energy = choose(product, devices, limits={"energy": 4.0 * BYTES / 1e9, "memory": BYTES})
    assert order(by_energy) == ["good"]
    assert choose(product, [toy("a")], limits={"memory": BYTES - 1}).left_out[0].why == "over_memory"


def test_operations_without_a_roof_are_said(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "W"], ["p"]), helper.make_node("Relu", ["p"], ["y"])]
    path = save(model(nodes, [value("x", [1, 1000])], ["y"], [constant("W", 1000, 2000)]), tmp_path)
    found = only(choose(load(path), [toy("a")]))  # which has a matrix unit and no vector unit
    assert [(row.engine, row.dtype, row.operations) for row in found.without_roof] == [("vector", "float32", 2000)]
    assert found.without_roof_share == pytest.approx(2000 / (OPERATIONS + 2000))


def test_the_accounting_is_that_of_the_roofline(product: Workload) -> None:
    measured = Roof("matrix", "float32", None, Sourced(1e6, "test", "measured"))
    device = toy("a")
    both = Device("a", "A", None, (*device.roofs, measured), device.memories)
    assert only(choose(product, [both])).seconds == pytest.approx(OPERATIONS / 1e6)
    specified = choose(product, [both], accounting=accounting("specified"))
    assert only(specified).seconds == pytest.approx(BYTES / 1e9)
    assert only(specified).peak.value == 1e12
    assert "specified" in specified.accounting


def test_the_record_survives_json(product: Workload) -> None:
    choice = choose(product, [toy("a", watts=1.0, capacity=1e9), toy("b", bandwidth=None)], goals=["latency", "power"])
    assert msgspec.json.decode(as_json(choice), type=Choice) == choice
    assert choice.schema_version == 1


def test_goals_are_read_in_order_and_unknown_ones_refused() -> None:
    assert parse_goals("power, latency,power") == ["power", "latency"]
    with pytest.raises(UnknownName, match=r"no goal is called 'speed'\n  help: known: latency, power, memory"):
        parse_goals("latency,speed")
    with pytest.raises(UnknownName):
        parse_goals("")


def test_limits_are_read_with_their_units_and_all_faults_listed() -> None:
    assert parse_limits(["latency=10ms,power=5W", "energy=20mJ", "latency=9ms,memory=1MiB"]) == {
        "latency": pytest.approx(0.009), "power": 5.0, "energy": pytest.approx(0.020), "memory": 2**20,
    }  # fmt: skip
    with pytest.raises(InvalidQuantity) as caught:
        parse_limits(["latency=10W", "speed=3", "power"])
    assert [fault.rpartition(" @ ")[2] for fault in caught.value.faults] == [
        "--budget latency", "--budget speed=3", "--budget power",
    ]  # fmt: skip
