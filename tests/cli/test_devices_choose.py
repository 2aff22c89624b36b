"""``attainable devices choose``: devices for a model, each with the reason."""

import io
import json
import re
from pathlib import Path

import pytest
from onnx import helper
from rich.console import Console

from attainable.analysis.choosing import choose
from attainable.cli.devices_chosen import print_choice
from attainable.devices import Bandwidth, Device, Memory, Roof, Sourced, names
from attainable.names import clean
from attainable.workload import load
from tests.cli.device_files import NPU, write_board
from tests.cli.shown import Command
from tests.models import chain, constant, model, save, value
from tests.report.evil import EVIL_NAMES


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATTAINABLE_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """One product of 4 M operations and 8 MB of weights."""
    nodes = [helper.make_node("MatMul", ["x", "W"], ["y"])]
    return save(model(nodes, [value("x", [1, 1000])], ["y"], [constant("W", 1000, 2000)]), tmp_path, "net.onnx")


TOYS = ("--vendor", "Toys")
"""Our boards alone, because the catalogue grows."""


def test_devices_are_ranked_with_the_reason(attainable: Command, net: Path) -> None:
    write_board(Path(), "board-a")
    write_board(Path(), "board-b", NPU.format(name="board-b").replace("20e9", "40e9"))
    shown = attainable("devices", "choose", net, *TOYS)
    assert (shown.code, shown.err) == (0, "")
    # 2.003 MB of int8 at 40 and 20 GB/s
    assert re.search(
        r" 1 +board-b +i8 +50\.1 us +i8 only; memory binds 100 % of the time, at 40\.0 GB/s *\n"
        r" +2 +board-a +i8 +100 us +i8 only; memory binds 100 % of the time, at 20\.0 GB/s",
        shown.out,
    )
    assert "devices for net" in shown.out
    assert "nothing is measured" in shown.out.replace("\n ", "")


def test_all_devices_are_looked_at_and_the_rest_is_counted(attainable: Command, net: Path) -> None:
    record = json.loads(attainable("devices", "choose", net, "--json").out)
    assert len(record["ranked"]) + len(record["left_out"]) == len(names()) + 1, "and this machine"
    assert record["schema_version"] == 1
    seconds = [device["seconds"] for device in record["ranked"] if device["fits"] is not False]
    assert seconds == sorted(seconds)
    shown = attainable("devices", "choose", net, "--top", "3").out
    assert f"{len(record['ranked']) - 3} more devices; --top {len(record['ranked'])} shows all." in shown


@pytest.mark.parametrize("width", [80, 120])
def test_several_goals_show_energy_memory_and_the_front(
    attainable: Command, net: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    write_board(Path(), "board-a")
    write_board(Path(), "board-b", NPU.format(name="board-b").replace("power_watts", "#"))
    monkeypatch.setenv("COLUMNS", str(width))
    text = " ".join(attainable("devices", "choose", net, *TOYS, "--goal", "power,latency,memory").out.split())
    # 5 W x 100.15 us; 3 kB of activations fit 2 MiB
    assert "1 * board-a i8 100 us 501 uJ 100 %" in text
    assert re.search(r"2 board-b i8 100 us - 100 %", text)
    assert "power not stated" in text
    assert "takes 1.91 MiB of 1.00 GiB" in text
    assert "Sorted by energy" in text
    assert "no other device is as good in energy, latency, memory and better in one" in text
    assert "the most that the device draws times the latency" in text


@pytest.mark.parametrize("goal", ["latency", "latency,power,memory"])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_screen_and_every_device_is_named(
    attainable: Command, net: Path, monkeypatch: pytest.MonkeyPatch, width: int, goal: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = attainable("devices", "choose", net, "--goal", goal, "--dtype", "int8", "--top", "100").out
    assert max(map(len, text.splitlines())) <= width
    record = json.loads(attainable("devices", "choose", net, "--dtype", "int8", "--json").out)
    # the longest names are folded on the narrowest screen, never cut
    assert "…" not in text
    assert width == 60 or [device["name"] for device in record["ranked"] if device["name"] not in text] == []


def test_the_type_that_is_asked_for_is_taken_where_there_is_a_roof(attainable: Command, net: Path) -> None:
    write_board(Path(), "integer")
    write_board(Path(), "floating", NPU.format(name="floating").replace("int8", "float32"))
    record = json.loads(attainable("devices", "choose", net, *TOYS, "--dtype", "int8", "--json").out)
    assert record["dtype"] == "int8"
    assert {device["name"]: device["dtype"] for device in record["ranked"]} == {
        "integer": "int8", "floating": "float32",
    }  # fmt: skip
    assert attainable("devices", "choose", net, "--dtype", "fp8").code == 2


def test_the_batch_changes_the_work(attainable: Command, tmp_path: Path) -> None:
    write_board(Path(), "board-a")
    path = save(chain(2), tmp_path, "chain.onnx")
    one, many = (
        json.loads(attainable("devices", "choose", path, *TOYS, "--batch", batch, "--json").out)["ranked"][0]
        for batch in ("1", "64")
    )
    assert many["seconds"] > 10 * one["seconds"]


def test_a_budget_leaves_devices_out_and_fails_where_none_is_left(attainable: Command, net: Path) -> None:
    write_board(Path(), "board-a")
    kept = attainable("devices", "choose", net, *TOYS, "--budget", "latency=1ms,power=5W")
    assert (kept.code, "board-a" in kept.out) == (0, True)
    shown = attainable("devices", "choose", net, *TOYS, "--budget", "power=4.9W")
    assert shown.code == 1
    assert "No device is within the budget." in shown.out
    assert re.search(r"over the power budget +board-a \(5\.00 W\)", shown.out)
    assert attainable("devices", "choose", net, "--budget", "speed=1").code == 2


def test_operations_without_a_roof_make_the_latency_at_least(attainable: Command, tmp_path: Path) -> None:
    write_board(Path(), "board-a")
    text = attainable("devices", "choose", save(chain(1), tmp_path, "chain.onnx"), *TOYS).out
    assert "≥ " in text
    # per output element a dot product of 144 operations, a Relu and an Add
    assert re.search(r"take no time here, up to 1 %", text)


def test_a_bad_profile_and_a_missing_calibration_are_said(
    attainable: Command, net: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_board(Path(), "bad", "name = 3")
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path / "empty"))
    shown = attainable("devices", "choose", net)
    assert shown.code == 0
    assert "1 profile cannot be read and is left out; see `attainable devices list`" in shown.err
    assert "this machine is not among them; run `attainable devices calibrate` first" in shown.err


def test_a_model_that_does_not_fit_says_so(attainable: Command, net: Path) -> None:
    write_board(Path(), "tiny", NPU.format(name="tiny").replace("1073741824", "1024"))
    text = attainable("devices", "choose", net, *TOYS).out
    assert "does not fit: 1.91 MiB of 1.00 KiB" in text


def test_nothing_to_rank_is_said(attainable: Command, net: Path) -> None:
    write_board(Path(), "empty", 'name = "empty"\ntitle = "Empty"\nvendor = "Toys"\n')
    shown = attainable("devices", "choose", net, *TOYS)
    assert shown.code == 0
    assert "No device can be ranked." in shown.out
    assert re.search(r"no roof for f32, nor for a type instead +empty", shown.out)


@pytest.mark.parametrize("name", EVIL_NAMES.values(), ids=EVIL_NAMES.keys())
def test_a_terminal_obeys_no_profile(name: str, net: Path) -> None:
    number = Sourced(1e9, name, "assumed")
    memory = Memory(name, number, (Bandwidth(None, number),))
    device = Device(name, name, 2, (Roof("vector", "float32", None, number),), (memory,), power_watts=number)
    screen = io.StringIO()
    left_out = Device(f"{name}2", name, None, (), ())
    print_choice(choose(load(net), [device, left_out], goals=["latency", "power"]), Console(file=screen, width=120))
    text = screen.getvalue()
    assert all(character.isprintable() or character == "\n" for character in text)
    assert clean(name)[:10] in text
    assert len(text) < 20_000
