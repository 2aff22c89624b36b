"""What a host may be called, and what the configuration says of it."""

import shlex
import subprocess
from pathlib import Path

import pytest

from attainable.errors import HostUnusable, InputError, InvalidQuantity
from attainable.runtimes.remote.hosts import Host, read_host, ssh_command
from tests.runtimes.hosts import configure


@pytest.mark.parametrize(
    "name",
    [
        "board", "user@board", "first.last@board.example.org", "10.0.0.7", "ssh://user@[fe80::1%eth0]:22", "fe80::1",
        "ssh://user@board:2222", "ssh://board", "board-2_b",
    ],
)  # fmt: skip
def test_what_ssh_takes_is_a_host(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(tmp_path, monkeypatch, "")
    assert read_host(name) == Host(name)


@pytest.mark.parametrize(
    "name",
    [
        "", "-", "-oProxyCommand=touch pwned", "-l@board", "user@-board", "a b", "board;id", "$(id)", "`id`", "a|b",
        "a&b", "board\n", "bo\x00ard", "../board", "a@b@c", "http://board", "user@", "@board", "bö.example", "b" * 400,
    ],
)  # fmt: skip
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(InvalidQuantity, match=r"^--host: .* is no host"):
        read_host(name)


CONFIGURATION = """
[hosts.board]
python = "~/measure/bin/python"
folder = "/data/tmp"
[hosts.board.runtimes.openvino]
python = "/opt/openvino/bin/python3"
[hosts."other@board"]
python = "python3.12"
"""


@pytest.mark.parametrize("name", ["board", "user@board"])
def test_settings_are_found_by_the_name_behind_the_user(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, monkeypatch, CONFIGURATION)
    host = read_host(name)
    assert (host.name, host.folder) == (name, "/data/tmp")
    assert host.python_for("onnxruntime") == "~/measure/bin/python"
    assert host.python_for("openvino") == "/opt/openvino/bin/python3"


def test_settings_of_the_whole_name_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(tmp_path, monkeypatch, CONFIGURATION)
    assert read_host("other@board") == Host("other@board", "python3.12")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hosts = 1", "hosts is not a table"),
        ("[hosts]\nboard = 1", "board is not a table"),
        ("[hosts.board]\npython = 3", "hosts.board.python is not the path of an interpreter"),
        ("[hosts.board]\nfolder = ''", "hosts.board.folder is not the path of a folder"),
        ("[hosts.board]\npython = '-c'", "hosts.board has '-c', which is no path"),
        ('[hosts.board]\npython = "a\\nb"', "which is no path"),
        ("[hosts.board.runtimes]\nopenvino = 1", "openvino is not a table"),
        ("[hosts", "is not TOML"),
    ],
)
def test_a_broken_configuration_is_refused(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, monkeypatch, text)
    with pytest.raises(InputError, match=message):
        read_host("board")


@pytest.mark.parametrize("python", ["python3", "/a b/python", "$(id)", "a'b", 'a"b', "a;b", "a\\b", "`id`", "*"])
def test_a_shell_there_gets_the_interpreter_as_one_word(python: str) -> None:
    command = ssh_command(Host("board"), python, "print(1)")
    assert shlex.split(command[-1]) == ["exec", python, "-I", "-c", "print(1)"]
    # What shells make of it, beside what the standard library does.
    said = subprocess.run(
        ["/bin/sh", "-c", command[-1].replace("exec", "printf %s,", 1)], capture_output=True, text=True, check=True
    )
    assert said.stdout == f"{python},-I,-c,print(1),"


def test_home_is_what_the_shell_there_says(tmp_path: Path) -> None:
    word = ssh_command(Host("board"), "~/my env/python", "pass")[-1].removeprefix("exec ").removesuffix(" -I -c pass")
    said = subprocess.run(
        ["/bin/sh", "-c", f"printf %s {word}"], capture_output=True, text=True, check=True, env={"HOME": str(tmp_path)}
    )
    assert said.stdout == f"{tmp_path}/my env/python"


def test_another_configuration_of_ssh_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "-F" not in ssh_command(Host("board"), "python3", "pass")
    monkeypatch.setenv("ATTAINABLE_SSH_CONFIG", "/etc/other")
    assert ssh_command(Host("board"), "python3", "pass")[1:3] == ["-F", "/etc/other"]


def test_a_system_without_ssh_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostUnusable, match="board: this system has no ssh that can be used"):
        ssh_command(Host("board"), "python3", "pass")
