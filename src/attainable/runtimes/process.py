"""The parent's side of the worker: starts it, asks it, and never leaves a process behind.

A worker is a session and process group of its own with a private socket and a private folder; what it prints goes to
a file of which the last line is kept for error messages.
"""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from attainable.errors import RunError, RuntimeRefused, WorkerCrashed, WorkerTimedOut
from attainable.quantities import format_seconds
from attainable.runtimes.faults import crash, one_line, refusal
from attainable.timing.memory import available_memory_bytes

__all__ = ["BROKEN", "LARGEST_FILES", "LARGEST_MESSAGE", "SESSIONS", "WORKER", "Worker", "answer_in"]

WORKER = Path(__file__).with_name("worker.py")
SESSIONS = WORKER.with_name("sessions")
LARGEST_MESSAGE = 16 * 2**20
LARGEST_FILES = 256 * 2**20
"""Bytes of the files that an answer of another machine may bring, unless more was asked for."""
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV")
BROKEN = (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
"""What an answer that is none leads to."""
_MORE_TIME = "give it more time with --time-budget, or try a smaller model"
_POLL_SECONDS = 0.25
_GRACE_SECONDS = 1.0
_KILL = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""What ``ru_maxrss`` counts in. Source: getrusage(2) of Linux and of macOS."""


class Worker:
    """A child process that drives one runtime. A context manager; leaving it ends the whole process group.

    Args:
        interpreter: the Python to run it with; None for this one.
        address_space_bytes: limit of the worker's address space; None for no limit.

    Attributes:
        folder: private to this worker, for arrays and profiles; gone when the worker is closed.

    Raises:
        RuntimeRefused: the interpreter cannot be started, or there is no room for the folder.
    """

    where = "worker"
    """What errors name."""

    patience_seconds = _GRACE_SECONDS
    """What it is given to end by itself, and again when it is told to."""

    def __init__(self, *, interpreter: str | None = None, address_space_bytes: int | None = None) -> None:
        theirs = self._prepare()
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        # Home and temporary files go to the private folder; numpy's own threads would take cores from the runtime.
        environment |= dict.fromkeys(("HOME", "TMPDIR", "TEMP"), str(self.folder))
        environment |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environment["ATTAINABLE_ADDRESS_SPACE"] = str(address_space_bytes or 0)
        try:
            self._process = self._spawn(interpreter or sys.executable, theirs, environment)
        except BaseException as error:
            # Also an interrupt: a worker that was started by then leaves when it is hung up on.
            self._channel.close()
            self._remove_folder()
            if not isinstance(error, OSError):
                raise
            raise RuntimeRefused(
                f"the interpreter cannot be started: {error.strerror}", where=str(interpreter or sys.executable)
            ) from None
        finally:
            theirs.close()

    def _prepare(self) -> socket.socket:
        """Make the folder and the channel; gives the worker's end of it."""
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="attainable-"))
        except OSError as error:
            raise RuntimeRefused(
                f"no folder can be made for the worker: {error.strerror}", where=tempfile.gettempdir(),
                help="free some disk space, or set TMPDIR",
            ) from None  # fmt: skip
        self._stage = "start"
        self._closed = False
        self._own_peak_bytes = _own_peak_bytes()
        self._log = self.folder / "worker.log"
        self._channel, theirs = socket.socketpair()
        return theirs

    def _spawn(self, interpreter: str, theirs: socket.socket, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
        command = [interpreter, "-I", str(WORKER)]
        with self._log.open("wb") as log:
            if sys.platform == "win32":
                child = subprocess.Popen(
                    [*command, "stdin", "0"], stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment
                )
                assert child.stdin is not None
                with child.stdin as stdin:
                    stdin.write(theirs.share(child.pid))
                return child
            return subprocess.Popen(
                [*command, str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=self.folder,
                pass_fds=(theirs.fileno(),), start_new_session=True,
            )  # fmt: skip

    @property
    def process_id(self) -> int:
        """The worker's process, for reading its processor time."""
        return self._process.pid

    def place(self, file: Path, *, format: str = "") -> str:
        """The path by which the worker finds a file of ours.

        Args:
            file: absolute.
            format: of a model file, as ``Provenance.format`` names it: what lies beside it belongs to it.

        Raises:
            RunError: it cannot be brought to the worker's machine.
        """
        del format
        return str(file)

    def available_memory_bytes(self) -> int | None:
        """Memory that a new program can take on the worker's machine; None where the system does not tell."""
        return available_memory_bytes()

    def call(
        self, request: str, arguments: Mapping[str, Any], *, deadline_seconds: float, most_bytes: int = LARGEST_FILES
    ) -> dict[str, Any]:
        """Ask the worker and wait for its answer.

        Args:
            request: ``open``, ``feed``, ``run`` or ``profile``; also the stage that errors name.
            arguments: anything JSON can hold.
            deadline_seconds: wall-clock limit; a worker that passes it is killed.
            most_bytes: of the files of the answer together, where another machine sends them.

        Raises:
            RuntimeRefused: the runtime raised an error; its own message, on one line.
            WorkerCrashed: the worker died; names the signal or exit code, the stage and what it printed last.
            WorkerTimedOut: no answer in time.
        """
        del most_bytes
        with self._faults(request, deadline_seconds) as end:
            message = json.dumps({"request": request, "arguments": arguments}).encode("ascii")
            self._channel.settimeout(deadline_seconds)
            self._channel.sendall(struct.pack(">I", len(message)) + message)
            (length,) = struct.unpack(">I", self._receive(4, end))
            if length > LARGEST_MESSAGE:
                raise ConnectionError("the answer is longer than the protocol allows")
            answer = answer_in(self._receive(length, end))
        if "error" in answer:
            raise refusal(answer["error"])
        return answer["result"]

    @contextmanager
    def _faults(self, stage: str, deadline_seconds: float, *, slow: str = _MORE_TIME) -> Generator[float]:
        """Turn what goes wrong while the worker is asked into errors; gives the end of the time that it has.

        Args:
            stage: what errors name.
            deadline_seconds: that it has.
            slow: what to do where it does not answer within them.
        """
        if self._closed:
            raise WorkerCrashed(f"the worker has ended before '{stage}'", where=self.where)
        self._stage = stage
        try:
            yield time.monotonic() + deadline_seconds
        except TimeoutError:
            self._end(patience_seconds=0.0)
            raise WorkerTimedOut(
                f"no answer to '{stage}' within {format_seconds(deadline_seconds)}",
                where=self.where, help=slow,
            ) from None  # fmt: skip
        except BROKEN as error:
            raise self._crash(error) from None

    def _receive(self, length: int, end: float) -> bytes:
        parts: list[bytes] = []
        while length:
            part = self._some(min(length, 2**16), end)
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _some(self, length: int, end: float) -> bytes:
        """At most as many bytes, at least one."""
        while True:
            remaining = end - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            # A grandchild may hold the other end open after the worker's death, so the process is looked at as well.
            self._channel.settimeout(min(remaining, _POLL_SECONDS))
            try:
                part = self._channel.recv(length)
            except TimeoutError:
                if self._has_ended():
                    raise ConnectionResetError from None
                continue
            if not part:
                raise ConnectionResetError
            return part

    def _has_ended(self) -> bool:
        """Whether the worker is dead. It is not reaped yet, so that its group's number cannot go to strangers."""
        if hasattr(os, "waitid"):
            ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            return ended is not None
        return self._process.poll() is not None

    def _crash(self, error: Exception) -> RunError:
        stage = self._stage
        # Still alive: it broke the protocol. It is ended below, and that signal is ours, not the cause.
        alive = not self._ends_within(_GRACE_SECONDS)
        last_line = self._last_line()
        peak = self._end(patience_seconds=0.0)
        reason = one_line(str(error)) or type(error).__name__
        return crash(
            stage, code=None if alive else self._process.returncode, reason=reason, peak_bytes=peak, last_line=last_line
        )  # fmt: skip

    def _last_line(self) -> str:
        try:
            with self._log.open("rb") as log:
                log.seek(max(0, self._log.stat().st_size - 4096))
                lines = log.read().decode("utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return next((one_line(line) for line in reversed(lines) if line.strip()), "")

    def close(self) -> None:
        """End the worker and everything it started, and delete its folder. Safe to call twice."""
        self._end(patience_seconds=self.patience_seconds)

    def _end(self, *, patience_seconds: float) -> int:
        """End the process group, give the peak memory of the worker in bytes, 0 where it is not known."""
        if self._closed:
            return 0
        self._closed = True
        # An idle worker leaves when the other side hangs up.
        self._channel.close()
        try:
            if not self._ends_within(patience_seconds):
                self._signal_group(signal.SIGTERM)
                self._ends_within(self.patience_seconds)
        finally:
            # Also when an interrupt ends the waiting. The group outlives its leader if the worker started processes of
            # its own.
            self._signal_group(_KILL)
            try:
                peak = self._reap()
            finally:
                self._remove_folder()
        return peak

    def _remove_folder(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ends_within(self, seconds: float) -> bool:
        limit = time.monotonic() + seconds
        pause = 0.001
        while not self._has_ended():
            if time.monotonic() >= limit:
                return False
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        return True

    def _signal_group(self, number: int) -> None:
        try:
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def _reap(self) -> int:
        if sys.platform == "win32" or self._process.returncode is not None:
            self._process.wait()
            return 0
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        # Until it loads its own program, a new process is charged with its parent's memory.
        peak = usage.ru_maxrss * _RSS_UNIT
        return peak if peak > self._own_peak_bytes else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # After a fault or an interrupt nobody waits for a request that may be running for minutes.
        self._end(patience_seconds=self.patience_seconds if kind is None else 0.0)


def answer_in(message: bytes) -> dict[str, Any]:
    """The worker's answer: a ``result`` or an ``error``, each a table.

    Raises:
        ValueError, RecursionError: it is neither.
    """
    answer: object = json.loads(message)
    if isinstance(answer, dict):
        found = cast("dict[str, object]", answer)
        if isinstance(found.get("error", found.get("result")), dict):
            return found
    raise ValueError("the answer is neither a result nor an error")


def _own_peak_bytes() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
