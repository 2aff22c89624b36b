"""``attainable devices list``: every device in a line, and what is wrong with a profile."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from attainable.analysis.device_list import DeviceList, FaultyProfile, HiddenProfile, summary
from attainable.cli.devices_listed import print_device_list
from attainable.devices import Device, Entry, Memory, Roof, Sourced, names
from attainable.names import clean
from tests.cli.device_files import NPU, write_board
from tests.cli.shown import Command
from tests.report.evil import EVIL_NAMES


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config folder of its own, so that no profile of the person who runs the tests is seen."""
    monkeypatch.setenv("ATTAINABLE_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


def test_every_device_has_a_line_and_this_machine_the_first(attainable: Command) -> None:
    shown = attainable("devices", "list")
    assert (shown.code, shown.err) == (0, "")
    lines = [line.split()[0] for line in shown.out.splitlines() if line.startswith("    ")]
    assert lines[0] == "local"
    assert sorted(lines[1:]) == sorted(names())


@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_line_is_wider_than_the_screen_and_no_device_takes_two(
    attainable: Command, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = attainable("devices", "list").out
    assert max(map(len, shown.splitlines())) <= width
    assert len([line for line in shown.splitlines() if line.startswith("    ")]) == len(names()) + 1


def test_a_line_shows_peaks_bandwidth_ridge_and_kinds(attainable: Command, config: Path) -> None:
    write_board(config, "my-board")
    # 3 Top/s measured over 20 GB/s specified
    assert re.search(
        r"\n    my-board +my-board, a board +- +- +3\.00 T +20\.0 GB/s +150 +ms *\n", attainable("devices", "list").out
    )


def test_devices_stand_under_their_kind(attainable: Command, config: Path) -> None:
    write_board(config, "my-board")
    write_board(config, "nothing", 'name = "nothing"\ntitle = "Nothing"\n')
    text = attainable("devices", "list").out
    npus, others = text.index("\n  NPU"), text.index("\n  Other")
    assert npus < text.index("\n    my-board") < others < text.index("\n    nothing")


def test_a_profile_of_the_user_says_where_it_lies_and_what_it_stands_before(attainable: Command, config: Path) -> None:
    user = write_board(config, "rk1808-npu")
    write_board(Path(), "my-board")
    text = "".join(attainable("devices", "list").out.split())
    assert "my-board:ofthisproject,devices/my-board.toml" in text
    assert f"rk1808-npu:yourown,{user};standsbeforetheonethatshipswiththetool" in text
    write_board(Path(), "rk1808-npu")
    text = "".join(attainable("devices", "list").out.split())
    assert f"{user},theonethatshipswiththetool" in text


def test_a_bad_profile_is_shown_with_its_first_fault_and_fails_nothing(attainable: Command) -> None:
    write_board(Path(), "bad", 'name = "bad"\ncores = 0\n')
    shown = attainable("devices", "list")
    assert shown.code == 0
    assert "devices/bad.toml: the device profile has 2 faults: is missing @ title" in shown.out
    assert "rk1808-npu" in shown.out
    named = attainable("devices", "show", "bad")
    assert named.code == 2
    assert "is missing @ title" in named.err
    assert "must be a whole number of at least 1 @ cores" in named.err


def test_many_bad_profiles_are_counted(attainable: Command) -> None:
    for index in range(12):
        write_board(Path(), f"bad-{index}", "")
    text = attainable("devices", "list").out
    assert text.count("the device profile has 2 faults") == 10
    assert "2 more files of these folders are no profiles" in text


def test_a_maker_and_a_kind_can_be_asked_for(attainable: Command, config: Path) -> None:
    write_board(config, "my-board")
    write_board(config, "my-chip", NPU.format(name="my-chip").replace('"npu"', '"soc"'))

    def shown(*options: str) -> list[str]:
        return [
            device["name"] for device in json.loads(attainable("devices", "list", "--json", *options).out)["devices"]
        ]

    assert shown("--vendor", "toys") == ["my-board", "my-chip"]
    assert shown("--vendor", "TOYS INC.", "--category", "npu") == ["my-board"]
    assert "my-chip" in shown("--category", "soc")
    assert "my-board" not in shown("--category", "soc")
    assert "No device fits." in attainable("devices", "list", "--vendor", "toys", "--category", "gpu").out


def test_an_unknown_maker_or_kind_is_refused_with_those_there_are(attainable: Command, config: Path) -> None:
    write_board(config, "my-board")
    shown = attainable("devices", "list", "--vendor", "Toyz Inc.")
    assert shown.code == 2
    assert "did you mean Toys Inc.?" in shown.err
    shown = attainable("devices", "list", "--category", "tpu")
    assert shown.code == 2
    assert "known: cpu, gpu, npu, soc" in shown.err


def test_the_record_has_every_figure_with_its_source(attainable: Command, config: Path) -> None:
    path = write_board(config, "my-board")
    record = json.loads(attainable("devices", "list", "--json").out)
    assert record["schema_version"] == 1
    (board,) = [device for device in record["devices"] if device["name"] == "my-board"]
    assert (board["origin"], board["path"], board["category"]) == ("user", str(path), "npu")
    assert board["peaks"]["int8"]["value"] == 3e12
    assert board["peaks"]["int8"]["source"] == "a benchmark"
    assert board["ridge_points"]["int8"]["value"] == 150
    assert record["faulty"] == []


def test_a_machine_that_is_not_calibrated_is_told_how(
    attainable: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path / "empty"))
    for width in ("80", "120"):
        monkeypatch.setenv("COLUMNS", width)
        shown = " ".join(attainable("devices", "list").out.split())
        assert "This machine local" in shown
        assert "not calibrated yet: run `attainable devices calibrate`" in shown


@pytest.mark.parametrize("name", EVIL_NAMES.values(), ids=EVIL_NAMES.keys())
def test_a_terminal_obeys_no_profile(name: str) -> None:
    number = Sourced(1e9, name, "assumed")
    device = Device(
        name, name, None, (Roof("vector", "float32", None, number),), (Memory(name, number, ()),), vendor=name
    )  # fmt: skip
    entry = summary(Entry(name, Path("x"), "user"), device)
    listed = DeviceList([entry], [FaultyProfile(name, "user", name, name, [name])])
    hidden = DeviceList([summary(Entry(name, Path("x"), "user", (Entry(name, Path("y"), "project"),)), device)])
    assert hidden.devices[0].hides == [HiddenProfile("project", "y")]
    screen = io.StringIO()
    for each in (listed, hidden):
        print_device_list(each, Console(file=screen, width=120))
    text = screen.getvalue()
    assert all(character.isprintable() or character == "\n" for character in text)
    assert clean(name)[:10] in text
    assert len(text) < 10_000
