"""A worker on another machine, by the system's own ssh; runtimes use it as they use one of this machine.

One connection carries everything: the program that keeps the worker there (``agent``), the worker itself, the
session file, the model, arrays, requests and answers. The worker's folder here and the one there stand for each other:
a path in one is, in a request, the path in the other; files that a request names are sent before it if they are there,
and fetched after it if they are not, and so are those that the answer names.

What comes back is a stranger's: a header or an answer has at most 16 MiB and brings at most 4096 files, all together no
larger than was asked for; they are written into the worker's folder alone, and over no file of ours.
"""

import json
import os
import re
import secrets
import struct
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

from attainable.errors import HostUnusable, RunError, RuntimeRefused, WorkerCrashed
from attainable.runtimes.faults import crash, one_line, refusal
from attainable.runtimes.process import LARGEST_FILES, LARGEST_MESSAGE, WORKER, Worker, answer_in
from attainable.runtimes.remote.faults import connection_fault, missing_module, no_greeting, old_python, slow_connection
from attainable.runtimes.remote.hosts import CONNECT_SECONDS, LEAST_PYTHON, Host, ssh_command
from attainable.runtimes.remote.model import files_beside
from attainable.runtimes.remote.paths import Folders, is_asked_for, standing_for_root
from attainable.timing.memory import available_memory_bytes

__all__ = ["RemoteWorker", "current_place", "workers_at"]

AGENT = Path(__file__).with_name("agent.py")
_GREETING_SECONDS = 3.0 * CONNECT_SECONDS
_STALL_SECONDS = 30.0
"""A connection that moves nothing for so long while a file is sent or fetched is broken."""
_SLOWEST_BYTES_PER_SECOND = 2**18
"""A file that comes more slowly than this is not waited for."""
_BLOCK = 2**18
_MOST_CHATTER = 2**16
"""Of what a login shell prints before our program starts."""
_SAFE_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,16}")
_MOST_FILES = 4096
"""That an answer brings."""
_MOST_KERNEL_FILES = 20_000
_MEMORY_FILES = ("proc/meminfo", *(f"sys/fs/cgroup/memory.{name}" for name in ("max", "current", "stat")))


class RemoteWorker(Worker):
    """A worker on a host; what runs here is ssh. See ``Worker``.

    Args:
        host: where.
        python: the interpreter there.
        packages: what it needs, as pip is told; for the words where it lacks them.

    Raises:
        HostUnusable: it cannot be reached, or has no such interpreter.
        RuntimeRefused: there is no room for the folder here.
    """

    # The folder there is removed before the connection ends.
    patience_seconds = 5.0

    def __init__(self, host: Host, python: str, packages: Sequence[str] = ()) -> None:
        self.host = host
        self.python = python
        self.where = f"worker on {host.name}"
        self._remote_process = 0
        self._packages = tuple(packages)
        self._stamps: dict[str, tuple[int, int]] = {}
        self._fetched: set[str] = set()
        token = f"attainable-{secrets.token_hex(8)}"
        command = ssh_command(host, python, _BOOTSTRAP.replace("TOKEN", token))
        theirs = self._prepare()
        try:
            with theirs, self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=log, start_new_session=True
                )
        except BaseException as error:
            self._channel.close()
            self._remove_folder()
            if not isinstance(error, OSError):
                raise
            raise HostUnusable(f"ssh cannot be started: {error.strerror}", where=host.name) from None
        try:
            self._greet(token)
            with self._faults("start", _GREETING_SECONDS, slow=slow_connection(host.name)) as end:
                self._send_bytes(f"{AGENT.stat().st_size}\n".encode() + AGENT.read_bytes())
                # Its interpreter reads ahead: nothing else is sent until the program itself is listening.
                self._reply(end)
                started = self._ask({"do": "start", "folder": host.folder}, end, body=WORKER.read_bytes())
                self._folders = Folders(self.folder, str(started["folder"]))
                self._remote_process = int(started["process"])
        except BaseException:
            self._end(patience_seconds=0.0)
            raise

    @property
    def process_id(self) -> int:
        """Of the worker, there."""
        return self._remote_process

    def place(self, file: Path, *, format: str = "") -> str:
        """Send a file, and what lies beside a model; see ``Worker.place``."""
        if not format:
            self._put_all({file.name: file})
            return f"{self._folders.there}/{file.name}"
        # The names of weights are part of the model; its own name is nobody's business there.
        suffix = file.suffix if _SAFE_SUFFIX.fullmatch(file.suffix) else ""
        name = f"model/model-{secrets.token_hex(4)}{suffix}"
        beside = {f"model/{each}": file.parent / each for each in files_beside(file, format)}
        self._put_all({name: file, **beside})
        return f"{self._folders.there}/{name}"

    def available_memory_bytes(self) -> int | None:
        """Memory that a new program can take there; None where the system does not tell."""
        files, _ = self.read(_MEMORY_FILES)
        if _MEMORY_FILES[0] not in files:
            return None
        with standing_for_root(files, self.folder) as root:
            return available_memory_bytes(root=root)

    def read(self, patterns: Sequence[str]) -> tuple[dict[str, str], dict[str, Any]]:
        """Read files in which the kernel there describes its machine.

        Args:
            patterns: paths below ``/``, with ``*`` for part of a name.

        Returns:
            The content of each file that can be read, by its path; and what the agent tells of the machine. All of it
            is foreign text.

        Raises:
            RunError: the connection is broken.
        """
        with self._moving("read") as end:
            facts = self._ask({"do": "read", "patterns": list(patterns)}, end)
            files = cast("dict[str, object]", facts.pop("files"))
            if len(files) > _MOST_KERNEL_FILES:
                raise ValueError("more files than were asked for")
            return {path: str(content) for path, content in files.items() if is_asked_for(path, patterns)}, facts

    def call(
        self, request: str, arguments: Mapping[str, Any], *, deadline_seconds: float, most_bytes: int = LARGEST_FILES
    ) -> dict[str, Any]:
        """Ask the worker and wait for its answer; see ``Worker.call``.

        What a request needs is sent before its time begins.
        """
        wanted: list[str] = []
        outward = self._folders.outward(arguments, wanted)
        message = json.dumps({"request": request, "arguments": outward}).encode("ascii")
        self._put_all({name: self.folder / name for name in wanted if self._is_changed(name)})
        missing = [name for name in wanted if not (self.folder / name).exists()]
        named: list[str] = []
        inward: dict[str, Any] = {}
        with self._faults(request, deadline_seconds) as end:
            answer = self._answer(message, deadline_seconds, end)
            if "error" not in answer:
                inward = cast("dict[str, Any]", self._folders.inward(answer["result"], named))
                self._require_theirs(named)
        if "error" in answer:
            raise self._refusal(answer["error"])
        with self._moving("fetch") as end:
            fetched = self._fetch([*named, *missing], most_bytes, end)
            if not fetched.issuperset(named):
                raise ConnectionError("it names files that are not there")
        return inward

    def _require_theirs(self, named: Sequence[str]) -> None:
        """Check which files an answer names. Raises ConnectionError where it may not bring them."""
        if len(set(named)) > _MOST_FILES:
            raise ConnectionError("it names more files than an answer may bring")
        for name in named:
            if name not in self._fetched and (self.folder / name).exists():
                raise ConnectionError(f"{name} is a file of ours")

    def _answer(self, message: bytes, deadline_seconds: float, end: float) -> dict[str, Any]:
        try:
            header, size = self._exchange({"do": "call", "seconds": deadline_seconds}, end, body=message)
        except ConnectionResetError:
            if time.monotonic() < end:
                raise
            # The agent hangs up soon after the deadline, which this process may have slept through.
            raise TimeoutError from None
        died = header.get("died")
        if died is not None:
            error = crash(
                self._stage, code=None if died["code"] is None else int(died["code"]),
                reason=one_line(str(died["reason"])), peak_bytes=int(died["peak_bytes"]),
                last_line=one_line(str(died["last_line"])),
            )  # fmt: skip
            error.where = self.where
            self._end(patience_seconds=self.patience_seconds)
            raise error
        if size > LARGEST_MESSAGE:
            raise ConnectionError("the answer is longer than the protocol allows")
        return answer_in(self._receive(size, end))

    def _refusal(self, error: Mapping[str, Any]) -> RunError:
        if error.get("kind") == "ModuleNotFoundError":
            module = str(error.get("name") or "a module")
            return missing_module(self.host.name, self.python, module, self._packages)
        found = refusal(error)
        found.where = self.where
        return found

    def _greet(self, token: str) -> None:
        """Wait until the interpreter there announces itself; what a login shell prints before is left out."""
        end = time.monotonic() + _GREETING_SECONDS
        heard = b""
        found = None
        pattern = re.compile(rb"(?:^|\n)" + token.encode() + rb" (\d{1,3})\.(\d{1,3})\r?\n")
        try:
            while found is None and len(heard) < _MOST_CHATTER:
                heard += self._some(_BLOCK, end)
                found = pattern.search(heard)
        except (TimeoutError, OSError):
            pass
        if found is None:
            alive = not self._ends_within(self.patience_seconds)
            said = self._said() or heard.decode(errors="replace")
            self._end(patience_seconds=0.0)
            code = None if alive else self._process.returncode
            raise no_greeting(self.host.name, self.python, code=code, said=said)
        version = tuple(map(int, found.groups()))
        if version < LEAST_PYTHON:
            self._end(patience_seconds=0.0)
            least, given = (".".join(map(str, each)) for each in (LEAST_PYTHON, version))
            raise old_python(self.host.name, self.python, given, least)

    def _crash(self, error: Exception) -> RunError:
        stage = self._stage
        alive = not self._ends_within(1.0)
        said = self._said()
        self._end(patience_seconds=0.0)
        if not alive:
            return connection_fault(self.host.name, stage, said)
        reason = one_line(str(error)) or type(error).__name__
        return WorkerCrashed(f"it broke the protocol during '{stage}' ({reason})", where=self.where)

    def _moving(self, stage: str) -> AbstractContextManager[float]:
        """``_faults`` of what needs nothing but the connection: a longer run gives it no more time."""
        return self._faults(stage, _STALL_SECONDS, slow=slow_connection(self.host.name))

    def _said(self) -> str:
        """The end of what ssh, the shell and the agent said on stderr."""
        try:
            with self._log.open("rb") as log:
                log.seek(max(0, self._log.stat().st_size - 4096))
                return log.read().decode("utf-8", errors="replace")
        except OSError:
            return ""

    def _ask(self, header: dict[str, Any], end: float, *, body: bytes = b"") -> dict[str, Any]:
        """Ask the agent something that has no bytes in its reply."""
        result, size = self._exchange(header, end, body=body)
        if size:
            raise ConnectionError("bytes that nobody asked for")
        return result

    def _exchange(self, header: dict[str, Any], end: float, *, body: bytes = b"") -> tuple[dict[str, Any], int]:
        """Send a frame; gives the result in the reply, and how many bytes follow it."""
        self._send_header({**header, "bytes": len(body)})
        self._send_bytes(body)
        return self._reply(end)

    def _reply(self, end: float) -> tuple[dict[str, Any], int]:
        (length,) = struct.unpack(">I", self._receive(4, end))
        if length > LARGEST_MESSAGE:
            raise ConnectionError("the reply is longer than the protocol allows")
        reply = answer_in(self._receive(length, end))
        if "error" in reply:
            raise HostUnusable(one_line(str(reply["error"].get("message"))), where=self.host.name)
        size = int(reply["bytes"])
        if size < 0:
            raise ConnectionError("a reply of fewer than no bytes")
        return cast("dict[str, Any]", reply["result"]), size

    def _send_header(self, header: dict[str, Any]) -> None:
        text = json.dumps(header).encode("ascii")
        self._send_bytes(struct.pack(">I", len(text)) + text)

    def _send_bytes(self, content: bytes) -> None:
        self._channel.settimeout(_STALL_SECONDS)
        for start in range(0, len(content), _BLOCK):
            self._channel.sendall(content[start : start + _BLOCK])

    def _put_all(self, files: Mapping[str, Path]) -> None:
        """Send files, by the names that they have in the folder there."""
        for name, path in files.items():
            try:
                file = path.open("rb")
            except OSError as error:
                raise RuntimeRefused(f"cannot be read: {error.strerror}", where=str(path)) from None
            with file, self._moving("send"):
                found = os.fstat(file.fileno())
                left = found.st_size
                self._send_header({"do": "put", "name": name, "bytes": left})
                while left:
                    block = file.read(min(left, _BLOCK))
                    if not block:
                        raise ConnectionError(f"{path.name} was cut off while it was sent")
                    self._send_bytes(block)
                    left -= len(block)
                self._reply(time.monotonic() + _STALL_SECONDS)
                self._stamps[name] = (found.st_mtime_ns, found.st_size)

    def _is_changed(self, name: str) -> bool:
        """Whether a file of the folder is here, and is not there as it is now."""
        path = self.folder / name
        if not path.is_file():
            return False
        found = path.stat()
        return self._stamps.get(name) != (found.st_mtime_ns, found.st_size)

    def _fetch(self, names: Sequence[str], most_bytes: int, end: float) -> set[str]:
        """Get files of the folder there, all together no more than this; tells which there were.

        The end is that of all together: only bytes that come put it off.
        """
        left = most_bytes
        fetched: set[str] = set()
        for name in dict.fromkeys(names):
            told, size = self._exchange({"do": "get", "name": name, "most_bytes": left}, end)
            if told.get("absent"):
                continue
            if size > left:
                raise ConnectionError(f"{name} is larger than was asked for")
            left -= size
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            end += size / _SLOWEST_BYTES_PER_SECOND
            with path.open("wb") as file:
                while size:
                    block = self._receive(min(size, _BLOCK), end)
                    file.write(block)
                    size -= len(block)
            found = path.stat()
            self._stamps[name] = (found.st_mtime_ns, found.st_size)
            fetched.add(name)
            self._fetched.add(name)
        return fetched


_BOOTSTRAP = (
    'import sys; sys.stdout.write(chr(10) + "TOKEN %d.%d" % tuple(sys.version_info[:2]) + chr(10)); '
    'sys.stdout.flush(); stream = open(0, "rb", closefd=False); size = int(stream.readline()); '
    'exec(compile(stream.read(size), "attainable", "exec"))'
)
"""Announces the interpreter, whatever its age, then runs the program that it is sent. Without a single quote."""


@contextmanager
def workers_at(host: Host | None) -> Generator[list[RemoteWorker]]:
    """Workers that runtimes start in this block run on this host; None: on this machine.

    Yields:
        The workers that were started there so far.
    """
    workers: list[RemoteWorker] = []
    if host is None:
        yield workers
        return
    token = _PLACE.set((host, workers))
    try:
        yield workers
    finally:
        _PLACE.reset(token)


def current_place() -> tuple[Host, list[RemoteWorker]] | None:
    """The host that workers are started on now, with those that were; None for this machine."""
    return _PLACE.get()


_PLACE: ContextVar[tuple[Host, list[RemoteWorker]] | None] = ContextVar("place", default=None)
