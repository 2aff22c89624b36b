import json

import pytest

from tests.cli.shown import Command


def test_operators_stand_side_by_side_with_class_and_time(attainable: Command) -> None:
    shown = attainable(
        "op", "conv 3x3 64->64 @56", "depthwise 3x3 128 @28", "--device", "i9-10980xe,rk1808", "--json"
    )  # fmt: skip
    assert shown.code == 0, shown.err
    conv, depthwise = json.loads(shown.out)["ops"]
    assert (conv["macs"], conv["operational_intensity"]) == (64 * 56 * 56 * 64 * 9, pytest.approx(131.89, abs=0.01))
    here, there = conv["devices"]
    # 2.86 T operations and 74 GB in a second, as measured
    assert here["seconds"] == pytest.approx(2 * conv["macs"] / 2.86e12)
    assert (here["bound_by"], here["of_peak"]) == ("compute", pytest.approx(1.0))
    assert here["ridge_point"] == pytest.approx(38.65, abs=0.01)
    assert (here["dtype"], there["dtype"]) == ("float32", "int8")
    moved = 2 * 128 * 28 * 28 * 4 + 128 * 9 * 4
    assert depthwise["devices"][0]["seconds"] == pytest.approx(moved / 74e9)
    assert depthwise["devices"][0]["bound_by"] == "memory"


def test_the_screen_fits(attainable: Command) -> None:
    shown = attainable("op", "conv 3x3 64->64 @56", "add 64 @56", "--device", "i9-10980xe")
    assert "compute-bound" in shown.out
    assert "memory-bound" in shown.out
    assert "x1.00" in shown.out


def test_a_time_that_is_not_known_or_not_counted_is_not_zero(attainable: Command) -> None:
    # no roof for the ReLU and no bandwidth; nothing at all
    shown = attainable("op", "relu 64 @56", "conv 3x3 64->64 @56", "--device", "hailo-8,novatek-nt98690")
    assert shown.code == 0
    assert "0 s" not in shown.out
    assert [line.split()[4] for line in shown.out.splitlines() if "unknown" in line] == ["unknown", "-", "unknown"]
    left_out = attainable("op", "relu 64 @56", "--device", "i9-10980xe", "--accounting", "contractions", "--json")
    (sheet,) = json.loads(left_out.out)["ops"]
    assert [place["bound_by"] for place in sheet["devices"]] == ["left out"]


def test_a_type_of_its_own_is_not_said_to_be_another(attainable: Command) -> None:
    shown = attainable("op", "conv 3x3 64->64 @56", "conv 3x3 64->64 @56 int8", "--device", "rk1808")
    assert "conv 3x3 64->64 @56 (int8)" in shown.out
    assert "conv 3x3 64->64 @56 int8 (int8)" not in shown.out


def test_a_line_that_cannot_be_read_is_a_usage_error(attainable: Command) -> None:
    shown = attainable("op", "conv 3x3 64->64", "--device", "i9-10980xe")
    assert (shown.code, shown.out) == (2, "")
    assert "lacks its height and width" in shown.err
