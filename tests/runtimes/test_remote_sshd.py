"""A worker behind a real sshd on this machine: results are right, refusals have reasons, nothing is left."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from attainable.errors import HostUnusable
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.runtimes.remote import RemoteWorker, workers_at
from attainable.runtimes.remote.hosts import Host
from attainable.workload import load
from tests.processes import wait_until_dead
from tests.runtimes.hosts import BOARD, sshd
from tests.runtimes.test_remote_model import model_with_weights_beside
from tests.runtimes.test_remote_worker import folder_there, open_session, run, wait_until_gone


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    with sshd(tmp_path_factory.mktemp("sshd")) as configuration:
        yield configuration


@pytest.fixture(autouse=True)
def ssh(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTAINABLE_SSH_CONFIG", str(server))


def test_a_network_with_its_weights_in_other_files_runs_there(tmp_path: Path) -> None:
    workload = load(model_with_weights_beside(tmp_path, "weights/all.bin"))
    assert workload.provenance.external_bytes > 0
    inputs = {"x": np.random.default_rng(1).normal(size=workload.inputs[0].dims).astype(np.float32)}
    with RUNTIME.open(workload, inputs, threads=1, deadline_seconds=60.0) as session:
        expected = session.compute(inputs, deadline_seconds=60.0)
    with workers_at(BOARD) as workers:
        remote = RUNTIME.open(workload, inputs, threads=1, deadline_seconds=60.0)
    with remote as session:
        found = session.compute(inputs, deadline_seconds=60.0)
        assert all(np.array_equal(found[name], expected[name]) for name in expected)
        assert session.profile(runs=3, deadline_seconds=60.0).kernels
        there = folder_there(workers[0])
        assert (there / "model/weights/all.bin").read_bytes() == (tmp_path / "weights/all.bin").read_bytes()
    assert not there.exists()
    wait_until_dead([session.process_id])


def test_large_files_go_there_and_come_back(tmp_path: Path) -> None:
    feed = (
        "import shutil\n        shutil.copy(arguments['given'], 'copy')\n"
        "        return {'copy': os.path.join(os.getcwd(), 'copy')}"
    )
    with RemoteWorker(BOARD, sys.executable) as worker:
        open_session(worker, tmp_path, feed=feed)
        given = worker.folder / "given"
        given.write_bytes(os.urandom(2**20) * 40)
        worker.call("feed", {"given": str(given)}, deadline_seconds=60.0)
        assert (worker.folder / "copy").read_bytes() == given.read_bytes()


LINGER = """child = subprocess.Popen(['sleep', '600'])
        open({note!r}, 'w').write(str(child.pid))
        os.kill({process}, {number})
        time.sleep(600)"""


def test_when_ssh_is_killed_during_a_run_nothing_is_left_there(tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    with RemoteWorker(BOARD, sys.executable) as worker:
        # The only child that has a connection: the worker there kills it.
        ssh = only_child(os.getpid())
        call = LINGER.format(note=str(note), process=ssh, number=int(signal.SIGKILL))
        open_session(worker, tmp_path, call=call)
        there, process = folder_there(worker), worker.process_id
        with pytest.raises(HostUnusable, match="board: the connection ended during 'run'"):
            run(worker)
    wait_until_dead([ssh, process, int(note.read_text())])
    wait_until_gone(there)
    assert not worker.folder.exists()


def test_when_we_die_nothing_is_left_there(tmp_path: Path) -> None:
    note = tmp_path / "grandchild"
    call = LINGER.format(note=str(note), process="os.getpid()", number=0)
    parent = (
        "import os, sys, threading, time\nfrom pathlib import Path\n"
        "from tests.runtimes.test_remote_sshd import BOARD, RemoteWorker, folder_there, open_session, run\n"
        "worker = RemoteWorker(BOARD, sys.executable)\n"
        f"open_session(worker, Path({str(tmp_path)!r}), call={call!r})\n"
        "print(worker.process_id, folder_there(worker), worker.folder, flush=True)\n"
        "threading.Thread(target=run, args=(worker,), daemon=True).start()\n"
        f"while not Path({str(note)!r}).exists() or not Path({str(note)!r}).read_text(): time.sleep(0.01)\n"
        "os._exit(0)\n"
    )
    finished = subprocess.run([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, check=True)
    process, there, here = finished.stdout.split()
    wait_until_dead([int(process), int(note.read_text())])
    wait_until_gone(Path(there))
    for leftover in Path(here).iterdir():
        leftover.unlink()
    Path(here).rmdir()


@pytest.mark.parametrize(
    ("host", "what", "help"),
    [
        ("unknown", "its host key is not known here, or is another than it was; last words: Host key", "ssh unknown"),
        ("stranger", "it refuses the login; last words: .*Permission denied", "ssh-copy-id stranger"),
        ("closed", "no ssh server answers there; last words: .*Connection refused", "at which port it is"),
        ("nowhere", "no machine has this name; last words: .*Could not resolve", "check the name"),
    ],
)
def test_what_ssh_refuses_says_what_to_do(host: str, what: str, help: str) -> None:
    with pytest.raises(HostUnusable, match=rf"^{host}: {what}") as fault:
        RemoteWorker(Host(host), "python3")
    assert help in fault.value.help


@pytest.mark.parametrize(
    ("python", "what"),
    [
        ("/no/such/python3", "there is no /no/such/python3 that can be started; last words: .*No such file"),
        ("no such $(python)", r"there is no no such \$\(python\) that can be started"),
        ("~/no such python", "there is no ~/no such python that can be started"),
        ("/bin/true", "no Python answers there"),
        ("/etc/passwd", "there is no /etc/passwd that can be started; last words: .*Permission denied"),
    ],
)
def test_an_interpreter_that_cannot_be_used_there(python: str, what: str) -> None:
    with pytest.raises(HostUnusable, match=f"^board: {what}"):
        RemoteWorker(BOARD, python)


def only_child(process: int) -> int:
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    [found] = [child for child in children if Path(f"/proc/{child}/comm").read_text().strip() == "ssh"]
    return int(found)
