"""What is interrupted leaves nothing behind: one folder for all temporary files, and an end to all children."""

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from attainable.errors import RuntimeRefused


@contextmanager
def sheltered() -> Generator[Path]:
    """Keep all temporary files of this program in one folder, which goes when the block is left.

    After Ctrl-C all children are killed first. The folder is made, and all is cleaned up, while Ctrl-C waits.

    Raises:
        RuntimeRefused: no folder can be made.
    """
    before = tempfile.tempdir
    folder: Path | None = None
    interrupted = False
    try:
        with _interrupts_held():
            folder = _make_folder()
            tempfile.tempdir = str(folder)
        yield folder
    except KeyboardInterrupt:
        interrupted = True
        raise
    finally:
        with _interrupts_held():
            if interrupted:
                _end_children()
            tempfile.tempdir = before
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


def _make_folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="attainable-"))
    except OSError as error:
        raise RuntimeRefused(
            f"no temporary folder can be made: {error.strerror}", where=tempfile.gettempdir(),
            help="free some disk space, or set TMPDIR",
        ) from None  # fmt: skip


@contextmanager
def _interrupts_held() -> Generator[None]:
    """Keep Ctrl-C waiting until the block is left. Only the main thread is told of it, and may change that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    usual: Callable[..., object] | int | None = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if held and callable(usual):
            usual(signal.SIGINT, None)


def _end_children() -> None:
    """Kill the children of this process with their groups, and wait for them. Each worker is a group of its own."""
    if sys.platform == "win32":
        return
    for child in _children():
        for kill in (os.killpg, os.kill):
            with suppress(ProcessLookupError, PermissionError):
                kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(child, 0)


def _children() -> list[int]:
    """Ids of the children. Source: proc_pid_task_tid_children(5)."""
    found: list[int] = []
    for task in Path("/proc/self/task").glob("*/children"):
        try:
            found += [int(number) for number in task.read_text(encoding="ascii").split()]
        except OSError:
            continue
    return found
