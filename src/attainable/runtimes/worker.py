"""The worker: drives one runtime in a process of its own, so that a crash there is an error here.

Runs as ``python -I worker.py SOCKET PARENT`` under any interpreter; standard library only, nothing of ours is imported.
``SOCKET`` is the number of an inherited socket (``stdin`` where the platform shares sockets otherwise), ``PARENT`` the
process that must stay alive. A message is its length in four bytes, most significant first, then JSON. The session
file that the first request names is the only code that knows the runtime; it provides::

    open_session(arguments) -> (session, reply)      loads the model
    session.feed(arguments) -> reply                 makes session.call ready: inputs and outputs bound, nothing to copy
    session.call()                                   exactly one run of the runtime
    session.profile(arguments, timed) -> reply       runs under the runtime's own profiler
    session.load_stages(arguments) -> reply          where the time of loading goes, if the runtime tells
"""

import ctypes
import gc
import importlib.util
import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

LARGEST_MESSAGE = 16 * 2**20
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_MOST_MEMORY = 0.9


def main(arguments: list[str]) -> None:
    """Answer requests until the other side hangs up."""
    channel = _channel(arguments[0])
    _confine(int(arguments[1]))
    worker = _Worker()
    while (request := _receive(channel)) is not None:
        _send(channel, worker.answer(request))
    # Runtimes that crash while they unload must not turn a good measurement into a failed one.
    os._exit(0)


class _Worker:
    def __init__(self) -> None:
        self.session: Any = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"result": self._result(request["request"], request["arguments"])}
        except BaseException as error:
            return {
                "error": {"kind": type(error).__name__, "message": str(error), "name": getattr(error, "name", None)}
            }

    def _result(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if name == "open":
            return self._opened(arguments)
        if name == "feed":
            return self.session.feed(arguments)
        if name == "run":
            return timed(
                self.session.call, arguments["seconds"], arguments["minimum"], arguments["maximum"],
                period_seconds=arguments.get("period_seconds", 0.0),
            )  # fmt: skip
        if name == "profile":
            return self.session.profile(arguments, timed)
        if name == "load_stages":
            tell = getattr(self.session, "load_stages", None)
            return {} if tell is None else tell(arguments)
        raise ValueError(f"no request is called {name!r}")

    def _opened(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Load a model, the import of the runtime apart."""
        module = _module(arguments["session_file"])
        start = time.perf_counter()
        if "module" in arguments:
            importlib.import_module(arguments["module"])
        imported = time.perf_counter()
        if "model" in arguments:
            _read_through(arguments["model"])
        told = {
            "import_seconds": imported - start,
            "read_seconds": time.perf_counter() - imported,
            "resident_before_bytes": resident_bytes("VmRSS"),
        }
        self.session, reply = module.open_session(arguments)
        return {
            **reply, **told, "resident_loaded_bytes": resident_bytes("VmRSS"),
            "peak_rss_bytes": peak_resident_bytes(),
        }  # fmt: skip


def timed(
    call: Callable[[], object], seconds: float, minimum: int, maximum: int, *, period_seconds: float = 0.0
) -> dict[str, Any]:
    """Time single calls, one clock reading before and one after each.

    With a period, a call starts at each multiple of it and the thread sleeps in between. A call that is not done by
    the next multiple has missed its period and each that it runs into; the next one starts at the multiple after it.

    Args:
        call: what is timed.
        seconds: no call starts later than this after the first, once ``minimum`` were made.
        minimum: number of calls, however long they take.
        maximum: number of calls.
        period_seconds: from the start of a call to that of the next; 0: as soon as it is done.

    Returns:
        ``seconds`` of each call, the ``wall_seconds`` and CPU seconds of them together, resident memory now and at its
        peak, ``usage`` (null where unknown), the number of ``periods`` and of ``missed_periods``.
    """
    clock = time.perf_counter_ns
    nanoseconds: list[int] = []
    period, periods, missed = int(period_seconds * 1e9), 0, 0
    collecting = gc.isenabled()
    gc.disable()
    usage_before = _usage()
    process_before, thread_before, before = time.process_time(), time.thread_time(), clock()
    end = before
    last_start = before + int(seconds * 1e9)
    try:
        while len(nanoseconds) < maximum:
            start = clock()
            call()
            end = clock()
            nanoseconds.append(end - start)
            if end >= last_start and len(nanoseconds) >= minimum:
                break
            if period:
                # How many multiples of the period have passed since this one began.
                late = (end - before) // period - periods
                missed += late + 1 if late else 0
                periods += late + 1
                _sleep_until(before + periods * period)
    finally:
        if collecting:
            gc.enable()
    wall, process, thread = clock() - before, time.process_time() - process_before, time.thread_time() - thread_before
    usage = _usage()
    if period and nanoseconds:
        # The last one is judged as the others were.
        late = (end - before) // period - periods
        missed += late + 1 if late else 0
        periods += late + 1
    return {
        "wall_seconds": wall * 1e-9,
        "process_cpu_seconds": process,
        "thread_cpu_seconds": thread,
        "seconds": [duration * 1e-9 for duration in nanoseconds],
        "resident_bytes": resident_bytes("VmRSS"),
        "peak_rss_bytes": peak_resident_bytes(),
        "usage": None if usage is None or usage_before is None else {
            name: usage[name] - usage_before[name] for name in usage
        },
        "periods": periods,
        "missed_periods": missed,
    }  # fmt: skip


def resident_bytes(which: str) -> int:
    """Resident memory of this process, ``VmRSS`` now or ``VmHWM`` at its peak; 0 where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123  (no pathlib here)
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith(f"{which}:")), 0)
    except OSError:
        return 0


def peak_resident_bytes() -> int:
    """The most memory that this process had resident; 0 where the system does not tell.

    ``ru_maxrss`` of getrusage(2), in KiB on Linux, stands in where ``VmHWM`` is not told (older gVisor). It can be that
    of the process before exec(2), hence only there.
    """
    told = resident_bytes("VmHWM")
    if told or not sys.platform.startswith("linux"):
        return told
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _usage() -> dict[str, int] | None:
    """Page faults and context switches of all threads so far; None where the system does not count them."""
    try:
        import resource
    except ImportError:
        return None
    found = resource.getrusage(resource.RUSAGE_SELF)
    if not found.ru_minflt:
        # No process starts without touching a page: this system counts none (gVisor counts only the waiting).
        return None
    return {
        "minor_faults": found.ru_minflt, "major_faults": found.ru_majflt,
        "voluntary_switches": found.ru_nvcsw, "involuntary_switches": found.ru_nivcsw,
    }  # fmt: skip


def _sleep_until(moment: int) -> None:
    remaining = moment - time.perf_counter_ns()
    if remaining > 0:
        time.sleep(remaining * 1e-9)


def _read_through(path: str) -> None:
    """Read a file once and keep nothing of it: what this takes is the disk, or the system's cache of it."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            block = bytearray(2**20)
            while file.readinto(block):
                pass
    except OSError:
        # A folder, or a file that cannot be read: the runtime says so better.
        pass


def _module(path: str) -> Any:
    specification = importlib.util.spec_from_file_location("runtime_session", path)
    if specification is None or specification.loader is None:
        raise ImportError(f"{path} is not a session file")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def _confine(parent: int) -> None:
    """No core files, less memory than is free, no new privileges, death with the parent; each where it can be had.

    Memory is limited by what is private and writable, which is what a model can eat: libraries do not count, nor does
    address space that is only reserved.
    """
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit = int(os.environ.get("ATTAINABLE_ADDRESS_SPACE", "0"))
        if limit:
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        most = _most_memory_bytes()
        if most and sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    except ImportError:
        pass
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the signal was armed
            os._exit(1)


def _most_memory_bytes() -> int:
    """Nearly all memory that is free now, in the machine and in the control group; 0 where the system does not tell."""
    free: list[int] = []
    free += [
        int(row.split()[1]) * 1024 for row in _text("/proc/meminfo").splitlines() if row.startswith("MemAvailable")
    ]
    limit, used = (_text(f"/sys/fs/cgroup/memory.{name}").strip() for name in ("max", "current"))
    if limit.isdigit() and used.isdigit():
        # Cached files count as used, and give way to programs.
        rows = (row.split() for row in _text("/sys/fs/cgroup/memory.stat").splitlines())
        cached = sum(int(row[1]) for row in rows if len(row) == 2 and row[0] in ("active_file", "inactive_file"))
        free.append(max(1, int(limit) - int(used) + cached))
    return int(_MOST_MEMORY * min(free, default=0))


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return ""


def _channel(where: str) -> socket.socket:
    if where == "stdin":  # Windows: the parent wrote the shared socket there
        return socket.fromshare(sys.stdin.buffer.read())  # type: ignore[attr-defined]
    channel = socket.socket(fileno=int(where))
    channel.set_inheritable(False)
    return channel


def _receive(channel: socket.socket) -> dict[str, Any] | None:
    header = _exactly(channel, 4)
    if header is None:
        return None
    length = int(struct.unpack(">I", header)[0])
    body = _exactly(channel, length) if length <= LARGEST_MESSAGE else None
    return None if body is None else json.loads(body)


def _exactly(channel: socket.socket, length: int) -> bytes | None:
    parts: list[bytes] = []
    while length:
        part = channel.recv(min(length, 2**16))
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _send(channel: socket.socket, message: dict[str, Any]) -> None:
    body = json.dumps(message).encode("ascii")
    if len(body) > LARGEST_MESSAGE:
        body = json.dumps({"error": {"kind": "ValueError", "message": "the answer is too long", "name": None}}).encode()
    channel.sendall(struct.pack(">I", len(body)) + body)


if __name__ == "__main__":
    main(sys.argv[1:])
