"""Makes and removes the managed environments of runtimes, and says what is installed where."""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from attainable.errors import RuntimeRefused
from attainable.runtimes import Requirement
from attainable.runtimes.environments import environment_folder, python_in
from attainable.runtimes.faults import one_line

__all__ = ["install", "installed_version", "remove"]

_STALE_SECONDS = 24 * 3600.0
"""A half-made environment of this age belongs to no installation that still runs."""
_PROBE_SECONDS = 60.0
_VERSION = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
_IMPORT = "import importlib, sys; importlib.import_module(sys.argv[1])"


def install(
    name: str,
    requirement: Requirement,
    *,
    upgrade: bool = False,
    python: str | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Path:
    """Make the managed environment of a runtime: a virtual environment with its packages, by pip.

    Args:
        name: of the runtime.
        requirement: what it needs.
        upgrade: make it anew where it is there already, and put it in the place of the old one when it is complete.
        python: the interpreter to make it with; None for this one.
        progress: told every line that pip prints.

    Returns:
        Its interpreter.

    Raises:
        RuntimeRefused: it cannot be made; nothing of it is left, and what was there before still is.
    """
    target = environment_folder(name)
    if python_in(target).exists() and not upgrade:
        return python_in(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(target)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    except OSError as error:
        raise RuntimeRefused(
            f"no environment can be made: {error.strerror}", where=str(target.parent),
            help="free some disk space, or set ATTAINABLE_CACHE",
        ) from None  # fmt: skip
    try:
        progress(f"making an environment in {target}")
        made = str(python_in(unfinished))
        # Our own pip installs into other environments, which saves theirs.
        ours = importlib.util.find_spec("pip") is not None
        venv = [python or sys.executable, "-m", "venv", *(["--without-pip"] * ours), str(unfinished)]
        _run("venv", venv, progress)
        pip = [sys.executable, "-m", "pip", "--python", made] if ours else [made, "-m", "pip"]
        quietly = ["--disable-pip-version-check", "--no-input", "install", "--progress-bar", "off"]
        _run("pip", [*pip, *quietly, *requirement.packages], progress)
        _run(f"import {requirement.module}", [made, "-I", "-c", _IMPORT, requirement.module], progress)
        _put_in_place(unfinished, target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return python_in(target)


def remove(name: str) -> bool:
    """Remove the managed environment of a runtime; tells whether there was one.

    Raises:
        RuntimeRefused: it cannot be removed.
    """
    target = environment_folder(name)
    if not target.exists():
        return False
    # Out of its place first, so that nobody starts what is half removed.
    doomed = target.with_name(f".{name}-removed-{os.getpid()}")
    try:
        target.rename(doomed)
        shutil.rmtree(doomed)
    except OSError as error:
        raise RuntimeRefused(f"cannot be removed: {error.strerror}", where=str(error.filename or target)) from None
    return True


def installed_version(python: str, requirement: Requirement) -> str | None:
    """The version of a runtime that an interpreter has; None where it has none or cannot be started."""
    try:
        finished = subprocess.run(
            [python, "-I", "-c", _VERSION, requirement.distribution],
            capture_output=True, text=True, timeout=_PROBE_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return one_line(finished.stdout) or None if finished.returncode == 0 else None


def _put_in_place(made: Path, target: Path) -> None:
    old = made.with_name(f"{made.name}-old")
    try:
        # Virtual environments may move as long as nobody uses the scripts in them: only their interpreter is used.
        with contextlib.suppress(FileNotFoundError):
            target.rename(old)
        made.rename(target)
    except OSError as error:
        raise RuntimeRefused(f"cannot be put in its place: {error.strerror}", where=str(target)) from None
    finally:
        if not target.exists() and old.exists():
            old.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def _remove_stale(target: Path) -> None:
    for folder in target.parent.glob(f".{target.name}-*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(folder)


def _run(step: str, command: Sequence[str], progress: Callable[[str], None]) -> None:
    """Run a step of the installation; what it printed last is the reason where it fails."""
    last = ""
    try:
        with _started(command) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if cleaned := one_line(line):
                    progress(cleaned)
                    last = cleaned if cleaned.startswith("ERROR") or not last.startswith("ERROR") else last
            code = child.wait()
    except OSError as error:
        raise RuntimeRefused(f"cannot be started: {error.strerror}", where=command[0]) from None
    if code:
        raise RuntimeRefused(
            f"the installation failed with exit code {code}: {last}",
            where=step,
            help="pip takes its index from your pip settings; another interpreter can be chosen with --python",
        )


@contextlib.contextmanager
def _started(command: Sequence[str]) -> Generator["subprocess.Popen[str]"]:
    """A child in a process group of its own, which does not outlive the block."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", start_new_session=True,
    ) as child:  # fmt: skip
        try:
            yield child
        finally:
            if child.poll() is None:
                _kill(child)


def _kill(child: "subprocess.Popen[str]") -> None:
    if sys.platform == "win32":
        child.kill()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
