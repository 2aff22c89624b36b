"""The command line as a user meets it: output, exit codes, files written and files left alone."""

import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from attainable.analysis.budget import QUANTITIES
from attainable.cli.grouped import GROUPINGS
from attainable.cost.presets import PRESETS
from attainable.cost.training import OPTIMISERS
from attainable.export import FORMATS
from attainable.workload import READERS
from tests.cli.shown import Command
from tests.models import chain, constant, model, save, value


def test_count_prints_totals_and_writes_nothing(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("count", save(chain(2), tmp_path))
    assert shown.code == 0
    assert "MACs" in shown.out
    assert "batch dimension 'N' set to 1" in shown.err
    assert list(Path().iterdir()) == []


def test_count_json_is_the_contract(attainable: Command, tmp_path: Path) -> None:
    shown = attainable("count", save(chain(2), tmp_path), "--json", "--batch", "3")
    record = json.loads(shown.out)
    assert record["model"]["bindings"] == {"N": 3}
    assert record["totals"]["macs"] == 2 * 3 * 14 * 14 * 8 * 8 * 9
    assert shown.code == 0


def test_a_file_that_is_no_model(attainable: Command, tmp_path: Path) -> None:
    path = tmp_path / "notes.onnx"
    path.write_text("just some notes")
    for command in ("count", "analyze", "measure"):
        shown = attainable(command, path)
        assert (shown.code, shown.out) == (2, ""), command
        assert shown.err.splitlines()[0].startswith(f"error: {path}: is not a valid ONNX protobuf")
    assert list(Path().iterdir()) == []


def test_a_missing_file(attainable: Command) -> None:
    shown = attainable("analyze", "gone.onnx")
    assert shown.code == 2
    assert shown.err == "error: gone.onnx: cannot be read: No such file or directory\n  help: check the path\n"


def test_an_unbound_dimension_prints_the_line_to_complete(attainable: Command, tmp_path: Path) -> None:
    proto = model([helper.make_node("Relu", ["x"], ["y"])], [value("x", ["batch", "time", 8])], ["y"])
    path = save(proto, tmp_path)
    shown = attainable("analyze", path)
    assert shown.code == 2
    assert "help: complete: --shape batch=? --shape time=?" in shown.err
    assert attainable("count", path, "--shape", "time=5", "--json").code == 0


def test_wrong_flags_are_usage_errors(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(1), tmp_path)
    for flags in (
        ["--shape", "x"],
        ["--time-budget", "soon"],
        ["--input", "x"],
        ["--threads", "0"],
        ["--device", "hal9000"],
    ):
        shown = attainable("analyze", path, *flags)
        assert shown.code == 2, flags
        assert "Traceback" not in shown.err
    assert list(Path().iterdir()) == []


def test_an_unknown_op_is_listed_and_the_run_fails_alone(attainable: Command, tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Mystery", ["a"], ["y"], domain="my.own")]
    path = save(model(nodes, [value("x", [4])], ["y"]), tmp_path)
    counted = attainable("count", path)
    assert counted.code == 0
    assert "my.own:Mystery" in counted.err
    assert "at least" in counted.out
    analyzed = attainable("analyze", path, "--json")
    record = json.loads(analyzed.out)
    assert analyzed.code == 3
    assert record["totals"]["at_least"] is True
    assert record["devices"][0]["bound_seconds"] > 0
    assert [fault["stage"] for fault in record["errors"]] == ["measurement"]
    assert record["runs"] == []


def test_weights_that_are_not_there_stop_the_run_only(attainable: Command, tmp_path: Path) -> None:
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[64, 64], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="weights.bin")
    path = save(
        model([helper.make_node("MatMul", ["x", "w"], ["y"])], [value("x", [1, 64])], ["y"], [weight]), tmp_path
    )
    shown = attainable("analyze", path)
    assert shown.code == 3
    assert "At best" in shown.out
    assert Path("model.html").exists()


def test_analyze_runs_a_model_with_token_inputs(attainable: Command, tmp_path: Path) -> None:
    """Random integers would run past the table; the inputs made must be rows of it."""
    nodes = [
        helper.make_node("Gather", ["table", "tokens"], ["rows"]),
        helper.make_node("Cast", ["mask"], ["weights"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["weights", "last"], ["column"]),
        helper.make_node("Mul", ["rows", "column"], ["kept"]),
        helper.make_node("MatMul", ["kept", "projection"], ["y"]),
    ]
    last = helper.make_tensor("last", TensorProto.INT64, [1], [-1])
    inputs = [
        value("tokens", ["batch", "time"], TensorProto.INT64),
        value("mask", ["batch", "time"], TensorProto.INT64),
    ]
    proto = model(nodes, inputs, ["y"], [constant("table", 11, 16), constant("projection", 16, 4), last])
    shown = attainable("analyze", save(proto, tmp_path), "--shape", "time=7", "--json", "--time-budget", "1s")
    record = json.loads(shown.out)
    assert shown.code == 0, shown.err
    (run,) = record["runs"]
    assert run["seconds"] > 0
    assert run["samples"] >= 5
    assert len(run["inputs"]) == 2
    assert {id for kernel in run["kernels"] for id in kernel["ops"]} <= {op["id"] for op in record["ops"]}


def test_analyze_writes_a_report_and_never_over_a_file(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(2), tmp_path, "net.onnx")
    first = attainable("analyze", path, "--no-measure")
    assert first.code == 0
    assert first.out.splitlines()[-1] == "  report: net.html"
    assert attainable("analyze", path, "--no-measure").out.splitlines()[-1] == "  report: net-2.html"
    before = Path("net.html").read_bytes()
    refused = attainable("analyze", path, "--no-measure", "--output", "net.html")
    assert refused.code == 2
    assert "exists already" in refused.err
    assert Path("net.html").read_bytes() == before
    assert attainable("analyze", path, "--no-measure", "--output", "net.html", "--force").code == 0


def test_a_saved_analysis_renders_again(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(2), tmp_path, "net.onnx")
    assert attainable("analyze", path, "--output", "saved.json", "--time-budget", "1s").code == 0
    shown = attainable("report", "saved.json")
    assert shown.code == 0
    assert "Measured" in shown.out
    assert Path("saved.html").exists()
    assert attainable("report", path).code == 2


def test_described_devices_stand_beside_this_machine(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(1), tmp_path)
    record = json.loads(attainable("analyze", path, "--no-measure", "--json", "--device", "kirin990-cpu").out)
    assert [device["name"] for device in record["devices"]] == ["local", "kirin990-cpu"]
    (roof, *_) = record["devices"][1]["roofs"]
    assert roof["source"]


def test_own_arrays_are_used_and_checked(attainable: Command, tmp_path: Path) -> None:
    path = save(chain(1), tmp_path)
    good, bad = tmp_path / "good.npy", tmp_path / "bad.npy"
    np.save(good, np.zeros((1, 8, 14, 14), np.float32))
    np.save(bad, np.zeros((1, 8, 14), np.float32))
    shown = attainable("measure", path, "--input", f"x={good}", "--time-budget", "1s")
    assert shown.code == 0
    assert "x: given by the user, good.npy" in shown.out
    assert attainable("measure", path, "--input", f"x={bad}").code == 2
    assert attainable("analyze", path, "--input", f"nobody={good}").code == 2


def test_zoo_and_devices_list_and_refuse(attainable: Command) -> None:
    assert "mobilenet_v2" in attainable("zoo", "list").out
    assert "rk1808-npu" in attainable("devices", "list").out
    assert "GB/s" in attainable("devices", "show", "kirin990-cpu").out
    unknown = attainable("zoo", "build", "resnet5O")
    assert unknown.code == 2
    assert "did you mean" in unknown.err
    assert attainable("zoo", "build", "squeezenet1_1").out == "squeezenet1_1.onnx\n"
    assert attainable("zoo", "build", "squeezenet1_1").code == 2  # it is there now


def test_version_and_help(attainable: Command) -> None:
    assert attainable("--version").out.startswith("attainable 0.")
    for command in ("count", "analyze", "measure", "report"):
        assert "MODEL" in attainable(command, "--help").out or command == "report"


def test_hostile_names_reach_no_terminal(attainable: Command, tmp_path: Path) -> None:
    evil = "\x1b]0;owned\x07\u202e[red]"
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], evil),
        helper.make_node(f"Op{evil}", ["a"], ["y"], evil, domain=evil),
    ]
    path = save(model(nodes, [value("x", [4])], ["y"]), tmp_path)
    shown = attainable("count", path)
    for character in ("\x1b]", "\x07", "\u202e"):
        assert character not in shown.out + shown.err


def test_the_help_lists_what_an_option_takes(attainable: Command) -> None:
    # a narrow terminal folds names at their hyphens
    text = "".join(attainable("count", "--help").out.replace("│", " ").split())
    readers = set(READERS) - {".pt", ".pth", ".ckpt"}  # which are told only to be refused
    for table in (PRESETS, QUANTITIES, GROUPINGS, FORMATS, OPTIMISERS, readers):
        assert [name for name in table if name not in text] == []
