"""Workers that die, lie, eat and hang, 500 in a row: each is reported for what it was, and nothing is left of any.

Claims: the parent survives; 500 of 500 reports are right; no process and no folder is left 3 s after the last; a worker
starts within 0.4 s (median) beyond the import of its runtime.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from attainable.errors import RunError
from attainable.measurement.inputs import make_inputs
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.runtimes.process import Worker
from attainable.workload import load
from attainable.zoo import write

SESSION = """
import ctypes, os, sys, time

class Session:
    def call(self):
        {call}

def open_session(arguments):
    return Session(), {{}}
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """A way for a worker to go wrong.

    Attributes:
        call: what a run does.
        error: type of the error that reports it; empty where the worker answers as if nothing had happened.
        words: that the report must have.
        share: of all workers.
    """

    call: str
    error: str
    words: str
    share: float


FAULTS = {
    "segmentation fault": Fault("ctypes.string_at(0)", "WorkerCrashed", "died of SIGSEGV during 'run'", 0.4),
    "exit": Fault("os._exit(3)", "WorkerCrashed", "exited with code 3 during 'run'", 0.2),
    "garbage on stdout": Fault(r"os.write(1, b'\x00\xff{}\n' * 20000)", "", "", 0.1),
    "garbage on the channel": Fault(
        r"os.write(int(sys.argv[1]), b'\x7f\xff{}\n' * 100)", "WorkerCrashed", "broke the protocol", 0.1
    ),
    "eats memory": Fault(
        "eaten = []\n        while True: eaten.append(bytearray(2**26))", "RuntimeRefused", "ran out of memory", 0.1
    ),
    "hangs": Fault("time.sleep(1000)", "WorkerTimedOut", "no answer to 'run' within 1.00 s", 0.1),
}
MEMORY_BYTES = 2**30
LIMIT_SECONDS = 1.0


@contextmanager
def own_temporary_folder() -> Generator[Path]:
    """A folder that all temporary files of this process go to meanwhile."""
    with tempfile.TemporaryDirectory(prefix="attainable-faults-") as folder:
        before, tempfile.tempdir = tempfile.tempdir, folder
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = before


def session_files(folder: Path) -> dict[str, str]:
    """A session file for each fault."""
    files: dict[str, str] = {}
    for number, (name, fault) in enumerate(FAULTS.items()):
        path = folder / f"fault-{number}.py"
        path.write_text(SESSION.format(call=fault.call), encoding="utf-8")
        files[name] = str(path)
    return files


@dataclass(frozen=True, slots=True)
class Trial:
    """One worker: its process, what it was reported as, and how long it took to start."""

    process_id: int
    report: str
    is_right: bool
    start_seconds: float


def trial(name: str, file: str) -> Trial:
    """Start a worker, let it go wrong, and see how that is reported."""
    fault = FAULTS[name]
    start = time.perf_counter()
    with Worker(address_space_bytes=MEMORY_BYTES) as worker:
        worker.call("open", {"session_file": file}, deadline_seconds=60.0)
        started = time.perf_counter() - start
        error, words = "", ""
        deadline_seconds = LIMIT_SECONDS if name == "hangs" else 60.0
        try:
            worker.call("run", {"seconds": 0.0, "minimum": 1, "maximum": 1}, deadline_seconds=deadline_seconds)
        except RunError as caught:
            error, words = type(caught).__name__, caught.what
        return Trial(worker.process_id, f"{error}: {words}", error == fault.error and fault.words in words, started)


def trials(count: int, folder: Path) -> Iterator[tuple[str, Trial]]:
    """``count`` workers, the faults in turn by their shares."""
    files = session_files(folder)
    for name, fault in FAULTS.items():
        for _ in range(round(fault.share * count)):
            yield name, trial(name, files[name])


def left_over(processes: Sequence[int]) -> list[int]:
    """Those of these process groups that still have a member."""
    alive: list[int] = []
    for process in processes:
        try:
            os.killpg(process, 0)
        except (ProcessLookupError, PermissionError):
            continue
        alive.append(process)
    return alive


def onnxruntime_overheads(count: int) -> list[float]:
    """Seconds that starting a worker takes beyond importing onnxruntime, reading the file and loading the model."""
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "squeezenet.onnx"
        write("squeezenet1_1", path)
        workload = load(path)
        arrays = make_inputs(workload).arrays
        for _ in range(count):
            start = time.perf_counter()
            with RUNTIME.open(workload, arrays, threads=1, deadline_seconds=60.0) as session:
                wall = time.perf_counter() - start
                known = (session.loading.import_seconds or 0.0) + (session.loading.read_seconds or 0.0)
                seconds.append(wall - known - session.load_seconds)
    return seconds


def main() -> None:
    """Print the table."""
    count = int(os.environ.get("ATTAINABLE_WORKERS", "500"))
    reports: Counter[str] = Counter()
    wrong: list[str] = []
    found: list[Trial] = []
    with tempfile.TemporaryDirectory() as sessions, own_temporary_folder() as temporary:
        for name, each in trials(count, Path(sessions)):
            found.append(each)
            reports[name] += each.is_right
            wrong += [] if each.is_right else [f"{name}: {each.report}"]
        time.sleep(3.0)
        folders = len(list(temporary.iterdir()))
    for name, fault in FAULTS.items():
        print(f"{name:<28}{reports[name]:>5} of {round(fault.share * count):<5} reported for what they were")
    print(f"{'process groups left':<28}{len(left_over([each.process_id for each in found])):>5}   claim 0 after 3 s")
    print(f"{'folders left':<28}{folders:>5}   claim 0")
    print(f"{'bare worker starts in':<28}{median(each.start_seconds for each in found):>8.3f} s, median")
    overhead = median(onnxruntime_overheads(15))
    print(f"{'beyond onnxruntime itself':<28}{overhead:>8.3f} s, median; claim <= 0.4 s")
    for line in wrong[:10]:
        print(f"  wrong: {line}", file=sys.stderr)


if __name__ == "__main__":
    main()
