"""``attainable devices show``: every number with its kind and its source."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from attainable.analysis.device_sheet import device_sheet
from attainable.cli.devices_shown import print_device, print_sheet
from attainable.devices import Alignment, Bandwidth, Ceiling, Device, Efficiency, Memory, Roof, Sourced
from attainable.names import clean
from tests.cli.device_files import write_board
from tests.cli.shown import Command
from tests.report.evil import EVIL_NAMES

COLOURS = re.compile(r"\x1b\[[\d;]*m")


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATTAINABLE_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


def printed(print_it: Callable[[Console], None], *, width: int = 120) -> str:
    screen = io.StringIO()
    print_it(Console(file=screen, width=width))
    return screen.getvalue()


BOARD = """
  my-board, a board (my-board)
  vendor              Toys Inc.
  category            NPU
  interfaces          PCIe 3.0 x4
  toolchains          ToyCompiler
  power at most       5.00 W s [1]
  starting a kernel   5.00 us a [2]
  profile             devices/my-board.toml (project)

  Roof         threads            stated                 measured   ratio
  i8 matrix        all   4.00 Top/s s [3]   3.00 Top/s -10 % m [4]    75 %
  i8 special       all                  -          1.00 Gop/s m [4]

  Ridge point     stated   measured
  i8 matrix     200 op/B   150 op/B

  Memory                       threads            stated        measured
  DRAM capacity                            1.00 GiB s [3]
  DRAM latency                                              90.0 ns m [5]
  DRAM read                        all   20.0 GB/s s [3]               -
  DRAM copy nt                     all                 -   12.0 GB/s m [4]
  SRAM capacity, on the chip               2.00 MiB s [6]

  In practice           threads            reached   of the roof
  gemm i8, toyrt 1          all   1.50 Top/s m [4]          50 %

  Kind of operator     limit   share of the roof
  depthwise          compute          25 % m [4]

  Rounded up             to a multiple of
  output channels   i8           16 s [7]

  Conditions
  clock   1 GHz

  Sources
  [1]   data sheet, page 1
  [2]   a guess
  [3]   data sheet, page 2
  [4]   a benchmark
  [5]   a chain of loads
  [6]   data sheet, page 3
  [7]   programming guide

  m measured, s specified by the maker, a assumed. Ratio: measured / stated. [n]: where the number comes from.
"""


def words(text: str) -> list[list[str]]:
    """The words of each line, whatever stands between them."""
    return [line.split() for line in text.strip().splitlines()]


@pytest.mark.parametrize("width", [90, 120])
def test_everything_that_a_profile_holds_is_shown(
    attainable: Command, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    write_board(Path(), "my-board")
    monkeypatch.setenv("COLUMNS", str(width))
    shown = attainable("devices", "show", "MyBoard")
    assert (shown.code, shown.err) == (0, "")
    legend = -1 if width < 120 else None
    assert words(shown.out)[: len(words(BOARD)) + (legend or 0)] == words(BOARD)[:legend]
    assert max(map(len, shown.out.splitlines())) <= width


def test_no_number_is_cut_on_a_narrow_screen(attainable: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    write_board(Path(), "my-board")
    monkeypatch.setenv("COLUMNS", "80")
    text = attainable("devices", "show", "my-board").out
    for number in ("3.00 Top/s -10 % m [4]", "4.00 Top/s s [3]", "12.0 GB/s m [4]", "75 %", "1.50 Top/s m [4]"):
        assert number in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_column_in_which_nothing_stands_is_left_out() -> None:
    stated = Sourced(1e9, "test", "specified")
    memory = Memory("DRAM", None, (Bandwidth(None, stated),))
    device = Device("a", "A", None, (Roof("vector", "float32", None, stated),), (memory,))
    text = printed(lambda console: print_device(device, console))
    assert re.search(r"Roof +threads +stated *\n", text)
    assert re.search(r"Ridge point +stated *\n", text)


def test_a_profile_that_ships_has_no_path(attainable: Command) -> None:
    shown = attainable("devices", "show", "rk1808-npu")
    assert (shown.code, "profile" in shown.out) == (0, False)


def test_the_record_has_the_profile_and_what_follows_from_it(attainable: Command) -> None:
    write_board(Path(), "my-board")
    record = json.loads(attainable("devices", "show", "my-board", "--json").out)
    assert (record["schema_version"], record["origin"], record["path"]) == (1, "project", "devices/my-board.toml")
    assert record["device"]["alignments"][0]["multiple"]["value"] == 16
    assert record["roofs"][0]["ratio"] == 0.75
    assert record["ridge_points"] == [{"engine": "matrix", "dtype": "int8", "stated": 200, "measured": 150}]
    assert record["ceilings"][0]["share_of_roof"] == 0.5


def test_a_file_is_shown_by_its_path(attainable: Command, tmp_path: Path) -> None:
    path = write_board(tmp_path, "elsewhere")
    assert "elsewhere, a board" in attainable("devices", "show", path).out


def test_this_machine_is_shown(attainable: Command) -> None:
    text = attainable("devices", "show", "local").out
    assert "(local)" in text
    assert re.search(r"f32 vector +\d+ .*op/s.* m \[\d+\]", text)


def test_an_unknown_device_exits_with_the_nearest_names(attainable: Command) -> None:
    shown = attainable("devices", "show", "rk18O8-npu")
    assert shown.code == 2
    assert "did you mean rk1808-npu" in shown.err


def test_nothing_is_coloured_in_a_pipe_or_where_nobody_wants_it(
    attainable: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_board(Path(), "my-board")
    assert not COLOURS.search(attainable("devices", "show", "my-board").out)
    screen = io.StringIO()
    monkeypatch.setenv("NO_COLOR", "1")
    print_device(Device("a", "A", None, (), ()), Console(file=screen, force_terminal=True))
    assert not re.search(r"\x1b\[3\d", screen.getvalue())


def test_a_device_of_which_nothing_is_known_is_shown() -> None:
    assert "A (a)" in printed(lambda console: print_device(Device("a", "A", None, (), ()), console))


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(9.0, 11.0, "10 op/s ± 10 % m"), (9.0, 15.0, "10 op/s -10 % +50 % m"), (None, 15.0, "10 op/s +50 % m"),
     (10.0, 10.0, "10 op/s ± 0 % m"), (None, None, "10 op/s m")],
)  # fmt: skip
def test_an_interval_says_how_far_the_number_may_be_off(low: float | None, high: float | None, text: str) -> None:
    roof = Roof("vector", "float32", None, Sourced(10.0, "test", "measured", low, high))
    shown = printed(lambda console: print_device(Device("a", "A", None, (roof,), ()), console))
    assert text in shown.replace("10.0", "10")


def evil(name: str) -> Device:
    """A device in which every text is ``name``."""
    number = Sourced(1.0, name, "assumed", 0.9, 1.2)
    return Device(
        name, name, 2, (Roof("vector", name, None, number),),
        (Memory(name, number, (Bandwidth(1, number),), number),), number, number,
        (Ceiling("gemm", name, name, name, 1, number),), (Efficiency("conv", "compute", number),),
        (Alignment("input_channels", name, number),), number, name, "npu", (name,), (name,), ((name, name),),
    )  # fmt: skip


@pytest.mark.parametrize("name", EVIL_NAMES.values(), ids=EVIL_NAMES.keys())
def test_a_terminal_obeys_no_profile(name: str) -> None:
    sheet = device_sheet(evil(name), origin="user", path=name)
    text = printed(lambda console: print_sheet(sheet, console))
    assert all(character.isprintable() or character == "\n" for character in text)
    assert clean(name)[:20] in text
    assert len(text) < 40_000
