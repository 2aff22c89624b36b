"""The worker process: every way to die becomes a typed error, and no process is left."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from attainable.errors import RuntimeRefused, WorkerCrashed, WorkerTimedOut
from attainable.runtimes.process import Worker
from tests.processes import wait_until_dead

SESSION = """
import ctypes, os, signal, subprocess, sys, time

class Session:
    def call(self):
        {call}

    def feed(self, arguments):
        return {{"fed": "x" * arguments["length"]}}

def open_session(arguments):
    {opening}
    return Session(), {{"version": "1"}}
"""


def session_file(folder: Path, *, opening: str = "pass", call: str = "pass") -> str:
    path = folder / "session.py"
    path.write_text(SESSION.format(opening=opening, call=call))
    return str(path)


def open_worker(worker: Worker, file: str, *, deadline_seconds: float = 60.0) -> dict[str, object]:
    return worker.call("open", {"session_file": file}, deadline_seconds=deadline_seconds)


def run(worker: Worker, *, runs: int = 3, deadline_seconds: float = 60.0) -> dict[str, Any]:
    request = {"seconds": 0.0, "minimum": runs, "maximum": runs}
    return worker.call("run", request, deadline_seconds=deadline_seconds)


def test_calls_are_timed_one_by_one(tmp_path: Path) -> None:
    with Worker() as worker:
        assert open_worker(worker, session_file(tmp_path, call="time.sleep(0.01)"))["version"] == "1"
        answer = run(worker, runs=5)
        assert len(answer["seconds"]) == 5
        assert all(seconds >= 0.01 for seconds in answer["seconds"])
        assert sum(answer["seconds"]) <= answer["wall_seconds"]
        folder, process = worker.folder, worker.process_id
    assert not folder.exists()
    wait_until_dead([process])


def test_the_worker_sees_only_the_standard_library_and_its_own_environment(tmp_path: Path) -> None:
    opening = 'print("ours" if "attainable" in sys.modules else "alone", sys.flags.isolated); sys.exit(str(os.environ))'
    os.environ["ATTAINABLE_TEST_SECRET"] = "secret"  # noqa: S105
    try:
        with Worker() as worker, pytest.raises(RuntimeRefused) as refusal:
            open_worker(worker, session_file(tmp_path, opening=opening))
        assert "secret" not in str(refusal.value)
        assert "OPENBLAS_NUM_THREADS" in str(refusal.value)
    finally:
        del os.environ["ATTAINABLE_TEST_SECRET"]


def test_a_segmentation_fault_is_named_with_its_stage_and_the_last_words(tmp_path: Path) -> None:
    opening = 'print("about to fall", file=sys.stderr, flush=True); ctypes.string_at(0)'
    with Worker() as worker:
        with pytest.raises(
            WorkerCrashed, match=r"worker: the worker died of SIGSEGV during 'open'.*last words: about to fall"
        ):
            open_worker(worker, session_file(tmp_path, opening=opening))
        with pytest.raises(WorkerCrashed, match="the worker has ended before 'run'"):
            run(worker)
    wait_until_dead([worker.process_id])


def test_a_silent_exit_is_a_crash(tmp_path: Path) -> None:
    with Worker() as worker, pytest.raises(WorkerCrashed, match="exited with code 3 during 'run'"):
        open_worker(worker, session_file(tmp_path, call="os._exit(3)"))
        run(worker)


def test_an_endless_loop_ends_at_the_deadline(tmp_path: Path) -> None:
    start = time.monotonic()
    with Worker() as worker, pytest.raises(WorkerTimedOut, match="no answer to 'run' within 300 ms"):
        open_worker(worker, session_file(tmp_path, call="\n        while True: pass"))
        run(worker, deadline_seconds=0.3)
    assert time.monotonic() - start < 60
    wait_until_dead([worker.process_id])


def test_a_worker_that_ignores_termination_is_killed(tmp_path: Path) -> None:
    opening = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    with Worker() as worker, pytest.raises(WorkerTimedOut):
        open_worker(worker, session_file(tmp_path, opening=opening, call="time.sleep(60)"))
        run(worker, deadline_seconds=0.2)
    wait_until_dead([worker.process_id])


def test_prints_do_not_disturb_the_protocol(tmp_path: Path) -> None:
    call = 'os.write(1, b"\\x00\\xff" * 70000); os.write(2, b"{}"); print("text")'
    with Worker() as worker:
        open_worker(worker, session_file(tmp_path, call=call))
        assert len(run(worker)["seconds"]) == 3


@pytest.mark.parametrize("leave", ["time.sleep(60)", "os._exit(0)", "pass"])
def test_grandchildren_do_not_outlive_the_worker(tmp_path: Path, leave: str) -> None:
    note = tmp_path / "grandchild"
    # Forked without a new program, it even holds the worker's end of the channel open.
    fork = "grandchild = os.fork()\n    if grandchild == 0: time.sleep(60)"
    opening = f"{fork}\n    open({str(note)!r}, 'w').write(str(grandchild))"
    with Worker() as worker:
        open_worker(worker, session_file(tmp_path, opening=opening, call=leave))
        try:
            # who does not sleep has all the time that a loaded machine needs
            run(worker, runs=1, deadline_seconds=0.3 if "sleep" in leave else 60.0)
        except (WorkerTimedOut, WorkerCrashed) as error:
            assert leave != "pass", error
    wait_until_dead([int(note.read_text())])
    wait_until_dead([worker.process_id])


def test_an_interrupt_while_a_worker_is_waited_for_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    note = tmp_path / "grandchild"
    opening = f"open({str(note)!r}, 'w').write(str(subprocess.Popen(['sleep', '60']).pid))"
    worker = Worker()
    open_worker(worker, session_file(tmp_path, opening=opening))
    os.kill(worker.process_id, signal.SIGSTOP)  # it does not leave when it is hung up on
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("attainable.runtimes.process.time.sleep", interrupt)
        worker.close()
    wait_until_dead([worker.process_id, int(note.read_text())])
    assert not worker.folder.exists()


def test_an_exception_is_a_refusal_on_one_printable_line(tmp_path: Path) -> None:
    opening = 'raise ValueError("bad\\n\\x1b[31mmodel" + 999 * "!")'
    with Worker() as worker:
        with pytest.raises(RuntimeRefused) as refusal:
            open_worker(worker, session_file(tmp_path, opening=opening))
        assert refusal.value.what.startswith("bad [31mmodel!!!")
        assert refusal.value.what.endswith("!...")
        assert len(refusal.value.what) == 400
        # The worker has survived it.
        assert open_worker(worker, session_file(tmp_path))["version"] == "1"


def test_a_missing_runtime_says_what_to_install(tmp_path: Path) -> None:
    with Worker() as worker, pytest.raises(RuntimeRefused, match="no_such_runtime is not installed") as refusal:
        open_worker(worker, session_file(tmp_path, opening="import no_such_runtime"))
    assert refusal.value.help == "pip install no_such_runtime"


def test_memory_can_be_limited(tmp_path: Path) -> None:
    with (
        Worker(address_space_bytes=512 * 2**20) as worker,
        pytest.raises(RuntimeRefused, match="the runtime ran out of memory"),
    ):
        open_worker(worker, session_file(tmp_path, opening="bytearray(2**30)"))


def test_an_interpreter_that_does_not_exist_is_refused() -> None:
    with pytest.raises(RuntimeRefused, match="/no/such/python: the interpreter cannot be started: No such file"):
        Worker(interpreter="/no/such/python")


def test_a_full_disk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(RuntimeRefused, match="no folder can be made for the worker: No space left on device"):
        Worker()


def test_a_program_that_is_no_python_breaks_the_protocol() -> None:
    with Worker(interpreter="/bin/true") as worker, pytest.raises(WorkerCrashed, match="exited with code 0"):
        open_worker(worker, "session.py")


def test_an_answer_that_is_too_long_is_an_error_and_not_a_flood(tmp_path: Path) -> None:
    with Worker() as worker, pytest.raises(RuntimeRefused, match="the answer is too long"):
        open_worker(worker, session_file(tmp_path))
        worker.call("feed", {"length": 2**24}, deadline_seconds=60.0)


def test_the_worker_dies_with_its_parent(tmp_path: Path) -> None:
    parent = (
        "import os, sys\nfrom attainable.runtimes.process import Worker\n"
        f"worker = Worker()\nworker.call('open', {{'session_file': {session_file(tmp_path)!r}}}, deadline_seconds=60)\n"
        "print(worker.process_id, worker.folder, flush=True)\nos._exit(0)\n"
    )
    finished = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=True)
    process, folder = finished.stdout.split()
    wait_until_dead([int(process)])
    for leftover in Path(folder).iterdir():
        leftover.unlink()
    Path(folder).rmdir()
