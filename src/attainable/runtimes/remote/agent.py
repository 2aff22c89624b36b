"""The other end of ssh: keeps a worker on a host, and leaves nothing there when the connection ends.

Sent through the connection and run as it arrives, under the host's own interpreter (3.10 or newer); standard library
only, never stored. stdin and stdout are the connection: a frame is the length of a JSON header in four bytes, most
significant first, the header, and as many bytes as its ``bytes`` says. Each request has one reply, a ``result`` or an
``error``. What a host is asked for: to start the worker in a folder of its own, to take and give files of that folder,
to pass a request on to the worker, and to read files in which the kernel describes the machine.

It ends when its input ends, or when nobody asks anything for a long time. However it ends, the worker's process group
is killed and the folder removed.
"""

import contextlib
import glob
import json
import os
import platform
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from typing import Any

LARGEST_MESSAGE = 16 * 2**20
_BLOCK = 2**18
_IDLE_SECONDS = 900.0
"""Somebody who measures asks more often; a network that was cut tells nobody."""
_POLL_SECONDS = 0.5
_GRACE_SECONDS = 1.0
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "VIRTUAL_ENV")
_ENDINGS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
_LARGEST_TEXT = 2**20
_MOST_TEXT = 8 * 2**20


class HungUp(Exception):
    """The other side is gone."""


class WorkerGone(Exception):
    """The worker is dead, or what it says is no answer."""


def main() -> None:
    """Answer requests until the other side hangs up."""
    agent = Agent()

    def leave(number: int, frame: object) -> None:
        # Not by an exception: the other side hangs up and sends a signal at once, it would end the cleaning up.
        del number, frame
        agent.close()
        os._exit(0)

    for number in _ENDINGS:
        signal.signal(number, leave)
    try:
        send({"result": {}}, b"")
        while True:
            request = receive_header(_IDLE_SECONDS)
            reply, body = agent.answer(request)
            send(reply, body)
            if request["do"] == "get" and reply.get("bytes"):
                agent.give(request["name"], reply["bytes"])
    except (HungUp, BrokenPipeError):
        pass
    finally:
        agent.close()


class Agent:
    """A folder and the worker in it."""

    def __init__(self) -> None:
        self.folder = ""
        self.process: subprocess.Popen[bytes] | None = None
        self.channel: socket.socket | None = None
        self.ended = False

    def answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The reply to a request, and the bytes that follow it."""
        # Whatever becomes of the request, its bytes are taken off the line.
        size = int(request["bytes"])
        try:
            if request["do"] == "put":
                return {"result": self.put(request["name"], size)}, b""
            body = exactly(size) if size <= LARGEST_MESSAGE else b""
            if request["do"] == "call":
                return self.call(request, body)
            if request["do"] == "get":
                size = self.size(request["name"], most=request["most_bytes"])
                return ({"result": {"absent": True}} if size is None else {"result": {}, "bytes": size}), b""
            answers = {"start": self.start, "read": self.read}
            return {"result": answers[request["do"]](request, body)}, b""
        except (OSError, ValueError, KeyError, TypeError, MemoryError) as error:
            return {"error": {"kind": type(error).__name__, "message": _reason(error)}}, b""

    def start(self, request: dict[str, Any], worker: bytes) -> dict[str, Any]:
        """Make the folder and start the worker, whose program is given."""
        with _undisturbed():
            self.folder = tempfile.mkdtemp(prefix="attainable-", dir=request["folder"] or None)
        program = self.path("worker.py")
        with open(program, "wb") as file:  # noqa: PTH123  (no pathlib here, it takes time to import on a board)
            file.write(worker)
        environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
        environment.update(dict.fromkeys(("HOME", "TMPDIR", "TEMP"), self.folder))
        environment.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
        self.channel, theirs = socket.socketpair()
        with theirs, open(self.path("worker.log"), "wb") as log:  # noqa: PTH123
            self.process = subprocess.Popen(
                [sys.executable, "-I", program, str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=self.folder,
                pass_fds=(theirs.fileno(),), start_new_session=True,
            )  # fmt: skip
        return {"folder": self.folder, "process": self.process.pid, "python": sys.executable}

    def path(self, name: str) -> str:
        """The path of a file of the folder. Raises ValueError for names that lead out of it."""
        parts = name.split("/")
        if not self.folder or any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise ValueError("is not a file of the folder")
        return os.path.join(self.folder, *parts)  # noqa: PTH118

    def put(self, name: str, size: int) -> dict[str, Any]:
        """Write a file with the bytes that follow. Where that fails they are read all the same."""
        left = size
        try:
            path = self.path(name)
            os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
            with open(path, "wb") as file:  # noqa: PTH123
                while left:
                    block = some(min(left, _BLOCK))
                    left -= len(block)
                    file.write(block)
        finally:
            while left:
                left -= len(some(min(left, _BLOCK)))
        return {}

    def size(self, name: str, *, most: int) -> "int | None":
        """The size of a file, None where there is none. Raises ValueError where it is larger than is wanted."""
        try:
            # Links are not followed: the worker runs what a stranger made.
            found = os.lstat(self.path(name))
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(found.st_mode):
            raise ValueError(f"{name} is not a regular file")
        if found.st_size > most:
            raise ValueError(f"{name} has {found.st_size} bytes, no more than {most} were asked for")
        return found.st_size

    def give(self, name: str, size: int) -> None:
        """Send the bytes of a file; one that was cut off meanwhile ends the connection."""
        with open(self.path(name), "rb") as file:  # noqa: PTH123
            while size:
                block = file.read(min(size, _BLOCK))
                if not block:
                    raise HungUp
                write(block)
                size -= len(block)

    def call(self, request: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """Pass a request on to the worker: its answer, or how it died."""
        if self.channel is None:
            raise ValueError("there is no worker")
        try:
            end = time.monotonic() + request["seconds"]
            self.channel.settimeout(_GRACE_SECONDS + request["seconds"])
            self.channel.sendall(struct.pack(">I", len(body)) + body)
            (length,) = struct.unpack(">I", self._from_worker(4, end))
            if length > LARGEST_MESSAGE:
                raise WorkerGone("the answer is longer than the protocol allows")
            return {"result": {}}, self._from_worker(length, end)
        except (OSError, WorkerGone) as error:
            return {"result": {"died": self._death(_reason(error))}}, b""

    def _from_worker(self, length: int, end: float) -> bytes:
        """Read from the worker, and notice meanwhile when the other side hangs up or the worker dies."""
        assert self.channel is not None
        parts: list[bytes] = []
        while length:
            if time.monotonic() > end + _GRACE_SECONDS:
                # The other side has given up by now, unless nobody told us.
                raise HungUp
            ready, _, _ = select.select([0, self.channel], [], [], _POLL_SECONDS)
            if 0 in ready:
                # Nothing is sent before a reply: this is the end, or somebody who does not know the protocol.
                raise HungUp
            if not ready and self._has_ended():
                raise WorkerGone("the connection to the worker ended")
            if ready:
                part = self.channel.recv(min(length, 2**16))
                if not part:
                    raise WorkerGone("the connection to the worker ended")
                parts.append(part)
                length -= len(part)
        return b"".join(parts)

    def _death(self, reason: str) -> dict[str, Any]:
        """How the worker died: its exit code, None where it lives and broke the protocol, and its last words."""
        assert self.process is not None
        limit = time.monotonic() + _GRACE_SECONDS
        while not self._has_ended() and time.monotonic() < limit:
            time.sleep(0.01)
        alive = not self._has_ended()
        last = self._last_line()
        peak = self._end()
        return {
            "code": None if alive else self.process.returncode, "reason": reason, "peak_bytes": peak, "last_line": last,
        }  # fmt: skip

    def _last_line(self) -> str:
        with contextlib.suppress(OSError), open(self.path("worker.log"), "rb") as log:  # noqa: PTH123
            log.seek(max(0, os.fstat(log.fileno()).st_size - 4096))
            lines = log.read().decode("utf-8", errors="replace").splitlines()
            return next((line for line in reversed(lines) if line.strip()), "")
        return ""

    def _has_ended(self) -> bool:
        """Whether the worker is dead. It is not reaped yet, so that its group's number cannot go to strangers."""
        if self.process is None or self.process.returncode is not None:
            return True
        if not hasattr(os, "waitid"):
            return self.process.poll() is not None
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _end(self) -> int:
        """Kill the worker's group; gives the worker's peak memory in bytes."""
        if self.channel is not None:
            self.channel.close()
            self.channel = None
        if self.process is None or self.ended:
            return 0
        with _undisturbed():
            self.ended = True
            # The group outlives its leader if the worker started processes of its own.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            if self.process.returncode is not None:
                return 0
            _, status, usage = os.wait4(self.process.pid, 0)
            self.process.returncode = os.waitstatus_to_exitcode(status)
            return usage.ru_maxrss * _RSS_UNIT

    def close(self) -> None:
        """Leave nothing."""
        with _undisturbed():
            try:
                self._end()
            finally:
                if self.folder:
                    shutil.rmtree(self.folder, ignore_errors=True)

    def read(self, request: dict[str, Any], body: bytes = b"") -> dict[str, Any]:
        """What the machine says of itself: files of the kernel by pattern, and what only a program there can tell."""
        del body
        files: dict[str, str] = {}
        total = 0
        for pattern in request["patterns"]:
            for path in sorted(glob.glob(f"/{pattern}")):  # noqa: PTH207
                content = _text(path)
                total += len(content)
                if total > _MOST_TEXT:
                    return {"files": files, **self._facts()}
                files[path.lstrip("/")] = content
        return {"files": files, **self._facts()}

    def _facts(self) -> dict[str, Any]:
        own = os.times()
        ticks = os.sysconf("SC_CLK_TCK")
        return {
            "wall_seconds": time.perf_counter(),
            "own_seconds": own.user + own.system + own.children_user + own.children_system
            + self._worker_ticks() / ticks,
            "ticks": ticks,
            "processors": _processors(),
            "memory_bytes": _pages("SC_PHYS_PAGES"),
            "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "processor": platform.processor(),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "python": f"{platform.python_implementation()} {platform.python_version()}",
        }  # fmt: skip

    def _worker_ticks(self) -> int:
        """User and system time of the worker and of children that it waited for. Source: proc_pid_stat(5)."""
        if self.process is None:
            return 0
        fields = _text(f"/proc/{self.process.pid}/stat").rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15])


@contextlib.contextmanager
def _undisturbed() -> Generator[None, None, None]:
    """Signals that end the agent wait until the block is done; those that came before it are dealt with first."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _processors() -> list[int]:
    if sys.platform == "linux":
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _pages(name: str) -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf(name)
    except (OSError, ValueError):
        return None


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(_LARGEST_TEXT).decode("utf-8", errors="replace").strip("\0")
    except OSError:
        return ""


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def receive_header(seconds: float) -> dict[str, Any]:
    """The header of the next frame. Raises HungUp where none comes in this time."""
    if not select.select([0], [], [], seconds)[0]:
        raise HungUp
    (length,) = struct.unpack(">I", exactly(4))
    if length > LARGEST_MESSAGE:
        raise HungUp
    return json.loads(exactly(length))


def exactly(length: int) -> bytes:
    """As many bytes from the connection. Raises HungUp where it ends before."""
    parts: list[bytes] = []
    while length:
        part = some(min(length, _BLOCK))
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def some(length: int) -> bytes:
    """At most as many bytes, at least one. Raises HungUp."""
    if not select.select([0], [], [], _IDLE_SECONDS)[0]:
        raise HungUp
    part = os.read(0, length)
    if not part:
        raise HungUp
    return part


def send(header: dict[str, Any], body: bytes) -> None:
    """Send a frame; where its header has ``bytes``, they follow later."""
    text = json.dumps({"bytes": len(body), **header}).encode("ascii")
    write(struct.pack(">I", len(text)) + text + body)


def write(content: bytes) -> None:
    """Write all of it."""
    view = memoryview(content)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    main()
