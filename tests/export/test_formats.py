import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from attainable.analysis.comparison import Comparison, compare
from attainable.analysis.records import Analysis
from attainable.errors import UnknownName
from attainable.export import COMPARISON_FORMATS, FORMATS, TABLE, chosen_format, export_count
from attainable.export.csv import MODEL_COLUMNS, OP_COLUMNS
from attainable.export.escaping import LONGEST_CELL, csv_text, latex_text, markdown_text
from attainable.names import clean
from attainable.prediction.accounting import FUSED, WORDS, accounting
from tests.report.analyses import convolutions, on_paper, op, renamed
from tests.report.evil import EVIL_NAMES, parse

FORMULAS = ["=HYPERLINK(1)", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"]
EVIL = [*EVIL_NAMES.values(), *FORMULAS]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def comparison(analysis: Analysis | None = None) -> Comparison:
    first = analysis or convolutions()
    return compare([first, replace(first, model=replace(first.model, path=f"{first.model.path}2"))])


def test_csv_has_a_row_for_each_op_and_the_rows_sum_to_the_totals() -> None:
    analysis = convolutions()
    table = rows(FORMATS["csv"].render(analysis))
    assert [row["id"] for row in table] == ["0", "1", "2", "3", "4"]
    assert sum(int(row["macs"]) for row in table) == analysis.totals.macs
    assert table[0]["input_shapes"] == "1x8"
    assert tuple(table[0]) == OP_COLUMNS


def test_csv_leaves_what_is_not_known_empty() -> None:
    unknown = replace(op("0", "Mystery", state="no rule"), input_shapes=[None, []])
    (row,) = rows(FORMATS["csv"].render(on_paper([unknown], at_least=True)))
    assert (row["macs"], row["bytes_read"], row["state"], row["input_shapes"]) == ("", "", "no rule", "? scalar")


def test_csv_of_a_comparison_has_a_row_for_each_model_on_each_device() -> None:
    table = rows(COMPARISON_FORMATS["csv"](comparison()))
    assert [(row["model"], row["device"]) for row in table] == [
        ("models/net.onnx", "local"), ("models/net.onnx", "board"),
        ("models/net.onnx2", "local"), ("models/net.onnx2", "board"),
    ]  # fmt: skip
    assert tuple(table[0]) == MODEL_COLUMNS
    on_paper_only = rows(COMPARISON_FORMATS["csv"](comparison(on_paper([]))))
    assert [row["bound_seconds"] for row in on_paper_only] == ["", ""]


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_of_csv_is_a_formula_or_breaks_a_line(text: str) -> None:
    cell = csv_text(text)
    assert cell.isprintable()
    assert not cell.lstrip().startswith(tuple("=+-@＝＋－＠"))


def test_names_in_csv_stay_whole_and_in_their_cell() -> None:
    ops = [replace(op(str(index), "Conv"), name=text) for index, text in enumerate(EVIL)]
    table = rows(FORMATS["csv"].render(on_paper(ops)))
    assert len(table) == len(EVIL)
    shown = [clean(text) for text in EVIL]
    expected = [text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…" for text in shown]
    assert [row["name"].removeprefix("'") for row in table] == expected


def test_markdown_says_the_model_and_its_operators() -> None:
    assert FORMATS["markdown"].render(convolutions()).splitlines()[:8] == [
        "| Model | Parameters |   MACs | Operations | Memory access | Peak activations |",
        "| ----- | ---------: | -----: | ---------: | ------------: | ---------------: |",
        "| net   |     1.00 k | 2.00 G |     4.00 G |      62.9 MiB |         1.00 MiB |",
        "",
        "| Operator | Ops |   MACs | Operations | Share | Parameters |    Moved |",
        "| -------- | --: | -----: | ---------: | ----: | ---------: | -------: |",
        "| Conv     |   2 | 2.00 G |     4.00 G | 100 % |     1.15 k | 38.1 MiB |",
        "| Relu     |   2 |      0 |     2.00 M |  <1 % |          0 | 15.3 MiB |",
    ]


@pytest.mark.parametrize("text", EVIL)
def test_names_in_markdown_are_text_in_one_cell(text: str) -> None:
    cell = markdown_text(text)
    assert not re.search(r"(?<!\\)[|`*_\[\]~]", cell)
    assert "<" not in cell and ">" not in cell and "://" not in cell
    assert parse(cell).tags == []
    assert cell.isprintable()


def test_latex_is_the_table_of_a_paper() -> None:
    assert [line for line in FORMATS["latex"].render(convolutions()).splitlines() if line[0] != "%"] == [
        r"\begin{tabular}{lrrrr}",
        r"\toprule",
        r"Model & Parameters & MACs & Memory access & Peak activations \\",
        r"\midrule",
        r"net & 1.00\,k & 2.00\,G & 62.9\,MiB & 1.00\,MiB \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


@pytest.mark.parametrize("text", [*EVIL, r"\input{/etc/passwd}", "a%b&c#d$e_f^g~h", "a--b", "中文"])
def test_names_in_latex_are_no_commands(text: str) -> None:
    known = r"\\(textbackslash|textasciitilde|textasciicircum|textless|textgreater|textbar|textasciigrave|char34){}"
    # what is left after our own commands and escaped characters has nothing special in it
    rest = re.sub(r"\\[{}$&#%_]", "", re.sub(known, "", latex_text(text)).replace("-{}-", ""))
    assert not set(rest) & set('\\{}$&#%_^~<>|"`')
    assert all(ord(character) <= 0x17F or character == "…" for character in rest)
    assert "--" not in rest


def test_figures_that_are_floors_say_so() -> None:
    analysis = on_paper([op("0", "Conv", operations=4, macs=2), op("1", "Mystery", state="no rule")], at_least=True)
    assert r"$\geq$\,2" in FORMATS["latex"].render(analysis)
    markdown = FORMATS["markdown"].render(analysis)
    assert "≥ 2" in markdown
    assert re.search(r"\| Mystery +\| +1 \| +\? \| +\? \| +\? \| +0 \| +\? \|", markdown)


def test_netron_finds_each_op_by_its_name() -> None:
    record = json.loads(FORMATS["netron"].render(convolutions()))
    assert record["signature"] == "netron:attachment"
    assert {"kind": "node", "target": "node_0", "name": "MACs", "value": 10**9} in record["metrics"]
    assert {"kind": "model", "target": "", "name": "MACs", "value": 2 * 10**9} in record["metrics"]
    assert {entry["kind"] for entry in record["metadata"]} == {"model"}


def test_model_explorer_gets_the_data_of_one_graph() -> None:
    record = json.loads(FORMATS["model-explorer"].render(convolutions()))
    assert record["results"]["node_0"] == {"value": 2 * 10**9}
    assert [stop["stop"] for stop in record["gradient"]] == [0.0, 0.25, 1.0]
    # a file with `results` in its results is read as one of several graphs
    reserved = on_paper([replace(op("0", "Conv"), name="results")])
    assert json.loads(FORMATS["model-explorer"].render(reserved))["results"] == {}


@pytest.mark.parametrize("format", ["netron", "model-explorer"])
def test_ops_that_a_viewer_cannot_tell_apart_are_left_out_and_counted(format: str) -> None:
    names = ["", "twice", "twice", "two\nlines", "own"]
    analysis = on_paper([replace(op(str(index), "Conv"), name=name) for index, name in enumerate(names)])
    text = FORMATS[format].render(analysis)
    assert "own" in text
    assert "twice" not in text
    assert FORMATS[format].warnings(analysis) == ["4 ops have no name of their own and are left out of the file"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("text", EVIL)
def test_no_format_obeys_a_name(format: str, text: str) -> None:
    analysis = renamed(convolutions(), lambda old: text if old in ("net", "Conv", "node_0", "float32") else old)
    written = export_count(replace(analysis, model=replace(analysis.model, path=text)), format)
    controls = re.sub(r"[\n]", "", written)
    assert controls.isprintable() or format in ("json", "netron", "model-explorer")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", written)


@pytest.mark.parametrize("format", COMPARISON_FORMATS)
def test_no_format_of_a_comparison_obeys_a_name(format: str) -> None:
    for text in EVIL:
        first = convolutions()
        second = replace(first, model=replace(first.model, path=text))
        devices = [replace(device, name=text, title=text) for device in first.devices]
        found = compare([replace(first, devices=devices), replace(second, devices=devices)])
        written = COMPARISON_FORMATS[format](found)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", written), text
        if format == "markdown":
            assert parse(written).tags == []


def test_every_accounting_has_its_sentence() -> None:
    analysis = convolutions()
    notes: set[str] = set()
    for word in WORDS:
        devices = [replace(device, accounting=accounting(word).name) for device in analysis.devices]
        notes.add(COMPARISON_FORMATS["markdown"](comparison(replace(analysis, devices=devices))))
    defaults = [word for word in WORDS if accounting(word) == FUSED]
    assert len(notes) == len(WORDS) - len(defaults) + 1


def test_the_format_is_the_named_one_else_that_of_the_file() -> None:
    assert chosen_format("csv", Path("x.md"), FORMATS) == "csv"
    assert chosen_format(None, Path("x.MD"), FORMATS) == "markdown"
    assert chosen_format(None, Path("x.json"), COMPARISON_FORMATS) == "json"
    assert chosen_format(None, Path("x.txt"), FORMATS) == TABLE
    assert chosen_format(None, None, FORMATS) == TABLE
    with pytest.raises(UnknownName, match="excel"):
        chosen_format("excel", None, FORMATS)
    with pytest.raises(UnknownName, match="netron"):
        chosen_format("netron", None, COMPARISON_FORMATS)
