"""What comes from a host is a stranger's: too much, too late or nonsense is an error, never a flood or a traceback."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from attainable.errors import HostUnusable, RunError, RuntimeRefused, WorkerCrashed, WorkerTimedOut
from attainable.measurement import measure_workload
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.runtimes.remote import RemoteWorker, workers_at
from attainable.runtimes.remote.hosts import Host
from attainable.workload import load
from tests.runtimes.hosts import BOARD, fake_ssh
from tests.runtimes.nets import Net, image

AGENT = """
import json, os, struct, sys, time

def receive():
    (length,) = struct.unpack(">I", exactly(4))
    header = json.loads(exactly(length))
    return header, exactly(header["bytes"])

def exactly(length):
    parts = b""
    while len(parts) < length:
        part = os.read(0, length - len(parts))
        if not part:
            os._exit(0)
        parts += part
    return parts

def send(header, body=b""):
    text = json.dumps(header).encode()
    os.write(1, struct.pack(">I", len(text)) + text + body)

def good(result={}, **more):
    send({"bytes": 0, "result": result, **more})

good()
receive()
STARTED
while True:
    header, body = receive()
    if header["do"] != "call":
        ELSE
    elif json.loads(body)["request"] == "feed":
        send({"bytes": 13, "result": {}}, b'{"result":{}}')
    else:
        ANSWER
"""
STARTED = "good({'folder': '/there', 'process': 7})"


def hostile(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, answer: str = "good()", started: str = STARTED,
    otherwise: str = "good()",
) -> None:  # fmt: skip
    """A host that speaks the protocol, up to a point."""
    fake_ssh(folder, monkeypatch)
    text = AGENT.replace("STARTED", started).replace("ANSWER", answer).replace("ELSE", otherwise)
    (folder / "agent.py").write_text(text)
    monkeypatch.setattr("attainable.runtimes.remote.AGENT", folder / "agent.py")


def answered(text: str) -> str:
    return f"send({{'bytes': {len(text)}, 'result': {{}}}}, {text.encode()!r})"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("os.write(1, b'\\xff' * 100); time.sleep(9)", "the reply is longer than the protocol allows"),
        ("send({'bytes': 2**40, 'result': {}})", "the answer is longer than the protocol allows"),
        ("send({'bytes': -1, 'result': {}})", "a reply of fewer than no bytes"),
        ("send({'result': {}})", "bytes"),
        ("send([])", "neither a result nor an error"),
        ("send({'bytes': 0, 'result': 3})", "neither a result nor an error"),
        ("send({'bytes': float('inf'), 'result': {}})", "cannot convert float infinity"),
        ("good({'died': 3})", "not subscriptable"),
        ("good({'died': {'code': {}}})", "int"),
        ("text = b'[' * 100000; send({'bytes': len(text), 'result': {}}, text)", "recursion"),
        (answered("no json"), "Expecting value"),
        (answered("[]"), "neither a result nor an error"),
    ],
)
def test_what_is_no_answer_ends_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, reason: str
) -> None:
    hostile(tmp_path, monkeypatch, answer=answer)
    with RemoteWorker(BOARD, sys.executable) as worker:
        with pytest.raises(WorkerCrashed, match=rf"^worker on board: it broke the protocol during 'run' \(.*{reason}"):
            worker.call("run", {}, deadline_seconds=20.0)
        with pytest.raises(WorkerCrashed, match="the worker has ended"):
            worker.call("run", {}, deadline_seconds=20.0)
    assert not worker.folder.exists()


@pytest.mark.parametrize(
    ("started", "message"),
    [
        ("good({})", "broke the protocol during 'start'"),
        ("good({'folder': 'here', 'process': 7})", "its folder has no path"),
        ("good({'folder': '/a\\nb', 'process': 7})", "its folder has no path"),
        ("send({'bytes': 0, 'error': {'message': 'no\\x1b[31m room'}})", r"^board: no \[31m room"),
        ("os._exit(3)", "board: the connection ended during 'start'"),
    ],
)
def test_what_is_no_beginning_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: str, message: str
) -> None:
    hostile(tmp_path, monkeypatch, started=started)
    with pytest.raises(RunError, match=message):
        RemoteWorker(BOARD, sys.executable)


@pytest.mark.parametrize(
    "text",
    ["/etc/passwd", "/there/../up", "/there/a/b", "/there/.bashrc", "/there/", "/there/a\nb"],
)
def test_only_files_of_its_folder_are_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    hostile(tmp_path, monkeypatch, answer=answered(json.dumps({"result": {"file": text}})))
    with RemoteWorker(BOARD, sys.executable) as worker:
        before = sorted(worker.folder.rglob("*"))
        assert worker.call("run", {}, deadline_seconds=20.0) == {"file": text}
        assert sorted(worker.folder.rglob("*")) == before


def test_a_file_that_grows_on_the_way_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answered(json.dumps({"result": {"file": "/there/output"}}))
    hostile(tmp_path, monkeypatch, answer=answer, otherwise="send({'bytes': 2**40, 'result': {}})")
    with (
        RemoteWorker(BOARD, sys.executable) as worker,
        pytest.raises(WorkerCrashed, match="output is larger than was asked for"),
    ):
        worker.call("run", {}, deadline_seconds=20.0, most_bytes=100)


def test_a_file_that_is_named_and_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answered(json.dumps({"result": {"file": "/there/output"}}))
    hostile(tmp_path, monkeypatch, answer=answer, otherwise="good({'absent': True})")
    with RemoteWorker(BOARD, sys.executable) as worker, pytest.raises(WorkerCrashed, match="names files that are not"):
        worker.call("run", {}, deadline_seconds=20.0)


def test_a_profile_that_is_not_understood_leaves_the_run_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = json.dumps({"result": {"version": "1", "load_seconds": 1.0, "peak_rss_bytes": 1}})
    ran = json.dumps({"result": GOOD})
    other = json.dumps({"result": {}})
    answers = f"{{'open': {opened!r}, 'run': {ran!r}}}"
    choose = f"text = {answers}.get(json.loads(body)['request'], {other!r}).encode()"
    hostile(
        tmp_path, monkeypatch, answer=f"{choose}; send({{'bytes': len(text), 'result': {{}}}}, text)",
        otherwise="good({'files': {}, 'absent': True})",
    )  # fmt: skip
    net = Net()
    workload = net.load(tmp_path, [image()], net.op("Relu", "x"))
    run = measure_workload(workload, host=Host("board", sys.executable), check_outputs=False, time_budget_seconds=1.0)
    assert run.median_seconds == 0.1
    assert any(each.startswith("the profile failed, only whole runs are known: ") for each in run.warnings)
    assert run.host is not None
    assert run.host.conditions["cpu"] == "unknown"


def test_a_file_that_stops_on_the_way_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attainable.runtimes.remote._STALL_SECONDS", 0.5)
    answer = answered(json.dumps({"result": {"file": "/there/output"}}))
    hostile(tmp_path, monkeypatch, answer=answer, otherwise="send({'bytes': 50, 'result': {}}, b'half')")
    with RemoteWorker(BOARD, sys.executable) as worker, pytest.raises(RunError, match="no answer to 'fetch'") as fault:
        worker.call("run", {}, deadline_seconds=20.0, most_bytes=100)
    assert "--time-budget" not in fault.value.help


@pytest.mark.parametrize("path", ["etc/passwd", "proc/../etc/passwd", "/proc/stat", "proc/stat/x", "proc/./stat", ""])
def test_files_of_the_kernel_that_nobody_asked_for_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    told = f"good({{'files': {{{path!r}: 'x', 'proc/stat': 'y'}}}})"
    hostile(tmp_path, monkeypatch, otherwise=told)
    with RemoteWorker(BOARD, sys.executable) as worker:
        assert worker.read(["proc/stat", "proc/*"])[0] == {"proc/stat": "y"}


@pytest.mark.parametrize(
    "result",
    [
        {}, {"version": "1"}, {"version": "1", "load_seconds": "x", "peak_rss_bytes": 1},
        {"version": "1", "load_seconds": 1.0, "peak_rss_bytes": [1]},
        {"version": "1", "load_seconds": 1.0, "peak_rss_bytes": 1, "import_seconds": "x"},
        {"version": "1", "load_seconds": 1.0, "peak_rss_bytes": 1, "read_seconds": float("inf")},
        {"version": "1", "load_seconds": 1.0, "peak_rss_bytes": 1, "resident_loaded_bytes": "x"},
        {"version": "1", "load_seconds": 1.0, "peak_rss_bytes": 1, "resident_before_bytes": 10**400},
        {"version": "1", "load_seconds": -1.0, "peak_rss_bytes": 1},
    ],
)  # fmt: skip
def test_a_session_that_does_not_tell_what_it_should_is_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, result: dict[str, object]
) -> None:
    hostile(tmp_path, monkeypatch, answer=answered(json.dumps({"result": result})))
    net = Net()
    workload = load(net.load(tmp_path, [image()], net.op("Relu", "x")).provenance.path)
    inputs = {"x": np.zeros(workload.inputs[0].dims, np.float32)}
    with workers_at(BOARD) as workers, pytest.raises(WorkerCrashed, match="it broke the protocol during 'open'"):
        RUNTIME.open(workload, inputs, threads=1, deadline_seconds=20.0)
    assert not workers[0].folder.exists()


GOOD = {
    "wall_seconds": 1.0, "process_cpu_seconds": 1.0, "seconds": [0.1], "peak_rss_bytes": 1, "resident_bytes": 1,
    "usage": None, "periods": 0, "missed_periods": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": []}, {"seconds": [0.1] * 9}, {"seconds": [-1.0]}, {"seconds": [float("nan")]}, {"seconds": ["x"]},
        {"seconds": [float("inf")]}, {"seconds": 3}, {"wall_seconds": None}, {"usage": {"surplus": 3}},
        {"seconds": [0.0]}, {"wall_seconds": 0}, {"wall_seconds": float("nan")}, {"process_cpu_seconds": 1e300},
        {"usage": {"minor_faults": "x"}}, {"usage": {"minor_faults": -1}}, {"usage": 3}, {"missed_periods": 1},
        {"resident_bytes": -1}, {"peak_rss_bytes": 2**64},
    ],
)  # fmt: skip
def test_times_that_are_none_are_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, object]
) -> None:
    opened = json.dumps({"result": {"version": "1", "load_seconds": 1.0, "peak_rss_bytes": 1}})
    ran = json.dumps({"result": {**GOOD, **wrong}})
    choose = f"text = {opened.encode()!r} if json.loads(body)['request'] == 'open' else {ran.encode()!r}"
    hostile(tmp_path, monkeypatch, answer=f"{choose}; send({{'bytes': len(text), 'result': {{}}}}, text)")
    net = Net()
    workload = net.load(tmp_path, [image()], net.op("Relu", "x"))
    inputs = {"x": np.zeros(workload.inputs[0].dims, np.float32)}
    with workers_at(BOARD):
        remote = RUNTIME.open(workload, inputs, threads=1, deadline_seconds=20.0)
    with remote as session, pytest.raises(WorkerCrashed, match="it broke the protocol during 'run'"):
        session.run(seconds=0.0, minimum=1, maximum=3, deadline_seconds=20.0)


def test_a_login_shell_that_never_stops_talking_is_not_listened_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ssh(tmp_path, monkeypatch, before="exec yes talk")
    with pytest.raises(HostUnusable, match="board: no Python answers there; last words: talk"):
        RemoteWorker(BOARD, sys.executable)


def test_a_greeting_that_a_shell_made_up_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ssh(tmp_path, monkeypatch, before="echo attainable-0000000000000000 3.12; exit 0")
    with pytest.raises(HostUnusable, match="board: no Python answers there; last words: attainable-0000"):
        RemoteWorker(BOARD, sys.executable)


def test_an_interpreter_that_is_too_old_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "python"
    old.write_text(
        "#!/bin/sh\nexec " + sys.executable + ' -c "$(echo "$3" | sed "s/sys.version_info\\[:2\\]/(3, 8)/")"\n'
    )
    old.chmod(0o755)
    fake_ssh(tmp_path, monkeypatch)
    with pytest.raises(HostUnusable, match=f"board: {old} there is 3.8, a worker needs 3.10 or newer"):
        RemoteWorker(BOARD, str(old))


def test_files_of_an_answer_have_one_deadline_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attainable.runtimes.remote._STALL_SECONDS", 0.5)
    answer = answered(json.dumps({"result": {"files": [f"/there/{each}" for each in range(100)]}}))
    # Each of them comes in time: 100 of them take 10 s.
    hostile(tmp_path, monkeypatch, answer=answer, otherwise="time.sleep(0.1); send({'bytes': 1, 'result': {}}, b'x')")
    with RemoteWorker(BOARD, sys.executable) as worker, pytest.raises(WorkerTimedOut, match="no answer to 'fetch'"):
        worker.call("run", {}, deadline_seconds=20.0)


def test_more_files_than_an_answer_may_bring_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attainable.runtimes.remote._MOST_FILES", 3)
    answer = answered(json.dumps({"result": {"files": [f"/there/{each}" for each in "abcd"]}}))
    hostile(tmp_path, monkeypatch, answer=answer)
    with RemoteWorker(BOARD, sys.executable) as worker, pytest.raises(WorkerCrashed, match="more files than an answer"):
        worker.call("run", {}, deadline_seconds=20.0)


@pytest.mark.parametrize("name", ["given", "worker.log"])
def test_a_file_of_ours_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    answer = answered(json.dumps({"result": {"file": f"/there/{name}"}}))
    hostile(tmp_path, monkeypatch, answer=answer, otherwise="good()")
    with RemoteWorker(BOARD, sys.executable) as worker:
        given = worker.folder / "given"
        given.write_text("ours")
        with pytest.raises(WorkerCrashed, match=f"{name} is a file of ours"):
            worker.call("run", {"given": str(given)}, deadline_seconds=20.0)


def test_an_answer_that_is_both_a_result_and_an_error_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile(tmp_path, monkeypatch, answer=answered(json.dumps({"result": 3, "error": {"message": "no"}})))
    with RemoteWorker(BOARD, sys.executable) as worker, pytest.raises(RuntimeRefused, match="no"):
        worker.call("run", {}, deadline_seconds=20.0)


ARCHIVE, SHORT = io.BytesIO(), io.BytesIO()
np.savez(ARCHIVE, y=np.zeros(3))
np.save(SHORT, np.zeros(3))


@pytest.mark.parametrize(
    "content",
    [
        ARCHIVE.getvalue(), b"PK\x03\x04", b"", b"no array", SHORT.getvalue()[:-1], SHORT.getvalue()[:20],
        b"\x93NUMPY\x01\x00\x06\x00{'''\n\n",
    ],
)  # fmt: skip
def test_an_output_that_is_no_array_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    opened = json.dumps({"result": {"version": "1", "load_seconds": 1.0, "peak_rss_bytes": 1}})
    hostile(tmp_path, monkeypatch, answer=answered(opened))
    net = Net()
    workload = net.load(tmp_path, [image()], net.op("Relu", "x"))
    inputs = {"x": np.zeros(workload.inputs[0].dims, np.float32)}
    with workers_at(BOARD) as workers:
        remote = RUNTIME.open(workload, inputs, threads=1, deadline_seconds=20.0)
    with remote as session:
        file = workers[0].folder / "output-0.npy"
        file.write_bytes(content)
        monkeypatch.setattr(workers[0], "call", lambda *_, **__: {"outputs": {"y\x1b": str(file)}})  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
        with pytest.raises(RuntimeRefused, match=r"^worker on board: the file of its output 'y' holds no array"):
            session.compute(inputs, deadline_seconds=20.0)


@pytest.mark.parametrize(
    ("files", "available"),
    [
        # What this machine has says nothing of the host.
        ({"proc/meminfo": ""}, None),
        ({"proc/meminfo": "MemTotal: 8 kB"}, None),
        ({"proc/meminfo": "MemAvailable: 8 kB"}, 8192),
        ({"proc/meminfo": "MemAvailable: much kB"}, None),
        ({"proc/meminfo": f"MemAvailable: {'9' * 5000} kB"}, None),
        ({"proc/meminfo": "MemAvailable: 8 kB", "sys/fs/cgroup/memory.max": "9" * 5000}, 8192),
        ({"proc/meminfo": "MemAvailable:", "sys/fs/cgroup/memory.max": "9", "sys/fs/cgroup/memory.current": "4"}, 5),
        (
            {
                "proc/meminfo": "MemAvailable: 8 kB",
                "sys/fs/cgroup/memory.max": "9000",
                "sys/fs/cgroup/memory.current": "8900",
                "sys/fs/cgroup/memory.stat": "anon 5000\nfile 3000\ninactive_file 2000\nactive_file 900\nbroken\n",
            },
            3000,
        ),
    ],
)
def test_free_memory_is_that_of_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], available: int | None
) -> None:
    hostile(tmp_path, monkeypatch, otherwise=f"good({{'files': {files!r}}})")
    with RemoteWorker(BOARD, sys.executable) as worker:
        assert worker.available_memory_bytes() == available
