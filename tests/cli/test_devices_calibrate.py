"""`attainable devices calibrate`: what it asks for, and what it says."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from attainable.calibration import local
from attainable.calibration.local import FULL, QUICK, Effort
from attainable.calibration.local_profile import NOISY
from attainable.calibration.roofs import Progress
from attainable.cli.devices_calibrate import calibrate
from attainable.devices import Device, Memory, Roof, Sourced, local_profile_path
from tests.cli.shown import Command

MACHINE = Device(
    "local",
    "A machine",
    1,
    (Roof("vector", "float32", 1, Sourced(1e9, "counted", "measured")),),
    (Memory("DRAM", None, ()),),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What was asked of the calibration; ``device`` is what it finds."""
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path))
    seen: dict[str, Any] = {"device": MACHINE}

    def measured(*, effort: Effort, seconds: float | None, progress: Progress | None) -> Device:
        assert progress is not None
        progress(0.5, "half")
        seen.update(effort=effort, seconds=seconds)
        return seen["device"]

    monkeypatch.setattr(local, "calibrate", measured)
    return seen


def run(*arguments: str) -> tuple[str, str]:
    app = typer.Typer()
    app.command()(calibrate)
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result.stdout, result.stderr


@pytest.mark.parametrize(
    ("arguments", "effort", "seconds"),
    [((), QUICK, None), (("--full",), FULL, None), (("--seconds", "3"), QUICK, 3.0)],
)
def test_how_long_is_for_the_user_to_say(
    asked: dict[str, Any], arguments: tuple[str, ...], effort: Effort, seconds: float | None
):
    out, err = run(*arguments)
    assert (asked["effort"], asked["seconds"]) == (effort, seconds)
    assert "A machine" in out
    assert "measuring" in err
    assert "noisy" not in err
    assert local_profile_path().is_file()


def test_json_is_the_sheet_of_the_device(asked: dict[str, Any]):
    out, _ = run("--json")
    sheet = json.loads(out)
    assert sheet["device"]["name"] == "local"
    assert sheet["path"] == str(local_profile_path())


def test_a_noisy_calibration_warns_and_names_the_next_command(asked: dict[str, Any]):
    asked["device"] = replace(MACHINE, conditions=((NOISY, "others used 40% of the machine"),))
    out, err = run()
    assert "others used 40% of the machine" in " ".join(err.split())
    assert "attainable devices calibrate --full" in " ".join(err.split())
    assert "warning" not in out


def test_a_device_that_is_not_there_is_said(attainable: Command) -> None:
    shown = attainable("devices", "calibrate", "--device", "tpu")
    assert (shown.code, shown.out) == (2, "")
    assert "no device to calibrate is called 'tpu'" in shown.err
    missing = attainable("devices", "calibrate", "--device", "cuda:99")
    assert (missing.code, missing.out) == (2, "")
    assert "CUDA" in missing.err
