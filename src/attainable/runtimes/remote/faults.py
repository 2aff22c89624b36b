"""The words for what goes wrong between here and another machine."""

import re

from attainable.errors import HostUnusable
from attainable.runtimes.faults import one_line

__all__ = ["connection_fault", "missing_module", "no_greeting", "old_python"]

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
    return found or _unusable(host, "no Python answers there", said, f"try: ssh {{host}} {python} --version")


def old_python(host: str, python: str, version: str, least: str) -> HostUnusable:
    """The error for an interpreter that is too old."""
    return HostUnusable(
        f"{python} there is {one_line(version)}, a worker needs {least} or newer", where=host,
        help=_NAME_ANOTHER.format(key=_key(host)),
    )  # fmt: skip


def missing_module(host: str, python: str, module: str) -> HostUnusable:
    """The error for a runtime, or numpy, that the interpreter there does not have."""
    install = f"install it: ssh {host} {python} -m pip install {one_line(module)}"
    return HostUnusable(
        f"{one_line(module)} is not installed for {python} there", where=host,
        help=f"{install}; or {_NAME_ANOTHER.format(key=_key(host))}",
    )  # fmt: skip


def connection_fault(host: str, stage: str, said: str) -> HostUnusable:
    """The error for a connection that ended while it was used."""
    return _unusable(host, f"the connection ended during '{stage}'", said, "try again; nothing is left running there")


def _of_ssh(host: str, said: str) -> HostUnusable | None:
    for signs, what, help in _OF_SSH:
        if any(sign in said for sign in signs):
            return _unusable(host, what, said, help)
    return None


def _unusable(host: str, what: str, said: str, help: str) -> HostUnusable:
    last = next((one_line(line) for line in reversed(said.splitlines()) if line.strip()), "")
    words = f"{what}; last words: {last}" if last else what
    return HostUnusable(words, where=host, help=help.format(host=host, key=_key(host)))


def _key(host: str) -> str:
    """How the configuration file names a host."""
    address = host.rpartition("@")[2]
    return address if _BARE_KEY.fullmatch(address) else f'"{address}"'
