from dataclasses import replace

import msgspec
import pytest

from attainable.analysis.comparison import ClassChange, Comparison, Flip, FlipPoint, compare
from attainable.analysis.records import Analysis, DeviceOp, as_json
from tests.report.analyses import device, on_paper, op


def bounded(path: str, *seconds: float) -> Analysis:
    """A model of one op, at the roof for so many seconds on device 0, 1, ..."""
    analysis = on_paper([op("0", "Conv", operations=100, macs=50, bytes_moved=40)])
    devices = [
        device([DeviceOp("0", second, "compute")], name=f"device{index}", bound_seconds=second / 2)
        for index, second in enumerate(seconds)
    ]
    return replace(analysis, model=replace(analysis.model, path=path), devices=devices)


def test_ratios_are_to_the_first_model() -> None:
    first, second = bounded("a.onnx", 2.0), bounded("b.onnx", 1.0)
    larger = replace(second, totals=replace(second.totals, macs=150, parameters=500))
    found = compare([first, larger])
    # 150 / 50 MACs, 500 / 1000 parameters
    assert (found.models[1].ratios.macs, found.models[1].ratios.parameters) == (3.0, 0.5)
    assert found.models[0].ratios.macs == 1.0
    assert found.devices[0].times[1].roofline_ratio == 0.5


def test_a_ratio_to_nothing_is_null() -> None:
    first = bounded("a.onnx", 0.0)
    found = compare([replace(first, totals=replace(first.totals, macs=0)), bounded("b.onnx", 1.0)])
    assert found.models[1].ratios.macs is None
    assert found.devices[0].times[1].bound_ratio is None


def test_the_winner_flips_where_each_is_faster_somewhere() -> None:
    found = compare([bounded("a.onnx", 1.0, 2.0, 3.0), bounded("b.onnx", 2.0, 1.0, 3.0)])
    assert found.flips == [
        Flip("bound", 0, 1, ["device0"], ["device1"]),
        Flip("roofline", 0, 1, ["device0"], ["device1"]),
    ]


def test_no_winner_flips_where_one_is_never_slower() -> None:
    assert compare([bounded("a.onnx", 1.0, 2.0), bounded("b.onnx", 1.0, 3.0)]).flips == []


def test_models_are_told_apart_by_stem_else_by_path_else_by_number() -> None:
    def labels(*paths: str) -> list[str]:
        return [entry.label for entry in compare([bounded(path) for path in paths]).models]

    assert labels("x/a.onnx", "y/b.onnx") == ["a", "b"]
    assert labels("x/a.onnx", "y/a.onnx") == ["x/a.onnx", "y/a.onnx"]
    assert labels("a.onnx", "a.onnx") == ["a.onnx (1)", "a.onnx (2)"]


def test_only_two_models_are_compared_op_by_op() -> None:
    pair = [bounded("a.onnx"), bounded("b.onnx")]
    found = compare(pair).differences
    assert found is not None
    assert found.equal == 1
    assert compare([*pair, bounded("c.onnx")]).differences is None


def test_warnings_say_of_which_model() -> None:
    found = compare([replace(bounded("a.onnx"), warnings=["batch set to 1"]), bounded("b.onnx")])
    assert found.warnings == ["a: batch set to 1"]


def test_devices_must_be_the_same() -> None:
    for analyses in ([bounded("a.onnx", 1.0)], [bounded("a.onnx", 1.0), bounded("b.onnx")]):
        with pytest.raises(ValueError, match="same devices"):
            compare(analyses)


def priced(path: str, *estimates: tuple[float, float]) -> Analysis:
    """A model of one op that computes and moves for so many seconds on device 0, 1, ..."""
    analysis = bounded(path, *(max(pair) for pair in estimates))
    rows = [
        replace(row, ops=[DeviceOp("0", max(pair), "compute" if pair[0] >= pair[1] else "memory", None, *pair)])
        for row, pair in zip(analysis.devices, estimates, strict=True)
    ]
    return replace(analysis, devices=rows)


def test_a_device_has_a_winner_and_the_bandwidth_at_which_it_loses() -> None:
    # computing takes the first 4 s; moving takes the second 8 s at the device's 10 GB/s, and 4 s at twice as much
    found = compare([priced("a.onnx", (4.0, 1.0)), priced("b.onnx", (1.0, 8.0))])
    (verdict,) = found.devices[0].verdicts
    assert (verdict.winner, verdict.roofline_seconds) == (0, [4.0, 8.0])
    bandwidth = found.devices[0].bytes_per_second
    assert bandwidth is not None
    nearest = verdict.flip_points[0]
    assert (nearest.factor, nearest.value) == (pytest.approx(2.0), pytest.approx(2 * bandwidth))
    assert replace(nearest, factor=2.0, value=None) == FlipPoint("bandwidth", 2.0, None, faster_above=1, faster_below=0)
    times = found.devices[0].times
    assert [entry.memory_bound_share for entry in times] == [0.0, 1.0]
    assert (times[1].compute_seconds, times[1].memory_seconds) == (1.0, 8.0)


def test_a_kernel_that_another_device_cannot_feed_changes_its_class() -> None:
    found = compare([priced("a.onnx", (2.0, 1.0), (1.0, 2.0)), priced("b.onnx", (2.0, 1.0), (2.0, 1.0))])
    (change,) = found.class_changes
    assert change == ClassChange(0, "device0", "device1", 1, ["Conv"])


def test_a_comparison_survives_json() -> None:
    found = compare([bounded("a.onnx", 1.0, 2.0), bounded("b.onnx", 2.0, 1.0)])
    assert msgspec.json.decode(as_json(found), type=Comparison) == found
