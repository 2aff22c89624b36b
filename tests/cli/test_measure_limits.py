"""``attainable measure`` on models that never end or eat all memory: a typed error in time, and nothing is left."""

from pathlib import Path

import pytest

from attainable.errors import RunError
from attainable.runtimes import worker_session
from attainable.runtimes.process import Worker
from benchmarks.worker_faults import left_over, own_temporary_folder
from tests.cli.shown import Command
from tests.runtimes.loops import doubling_loop, endless_loop


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processes of the workers, each of which may take 3 GiB of address space."""
    started: list[int] = []

    def limited(*, interpreter: str | None = None) -> Worker:
        worker = Worker(interpreter=interpreter, address_space_bytes=3 * 2**30)
        started.append(worker.process_id)
        return worker

    monkeypatch.setattr(worker_session, "Worker", limited)
    return started


def test_an_endless_loop_is_ended_at_the_deadline(
    attainable: Command, workers: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attainable.measurement.measure._DEADLINE_SECONDS", 5.0)
    with own_temporary_folder() as temporary:
        shown = attainable("measure", endless_loop(tmp_path), "--time-budget", "1s")
        assert list(temporary.iterdir()) == []
    assert (shown.code, shown.out) == (RunError.exit_code, "")
    assert "no answer to '" in shown.err
    assert "within 5.00 s" in shown.err
    assert "--time-budget" in shown.err
    assert workers
    assert left_over(workers) == []


def test_a_loop_that_doubles_its_tensor_is_refused_for_its_memory(
    attainable: Command, workers: list[int], tmp_path: Path
) -> None:
    with own_temporary_folder() as temporary:
        shown = attainable("measure", doubling_loop(tmp_path, elements=2**18), "--time-budget", "1s")
        assert list(temporary.iterdir()) == []
    assert (shown.code, shown.out) == (RunError.exit_code, "")
    assert "memory" in shown.err.lower() or "alloc" in shown.err.lower()
    assert "Traceback" not in shown.err
    assert workers
    assert left_over(workers) == []
