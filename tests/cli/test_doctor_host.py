"""``attainable doctor --host``: what another machine has, and what disturbs measuring there."""

import json
import sys
from pathlib import Path

import pytest

from attainable.errors import HostUnusable
from attainable.runtimes.remote.builds import read_host_builds
from attainable.runtimes.remote.hosts import Host
from attainable.timing.conditions import read_cpu_times
from tests.cli.shown import Command
from tests.runtimes.hosts import configure, fake_ssh


@pytest.fixture(autouse=True)
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host that is asked for two runtimes, and has one of them."""
    present = {"onnxruntime": "attainable.runtimes.onnxruntime", "mnn": "attainable.runtimes.mnn"}
    monkeypatch.setattr("attainable.runtimes.remote.builds.RUNTIMES", present)
    configure(
        tmp_path / "configuration", monkeypatch,
        f'[hosts.board]\npython = "{sys.executable}"\n[hosts.board.runtimes.mnn]\npython = "/no/such/python"\n',
    )  # fmt: skip
    return fake_ssh(tmp_path, monkeypatch)


def test_runtimes_and_machine_are_those_of_the_host(attainable: Command) -> None:
    found = json.loads(attainable("doctor", "--host", "me@board", "--json").out)
    first, second = found["runtimes"]
    assert (first["runtime"], first["state"], first["python"]) == ("onnxruntime", "usable", sys.executable)
    assert first["version"].count(".") == 2
    assert (second["state"], second["python"]) == ("broken", "/no/such/python")
    assert second["fault"].startswith("there is no /no/such/python that can be started")
    assert "hosts.board.runtimes.mnn.python" in second["advice"]
    assert found["environment"]["onnxruntime"] == first["version"]
    assert found["environment"]["system"].startswith("Linux ")
    assert (found["environment"]["others meanwhile"] == "unknown") is (read_cpu_times() is None)
    assert found["environment"]["clock after"] == "unknown"


def test_the_screen_tells_the_same(attainable: Command) -> None:
    shown = attainable("doctor", "--host", "board")
    for words in ("onnxruntime", "usable", "mnn", "installed, but broken", "logical processors"):
        assert words in shown.out, words


def test_a_runtime_that_is_not_there_comes_with_the_command_that_installs_it(
    attainable: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attainable.runtimes.remote.builds.RUNTIMES", {"absent": "attainable.runtimes.absent"})

    class Absent:
        class requirement:  # noqa: N801
            module = distribution = "no_such_module"
            packages = ("absent>=1,<2",)

    for place in ("attainable.runtimes.remote.builds.runtime", "attainable.analysis.host_checkup.runtime"):
        monkeypatch.setattr(place, lambda name: Absent)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    configure(tmp_path / "configuration", monkeypatch, f'[hosts.board]\npython = "{sys.executable}"\n')
    found = json.loads(attainable("doctor", "--host", "board", "--json").out)
    assert found["state"] == "unusable"
    assert found["runtimes"][0]["state"] == "missing"
    assert found["runtimes"][0]["advice"] == (
        "ssh board \"python3 -m venv ~/measure && ~/measure/bin/pip install 'absent>=1,<2'\"; "
        'then in config.toml: [hosts.board] python = "~/measure/bin/python"'
    )


def test_a_host_that_cannot_be_reached_is_an_error(attainable: Command, few: Path) -> None:
    (few / "ssh").write_text("#!/bin/sh\necho 'ssh: connect to host board: No route to host' >&2\nexit 255\n")
    shown = attainable("doctor", "--host", "board")
    assert shown.code == 3
    assert "error: board: it does not answer" in shown.err
    with pytest.raises(HostUnusable):
        read_host_builds(Host("board"), ["onnxruntime"])
