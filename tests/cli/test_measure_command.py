"""``attainable measure``: tables, one model against another, and as deployed; on the screen and as JSON."""

import json
from pathlib import Path

import numpy as np
import pytest

from attainable.measurement.claim import decide
from tests.cli.shown import Command
from tests.transforms.nets import image, residual_network


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return residual_network().save(folder, [image(batch="N")], "y")


@pytest.fixture(autouse=True)
def narrow(attainable: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    del attainable  # it takes the width away
    monkeypatch.setenv("COLUMNS", "80")


def test_a_run_tells_all_that_is_known_of_it(attainable: Command, model: Path) -> None:
    shown = attainable("measure", model, "--time-budget", "1s")
    assert shown.code == 0
    for words in (
        "inferences per second, batch 1", "90 % of the runs took no longer", "the first run", "importing the runtime",
        "of loading: parsing", "resident memory more, for the model", "page faults", "context switches",
    ):  # fmt: skip
        assert words in shown.out, words
    assert "energy" in shown.out
    assert all(len(line) <= 80 for line in shown.out.splitlines())


def test_a_run_as_json_has_the_same(attainable: Command, model: Path) -> None:
    run = json.loads(attainable("measure", model, "--time-budget", "1s", "--batch", "4", "--json").out)
    assert run["batch"] == 4
    assert run["inferences_per_second"] == pytest.approx(4 / run["median_seconds"])
    assert run["p99_seconds"] is None or run["p99_seconds"] >= run["p90_seconds"] >= run["median_seconds"]
    assert run["parse_seconds"] > 0
    assert run["optimise_seconds"] > 0
    assert 0 < run["resident_before_bytes"] <= run["resident_first_run_bytes"] <= run["peak_rss_bytes"]
    assert run["usage"] is None or run["usage"]["minor_faults"] >= 0
    assert (run["period_seconds"], run["missed_share"], run["load"], run["beside"]) == (0.0, None, "", [])
    energy = run["energy"]
    assert (energy["joules"] is None) == energy["source"].startswith("not available: ")


def test_a_table_of_batch_sizes_and_threads(attainable: Command, model: Path) -> None:
    shown = attainable("measure", model, "--batch", "1,2", "--threads", "1,2", "--time-budget", "0.3s")
    assert shown.code == 0
    assert all(len(line) <= 80 for line in shown.out.splitlines())
    head = next(number for number, line in enumerate(shown.out.splitlines()) if "inf/s" in line)
    rows = [line.split()[:2] for line in shown.out.splitlines()[head + 1 : head + 5]]
    assert rows == [["1", "1"], ["1", "2"], ["2", "1"], ["2", "2"]]
    sweep = json.loads(attainable("measure", model, "--batch", "1,2", "--time-budget", "0.3s", "--json").out)
    assert [(run["batch"], run["threads"], run["kernels"]) for run in sweep["runs"]] == [(1, 1, []), (2, 1, [])]


def test_what_is_claimed_of_a_model_against_itself_follows_from_the_ratios(attainable: Command, model: Path) -> None:
    shown = attainable("measure", model, "--vs", model, "--pairs", "6", "--json")
    verdict = json.loads(shown.out)
    comparison = verdict["comparison"]
    assert len(comparison["own_ratios"]) == len(comparison["ratios"]) == 6
    # how seldom a difference is claimed where there is none, the benchmarks say
    claim = decide(comparison["ratios"], comparison["own_ratios"], comparison["others"])
    assert verdict["claim"]["kind"] == claim.kind
    words = {"no difference": "no difference beyond", "noisy": "noisy: no claim ("}
    assert words.get(claim.kind, claim.kind) in verdict["verdict"]
    assert (verdict["comparison"]["first"], verdict["comparison"]["second"]) == ("model (A)", "model (B)")


def test_an_open_batch_dimension_against_a_fixed_one(attainable: Command, model: Path) -> None:
    shown = attainable("measure", model, "--open-batch", "--batch", "2", "--pairs", "1")
    assert shown.code == 0
    assert "Open batch dimension against the same file with it fixed, batch 2" in shown.out
    assert "1 pairs give no 95 % interval: no claim" in shown.out
    assert "peak resident memory of fixed" in shown.out
    assert all(len(line) <= 80 for line in shown.out.splitlines())


def test_a_file_without_an_open_dimension_has_nothing_to_compare(attainable: Command, tmp_path: Path) -> None:
    path = residual_network().save(tmp_path, [image()], "y")
    shown = attainable("measure", path, "--open-batch")
    assert shown.code == 2
    assert "the file leaves no dimension open" in shown.err


def test_as_deployed(attainable: Command, model: Path) -> None:
    shown = attainable(
        "measure", model, "--period", "20ms", "--beside", model, "--load", "cpu=1", "--pin", "--time-budget", "1s"
    )
    assert shown.code == 0
    for words in ("of the periods missed", "model beside it, median", "cpu=1 beside it", "bound to processors"):
        assert words in shown.out, words
    assert all(len(line) <= 80 for line in shown.out.splitlines())


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--batch", "1,x"], "--batch: cannot read '1,x'"),
        (["--threads", "0"], "--threads: cannot read '0'"),
        (["--batch", ",".join(map(str, range(1, 99)))], "98 cells are too many"),
        (["--period", "0s"], "'0s' is no period"),
        (["--period", "1min"], "8 periods of 60.0 s take longer than the time budget"),
        (["--load", "gpu=1"], "cannot read 'gpu=1'"),
        (["--vs", "{model}", "--batch", "1,2"], "compares two models at one batch size"),
        (["--vs", "{model}", "--pin"], "cannot be combined with --period, --beside, --load or --pin"),
        (["--open-batch", "--period", "33ms"], "cannot be combined with"),
        (["--vs", "gone.onnx"], "gone.onnx"),
    ],
)
def test_what_cannot_be_asked(attainable: Command, model: Path, arguments: list[str], fault: str) -> None:
    shown = attainable("measure", model, *[part.format(model=model) for part in arguments])
    assert (shown.code, shown.out) == (2, "")
    assert fault in shown.err


def test_arrays_are_never_unpickled(attainable: Command, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.array([{"an": "object"}], dtype=object), allow_pickle=True)
    shown = attainable("measure", model, "--input", f"x={path}")
    assert shown.code == 2
    assert "is not a plain .npy file" in shown.err
