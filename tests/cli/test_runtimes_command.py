"""``attainable runtimes``: what is listed, and what cannot be installed or removed."""

import json
import sys
from pathlib import Path

import pytest

from attainable.runtimes import RUNTIMES
from tests.cli.shown import Command


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of its own; ``attainable`` has a cache of its own."""
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("ATTAINABLE_CONFIG", str(folder))
    return folder / "config.toml"


def test_every_runtime_has_a_line_and_what_is_missing_says_how_to_install_it(attainable: Command) -> None:
    shown = attainable("runtimes", "list")
    assert (shown.code, shown.err) == (0, "")
    for name in RUNTIMES:
        assert any(line.split()[:1] == [name] for line in shown.out.splitlines()), name
    for line in shown.out.splitlines():
        if line.rstrip().endswith("not installed"):
            assert f"attainable runtimes install {line.split()[0]}" in shown.out


def test_the_list_as_json_says_where_each_comes_from(
    attainable: Command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # wide enough for the sentence on one line
    monkeypatch.setenv("COLUMNS", "200")
    config.write_text('[runtimes.openvino]\npython = "/no/such/python"\n')
    listed = {each["name"]: each for each in json.loads(attainable("runtimes", "list", "--json").out)["runtimes"]}
    ours, theirs = listed["onnxruntime"], listed["openvino"]
    assert (ours["origin"], ours["python"], ours["formats"]) == ("own", sys.executable, ["onnx"])
    assert ours["version"]
    assert (theirs["origin"], theirs["python"], theirs["version"]) == ("configured", "/no/such/python", None)
    assert theirs["install"] == "attainable runtimes install openvino"
    assert "config.toml, but /no/such/python does not have it" in attainable("runtimes", "list").out


def test_a_broken_configuration_is_bad_input(attainable: Command, config: Path) -> None:
    config.write_text("[runtimes")
    shown = attainable("runtimes", "list")
    assert shown.code == 2
    assert f"error: {config}: is not TOML" in shown.err


@pytest.mark.parametrize("command", ["install", "remove"])
def test_a_name_that_is_none_is_bad_input(attainable: Command, command: str) -> None:
    shown = attainable("runtimes", command, "openvin")
    assert shown.code == 2
    assert "did you mean openvino?" in shown.err


def test_what_has_no_environment_cannot_be_removed(attainable: Command) -> None:
    shown = attainable("runtimes", "remove", "onnxruntime")
    assert shown.code == 2
    assert "onnxruntime has no environment of its own" in shown.err


def test_an_installation_that_fails_says_why(
    attainable: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # an empty cache, and no package index
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    shown = attainable("runtimes", "install", "openvino")
    assert shown.code == 3
    assert "the installation failed" in shown.err
    assert shown.out == ""
    assert not list((tmp_path / "empty" / "runtimes").iterdir())
