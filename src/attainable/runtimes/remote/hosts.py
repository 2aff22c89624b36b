"""Other machines: what ``--host`` may be, and how ssh is called.

A host is whatever the system's ``ssh`` takes: a name of ``~/.ssh/config``, ``user@address``, ``ssh://user@address:port``.
The configuration file may say which interpreter is to be used there, for all runtimes or for one::

    [hosts.board]
    python = "~/measure/bin/python"
    folder = "/data/tmp"

    [hosts.board.runtimes.openvino]
    python = "/opt/openvino/bin/python3"

What a user wrote is hostile text for a shell: the host is a word of few characters, everything else is quoted.
"""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from attainable.errors import HostUnusable, InputError, InvalidQuantity
from attainable.runtimes import RUNTIMES
from attainable.runtimes.environments import read_settings, text_setting

__all__ = ["LEAST_PYTHON", "Host", "HostRecord", "read_host", "shell_word", "ssh_command"]

LEAST_PYTHON = (3, 10)
"""The oldest interpreter that runs the worker and the session files."""

CONNECT_SECONDS = 10
_LONGEST_HOST = 320
_USER = r"(?:[A-Za-z0-9_.+][A-Za-z0-9_.+-]*@)?"
_HOST = re.compile(
    rf"{_USER}[A-Za-z0-9_][A-Za-z0-9_.:%-]*"
    rf"|ssh://{_USER}(?:\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9]+)?\]|[A-Za-z0-9_][A-Za-z0-9_.%-]*)(?::[0-9]+)?/?"
)
_OPTIONS = (
    # Nobody is there to answer a question.
    "BatchMode=yes", f"ConnectTimeout={CONNECT_SECONDS}", "ServerAliveInterval=5", "ServerAliveCountMax=3",
    "RequestTTY=no", "RemoteCommand=none", "PermitLocalCommand=no", "ClearAllForwardings=yes", "ForwardAgent=no",
    "ForwardX11=no", "EscapeChar=none",
    # A connection that is there already is used; none is left behind.
    "ControlMaster=no", "ControlPersist=no",
    "LogLevel=ERROR",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class HostRecord:
    """Where a run was measured, if not on this machine.

    Attributes:
        name: as it was asked for.
        python: the interpreter there.
        conditions: of that machine, by the names of ``Conditions.as_pairs``; empty where it told nothing.
    """

    name: str
    python: str
    conditions: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Host:
    """Another machine.

    Attributes:
        name: as ssh is given it.
        python: the interpreter there; a path, which may begin with ``~/``, or a name.
        pythons: others for single runtimes.
        folder: for temporary files there; empty for the system's choice.
    """

    name: str
    python: str = "python3"
    pythons: Mapping[str, str] = field(default_factory=dict[str, str])
    folder: str = ""

    def python_for(self, runtime: str) -> str:
        """The interpreter there that has a runtime."""
        return self.pythons.get(runtime, self.python)


def read_host(name: str) -> Host:
    """The host of this name, with what the configuration says of it.

    Settings are looked for under the whole name, then under what follows ``@``.

    Raises:
        InvalidQuantity: it is no host.
        InputError: the configuration file is broken.
    """
    if len(name) > _LONGEST_HOST or not _HOST.fullmatch(name):
        raise InvalidQuantity(
            f"{name[:_LONGEST_HOST]!r} is no host", where="--host",
            help="give what ssh takes: board, user@board or ssh://user@board:2222",
        )  # fmt: skip
    settings = read_settings()
    known = settings.get("hosts", {})
    address = name.rpartition("@")[2]
    key = name if isinstance(known, dict) and name in known else address
    pythons = {runtime: text_setting(settings, "hosts", key, "runtimes", runtime, "python") for runtime in RUNTIMES}
    python, folder = (text_setting(settings, "hosts", key, setting) for setting in ("python", "folder"))
    for text in (python, folder, *pythons.values()):
        if text is not None and (text.startswith("-") or not text.isprintable()):
            raise InputError(f"hosts.{key} has {text!r}, which is no path")
    return Host(name, python or "python3", {runtime: text for runtime, text in pythons.items() if text}, folder or "")


def ssh_command(host: Host, python: str, program: str) -> list[str]:
    """The command that runs a program of Python on a host.

    ``ATTAINABLE_SSH_CONFIG`` names another configuration file for ssh.

    Args:
        host: where.
        python: the interpreter there.
        program: one line without single quotes.

    Raises:
        HostUnusable: this system has no ssh that we could use.
    """
    ssh = shutil.which("ssh")
    if ssh is None or sys.platform == "win32":
        raise HostUnusable(
            "this system has no ssh that can be used", where=host.name,
            help="install the OpenSSH client; on Windows, use WSL",
        )  # fmt: skip
    configuration = os.environ.get("ATTAINABLE_SSH_CONFIG")
    options = [*(["-F", configuration] if configuration else []), *(f"-o{option}" for option in _OPTIONS)]
    return [ssh, *options, "--", host.name, f"exec {shell_word(python)} -I -c {shlex.quote(program)}"]


def shell_word(path: str) -> str:
    """One word for the shell there, which knows where home is."""
    return f"~/{shlex.quote(path[2:])}" if path.startswith("~/") and path != "~/" else shlex.quote(path)
