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
from types import FrameType, TracebackType
from typing import Self

from attainable.errors import RuntimeRefused

_ENDINGS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else []))


@contextmanager
def sheltered() -> Generator[Path]:
    """Keep all temporary files of this program in one folder, which goes when the block is left.

    After Ctrl-C, and other signals that end the program by an exception, all children are killed first. The folder is
    made, and all is cleaned up, while they wait.

    Raises:
        RuntimeRefused: no folder can be made.
    """
    before = tempfile.tempdir
    folder: Path | None = None
    with _Interrupts() as interrupts:
        try:
            folder = _make_folder()
            tempfile.tempdir = str(folder)
            interrupts.let_through()
            yield folder
        except KeyboardInterrupt:
            interrupts.raised = True
            raise
        finally:
            # No call may stand before this: between two calls Python looks for signals.
            interrupts.wait = True
            if interrupts.raised:
                _end_children()
            tempfile.tempdir = before
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


class _Interrupts:
    """Decides when Ctrl-C and its like are raised. Only the main thread is told of them, and may change that.

    That it was raised is kept, because the exception need not arrive in the block: it may come up while the block is
    being left, or where Python ignores exceptions.

    Attributes:
        wait: it is not raised now, but remembered.
        raised: it was raised.
    """

    def __init__(self) -> None:
        self.wait = True
        self.raised = False
        self._waiting: int | None = None
        self._usual: dict[int, Callable[[int, FrameType | None], object]] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _ENDINGS:
                usual = signal.getsignal(number)
                # One that is ignored, as Ctrl-C in the background, or that ends the program at once stays as it is.
                if callable(usual):
                    self._usual[number] = usual
                    signal.signal(number, self._take)
        return self

    def let_through(self) -> None:
        """Raise from now on, at once if one is waiting."""
        self.wait = False
        if self._waiting is not None:
            number, self._waiting = self._waiting, None
            self._take(number, None)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.wait:
            self._waiting = number
            return
        self.raised = True
        self._usual[number](number, frame)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, usual in self._usual.items():
            signal.signal(number, usual)
        # The second one of an impatient user has nothing left to end.
        if self._waiting is not None and not self.raised:
            self._usual[self._waiting](self._waiting, None)


def _make_folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="attainable-"))
    except OSError as error:
        raise RuntimeRefused(
            f"no temporary folder can be made: {error.strerror}", where=tempfile.gettempdir(),
            help="free some disk space, or set TMPDIR",
        ) from None  # fmt: skip


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
