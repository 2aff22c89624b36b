"""The words for what goes wrong between here and another machine."""

import re
import shlex
from collections.abc import Sequence

from attainable.errors import HostUnusable
from attainable.runtimes.faults import one_line
from attainable.runtimes.remote.hosts import shell_word

__all__ = [
    "OWN_PYTHON", "connection_fault", "install_command", "missing_module", "no_greeting", "old_python",
    "slow_connection", "toml_key",
]  # fmt: skip

_OF_SSH = (
    (
        ("Host key verification failed", "HOST IDENTIFICATION HAS CHANGED"),
        "its host key is not known here, or is another than it was",
        "connect once by hand and compare the key: ssh {host}",
    ),
    (
        ("Permission denied", "Too many authentication failures", "No more authentication methods"),
        "it refuses the login",
        "set up a key for which nothing has to be typed: ssh-copy-id {host}, and ssh-add where it has a passphrase",
    ),
    (
        ("Could not resolve hostname", "hostname contains invalid characters"),
        "no machine has this name",
        "check the name, or give it an address in ~/.ssh/config",
    ),
    (
        ("Connection refused",),
        "no ssh server answers there",
        "start one there, or say in ~/.ssh/config at which port it is",
    ),
    (
        ("timed out", "No route to host", "Network is unreachable", "Host is down"),
        "it does not answer",
        "check that it is on and in reach: ssh {host} true",
    ),
    (
        ("Bad configuration option", "terminating,", "Can't open user config file", "Bad owner or permissions"),
        "ssh refuses its configuration",
        "correct it; try: ssh {host} true",
    ),
)
"""What ssh says, what it means, what to do. Source: OpenSSH 9.2, sshconnect.c, sshconnect2.c, readconf.c, misc.c."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_NOT_FOUND, _NOT_A_PROGRAM, _SSH_FAILED = 127, 126, 255
_NAME_ANOTHER = 'name its Python in config.toml: [hosts.{key}] python = "/path/to/python3"'
_ENVIRONMENT = "~/measure"
OWN_PYTHON = f"{_ENVIRONMENT}/bin/python"
"""The interpreter that ``install_command`` makes."""


def no_greeting(host: str, python: str, *, code: int | None, said: str) -> HostUnusable:
    """The error for a connection on which no interpreter announced itself.

    Args:
        host: as ssh was given it.
        python: the interpreter that was to be started there.
        code: what ssh exited with; None where it did not exit.
        said: all that ssh and the shell there said.
    """
    if code in (_NOT_FOUND, _NOT_A_PROGRAM):
        return _unusable(host, f"there is no {python} that can be started", said, _NAME_ANOTHER)
    found = _of_ssh(host, said) if code == _SSH_FAILED else None
    trial = shlex.quote(f"{shell_word(python)} --version")
    return found or _unusable(host, "no Python answers there", said, "try: ssh {host} {trial}", trial=trial)


def old_python(host: str, python: str, version: str, least: str) -> HostUnusable:
    """The error for an interpreter that is too old."""
    return HostUnusable(
        f"{python} there is {one_line(version)}, a worker needs {least} or newer", where=host,
        help=_NAME_ANOTHER.format(key=toml_key(host)),
    )  # fmt: skip


def missing_module(host: str, python: str, module: str, packages: Sequence[str]) -> HostUnusable:
    """The error for a runtime, or numpy, that the interpreter there does not have.

    Args:
        host: as ssh was given it.
        python: the interpreter there.
        module: what it lacks, in the words of the host: no command names it.
        packages: our requirements for pip; empty where they are not known.
    """
    key = toml_key(host)
    own = f'{install_command(host, packages)}; then in config.toml: [hosts.{key}] python = "{OWN_PYTHON}"'
    return HostUnusable(
        f"{one_line(module)} is not installed for {python} there", where=host,
        help=f"install it in an environment there: {own}" if packages else _NAME_ANOTHER.format(key=key),
    )  # fmt: skip


def install_command(host: str, packages: Sequence[str]) -> str:
    """The command that makes a virtual environment on a host, ``OWN_PYTHON``, and installs packages there."""
    there = f"python3 -m venv {_ENVIRONMENT} && {_ENVIRONMENT}/bin/pip install {shlex.join(packages)}"
    # In these quotes a shell here reads nothing but the letters that are looked for.
    whole = shlex.quote(there) if any(letter in there for letter in '"$`\\!') else f'"{there}"'
    return f"ssh {shlex.quote(host)} {whole}"


def slow_connection(host: str) -> str:
    """What to do where it is not the model that takes too long."""
    return f"check the connection, and what else runs there: ssh {shlex.quote(host)} uptime"


def connection_fault(host: str, stage: str, said: str) -> HostUnusable:
    """The error for a connection that ended while it was used."""
    return _unusable(
        host, f"the connection ended during '{stage}'", said,
        "try again; where the network was cut, the worker there ends when the time for its answer is over, or when "
        "nobody has asked anything for 15 minutes",
    )  # fmt: skip


def _of_ssh(host: str, said: str) -> HostUnusable | None:
    for signs, what, help in _OF_SSH:
        if any(sign in said for sign in signs):
            return _unusable(host, what, said, help)
    return None


def _unusable(host: str, what: str, said: str, help: str, **values: str) -> HostUnusable:
    last = next((one_line(line) for line in reversed(said.splitlines()) if line.strip()), "")
    words = f"{what}; last words: {last}" if last else what
    return HostUnusable(words, where=host, help=help.format(host=shlex.quote(host), key=toml_key(host), **values))


def toml_key(host: str) -> str:
    """How the configuration file names a host."""
    address = host.rpartition("@")[2]
    return address if _BARE_KEY.fullmatch(address) else f'"{address}"'
