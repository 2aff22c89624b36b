"""``attainable advise`` and ``attainable explain`` as a user meets them."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from attainable.advice.rule import Probed, Variant
from tests.advice.situations import AVX2, measured, network, pairs
from tests.cli.shown import Command


@pytest.fixture(autouse=True)
def avx2_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every machine looks like one with AVX2, where the runtime's block has 8 channels."""
    monkeypatch.setattr("attainable.advice.find.read_conditions", lambda: AVX2)


@pytest.fixture
def quick_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe that says that the first proposal saves a quarter, and the second nothing."""

    def probe(variants: Sequence[Variant], *, runtime: str, budget_seconds: float) -> Probed:
        return measured(*[(4e-3, 3e-3, 4e-3)[: len(variants)]] * 6)

    monkeypatch.setattr("attainable.advice.find.probe", probe)


def test_explain_lists_the_rules(attainable: Command) -> None:
    out, _, code = attainable("explain")
    assert code == 0
    assert [line.split("  ")[0] for line in out.splitlines()] == ["DSG005", "THR001", "QNT004"]


def test_explain_has_four_headings(attainable: Command) -> None:
    out, _, code = attainable("explain", "dsg005")
    assert code == 0
    assert out.startswith("DSG005  Channels just above the runtime's step\n\nWhat it sees\n  A convolution")
    assert [line for line in out.splitlines()[1:] if line and line[0] != " "] == [
        "What it sees", "Why it costs time", "What to do", "Source"
    ]  # fmt: skip


def test_explain_writes_the_page(attainable: Command) -> None:
    out, _, _ = attainable("explain", "THR001", "--markdown")
    assert out.startswith("# THR001: Threads beyond the processors granted\n\n## What it sees\n")


def test_an_unknown_code(attainable: Command) -> None:
    assert attainable("explain", "DSG999") == (
        "", "error: no rule is called 'DSG999'\n  help: did you mean DSG005? known: DSG005, THR001, QNT004\n", 2
    )  # fmt: skip


@pytest.mark.usefixtures("quick_probe")
def test_a_finding_and_what_was_checked(attainable: Command, tmp_path: Path) -> None:
    path = network(tmp_path, pairs(65)).provenance.path
    out, err, code = attainable("advise", path, "--time-budget", "10s")
    assert code == 0
    assert "DSG005  4 convolutions have 65 channels where 64 would do     saves 1.80 ms to 2.20 ms" in out
    assert "help: make them 64 channels wide and train again" in out
    assert "attainable explain DSG005" in " ".join(out.split())
    checked = out.split("Checked, no gain here")[1]
    assert "THR001" in checked
    assert "QNT004" in checked
    assert "probing DSG005, 1 of 1" in err


@pytest.mark.usefixtures("quick_probe")
def test_json(attainable: Command, tmp_path: Path) -> None:
    path = network(tmp_path, pairs(65)).provenance.path
    out, _, code = attainable("advise", path, "--time-budget", "10s", "--json")
    record = json.loads(out)
    assert code == 0
    assert [finding["code"] for finding in record["findings"]] == ["DSG005"]
    assert record["findings"][0]["saves_low_seconds"] == pytest.approx(1.8e-3)
    assert [checked["code"] for checked in record["checked"]] == ["THR001", "QNT004"]


def test_the_twin_has_nothing_to_gain(attainable: Command, tmp_path: Path) -> None:
    path = network(tmp_path, pairs(64)).provenance.path
    out, _, code = attainable("advise", path, "--time-budget", "5s")
    assert code == 0
    assert "Nothing to gain here. Checked:" in out
    assert "saves" not in out


def test_a_model_that_cannot_be_read(attainable: Command, tmp_path: Path) -> None:
    out, err, code = attainable("advise", tmp_path / "missing.onnx")
    assert (out, code) == ("", 2)
    assert "missing.onnx" in err
