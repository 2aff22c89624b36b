import json
from pathlib import Path

import onnx
import pytest
from onnx import helper

from tests.cli.shown import Command
from tests.models import chain, model, save, value

MACS = 14 * 14 * 8 * 8 * 9
"""Of one Conv of ``chain``: 8 channels to 8 channels by 3 x 3 taps on 14 x 14."""


def mystery(folder: Path) -> Path:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Mystery", ["a"], ["y"], domain="my.own")]
    return save(model(nodes, [value("x", [4])], ["y"]), folder)


def test_json_is_a_format(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(1), tmp_path)
    assert attainable("count", path, "--json").out == attainable("count", path, "--format", "json").out


@pytest.mark.parametrize(
    ("format", "start"),
    [
        ("csv", "id,name,operator"),
        ("markdown", "| Model"),
        ("latex", "% Needs"),
        ("netron", "{"),
        ("model-explorer", "{"),
    ],
)
def test_a_format_goes_to_stdout_and_warnings_do_not(
    attainable: Command, tmp_path: Path, format: str, start: str
) -> None:
    shown = attainable("count", save(chain(1), tmp_path), "--format", format)
    assert shown.code == 0
    assert shown.out.startswith(start)
    assert "batch dimension" in shown.err
    assert list(Path().iterdir()) == []


def test_an_output_has_the_format_of_its_extension_and_is_not_overwritten(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(1), tmp_path)
    shown = attainable("count", path, "--output", "ops.csv")
    assert (shown.code, shown.out) == (0, "")
    assert "output: ops.csv" in shown.err
    assert Path("ops.csv").read_text().startswith("id,name")
    Path("ops.csv").write_text("mine")
    refused = attainable("count", path, "--output", "ops.csv")
    assert refused.code == 2
    assert Path("ops.csv").read_text() == "mine"
    assert attainable("count", path, "--output", "ops.csv", "--force").code == 0
    attainable("count", path, "--output", "ops.txt")
    assert "MACs" in Path("ops.txt").read_text()


def test_the_table_is_grouped_by_operator_or_module(attainable: Command, tmp_path: Path) -> None:
    proto = chain(2)
    for index, node in enumerate(proto.graph.node):
        node.metadata_props.add(key="namespace", value=f"block{index // 3}/part")
    path = save(proto, tmp_path)
    kinds = attainable("count", path, "--by", "kind").out
    assert [line.split()[0] for line in kinds[kinds.index("By operator") :].splitlines()[1:4]] == [
        "Conv",
        "Add",
        "Relu",
    ]
    modules = attainable("count", path, "--by", "scope").out
    assert [line.split()[0] for line in modules[modules.index("By module") :].splitlines()[1:5]] == [
        "block0", "part", "block1", "part",
    ]  # fmt: skip
    assert "    part" not in attainable("count", path, "--by", "scope", "--depth", "1").out


def test_a_budget_that_is_kept_says_nothing(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("count", save(chain(2), tmp_path), "--budget", f"macs={2 * MACS},parameters=1k")
    assert shown.code == 0
    assert "budget" not in shown.err


def test_a_budget_that_is_exceeded_exits_with_one_and_says_by_how_much(attainable: Command, tmp_path: Path) -> None:
    shown = attainable(
        "count", save(chain(2), tmp_path), "--budget", "macs=100k,parameters=1k", "--budget", "peak=1KiB"
    )
    assert shown.code == 1
    # 2 x 112896 MACs
    assert "over budget: macs is 226 k, the limit 100 k, over by 126 k" in shown.err
    assert "over budget: peak is" in shown.err
    assert "parameters is" not in shown.err
    assert "MACs" in shown.out


def test_a_floor_is_held_against_the_budget_and_proves_nothing_below(attainable: Command, tmp_path: Path) -> None:
    path = mystery(tmp_path)
    over = attainable("count", path, "--budget", "operations=3", "--json")
    assert over.code == 1
    assert "over budget: operations is at least 4, the limit 3, over by 1" in over.err
    assert json.loads(over.out)["totals"]["operations"] == 4
    under = attainable("count", path, "--budget", "operations=5")
    assert under.code == 0
    assert "budget not proven: operations is at least 4 of 5" in under.err


def test_wrong_requests_are_usage_errors_before_anything_is_read(attainable: Command) -> None:
    for flags, known in (
        (["--format", "excel"], "table, json, csv, markdown, latex, netron, model-explorer"),
        (["--by", "color"], "signature, scope, kind"),
        (["--budget", "latency=1ms"], "macs, operations, parameters"),
        (["--output", "missing/ops.csv"], "mkdir -p missing"),
    ):
        shown = attainable("count", "no-such-file.onnx", *flags)
        assert (shown.code, shown.out) == (2, ""), flags
        assert known in shown.err


@pytest.mark.parametrize(
    ("flags", "help"),
    [
        (["--json", "--format", "csv"], "--json --format csv: are two formats"),
        (["--by", "kind", "--format", "csv"], "leave out --by"),
        (["--by", "kind", "--output", "ops.md"], "leave out --by"),
        (["--by", "kind", "--preset", "thop"], "cannot be combined"),
        (["--depth", "3"], "add --by scope"),
        (["--depth", "3", "--by", "kind"], "add --by scope"),
        (["--output", "ops.html"], "an HTML report is what `attainable analyze` writes"),
        (["--output", "ops.xlsx"], "ends in .json, .csv, .md, .tex or .txt"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(attainable: Command, flags: list[str], help: str) -> None:
    shown = attainable("count", "no-such-file.onnx", *flags)
    assert (shown.code, shown.out) == (2, "")
    assert help in shown.err


def test_a_format_by_name_takes_any_extension(attainable: Command, tmp_path: Path) -> None:
    assert attainable("count", save(chain(1), tmp_path), "--format", "netron", "--output", "ops.notes").code == 0


def test_trip_counts_without_a_loop_are_warned_about(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(1), tmp_path)
    assert "--trip-count has no effect" in attainable("count", path, "--trip-count", "3").err
    assert "--trip-count" not in attainable("count", path).err


def test_a_copy_of_the_model_carries_the_counts(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(1), tmp_path)
    shown = attainable("count", path, "--annotate", "annotated.onnx")
    assert shown.code == 0
    assert "output: annotated.onnx" in shown.err
    (first, *_) = onnx.ModelProto.FromString(Path("annotated.onnx").read_bytes()).graph.node
    assert {entry.key: entry.value for entry in first.metadata_props}["attainable.macs"] == str(MACS)
    before = path.read_bytes()
    refused = attainable("count", path, "--annotate", path, "--force")
    assert refused.code == 2
    assert "is the model itself" in refused.err
    assert path.read_bytes() == before
