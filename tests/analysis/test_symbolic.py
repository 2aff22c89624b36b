"""Totals as formulas, on models with open dimensions."""

from pathlib import Path

import numpy as np
import pytest
from onnx import helper, numpy_helper

from attainable.errors import InputError
from attainable.pipeline import sweep, symbolic
from tests.models import constant, model, save, value


def _attention(folder: Path) -> Path:
    """Scores of every position with every other, and a product with a matrix: x [N, T, 16]."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["q"]),
        helper.make_node("Transpose", ["x"], ["k"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "k"], ["s"]),
        helper.make_node("Softmax", ["s"], ["p"], axis=-1),
        helper.make_node("MatMul", ["p", "x"], ["y"]),
    ]
    return save(model(nodes, [value("x", ["N", "T", 16])], ["y"], [constant("w", 16, 16)]), folder)


def _formulas(path: Path, **shapes: int) -> dict[str, str | None]:
    return {entry.figure: entry.formula for entry in symbolic(path, shapes=shapes).formulas}


def test_totals_are_formulas_in_the_models_own_names(tmp_path: Path) -> None:
    found = _formulas(_attention(tmp_path))
    # q: N T 16 16; scores and their sum with the values: N T T 16 each
    assert found["macs"] == "32*N*T**2 + 256*N*T"
    # two a MAC; softmax 5 a score and 2 fewer a row
    assert found["operations"] == "69*N*T**2 + 510*N*T"
    assert found["parameters"] == "256"
    # input and output, and the matrix
    assert found["unavoidable_bytes"] == "128*N*T + 1024"


def test_a_bound_dimension_is_a_number_in_the_formula(tmp_path: Path) -> None:
    assert _formulas(_attention(tmp_path), N=2)["macs"] == "64*T**2 + 512*T"


def test_a_peak_that_changes_its_place_is_refused(tmp_path: Path) -> None:
    (peak,) = [entry for entry in symbolic(_attention(tmp_path)).formulas if entry.figure == "peak_activation_bytes"]
    assert peak.formula is None
    assert "--sweep" in peak.reason


def test_strides_ask_for_multiples(tmp_path: Path) -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], strides=[4, 4], kernel_shape=[3, 3], pads=[1, 1, 1, 1])]
    path = save(model(nodes, [value("x", [1, 3, "H", 64])], ["y"], [constant("w", 8, 3, 3, 3)]), tmp_path)
    result = symbolic(path)
    assert result.multiples == {"H": 4}
    # H/4 rows of 16, 8 channels, 27 taps
    assert {entry.figure: entry.formula for entry in result.formulas}["macs"] == str(8 * 27 * 16 // 4) + "*H"


def test_a_lone_batch_dimension_is_open_too(tmp_path: Path) -> None:
    path = save(model([helper.make_node("Relu", ["x"], ["y"])], [value("x", ["N", 5])], ["y"]), tmp_path)
    result = symbolic(path)
    assert {entry.figure: entry.formula for entry in result.formulas}["operations"] == "5*N"
    assert result.warnings == []


def test_without_open_dimensions_there_is_no_formula(tmp_path: Path) -> None:
    path = save(model([helper.make_node("Relu", ["x"], ["y"])], [value("x", [2, 5])], ["y"]), tmp_path)
    with pytest.raises(InputError, match="fixes every dimension"):
        symbolic(path)


def test_a_dimension_that_the_file_knows_better_is_named(tmp_path: Path) -> None:
    """The first axis must be 6: it is reshaped to 2 x 3."""
    shape = numpy_helper.from_array(np.array([2, 3], np.int64), "shape")
    path = save(
        model([helper.make_node("Reshape", ["x", "shape"], ["y"])], [value("x", ["N"])], ["y"], [shape]), tmp_path
    )
    with pytest.raises(InputError):
        symbolic(path)


def test_a_sweep_counts_at_each_value(tmp_path: Path) -> None:
    table = sweep(_attention(tmp_path), "T", [1, 10], shapes={"N": 1})
    assert [(row.value, row.figures["macs"]) for row in table.rows] == [(1, 32 + 256), (10, 3200 + 2560)]
