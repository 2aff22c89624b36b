"""What-if changes: each key on figures whose result is known by hand."""

from dataclasses import replace

import pytest

from attainable.devices.device import Device
from attainable.devices.figures import Bandwidth, Kind, Memory, Roof, Sourced
from attainable.devices.what_if import changed, parse_changes
from attainable.errors import InvalidQuantity


def number(value: float, kind: Kind = "specified") -> Sourced:
    return Sourced(value, "test", kind)


DEVICE = Device(
    "toy", "Toy", 4,
    (
        Roof("vector", "float32", 1, number(1e9)), Roof("vector", "float32", 4, number(4e9)),
        Roof("vector", "float32", 4, number(2e9, "measured")), Roof("matrix", "int8", None, number(8e9)),
    ),
    (
        Memory("DRAM", None, (Bandwidth(None, number(10.0)), Bandwidth(None, number(5.0, "measured")))),
        Memory("L2", number(1000.0), (Bandwidth(None, number(40.0)),)),
    ),
)  # fmt: skip


def roof(device: Device, dtype: str = "float32", threads: int | None = None) -> float:
    found = device.roof("vector" if dtype == "float32" else "matrix", dtype, threads)
    assert found is not None
    return found.operations_per_second.value


def bandwidth(device: Device) -> float:
    found = device.bytes_per_second()
    assert found is not None
    return found.value


def test_nothing_changes_by_a_factor_of_one() -> None:
    for text in ("peak=1x", "bandwidth=1x", "peak=1x,bandwidth=1x"):
        same = changed(DEVICE, parse_changes(text))
        # the measured figures count, as without the change
        assert (roof(same), bandwidth(same)) == (2e9, 5.0)
        specified = changed(DEVICE, parse_changes(text), basis="specified")
        assert (roof(specified), bandwidth(specified)) == (4e9, 10.0)
        one = changed(DEVICE, parse_changes(text), threads=1, basis="specified")
        assert roof(one, threads=1) == 1e9


def test_a_value_is_what_counts_then() -> None:
    # 8 Gop/s is the highest roof: it becomes 16, the others in proportion
    doubled = changed(DEVICE, parse_changes("peak=16Gop/s"))
    assert (roof(doubled, "int8"), roof(doubled)) == (16e9, 4e9)
    for basis in ("measured", "specified"):
        wide = changed(DEVICE, parse_changes("bandwidth=1kB/s"), basis=basis)
        assert bandwidth(wide) == pytest.approx(1000.0)
    # the caches stay as they are
    assert wide.memories[1] == DEVICE.memories[1]
    assert wide.memories[0].bandwidths[0].bytes_per_second.kind == "assumed"


def test_memory_on_the_chip_is_added_or_resized() -> None:
    added = changed(DEVICE, parse_changes("sram=4KiB"))
    assert [(memory.name, memory.on_chip) for memory in added.memories] == [
        ("DRAM", False), ("L2", False), ("on-chip", True)
    ]  # fmt: skip
    (twice,) = (memory for memory in changed(added, parse_changes("sram=2x")).memories if memory.on_chip)
    assert twice.capacity_bytes is not None
    assert twice.capacity_bytes.value == 8192
    # the others keep several figures
    assert added.memories[:2] == DEVICE.memories


def test_a_launch_time_is_given_or_multiplied() -> None:
    given = changed(DEVICE, parse_changes("launch=2us"))
    half = changed(given, parse_changes("launch=0.5x"))
    assert given.launch_seconds is not None
    assert half.launch_seconds is not None
    assert (given.launch_seconds.value, half.launch_seconds.value) == (2e-6, 1e-6)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("speed=2x", "is none of bandwidth=..., peak=..."),
        ("batch=1,batch=2", "is said twice @ batch=2"),
        ("batch=0", "must be a whole number of at least 1 @ batch=0"),
        ("batch=1.5", "must be a whole number of at least 1 @ batch=1.5"),
        ("batch=", "must be a whole number of at least 1 @ batch="),
        ("dtype=string", "is no element type of numbers"),
        ("bandwidth=0x", "is no factor from 1/1,000,000 to 1,000,000 @ bandwidth=0x"),
        ("bandwidth=1e308x", "is no factor from 1/1,000,000 to 1,000,000"),
        ("peak=nanx", "is no factor from 1/1,000,000 to 1,000,000"),
        ("sram=0", "must be above zero @ sram=0"),
    ],
)
def test_what_cannot_be_read_is_listed(text: str, what: str) -> None:
    with pytest.raises(InvalidQuantity) as caught:
        parse_changes(text)
    assert any(what in fault for fault in caught.value.faults)


@pytest.mark.parametrize("text", ["peak=2x", "bandwidth=2x", "sram=2x", "launch=2x"])
def test_what_a_device_does_not_state_cannot_be_multiplied(text: str) -> None:
    with pytest.raises(InvalidQuantity, match="states no"):
        changed(replace(DEVICE, roofs=(), memories=()), parse_changes(text))


def test_a_value_far_from_what_the_device_has_is_refused() -> None:
    with pytest.raises(InvalidQuantity, match="more than 1,000,000 times away"):
        changed(DEVICE, parse_changes("peak=1op/s"))
