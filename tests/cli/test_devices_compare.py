"""``attainable devices compare``: devices side by side."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from attainable.analysis.device_comparison import compare_devices
from attainable.cli.devices_compared import print_compared
from attainable.devices import Bandwidth, Device, Memory, Roof, Sourced
from attainable.names import clean
from tests.cli.device_files import NPU, write_board
from tests.cli.shown import Command
from tests.report.evil import EVIL_NAMES


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATTAINABLE_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture
def boards(config: Path) -> None:
    """Two boards: the second has three times the roof as stated, twice as measured, and half the bandwidth."""
    write_board(config, "board-a")
    second = NPU.format(name="board-b").replace("4e12", "12e12").replace("3e12, low = 2.7e12", "6e12")
    write_board(config, "board-b", second.replace("20e9", "10e9").replace("power_watts", "#"))


@pytest.mark.usefixtures("boards")
def test_figures_stand_side_by_side_with_ratios_to_the_first(attainable: Command) -> None:
    shown = attainable("devices", "compare", "BOARD A", "board-b")
    assert (shown.code, shown.err) == (0, "")
    assert re.search(r"i8 peak +3\.00 Top/s m +6\.00 Top/s m +x2\.00 *\n", shown.out)
    assert re.search(r"memory, read +20\.0 GB/s s +10\.0 GB/s s +x0\.50 *\n", shown.out)
    # 3000 / 20 and 6000 / 10, measured over specified
    assert re.search(r"ridge point, i8 +150 op/B s +600 op/B s +x4\.00 *\n", shown.out)
    assert re.search(r"power at most +5\.00 W s +- *\n", shown.out)
    assert "Basis: measured figures where there are any" in shown.out


@pytest.mark.usefixtures("boards")
def test_the_basis_can_be_chosen_and_is_said(attainable: Command) -> None:
    shown = attainable("devices", "compare", "board-a", "board-b", "--basis", "specified").out
    assert re.search(r"i8 peak +4\.00 Top/s s +12\.0 Top/s s +x3\.00", shown)
    assert "Basis: specified figures" in shown
    refused = attainable("devices", "compare", "board-a", "board-b", "--basis", "best")
    assert refused.code == 2
    assert "known: measured, specified" in refused.err


@pytest.mark.parametrize("width", [60, 80, 120])
def test_as_many_as_fit_stand_beside_the_first(
    attainable: Command, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    for name in ("board-a", "board-b", "board-c", "board-d"):
        write_board(Path(), name)
    monkeypatch.setenv("COLUMNS", str(width))
    text = attainable("devices", "compare", "board-a", "board-b", "board-c", "board-d").out
    tables = [line.split() for line in text.splitlines() if line.split()[:1] == ["board-a"]]
    assert all(table[0] == "board-a" for table in tables)
    assert [name for table in tables for name in table[1:]] == ["board-b", "board-c", "board-d"]
    assert len(tables) == {60: 3, 80: 3, 120: 2}[width]
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.usefixtures("boards")
def test_the_record_has_figures_sources_and_ratios(attainable: Command) -> None:
    record = json.loads(attainable("devices", "compare", "board-a", "board-b", "--json").out)
    assert (record["schema_version"], record["basis"]) == (1, "measured")
    assert record["names"] == ["board-a", "board-b"]
    (row,) = [row for row in record["rows"] if row["quantity"] == "bytes_per_second"]
    assert row["figures"][0] == {
        "value": 20e9, "source": "data sheet, page 2", "kind": "specified", "low": None, "high": None,
    }  # fmt: skip
    assert row["ratios"] == [1.0, 0.5]


def test_one_device_is_too_few(attainable: Command) -> None:
    shown = attainable("devices", "compare", "rk1808")
    assert shown.code == 2
    assert "for one: attainable devices show rk1808" in shown.err


def test_extreme_ratios_stay_short() -> None:
    def toy(name: str, peak: float) -> Device:
        return Device(name, name, None, (Roof("vector", "float32", None, Sourced(peak, "test", "assumed")),), ())

    screen = io.StringIO()
    print_compared(compare_devices([toy("a", 1e9), toy("b", 1e3), toy("c", 1e15)]), Console(file=screen, width=120))
    assert "<x0.01" in screen.getvalue()
    assert "x1.00 M" in screen.getvalue()


@pytest.mark.parametrize("name", EVIL_NAMES.values(), ids=EVIL_NAMES.keys())
def test_a_terminal_obeys_no_profile(name: str) -> None:
    number = Sourced(1.0, name, "assumed")
    memory = Memory(name, number, (Bandwidth(None, number),))
    device = Device(name, name, 2, (Roof("vector", "float32", None, number),), (memory,), power_watts=number)
    screen = io.StringIO()
    print_compared(compare_devices([device, device]), Console(file=screen, width=120))
    text = screen.getvalue()
    assert all(character.isprintable() or character == "\n" for character in text)
    assert clean(name)[:10] in text
    assert len(text) < 20_000
