"""A worker behind a program called ssh: runtimes do not notice, every way to die is an error, nothing is left."""

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from attainable.errors import HostUnusable, RunError, RuntimeRefused, WorkerCrashed, WorkerTimedOut
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.runtimes.remote import AGENT, RemoteWorker, workers_at
from attainable.runtimes.remote.faults import install_command
from attainable.runtimes.remote.hosts import Host
from attainable.timing.memory import available_memory_bytes
from attainable.workload import Workload
from tests.processes import is_alive, wait_until_dead
from tests.runtimes.hosts import BOARD, fake_ssh
from tests.runtimes.nets import Net, image

SESSION = """
import ctypes, os, signal, subprocess, sys, time

class Session:
    def call(self):
        {call}

    def feed(self, arguments):
        {feed}

def open_session(arguments):
    {opening}
    return Session(), {{"version": "1", "load_seconds": 0.0}}
"""


@pytest.fixture(autouse=True)
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # The fake is the agent as well: to end it, however slow the machine is, leaves what it would have cleaned up.
    monkeypatch.setattr(RemoteWorker, "patience_seconds", 60.0)
    return fake_ssh(tmp_path, monkeypatch, before="echo 'Welcome to the board'; echo 'mind the gap' >&2")


@pytest.fixture
def worker() -> Generator[RemoteWorker]:
    with RemoteWorker(BOARD, sys.executable) as started:
        yield started


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    net = Net()
    first = net.op("Relu", net.batch_normalization(net.conv("x", 3, 16), 16))
    return net.load(tmp_path, [image()], net.op("Add", net.conv(first, 16, 16), first))


def open_session(
    worker: RemoteWorker, folder: Path, *, opening: str = "pass", call: str = "pass", feed: str = "return {}"
) -> dict[str, object]:
    path = folder / "session.py"
    path.write_text(SESSION.format(opening=opening, call=call, feed=feed))
    return worker.call("open", {"session_file": worker.place(path)}, deadline_seconds=20.0)


def run(worker: RemoteWorker, *, deadline_seconds: float = 20.0) -> dict[str, object]:
    request = {"seconds": 0.0, "minimum": 3, "maximum": 3}
    return worker.call("run", request, deadline_seconds=deadline_seconds)


def folder_there(worker: RemoteWorker) -> Path:
    """The worker's folder on the host, which is this machine."""
    return Path(worker.place(Path(__file__))).parent


def change_agent(folder: Path, monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
    """Workers to come have an agent that runs these lines before it begins."""
    main = 'if __name__ == "__main__":'
    agent = folder / "agent.py"
    agent.write_text(AGENT.read_text().replace(main, lines + main))
    monkeypatch.setattr("attainable.runtimes.remote.AGENT", agent)


def wait_until_gone(folder: Path) -> None:
    end = time.monotonic() + 30
    while folder.exists():
        assert time.monotonic() < end, f"{folder} is left: {list(folder.iterdir())}"
        time.sleep(0.01)


def test_a_runtime_does_not_notice_that_its_worker_is_elsewhere(workload: Workload) -> None:
    inputs = {"x": np.random.default_rng(1).normal(size=workload.inputs[0].dims).astype(np.float32)}
    with RUNTIME.open(workload, inputs, threads=1, deadline_seconds=60.0) as session:
        expected = session.compute(inputs, deadline_seconds=60.0)
    with workers_at(BOARD) as workers:
        remote = RUNTIME.open(workload, inputs, threads=1, deadline_seconds=60.0)
    with remote as session:
        assert [worker.process_id for worker in workers] == [session.process_id]
        found = session.compute(inputs, deadline_seconds=60.0)
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[name], expected[name]) for name in expected)
        # Other inputs are other files by the same name.
        zeros = {"x": np.zeros_like(inputs["x"])}
        [name] = expected
        assert not np.array_equal(session.compute(zeros, deadline_seconds=60.0)[name], expected[name])
        samples = session.run(seconds=0.0, minimum=5, maximum=5, deadline_seconds=60.0)
        assert len(samples.seconds) == 5
        assert samples.peak_rss_bytes > 2**20
        assert set(session.load_stages(deadline_seconds=60.0)) == {"parse", "optimise"}
        profile = session.profile(runs=3, deadline_seconds=60.0)
        assert {op for kernel in profile.kernels for op in kernel.ops} == {op.id for op in workload.ops}
        there = folder_there(workers[0])
        assert there != workers[0].folder
        assert there.is_dir()
    assert not there.exists()
    assert not workers[0].folder.exists()
    wait_until_dead([session.process_id])


def test_outside_the_block_workers_are_on_this_machine(workload: Workload, ssh: Path) -> None:
    inputs = {"x": np.zeros(workload.inputs[0].dims, np.float32)}
    with workers_at(None) as none:
        RUNTIME.open(workload, inputs, threads=1, deadline_seconds=60.0).__exit__(None, None, None)
    with workers_at(BOARD):
        pass
    RUNTIME.open(workload, inputs, threads=1, deadline_seconds=60.0).__exit__(None, None, None)
    assert none == []
    assert not (ssh / "arguments").exists()


def test_ssh_asks_nobody_and_gets_the_host_behind_two_dashes(worker: RemoteWorker, ssh: Path) -> None:
    arguments = (ssh / "arguments").read_text().splitlines()
    assert "-oBatchMode=yes" in arguments
    assert arguments[-3:-1] == ["--", "board"]
    assert arguments[-1].startswith(f"exec {sys.executable} -I -c 'import sys; ")


def test_the_worker_there_sees_the_standard_library_and_its_own_environment(
    worker: RemoteWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTAINABLE_TEST_SECRET", "secret")
    opening = 'sys.exit(repr((sys.flags.isolated, "attainable" in sys.modules, os.getcwd(), dict(os.environ))))'
    with RemoteWorker(BOARD, sys.executable) as other, pytest.raises(RuntimeRefused) as refusal:
        open_session(other, tmp_path, opening=opening)
    assert refusal.value.what.startswith("(1, False, '/")
    assert "secret" not in str(refusal.value)
    assert refusal.value.where == "worker on board"


def test_files_that_a_request_names_are_sent_and_those_of_its_answer_are_fetched(
    worker: RemoteWorker, tmp_path: Path
) -> None:
    feed = (
        "text = open(arguments['given']).read()\n        open(arguments['wanted'], 'w').write(text.upper())\n"
        "        open('told.txt', 'w').write(text * 2)\n        open('kept.txt', 'w').write(text)\n"
        "        return {'told': [os.path.join(os.getcwd(), 'told.txt')], 'text': text}"
    )
    open_session(worker, tmp_path, feed=feed)
    given, wanted = worker.folder / "given.txt", worker.folder / "wanted.txt"
    for text in ("some", "more"):
        given.write_text(text)
        answer = worker.call("feed", {"given": str(given), "wanted": str(wanted)}, deadline_seconds=20.0)
        assert answer == {"told": [str(worker.folder / "told.txt")], "text": text}
        assert wanted.read_text() == text.upper()
        assert (worker.folder / "told.txt").read_text() == text * 2
        assert not (worker.folder / "kept.txt").exists()
        wanted.unlink()


def test_a_file_that_was_not_written_is_not_there_here_either(worker: RemoteWorker, tmp_path: Path) -> None:
    open_session(worker, tmp_path)
    wanted = worker.folder / "wanted"
    assert worker.call("feed", {"wanted": str(wanted)}, deadline_seconds=20.0) == {}
    assert not wanted.exists()


def test_more_bytes_than_were_asked_for_are_not_fetched(worker: RemoteWorker, tmp_path: Path) -> None:
    feed = "open('big', 'w').write(1000 * 'x')\n        return {'file': os.path.join(os.getcwd(), 'big')}"
    open_session(worker, tmp_path, feed=feed)
    with pytest.raises(HostUnusable, match="board: big has 1000 bytes, no more than 999 were asked for"):
        worker.call("feed", {}, deadline_seconds=20.0, most_bytes=999)
    assert not (worker.folder / "big").exists()
    worker.call("feed", {}, deadline_seconds=20.0, most_bytes=1000)
    assert (worker.folder / "big").stat().st_size == 1000


@pytest.mark.parametrize(
    ("name", "make"),
    [("link", "os.symlink('/etc/passwd', 'link')"), ("pipe", "os.mkfifo('pipe')"), ("folder", "os.mkdir('folder')")],
)
def test_only_regular_files_are_fetched(worker: RemoteWorker, tmp_path: Path, name: str, make: str) -> None:
    open_session(worker, tmp_path, feed=f"{make}\n        return {{'file': os.path.join(os.getcwd(), {name!r})}}")
    with pytest.raises(HostUnusable, match=f"board: {name} is not a regular file"):
        worker.call("feed", {}, deadline_seconds=20.0)


def test_a_segmentation_fault_there_is_named_with_its_stage_and_the_last_words(
    worker: RemoteWorker, tmp_path: Path
) -> None:
    opening = 'print("about to fall", file=sys.stderr, flush=True); ctypes.string_at(0)'
    there = folder_there(worker)
    message = r"^worker on board: the worker died of SIGSEGV during 'open', peak memory .*, last words: .*about to fall"
    with pytest.raises(WorkerCrashed, match=message):
        open_session(worker, tmp_path, opening=opening)
    with pytest.raises(WorkerCrashed, match="the worker has ended before 'run'"):
        run(worker)
    wait_until_gone(there)


def test_a_silent_exit_there_is_a_crash(worker: RemoteWorker, tmp_path: Path) -> None:
    open_session(worker, tmp_path, call="os._exit(3)")
    with pytest.raises(WorkerCrashed, match="exited with code 3 during 'run'"):
        run(worker)


def test_an_endless_loop_there_ends_at_our_deadline(worker: RemoteWorker, tmp_path: Path) -> None:
    open_session(worker, tmp_path, call="\n        while True: pass")
    there, process = folder_there(worker), worker.process_id
    start = time.monotonic()
    with pytest.raises(WorkerTimedOut, match="worker on board: no answer to 'run' within 300 ms"):
        run(worker, deadline_seconds=0.3)
    assert time.monotonic() - start < 60
    wait_until_dead([process])
    wait_until_gone(there)


def test_prints_there_do_not_disturb_the_protocol(worker: RemoteWorker, tmp_path: Path) -> None:
    call = 'os.write(1, b"\\x00\\xff" * 70000); os.write(2, b"{}"); print("text")'
    open_session(worker, tmp_path, call=call)
    assert len(str(run(worker)["seconds"])) > 3


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_when_the_connection_is_killed_nothing_is_left_there(
    worker: RemoteWorker, tmp_path: Path, ssh: Path, end: signal.Signals
) -> None:
    note = tmp_path / "grandchild"
    call = (
        f"child = subprocess.Popen(['sleep', '600'])\n        open({str(note)!r}, 'w').write(str(child.pid))\n"
        f"        os.kill(int(open({str(ssh / 'process')!r}).read()), {int(end)})\n        time.sleep(600)"
    )
    open_session(worker, tmp_path, call=call)
    there, process = folder_there(worker), worker.process_id
    # The fake becomes the agent itself: SIGKILL takes it away before it can do anything.
    with pytest.raises(RunError, match=r"board: the connection ended during 'run'") as fault:
        run(worker)
    assert "nothing is left" not in fault.value.help
    assert "15 minutes" in fault.value.help
    wait_until_dead([process])
    if end is signal.SIGTERM:
        wait_until_dead([int(note.read_text())])
        wait_until_gone(there)
    else:
        os.kill(int(note.read_text()), signal.SIGKILL)
        for leftover in sorted(there.rglob("*"), reverse=True):
            leftover.rmdir() if leftover.is_dir() else leftover.unlink()
        there.rmdir()


def test_when_our_end_closes_during_a_run_nothing_is_left_there(worker: RemoteWorker, tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    opening = f"open({str(note)!r}, 'w').write(str(subprocess.Popen(['sleep', '600']).pid))"
    open_session(worker, tmp_path, opening=opening, call="time.sleep(600)")
    there, process = folder_there(worker), worker.process_id
    with pytest.raises(WorkerTimedOut):
        run(worker, deadline_seconds=1.0)
    wait_until_dead([process, int(note.read_text())])
    wait_until_gone(there)


@pytest.mark.parametrize("moment", ["close", "_end"])
def test_a_signal_that_comes_while_the_agent_cleans_up_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    late = f"""
usual = Agent.{moment}

def signalled(self):
    Agent.{moment} = usual
    os.kill(os.getpid(), signal.SIGTERM)
    return usual(self)

Agent.{moment} = signalled
"""
    change_agent(tmp_path, monkeypatch, late)
    note = tmp_path / "grandchild"
    opening = f"open({str(note)!r}, 'w').write(str(subprocess.Popen(['sleep', '600']).pid))"
    with RemoteWorker(BOARD, sys.executable) as worker:
        open_session(worker, tmp_path, opening=opening)
        there = folder_there(worker)
    wait_until_dead([worker.process_id, int(note.read_text())])
    wait_until_gone(there)


def test_a_runtime_that_the_host_lacks(worker: RemoteWorker, tmp_path: Path) -> None:
    with pytest.raises(HostUnusable) as fault:
        open_session(worker, tmp_path, opening="import no_such_runtime")
    assert fault.value.what == f"no_such_runtime is not installed for {sys.executable} there"
    assert fault.value.help == 'name its Python in config.toml: [hosts.board] python = "/path/to/python3"'


def test_a_command_that_is_advised_has_our_packages_and_no_word_of_the_host(tmp_path: Path) -> None:
    opening = "raise ModuleNotFoundError('x', name='x; touch pwned')"
    packages = ("our package>=1,<2", "numpy")
    host = Host("ssh://me@[::1]:22")
    with RemoteWorker(host, sys.executable, packages) as worker, pytest.raises(HostUnusable) as fault:
        open_session(worker, tmp_path, opening=opening)
    assert "pwned" not in fault.value.help
    assert fault.value.help.endswith(
        """: ssh 'ssh://me@[::1]:22' "python3 -m venv ~/measure && ~/measure/bin/pip install """
        """'our package>=1,<2' numpy"; then in config.toml: [hosts."[::1]:22"] python = "~/measure/bin/python\""""
    )


@pytest.mark.parametrize("package", ["plain", "a>=1,<2", "$(touch pwned)", 'a"b', "a'b", "a`b`", "a\\b", "a!b"])
def test_a_shell_there_gets_each_package_as_one_word(package: str) -> None:
    words = shlex.split(install_command("board", (package, "numpy")))
    assert words[:2] == ["ssh", "board"]
    assert shlex.split(words[2])[-3:] == ["install", package, "numpy"]


def test_a_program_that_is_no_python_is_tried_as_one_word(ssh: Path) -> None:
    (ssh / "ssh").write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(HostUnusable) as fault:
        RemoteWorker(BOARD, "/no {such}/$(python)")
    assert shlex.split(fault.value.help.removeprefix("try: ssh board ")) == ["'/no {such}/$(python)' --version"]


def test_a_host_that_tells_nothing_in_time_is_no_matter_of_the_budget(
    worker: RemoteWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attainable.runtimes.remote._STALL_SECONDS", 0.0)
    with pytest.raises(WorkerTimedOut, match="no answer to 'read'") as fault:
        worker.read(["proc/stat"])
    assert fault.value.help == "check the connection, and what else runs there: ssh board uptime"


def test_a_folder_that_the_host_lacks() -> None:
    with pytest.raises(HostUnusable, match="board: No such file or directory"):
        RemoteWorker(Host("board", folder="/no/such/folder"), sys.executable)


def test_temporary_files_go_where_the_configuration_says(tmp_path: Path) -> None:
    with RemoteWorker(Host("board", folder=str(tmp_path)), sys.executable) as worker:
        assert folder_there(worker).parent == tmp_path


def test_memory_there_is_limited_by_what_is_free_there(worker: RemoteWorker, tmp_path: Path) -> None:
    available = worker.available_memory_bytes()
    assert available is not None
    opening = "import resource; raise ValueError(str(resource.getrlimit(resource.RLIMIT_DATA)[0]))"
    with pytest.raises(RuntimeRefused) as told:
        open_session(worker, tmp_path, opening=opening)
    later = available_memory_bytes()
    assert later is not None
    # nine tenths of what was free; other programs, other tests among them, come and go meanwhile
    assert 0.3 * min(available, later) < int(told.value.what) < 2.0 * max(available, later)


def test_an_answer_there_that_is_too_long_is_an_error(worker: RemoteWorker, tmp_path: Path) -> None:
    open_session(worker, tmp_path, feed="return {'fed': 'x' * 2**24}")
    with pytest.raises(RuntimeRefused, match="the answer is too long"):
        worker.call("feed", {}, deadline_seconds=20.0)


def test_kernel_files_are_read_there_and_no_others(worker: RemoteWorker) -> None:
    files, facts = worker.read(["proc/loadavg", "proc/self/stat*", "proc/no/such/file"])
    assert files.keys() >= {"proc/loadavg", "proc/self/stat", "proc/self/status"}
    assert all(path.startswith(("proc/loadavg", "proc/self/stat")) for path in files)
    assert facts["processors"] == sorted(os.sched_getaffinity(0))
    assert json.dumps(facts)


def test_the_agent_gives_up_when_nobody_asks_anything(
    worker: RemoteWorker, tmp_path: Path, ssh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # only then: before, this process may be slower to ask
    shortened = """
usual = Agent.put

def put(self, name, size):
    global _IDLE_SECONDS
    _IDLE_SECONDS = 0.3
    return usual(self, name, size)

Agent.put = put
"""
    change_agent(tmp_path, monkeypatch, shortened)
    with RemoteWorker(BOARD, sys.executable) as idle:
        there = folder_there(idle)
        wait_until_gone(there)
        with pytest.raises(HostUnusable, match="the connection ended during 'run'"):
            run(idle)
    assert is_alive(worker.process_id)
