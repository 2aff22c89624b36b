"""What ``devices list``, ``show`` and ``compare`` say of devices, worked out by hand on round numbers."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from attainable.analysis.device_comparison import ComparedQuantity, DevicesCompared, compare_devices
from attainable.analysis.device_list import DeviceList, computed_dtypes, on_chip_memory, read_entries, summary
from attainable.analysis.device_sheet import DeviceSheet, device_sheet
from attainable.analysis.records import as_json
from attainable.devices import Bandwidth, Ceiling, Device, Entry, Kind, Memory, Roof, Sourced
from attainable.devices.profile import format_profile


def number(value: float, kind: Kind = "specified") -> Sourced:
    return Sourced(value, f"{kind} {value}", kind)


def device(name: str = "toy", *, watts: float | None = None) -> Device:
    """A device with stated and measured figures: 100 and 80 Gop/s over 10 and 8 GB/s."""
    return Device(
        name, name.title(), 4,
        roofs=(
            Roof("vector", "float32", 4, number(100e9)), Roof("vector", "float32", 4, number(80e9, "measured")),
            Roof("vector", "float32", 1, number(25e9)), Roof("matrix", "int8", None, number(400e9, "assumed")),
            Roof("matrix", "uint8", None, number(400e9, "assumed")),
            Roof("special", "float32", 4, number(2e9, "measured")),
        ),
        memories=(
            Memory("DRAM", number(4e9), (
                Bandwidth(4, number(10e9)), Bandwidth(4, number(8e9, "measured")),
                Bandwidth(4, number(6e9, "measured"), "triad"),
            )),
            Memory("SRAM", number(1e6), (), on_chip=True),
        ),
        ceilings=(Ceiling("gemm", "ort", "float32", "float32", 4, number(60e9, "measured")),),
        power_watts=number(watts) if watts else None,
    )  # fmt: skip


def test_a_summary_has_the_best_figures_of_the_whole_device() -> None:
    found = summary(Entry("toy", Path("toy.toml"), "user"), device())
    assert {dtype: peak.value for dtype, peak in found.peaks.items()} == {"float32": 80e9, "int8": 400e9}
    assert found.bytes_per_second == number(8e9, "measured")
    # 80 / 8 measured; 400 assumed / 8 measured is assumed
    ridges = {dtype: (ridge.value, ridge.kind) for dtype, ridge in found.ridge_points.items()}
    assert ridges == {"float32": (10.0, "measured"), "int8": (50.0, "assumed")}


def test_unsigned_integers_are_listed_only_where_signed_ones_are_not() -> None:
    both = device()
    assert computed_dtypes(both) == ("float32", "int8")
    unsigned = Device("u", "U", None, (Roof("matrix", "uint8", None, number(1.0)),), ())
    assert computed_dtypes(unsigned) == ("uint8",)


def test_a_bad_profile_is_listed_and_stands_in_nobody_s_way(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text(format_profile(device("good")))
    bad.write_text("name = 3\n")
    read, faulty = read_entries([Entry("bad", bad, "project"), Entry("good", good, "project")])
    assert [entry.name for entry, _ in read] == ["good"]
    (profile,) = faulty
    assert (profile.name, profile.origin, profile.path) == ("bad", "project", str(bad))
    assert profile.what == "the device profile has 2 faults"
    assert [fault.rpartition(" @ ")[2] for fault in profile.faults] == ["name", "title"]


def test_stated_and_measured_roofs_stand_side_by_side_with_their_ratio() -> None:
    found = device_sheet(device()).roofs
    first, single, *_ = found
    assert (first.engine, first.dtype, first.threads) == ("vector", "float32", 4)
    assert first.stated == number(100e9)
    assert first.measured == number(80e9, "measured")
    assert first.ratio == pytest.approx(0.8)
    assert (single.threads, single.measured, single.ratio) == (1, None, None)
    assert len(found) == 5, "six roofs, two of which are one"


def test_bandwidths_are_paired_by_access() -> None:
    pairs = {(pair.memory, pair.access): pair for pair in device_sheet(device()).bandwidths}
    assert pairs["DRAM", "read"].ratio == pytest.approx(0.8)
    assert pairs["DRAM", "triad"].stated is None
    assert pairs["DRAM", "triad"].measured == number(6e9, "measured")


def test_ridge_points_follow_stated_and_measured_figures() -> None:
    ridges = {(ridge.engine, ridge.dtype): ridge for ridge in device_sheet(device()).ridge_points}
    assert (ridges["vector", "float32"].stated, ridges["vector", "float32"].measured) == (10.0, 10.0)
    # 400 assumed over 10 specified, and over 8 measured
    assert (ridges["matrix", "int8"].stated, ridges["matrix", "int8"].measured) == (40.0, 50.0)
    assert ("special", "float32") not in ridges


def test_a_ridge_point_needs_a_bandwidth_and_says_measured_only_where_something_was() -> None:
    stated = Device("a", "A", None, (Roof("vector", "float32", None, number(100.0)),), (
        Memory("DRAM", None, (Bandwidth(None, number(10.0)),)),))  # fmt: skip
    (ridge,) = device_sheet(stated).ridge_points
    assert (ridge.stated, ridge.measured) == (10.0, None)
    assert device_sheet(Device("a", "A", None, stated.roofs, ())).ridge_points == []


def test_what_is_reached_in_practice_is_a_share_of_the_roof() -> None:
    (ceiling,) = device_sheet(device()).ceilings
    assert ceiling.share_of_roof == pytest.approx(60 / 80)


def rows(compared: DevicesCompared) -> Mapping[tuple[str, str, str], ComparedQuantity]:
    return {(row.quantity, row.engine, row.dtype): row for row in compared.rows}


def test_devices_are_compared_with_ratios_to_the_first() -> None:
    other = Device("b", "B", None, (Roof("matrix", "int8", None, number(800e9)),), (
        Memory("DRAM", number(8e9), (Bandwidth(None, number(4e9)),)),), power_watts=number(10.0))  # fmt: skip
    found = rows(compare_devices([device(watts=5.0), other]))
    int8 = found["operations_per_second", "matrix", "int8"]
    assert [figure.value if figure else None for figure in int8.figures] == [400e9, 800e9]
    assert int8.ratios == [1.0, 2.0]
    float32 = found["operations_per_second", "matrix", "float32"]
    assert (float32.figures[1], float32.ratios) == (None, [1.0, None])
    assert found["bytes_per_second", "", ""].ratios == [1.0, 0.5]
    assert found["capacity_bytes", "", ""].ratios == [1.0, 2.0]
    assert found["on_chip_bytes", "", ""].ratios == [1.0, None]
    assert found["operations_per_byte", "", "int8"].ratios == [1.0, 200 / 50]
    # 400 / 5 W and 800 / 10 W
    assert found["operations_per_joule", "", "int8"].ratios == [1.0, 1.0]
    assert ("operations_per_second", "special", "float32") in found
    assert ("operations_per_second", "vector", "float32") not in found, "nothing but the peak again"


def test_a_vector_row_appears_where_a_device_has_two_engines() -> None:
    roofs = (Roof("matrix", "float16", None, number(100.0)), Roof("vector", "float16", None, number(25.0)))
    found = rows(compare_devices([Device("a", "A", None, roofs, ()), Device("b", "B", None, roofs[1:], ())]))
    assert found["operations_per_second", "matrix", "float16"].ratios == [1.0, 0.25]
    assert found["operations_per_second", "vector", "float16"].ratios == [1.0, 1.0]


def test_the_basis_says_which_figures_count() -> None:
    toy = device()
    measured, specified = (rows(compare_devices([toy], basis=basis)) for basis in ("measured", "specified"))
    key = ("operations_per_second", "matrix", "float32")
    assert measured[key].figures == [number(80e9, "measured")]
    assert specified[key].figures == [number(100e9)]
    key = ("bytes_per_second", "", "")
    assert measured[key].figures == [number(8e9, "measured")]
    assert specified[key].figures == [number(10e9)]


def test_what_no_device_states_has_no_row() -> None:
    found = rows(compare_devices([device(), device()]))
    assert ("power_watts", "", "") not in found
    assert not [row for row in found.values() if not any(row.figures)]


def test_the_largest_memory_on_the_chip_counts_and_caches_do_not() -> None:
    memories = tuple(
        Memory(name, number(size), (), on_chip=on_chip)
        for name, size, on_chip in (
            ("DRAM", 9.0, False),
            ("small", 2.0, True),
            ("large", 3.0, True),
            ("L2", 8.0, False),
        )
    )
    assert on_chip_memory(Device("a", "A", None, (), memories)) == number(3.0)


def test_the_records_survive_json() -> None:
    sheet, compared = device_sheet(device(), origin="user", path="toy.toml"), compare_devices([device()])
    listed = DeviceList([summary(Entry("toy", Path("toy.toml"), "user"), device())])
    assert msgspec.json.decode(as_json(sheet), type=DeviceSheet) == sheet
    assert msgspec.json.decode(as_json(compared), type=DevicesCompared) == compared
    assert msgspec.json.decode(as_json(listed), type=DeviceList) == listed
    assert {sheet.schema_version, compared.schema_version, listed.schema_version} == {1}
