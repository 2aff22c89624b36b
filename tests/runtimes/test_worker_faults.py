"""A short run of ``python -m benchmarks worker_faults``: every fault is reported for what it was, nothing is left."""

import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from attainable.errors import RuntimeRefused, WorkerTimedOut
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.runtimes.process import SESSIONS, Worker
from attainable.timing.memory import available_memory_bytes
from attainable.workload import load
from benchmarks.worker_faults import FAULTS, left_over, own_temporary_folder, trials
from tests.models import value
from tests.runtimes.loops import doubling_loop, endless_loop
from tests.transforms.nets import Net

COUNT = 20


def test_faulty_workers_in_a_row_are_reported_for_what_they_were_and_leave_nothing(tmp_path: Path) -> None:
    with own_temporary_folder() as temporary:
        found = list(trials(COUNT, tmp_path))
        end = time.monotonic() + 30  # the benchmark says how soon; here a loaded machine takes its time
        while (left := left_over([each.process_id for _, each in found])) and time.monotonic() < end:
            time.sleep(0.05)
        assert left == []
        assert list(temporary.iterdir()) == []
    assert [f"{name}: {each.report}" for name, each in found if not each.is_right] == []
    # 0.4, 0.2, 0.1, 0.1, 0.1 and 0.1 of 20
    assert Counter(name for name, _ in found) == dict(zip(FAULTS, (8, 4, 2, 2, 2, 2), strict=True))


def test_an_endless_loop_in_a_model_ends_at_the_deadline(tmp_path: Path) -> None:
    workload = load(endless_loop(tmp_path))
    inputs = {"x": np.ones(1024, np.float32)}
    with RUNTIME.open(workload, inputs, threads=1, deadline_seconds=60.0) as session:
        with pytest.raises(WorkerTimedOut, match=r"no answer to 'run' within 1.00 s"):
            session.run(seconds=0.0, minimum=1, maximum=1, deadline_seconds=1.0)
        assert left_over([session.process_id]) == []


def test_a_loop_that_doubles_its_tensor_ends_at_the_limit_of_memory(tmp_path: Path) -> None:
    path = doubling_loop(tmp_path, elements=2**18)
    np.save(tmp_path / "x.npy", np.ones(2**18, np.float32))
    arguments = {
        "session_file": str(SESSIONS / "onnxruntime_session.py"),
        "model": str(path),
        "threads": 1,
        "optimised": True,
    }
    fed = {"x": {"file": str(tmp_path / "x.npy"), "dtype": "float32"}}
    with Worker(address_space_bytes=2 * 2**30) as worker:
        worker.call("open", {**arguments, "dimensions": {}}, deadline_seconds=60.0)
        worker.call("feed", {"inputs": fed}, deadline_seconds=60.0)
        with pytest.raises(RuntimeRefused, match=r"(?i)alloc|memory"):
            worker.call("run", {"seconds": 0.0, "minimum": 1, "maximum": 1}, deadline_seconds=60.0)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_no_worker_may_take_more_memory_than_is_free(tmp_path: Path) -> None:
    file = tmp_path / "session.py"
    file.write_text("import resource\ndef open_session(arguments):\n    raise ValueError(limit())\n")
    file.write_text(file.read_text() + "def limit(): return str(resource.getrlimit(resource.RLIMIT_DATA)[0])\n")
    available = available_memory_bytes()
    with Worker() as worker, pytest.raises(RuntimeRefused) as told:
        worker.call("open", {"session_file": str(file)}, deadline_seconds=60.0)
    later = available_memory_bytes()
    assert available is not None
    assert later is not None
    # nine tenths of what was free; other programs, other tests among them, come and go meanwhile
    assert 0.3 * min(available, later) < int(told.value.what) < 2.0 * max(available, later)


@pytest.mark.skipif(sys.platform != "linux", reason="the system's own figure is in /proc")
def test_peak_memory_is_what_the_system_says(tmp_path: Path) -> None:
    net = Net()
    # 64 MiB of activations, which are nowhere before the run
    path = net.save(tmp_path, [value("x", [1, 2**12])], net.op("MatMul", net.weight(2**12, 1), "x"))
    workload = load(path)
    with RUNTIME.open(workload, {"x": np.ones((1, 2**12), np.float32)}, threads=1, deadline_seconds=60.0) as session:
        samples = session.run(seconds=0.0, minimum=3, maximum=3, deadline_seconds=60.0)
        status = Path(f"/proc/{session.process_id}/status").read_text()
        peak = 1024 * int(status.partition("VmHWM:")[2].split()[0])
    assert samples.peak_rss_bytes == pytest.approx(peak, rel=0.01)
    assert session.loading.resident_before_bytes is not None
    assert samples.peak_rss_bytes - session.loading.resident_before_bytes >= 60 * 2**20
