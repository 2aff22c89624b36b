from dataclasses import replace

import msgspec
import pytest

from attainable.analysis.comparison import CONTRACTIONS, Comparison, Flip, compare, contractions_only
from attainable.analysis.records import Analysis, DeviceOp, as_json
from tests.report.analyses import convolutions, device, on_paper, op


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


def test_contractions_alone_leave_out_ops_without_macs() -> None:
    # 20 ms for each of two Conv; the 1 ms of the Concat goes
    analysis = convolutions()
    row = contractions_only(analysis.devices[0], analysis.ops)
    assert (row.accounting, row.roofline_seconds) == (CONTRACTIONS, pytest.approx(0.04))
    assert row.bound_seconds == analysis.devices[0].bound_seconds


def test_a_comparison_survives_json() -> None:
    found = compare([bounded("a.onnx", 1.0, 2.0), bounded("b.onnx", 2.0, 1.0)])
    assert msgspec.json.decode(as_json(found), type=Comparison) == found
