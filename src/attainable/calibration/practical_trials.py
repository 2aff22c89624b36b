"""Runs small models one after the other in one worker: starting one for each would take longer than the runs."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy

from attainable.measurement.inputs import make_inputs
from attainable.runtimes.process import SESSIONS, Worker
from attainable.workload.graph import Workload

_SESSION_FILE = SESSIONS / "onnxruntime_session.py"
_DEADLINE_SECONDS = 30.0
_MOST_RUNS = 10_000


@dataclass(frozen=True, slots=True)
class Trial:
    """Consecutive runs of a model.

    Attributes:
        seconds: of each run.
        version: of the runtime.
    """

    seconds: tuple[float, ...]
    version: str


class Bench:
    """A worker for as long as a ``with`` block lasts; one that failed is replaced for the next trial."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._fed: dict[str, dict[str, dict[str, str]]] = {}

    def trial(self, workload: Workload, *, threads: int, seconds: float) -> Trial:
        """Load the workload's model and run it: once to warm up, then for ``seconds``.

        Raises:
            RuntimeRefused: the runtime is not installed, or does not accept the model.
            WorkerCrashed, WorkerTimedOut: the worker died or did not answer.
        """
        worker = self._worker = self._worker or Worker()
        try:
            opened = _ask(
                worker, "open", session_file=str(_SESSION_FILE), threads=threads, dimensions={},
                model=str(Path(workload.provenance.path).resolve()),
            )  # fmt: skip
            _ask(worker, "feed", inputs=self._inputs(workload, worker.folder))
            _ask(worker, "run", seconds=0.0, minimum=1, maximum=1)
            answer = _ask(worker, "run", seconds=seconds, minimum=1, maximum=_MOST_RUNS)
        except BaseException:
            # What a worker holds after a fault nobody knows.
            self._end()
            raise
        return Trial(tuple(answer["seconds"]), str(opened["version"]))

    def _inputs(self, workload: Workload, folder: Path) -> dict[str, dict[str, str]]:
        """Files with the inputs of a model, written when it first runs in this worker."""
        model = workload.provenance.path
        if model not in self._fed:
            arrays = make_inputs(workload).arrays
            files: dict[str, dict[str, str]] = {}
            for number, tensor in enumerate(workload.inputs):
                path = folder / f"model-{len(self._fed)}-input-{number}.npy"
                numpy.save(path, arrays[tensor.name], allow_pickle=False)
                files[tensor.name] = {"file": str(path), "dtype": tensor.dtype}
            self._fed[model] = files
        return self._fed[model]

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.close()
        self._worker = None
        self._fed.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()


def _ask(worker: Worker, request: str, **arguments: object) -> dict[str, Any]:
    return worker.call(request, arguments, deadline_seconds=_DEADLINE_SECONDS)
