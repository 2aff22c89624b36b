"""Hosts for tests: a program called ssh that runs everything here, and a real sshd on this machine alone."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from attainable.runtimes.remote.hosts import Host

BOARD = Host("board", python=sys.executable)
_FAKE = """#!/bin/sh
# What sshd does with a command: hand it, the last argument, to a shell.
for last; do :; done
printf '%s\\n' "$@" > "{folder}/arguments"
echo $$ > "{folder}/process"
{before}
exec /bin/sh -c "$last"
"""


def fake_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch, *, before: str = "") -> Path:
    """Put a program called ssh first on the search path; gives its folder, where it notes its arguments.

    Args:
        folder: for the program.
        monkeypatch: undoes it.
        before: lines of shell that it runs first.
    """
    program = folder / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(_FAKE.format(folder=program.parent, before=before))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return program.parent


def configure(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Write our configuration file, and use it."""
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(text)
    monkeypatch.setenv("ATTAINABLE_CONFIG", str(folder))


@contextmanager
def sshd(folder: Path) -> Generator[Path]:
    """An ssh server that only this machine can reach, with one user; gives a configuration that knows it as ``board``.

    Skips the test where there is no sshd, or none that may be started.
    """
    server = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin:/sbin")
    if server is None or shutil.which("ssh-keygen") is None or shutil.which("ssh") is None:
        pytest.skip("there is no sshd here: apt-get install openssh-server")
    if os.geteuid() == 0:
        try:
            # The administrator's sshd insists on this folder, which its service makes. Source: sshd(8), FILES.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        except OSError as error:
            pytest.skip(f"sshd cannot be started: {error}")
    for name in ("host", "user", "stranger"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    port = _free_port()
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
        "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin yes\n"
    )
    known = f"[127.0.0.1]:{port} {' '.join((folder / 'host.pub').read_text().split()[:2])}\n"
    (folder / "known").write_text(known)
    (folder / "empty").write_text("")
    configuration = folder / "ssh_config"
    configuration.write_text(
        f"Host board\nHost unknown\n  UserKnownHostsFile {folder}/empty\n"
        f"Host stranger\n  IdentityFile {folder}/stranger\nHost nowhere\n  HostName {'n' * 64}.invalid\n"
        f"Host * !stranger\n  IdentityFile {folder}/user\n"
        # That of discard, which nothing listens to.
        "Host closed\n  Port 9\n"
        f"Host *\n  HostName 127.0.0.1\n  Port {port}\n  IdentitiesOnly yes\n"
        f"  UserKnownHostsFile {folder}/known\n  GlobalKnownHostsFile none\n"
    )
    with (folder / "log").open("wb") as log:
        command = [server, "-D", "-e", "-f", str(folder / "sshd_config")]
        listening = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_for(port, listening, folder / "log")
        yield configuration
    finally:
        listening.terminate()
        listening.wait()


def _free_port() -> int:
    """One below those that the system gives away, where other processes of the tests do not begin to look."""
    port = 10_000 + os.getpid() % 20_000
    while True:
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", port))
            except OSError:
                port += 1
                continue
            return port


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 10
    while server.poll() is None and time.monotonic() < end:
        with socket.socket() as trial:
            if trial.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    server.terminate()
    server.wait()
    pytest.skip(f"sshd does not start: {log.read_text(errors='replace').strip()}")
