import io
import json
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from onnx import helper
from rich.console import Console

from attainable.analysis.comparison import Comparison, compare
from attainable.cli.compared import print_comparison
from tests.cli.shown import Command
from tests.models import chain, model, save, value
from tests.report.analyses import convolutions
from tests.report.evil import EVIL_NAMES


def two(folder: Path) -> tuple[Path, Path]:
    return save(chain(1), folder, "short.onnx"), save(chain(2), folder, "long.onnx")


def test_models_stand_side_by_side_and_nothing_is_written(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("compare", *two(tmp_path))
    assert shown.code == 0
    lines = [line.split() for line in shown.out.splitlines()]
    assert ["short", "113", "k", "x1.00"] in [line[:4] for line in lines]
    assert ["long", "226", "k", "x2.00"] in [line[:4] for line in lines]
    assert "Op by op: 3 equal, 0 changed, 0 only in short, 3 only in long." in shown.out
    assert "short: batch dimension 'N' set to 1" in shown.err
    assert list(Path().iterdir()) == []


def test_a_time_that_is_not_known_is_no_verdict(attainable: Command, tmp_path: Path) -> None:
    nothing = attainable("compare", *two(tmp_path), "--device", "novatek-nt98690")
    assert "novatek-nt98690 states neither a roof nor a bandwidth for these models" in nothing.out
    assert "take equally long" not in nothing.out
    # no bandwidth: nothing is said of moving
    computing = attainable("compare", *two(tmp_path), "--device", "hailo-8")
    assert "x0.50 the computing; moving takes no time in these figures." in " ".join(computing.out.split())
    assert "hailo-8 states no bandwidth" in computing.out


def test_a_model_that_is_counted_in_part_does_not_win_without_a_word(attainable: Command, tmp_path: Path) -> None:
    node = helper.make_node("Mystery", ["x"], ["y"], domain="evil.corp")
    mystery = save(model([node], [value("x", [4, 4])], ["y"]), tmp_path, "mystery.onnx")
    shown = attainable("compare", mystery, two(tmp_path)[0], "--device", "raspberry-pi-5")
    assert "Some ops of mystery could not be counted" in shown.out


def test_the_same_device_is_shown_once(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("compare", *two(tmp_path), "--device", "raspberry-pi-5,Raspberry_Pi_5,raspberry-pi-5", "--json")
    assert [device["name"] for device in json.loads(shown.out)["devices"]] == ["raspberry-pi-5"]


def test_json_is_a_contract(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("compare", *two(tmp_path), "--device", "kirin990-cpu", "--json")
    found = msgspec.json.decode(shown.out, type=Comparison)
    assert [entry.label for entry in found.models] == ["short", "long"]
    assert found.models[1].ratios.macs == 2.0
    assert found.devices[0].times[1].bound_ratio is not None
    assert found.differences is not None
    assert found.differences.second.ops == 3
    assert shown.err == ""


def test_a_type_behind_a_device_counts_as_if_quantised(attainable: Command, tmp_path: Path) -> None:
    shown = attainable(
        "compare", *two(tmp_path), "--device", "rk1808-npu@float16", "--device", "rk1808-npu@int8", "--json"
    )
    half, int8 = json.loads(shown.out)["devices"]
    assert (half["name"], int8["name"]) == ("rk1808-npu@float16", "rk1808-npu@int8")
    # the device has a roof for int8 contractions and none for the rest
    assert [entry["engine"] for entry in int8["times"][0]["without_roof"]] == ["vector"]
    # 2 x 14 x 14 x 8 x 8 x 9 operations at 102.4 Gop/s bind in float16; in int8 the bytes, of x, w, the sum and y
    assert half["times"][0]["roofline_seconds"] == pytest.approx(225_792 / 102.4e9)
    assert int8["times"][0]["bound_by"] == "memory"


def test_a_device_without_the_type_takes_its_fastest_and_says_so(attainable: Command, tmp_path: Path) -> None:
    found = attainable("compare", *two(tmp_path), "--device", "rk1808-npu,rk1808-npu@int8")
    assert "rk1808-npu has no roof for float32: bounded as if the models were quantised to int8" in found.err
    shown = attainable("compare", *two(tmp_path), "--device", "rk1808-npu,rk1808-npu@int8", "--json")
    own, int8 = json.loads(shown.out)["devices"]
    assert own["times"] == int8["times"]


def test_what_if_stands_beside_what_is(attainable: Command, tmp_path: Path) -> None:
    arguments = (
        "compare",
        *two(tmp_path),
        "--device",
        "rk1808-npu",
        "--what-if",
        "bandwidth=2x",
        "--what-if",
        "batch=4",
    )
    own, faster, larger = json.loads(attainable(*arguments, "--json").out)["devices"]
    assert faster["name"] == "rk1808-npu if bandwidth=2x"
    assert faster["bytes_per_second"] == 2 * own["bytes_per_second"]
    # memory binds everything here
    assert own["times"][0]["roofline_seconds"] == pytest.approx(2 * faster["times"][0]["roofline_seconds"])
    assert larger["times"][0]["roofline_seconds"] > 3 * own["times"][0]["roofline_seconds"]
    for text in ("speed=2x", "bandwidth", "bandwidth=0x", "dtype=int7", "bandwidth=2x,bandwidth=3x"):
        shown = attainable("compare", *two(tmp_path), "--device", "rk1808-npu", "--what-if", text)
        assert (shown.code, shown.out) == (2, ""), text


def test_the_accounting_is_named(attainable: Command, tmp_path: Path) -> None:
    times: list[float] = []
    for accounting in ("fused", "unfused", "contractions"):
        shown = attainable(
            "compare", *two(tmp_path), "--device", "kirin990-cpu", "--accounting", accounting, "--json"
        )  # fmt: skip
        (device,) = json.loads(shown.out)["devices"]
        assert device["accounting"] == accounting
        times.append(device["times"][0]["roofline_seconds"])
    fused, unfused, contractions = times
    assert contractions < fused < unfused


def test_a_shape_goes_to_the_models_that_have_its_name(attainable: Command, tmp_path: Path) -> None:
    first = save(chain(1), tmp_path, "batched.onnx")
    relu = helper.make_node("Relu", ["tokens"], ["y"])
    second = save(model([relu], [value("tokens", ["time", 4])], ["y"]), tmp_path, "timed.onnx")
    shown = attainable("compare", first, second, "--shape", "N=2", "--shape", "time=7", "--json")
    assert shown.code == 0, shown.err
    assert [entry["model"]["bindings"] for entry in json.loads(shown.out)["models"]] == [{"N": 2}, {"time": 7}]
    wrong = attainable("compare", first, second, "--shape", "N=2", "--shape", "width=7")
    assert wrong.code == 2
    assert "no dimension or input has this name @ width" in wrong.err
    assert "@ N" not in wrong.err


def test_the_differences_are_listed_on_request(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("compare", *two(tmp_path), "--ops")
    assert re.search(r"Conv 3x3 8->8 on 14x14 +only in long +x1 +\+226 k", shown.out)
    assert re.search(r"all differences +\+", shown.out)


def test_formats_and_files(attainable: Command, tmp_path: Path) -> None:
    paths = two(tmp_path)
    latex = attainable("compare", *paths, "--format", "latex").out
    assert [line.split(" & ")[0] for line in latex.splitlines() if "MiB" in line or "KiB" in line] == ["short", "long"]
    assert attainable("compare", *paths, "--output", "table.md").out == ""
    assert Path("table.md").read_text().startswith("| Model")
    assert attainable("compare", *paths, "--output", "table.md").code == 2
    assert attainable("compare", *paths, "--output", "table.txt").code == 0
    assert "Ratios are to the first model." in Path("table.txt").read_text()


def test_wrong_requests_are_usage_errors(attainable: Command, tmp_path: Path) -> None:
    paths = two(tmp_path)
    for arguments, help in (
        (paths[:1], "two or more models"),
        ((*paths, "--device", "hal9000"), "no device is called 'hal9000'"),
        ((*paths, "--device", "kirin990-cpu@int7"), "no element type is called 'int7'"),
        ((*paths, "--accounting", "magic"), "fused, unfused, all, contractions"),
        ((*paths, "--accounting", "fused,unfused"), "says both fused and unfused"),
        ((*paths, "--format", "netron"), "table, json, csv, markdown, latex"),
    ):
        shown = attainable("compare", *arguments)
        assert (shown.code, shown.out) == (2, ""), arguments
        assert help in shown.err


def printed(found: Comparison, *, width: int = 120, ops: bool = True) -> str:
    screen = io.StringIO()
    print_comparison(found, Console(file=screen, width=width), ops=ops)
    return screen.getvalue()


def flipped() -> Comparison:
    """Two models, each faster at the roofline of one device."""
    first = convolutions()
    local, board = first.devices
    slower, faster = replace(local, roofline_seconds=1.0), replace(board, roofline_seconds=0.001)
    second = replace(first, model=replace(first.model, path="other.onnx"), devices=[slower, faster])
    return compare([first, second])


def test_the_screen_says_where_the_winner_flips_and_what_is_assumed() -> None:
    text = printed(flipped())
    assert "The winner flips (roofline, fused): net is faster at best on local, other on board." in text
    assert re.search(r"On board other wins, x0\.\d\d the time of net", text)
    assert "Bounds and rooflines, not measurements." in text
    assert "100 Gop/s f32 vector (specified), 10.0 GB/s (specified)" in text
    assert "clock: 3.00 GHz" in text


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, printed(flipped(), width=width).splitlines())) <= width


@pytest.mark.parametrize("width", [80, 90, 100, 120])
def test_names_of_models_are_not_folded(width: int) -> None:
    first, second = replace(convolutions(), devices=[]), convolutions()
    renamed = replace(second.model, path="yolo-fastest-1.1-xl.cfg")
    found = compare([first, replace(second, model=renamed, devices=[])])
    lines = printed(found, width=width, ops=False).splitlines()
    assert [line.split()[0] for line in lines if "x1.00" in line] == ["net", "yolo-fastest-1.1-xl"]


def test_a_terminal_obeys_no_name() -> None:
    for name in EVIL_NAMES.values():
        first = convolutions()
        ops = [replace(op, name=name, label=name, kind=name) for op in first.ops]
        devices = [replace(device, name=name, title=name, conditions={name: name}) for device in first.devices]
        second = replace(
            first, model=replace(first.model, path=name), ops=ops[:3], devices=devices, warnings=[name]
        )  # fmt: skip
        text = printed(compare([replace(first, devices=devices), second]))
        assert text.replace("\n", "").isprintable(), name
        assert len(text) < 20_000
