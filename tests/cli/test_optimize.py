"""``attainable optimize`` as a user meets it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from attainable.measurement.compare import Comparison
from attainable.timing.conditions import read_conditions
from attainable.transforms.saturation import has_vnni
from attainable.workload import Workload
from tests.cli.shown import Command
from tests.transforms.nets import Net, image, residual_network

Interval = Callable[[float, float], None]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return residual_network().save(folder, [image()], "y")


@pytest.fixture
def interval(monkeypatch: pytest.MonkeyPatch) -> Interval:
    """Sets what every comparison finds."""

    def found(low: float, high: float) -> None:
        def compare(
            first: Workload, second: Workload, *, runtime: str, threads: int, pairs: int, time_budget_seconds: float
        ) -> Comparison:
            assert time_budget_seconds == 900.0
            return Comparison(
                first.name, second.name, runtime, "1.31.1", threads, 0.0127, 0.00635, 2.0, low, high, (2.0,) * pairs,
                True, ("other processes used 60 % of the machine meanwhile; close them",),
            )  # fmt: skip

        monkeypatch.setattr("attainable.optimization.optimize.compare_workloads", compare)

    return found


def test_a_kept_change(attainable: Command, model: Path, interval: Interval) -> None:
    interval(1.9, 2.1)
    shown = attainable("optimize", model, "--apply", "int8", "--weight-bits", "7", "--threads", "2")
    assert shown.code == 0
    lines = shown.out.splitlines()
    vnni = "VNNI" if has_vnni(read_conditions().isa) else "no VNNI"
    assert lines[1].startswith("  model.onnx on this machine (")
    assert lines[1].endswith(f", {vnni})")
    assert lines[3:7] == [
        "  int8        4 of 4 Conv, 1 of 1 Gemm run as int8",
        "              2 BatchNormalization folded first",
        "              weights have 7 bits: as asked",
        "              ranges are the extremes over 32 seeded inputs, seeds 1 to 32",
    ]
    assert lines[7].startswith("  Verified    SQNR ")
    assert lines[7].endswith(" dB; measured on 32 seeded inputs, seeds 10001 to 10032")
    assert lines[8].startswith("              top-1 agreement ")
    assert lines[9:] == [
        "  Measured    2.00 times as fast, 95 % interval 1.90 to 2.10, 20 pairs of fresh processes",
        "              12.7 ms -> 6.35 ms, medians, onnxruntime 1.31.1, 2 threads",
        "  Kept        faster: the 95 % interval of the ratio is 1.90 to 2.10",
        "",
        "  output: model-int8.onnx",
    ]
    assert "int8: verifying the outputs on 32 inputs ..." in shown.err
    assert "warning: inputs are made up" in shown.err
    assert "warning: other processes used 60 % of the machine meanwhile" in shown.err
    assert [file.name for file in Path().iterdir()] == ["model-int8.onnx"]
    again = attainable("optimize", model, "--apply", "int8")
    assert (again.code, again.out) == (2, "")
    assert again.err == "error: model-int8.onnx: exists already\n  help: choose another --output, or add --force\n"


def test_a_refused_change(attainable: Command, model: Path, interval: Interval) -> None:
    interval(0.98, 1.03)
    shown = attainable("optimize", model, "--apply", "bn-fold")
    assert shown.code == 1
    assert shown.out.splitlines()[-3:] == [
        "  Refused     no gain here: the 95 % interval of the ratio is 0.98 to 1.03",
        "",
        "  nothing was written",
    ]
    assert list(Path().iterdir()) == []
    kept = attainable("optimize", model, "--apply", "bn-fold", "--keep", "--output", "mine.onnx")
    assert kept.code == 1
    assert kept.out.endswith("\n  output: mine.onnx\n")
    assert [file.name for file in Path().iterdir()] == ["mine.onnx"]


def test_several_changes(attainable: Command, model: Path, interval: Interval) -> None:
    interval(1.9, 2.1)
    shown = attainable("optimize", model, "--apply", "bn-fold", "--apply", "int8", "--json")
    record = json.loads(shown.out)
    assert (shown.code, record["output"]) == (0, "model-bn-fold-int8.onnx")
    assert [outcome["kept"] for outcome in record["outcomes"]] == [True, True]
    assert record["outcomes"][0]["verification"]["outputs"][0]["name"] == "y"
    assert record["total"]["ratio"] == 2.0
    assert (
        "All changes 2.00 times"
        in attainable("optimize", model, "--apply", "bn-fold", "--apply", "int8", "--force").out
    )


def test_nothing_to_do(attainable: Command, tmp_path: Path) -> None:
    net = Net()
    shown = attainable("optimize", net.save(tmp_path, [image()], net.conv("x", 3, 8)), "--apply", "bn-fold")
    assert shown.code == 1
    assert "  bn-fold     there is no BatchNormalization\n  Refused     no gain here: " in shown.out


def test_bad_questions(attainable: Command, model: Path, tmp_path: Path) -> None:
    shown = attainable("optimize", model, "--apply", "bn_fold")
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith("error: no transform is called 'bn_fold'\n  help: did you mean bn-fold?")
    assert attainable("optimize", model).code == 2
    itself = attainable("optimize", model, "--apply", "int8", "--output", model, "--force")
    assert itself.code == 2
    assert itself.err.startswith(f"error: {model}: is the model itself, which is never written to\n")
    data = tmp_path / "data"
    data.mkdir()
    for name in ("a", "b"):
        np.save(data / f"{name}.npy", np.zeros(3, np.float32))
    faulty = attainable("optimize", model, "--apply", "int8", "--data", data)
    assert faulty.code == 2
    assert faulty.err.splitlines()[:3] == [
        f"error: --data {data}: files do not fit the network",
        "  has shape [3], the network takes [1, 3, 8, 8] @ a.npy, input x",
        "  has shape [3], the network takes [1, 3, 8, 8] @ b.npy, input x",
    ]


def test_real_pairs_are_measured(attainable: Command, model: Path) -> None:
    shown = attainable("optimize", model, "--apply", "bn-fold", "--pairs", "6", "--keep")
    # onnxruntime folds by itself, so that either verdict may come out; whichever it is, it was measured
    assert shown.code in (0, 1)
    assert ", 6 pairs of fresh processes" in shown.out
    assert [file.name for file in Path().iterdir()] == ["model-bn-fold.onnx"]
