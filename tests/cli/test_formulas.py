"""``count --symbolic`` and ``--sweep``."""

import json
from pathlib import Path

import pytest
from onnx import helper

from attainable.cli.formulas import parse_sweep
from attainable.errors import InvalidQuantity
from tests.cli.shown import Command
from tests.models import constant, model, save, value


def _linear(folder: Path) -> Path:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    return save(model(nodes, [value("x", ["N", "T", 4])], ["y"], [constant("w", 4, 4)]), folder)


def test_formulas_are_printed_and_told_in_json(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("count", _linear(tmp_path), "--symbolic")
    assert shown.code == 0
    assert "16*N*T" in shown.out
    record = json.loads(attainable("count", _linear(tmp_path), "--symbolic", "--json").out)
    assert record["formulas"][0] == {"figure": "macs", "formula": "16*N*T", "reason": ""}


def test_a_sweep_prints_a_row_a_value(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("count", _linear(tmp_path), "--sweep", "T=128..512", "--shape", "N=1")
    assert [line.split()[0] for line in shown.out.splitlines()[3:6]] == ["128", "256", "512"]
    record = json.loads(attainable("count", _linear(tmp_path), "--sweep", "T=1..3:1", "--batch", "1", "--json").out)
    assert [row["figures"]["macs"] for row in record["rows"]] == [16, 32, 48]


def test_a_sweep_says_what_it_set_beside_the_dimension(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("count", _linear(tmp_path), "--sweep", "T=1..4")
    assert "batch dimension 'N' set to 1" in shown.err


def test_a_formula_for_bytes_says_so(attainable: Command, tmp_path: Path) -> None:
    # x is read, 4 floats a row, and y made: 2 x 16 bytes a row alive at once
    shown = attainable("count", _linear(tmp_path), "--symbolic").out
    (line,) = [line for line in shown.splitlines() if "peak of the activations, bytes" in line]
    assert line.split()[-1] == "32*N*T"


@pytest.mark.parametrize(
    ("flags", "where", "help"),
    [
        (["--symbolic", "--batch", "2"], "--symbolic --batch", "--shape N=8"),
        (["--sweep", "Q=1..4"], "--sweep: does not fit the model", "inputs and dimensions are: x, N, T"),
        (["--sweep", "T=1..4", "--shape", "T=3"], "--shape T: T has a number already", "leave it out"),
    ],
)
def test_what_cannot_be_scaled_names_the_flag(
    attainable: Command, tmp_path: Path, flags: list[str], where: str, help: str
) -> None:
    shown = attainable("count", _linear(tmp_path), *flags)
    assert (shown.code, shown.out) == (2, "")
    assert where in shown.err
    assert help in shown.err


@pytest.mark.parametrize(
    ("text", "values"),
    [("T=1..9", [1, 2, 4, 8, 9]), ("T=5..5", [5]), ("a=b=2..6:2", [2, 4, 6]), ("T=1..4:2", [1, 3, 4])],
)
def test_ranges_double_or_step_and_include_both_ends(text: str, values: list[int]) -> None:
    assert parse_sweep(text) == (text.rpartition("=")[0], values)


@pytest.mark.parametrize("text", ["T", "T=1", "T=4..1", "T=0..4", "T=1..100:0", "T=1..1000:1", "T=1..99999999999"])
def test_ranges_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(InvalidQuantity):
        parse_sweep(text)
