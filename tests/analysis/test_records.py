"""The JSON contract: what is promised is there, the schema ships, and what was saved reads back."""

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from attainable.analysis.build import Bounding
from attainable.analysis.counted import counted
from attainable.analysis.records import Analysis, json_schema
from attainable.cost.count import count
from attainable.devices import load_device
from attainable.errors import ModelFileError
from attainable.workload import load
from tests.models import chain, save

CONTRACT = {
    "": "schema_version model totals coverage conventions ops devices predicted runs findings warnings errors "
    "environment",
    "model": "name format opset sha256 bindings parameters parameter_bytes buffer_bytes file_bytes external_bytes",
    "totals": "macs operations operations_by parameters parameter_bytes bytes_read bytes_written bytes_moved "
    "operational_intensity peak_activation_bytes peak_activation_bytes_in_place all_activation_bytes at_least",
    "coverage": "ops ops_with_rule kinds_without_rule",
    "ops": "id name kind scope dtype macs operations bytes_read bytes_written parameters shared input_shapes "
    "output_shapes",
    "devices": "name threads bound_seconds roofline_seconds roofs bytes_per_second ops",
    "runs": "runtime version threads dtype samples seconds statistic low_seconds high_seconds attributed_share "
    "kernels groups",
}
"""Fields by part, as promised to users: they may gain company, never disappear."""


@pytest.fixture
def analysis(tmp_path: Path) -> Analysis:
    """A count with a bound on a described device."""
    on_paper = count(load(save(chain(2), tmp_path)))
    return replace(counted(on_paper), devices=[Bounding(on_paper).row(load_device("kirin990-cpu"), threads=None)])


def test_the_contract_is_kept(analysis: Analysis) -> None:
    record: dict[str, Any] = json.loads(analysis.to_json())
    for part in ("", "model", "totals", "coverage"):
        assert set(CONTRACT[part].split()) <= set(record[part] if part else record), part
    for part in ("ops", "devices"):
        assert set(CONTRACT[part].split()) <= set(record[part][0]), part
    definitions = json.loads(json_schema())["$defs"]
    assert set(CONTRACT["runs"].split()) <= set(definitions["RunRow"]["properties"])
    assert set(definitions["KernelRow"]["properties"]) >= {"name", "ops", "seconds"}
    assert set(definitions["GroupRow"]["properties"]) >= {"kernels", "ops", "seconds", "roofline_seconds"}
    assert record["schema_version"] == 2
    assert record["predicted"] is None


def test_the_shipped_schema_is_up_to_date_and_describes_the_output(analysis: Analysis) -> None:
    shipped = (files("attainable.analysis") / "analysis.schema.json").read_bytes()
    assert shipped == json_schema(), "write it again: python -m attainable.analysis"
    validator = jsonschema.Draft202012Validator(json.loads(shipped))
    validator.check_schema(json.loads(shipped))
    assert list(validator.iter_errors(json.loads(analysis.to_json()))) == []  # pyright: ignore[reportUnknownMemberType]


def test_what_was_saved_reads_back_equal(analysis: Analysis) -> None:
    assert Analysis.from_json(analysis.to_json()) == analysis


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("not json", "is not a saved analysis: JSON is malformed"),
        ("{}", "is not a saved analysis: Object missing required field `model`"),
        ("\ud800".encode("utf-8", "surrogatepass"), "is not a saved analysis"),
        ("[" * 100_000, "is not a saved analysis"),
    ],
    ids=["text", "empty", "surrogate", "deep"],
)
def test_what_is_no_analysis_is_refused(text: str | bytes, what: str) -> None:
    with pytest.raises(ModelFileError) as caught:
        Analysis.from_json(text, where="x.json")
    assert str(caught.value).startswith(f"x.json: {what}")


@pytest.mark.parametrize("name", ["\x9b31m", "\x7f", "\u202eexe.cod", "\u200b", "\x1b]0;owned\x07", "caf\u00e9 \u4e2d"])
def test_json_holds_nothing_that_a_terminal_obeys_and_reads_back(analysis: Analysis, name: str) -> None:
    renamed = replace(analysis, warnings=[name])
    text = renamed.to_json()
    assert text.replace("\n", "").isprintable()
    assert Analysis.from_json(text).warnings == [name]


def test_a_file_name_that_is_no_text_is_escaped(analysis: Analysis) -> None:
    # Python hands over the byte 0xff of such a name as a lone surrogate
    text = replace(analysis, warnings=["bad\udcff.onnx"]).to_json()
    assert json.loads(text)["warnings"] == ["bad\udcff.onnx"]
    assert text.isascii()


def test_a_newer_schema_version_is_refused(analysis: Analysis) -> None:
    with pytest.raises(ModelFileError, match="has schema version 3; this attainable reads 2"):
        Analysis.from_json(replace(analysis, schema_version=3).to_json())
