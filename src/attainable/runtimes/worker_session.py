"""What all runtimes share on this side of the worker: opening it, feeding it, timing it, comparing nothing.

A runtime's session derives from ``WorkerSession`` and adds ``profile``, which differs most.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from attainable.errors import RuntimeRefused, WorkerCrashed
from attainable.runtimes import Runtime, Samples, require_precision, require_runnable
from attainable.runtimes.environments import interpreter_for
from attainable.runtimes.faults import one_line
from attainable.runtimes.process import BROKEN, LARGEST_FILES, SESSIONS, Worker
from attainable.runtimes.remote import RemoteWorker, current_place
from attainable.runtimes.worker_statistics import Loading, Usage, count_in, duration_in
from attainable.timing.statistics import typical_run
from attainable.workload.graph import Tensor, Workload

if TYPE_CHECKING:
    from attainable.runtimes import Array

_LARGEST_ELEMENT = 16
_LEAST_SECONDS = 1e-9
"""What the clock of a worker counts in."""
_MAGIC = b"\x93NUMPY"
"""How a file of one array begins. Source: numpy, NEP 1, A Simple File Format for NumPy Arrays."""
_ARRAY_HEADER = 4096
"""Bytes."""

__all__ = ["Opened", "WorkerSession", "open_worker", "with_seconds"]

_PROFILE_BLOCKS = 10
Opened = Mapping[str, Any]
"""A session file's reply: ``version``, ``load_seconds`` and ``peak_rss_bytes``; ``precision`` where it can tell."""


def open_worker(
    runtime: Runtime,
    workload: Workload,
    inputs: "Mapping[str, Array]",
    *,
    session_file: str,
    arguments: Mapping[str, Any],
    deadline_seconds: float,
    precision: str | None = None,
) -> tuple[Worker, Opened]:
    """Start a worker in the runtime's interpreter, load the workload's model file there and feed the inputs.

    The worker is on this machine, or on the host of ``remote.workers_at``.

    Args:
        runtime: whose interpreter is taken; see ``environments``, and ``remote_hosts`` for other machines.
        workload: names the file.
        inputs: an array for each graph input.
        session_file: name of the runtime's file in ``sessions/``.
        arguments: for ``open_session``, beside ``model``, the path of the model file.
        deadline_seconds: for starting, loading and feeding, each.
        precision: as for ``Runtime.open``; only checked here.

    Returns:
        The worker, which the caller closes, and the session's reply.

    Raises:
        RuntimeRefused: the runtime is not installed, does not run such files, or raised an error.
        HostUnusable: the host cannot be reached, or lacks what is needed.
        WorkerCrashed: the worker died.
        WorkerTimedOut: no answer in time.
    """
    require_runnable(runtime, workload)
    require_precision(runtime, precision)
    worker = _start(runtime)
    try:
        model = Path(workload.provenance.path).resolve()
        request = {
            "session_file": worker.place(SESSIONS / session_file),
            "model": worker.place(model, format=workload.provenance.format),
            "module": runtime.requirement.module,
            **arguments,
        }
        opened = worker.call("open", request, deadline_seconds=deadline_seconds)
        worker.call(
            "feed", {"inputs": write_arrays(worker.folder, workload.inputs, inputs)}, deadline_seconds=deadline_seconds
        )
    except BaseException:
        worker.close()
        raise
    return worker, opened


def _start(runtime: Runtime) -> Worker:
    place = current_place()
    if place is None:
        return Worker(interpreter=interpreter_for(runtime.name, runtime.requirement))
    host, workers = place
    worker = RemoteWorker(host, host.python_for(runtime.name), runtime.requirement.packages)
    workers.append(worker)
    return worker


class WorkerSession:
    """A model loaded in a worker; see ``Session``.

    Attributes:
        worker: for requests of the runtime's own.
        workload: whose model it is.
        peak_rss_bytes: of the worker so far.
        loading: how it was loaded.
    """

    def __init__(self, worker: Worker, workload: Workload, opened: Opened, *, precision: str = "") -> None:
        self.worker = worker
        self.workload = workload
        with _understood(worker, "open"):
            self.version = str(opened["version"])
            self.precision = str(opened.get("precision", precision))
            self.load_seconds = duration_in(opened["load_seconds"])
            self.peak_rss_bytes = count_in(opened["peak_rss_bytes"])
            self.loading = Loading.from_reply(opened)

    @property
    def process_id(self) -> int:
        """Of the worker."""
        return self.worker.process_id

    def run(
        self, *, seconds: float, minimum: int, maximum: int, deadline_seconds: float, period_seconds: float = 0.0
    ) -> Samples:
        """Run the network; see ``Session.run``."""
        arguments = {"seconds": seconds, "minimum": minimum, "maximum": maximum, "period_seconds": period_seconds}
        answer = self.worker.call("run", arguments, deadline_seconds=deadline_seconds)
        with _understood(self.worker, "run"):
            # The kernel counts in parts, one a processor, so that a later reading may be a little lower.
            self.peak_rss_bytes = max(self.peak_rss_bytes, count_in(answer["peak_rss_bytes"]))
            periods, missed = count_in(answer["periods"]), count_in(answer["missed_periods"])
            if missed > periods:
                raise ValueError("more periods were missed than began")
            return Samples(
                seconds=_durations(answer["seconds"], minimum=minimum, maximum=maximum),
                wall_seconds=_time_of_runs(answer["wall_seconds"]),
                cpu_seconds=duration_in(answer["process_cpu_seconds"]),
                peak_rss_bytes=self.peak_rss_bytes,
                resident_bytes=count_in(answer["resident_bytes"]),
                usage=Usage.from_reply(answer),
                periods=periods,
                missed_periods=missed,
            )

    def profiled(self, *, runs: int, deadline_seconds: float, **settings: object) -> tuple[Mapping[str, Any], Any]:
        """Have the worker profile its model, in blocks of runs with the profiler and without in turns.

        Args:
            runs: of each kind.
            deadline_seconds: for all of them.
            settings: for the session file, beside ``blocks``, ``runs`` and ``graph``, the file for what it found.

        Returns:
            Its reply, and what it wrote into the file.

        Raises:
            RuntimeRefused: the runtime raised an error, or there is no profile and the reply says why (``absence``).
            WorkerCrashed: the worker died.
            WorkerTimedOut: no answer in time.
        """
        blocks = min(runs, _PROFILE_BLOCKS)
        file = self.worker.folder / "graph.json"
        request = {"blocks": blocks, "runs": -(-runs // blocks), "graph": str(file), **settings}
        answer = self.worker.call("profile", request, deadline_seconds=deadline_seconds)
        if "absence" in answer:
            raise RuntimeRefused(str(answer["absence"]))
        graph = json.loads(file.read_bytes())
        file.unlink()
        return answer, graph

    def load_stages(self, *, deadline_seconds: float) -> dict[str, float]:
        """Load the model once more and tell where the time goes; see ``Session.load_stages``."""
        answer = self.worker.call("load_stages", {"folder": str(self.worker.folder)}, deadline_seconds=deadline_seconds)
        with _understood(self.worker, "load_stages"):
            return {str(stage): duration_in(seconds) for stage, seconds in answer.items()}

    def compute(self, inputs: "Mapping[str, Array]", *, deadline_seconds: float) -> "dict[str, Array]":
        """Run the network once on these inputs; see ``Session.compute``."""
        folder = self.worker.folder
        answer = self.worker.call(
            "feed",
            {"inputs": write_arrays(folder, self.workload.inputs, inputs), "outputs": str(folder)},
            deadline_seconds=deadline_seconds,
            most_bytes=_most_bytes(self.workload.outputs),
        )
        with _understood(self.worker, "feed"):
            files = {str(name): _file_in(folder, file) for name, file in answer["outputs"].items()}
            return {name: self._array(file, name) for name, file in files.items()}

    def _array(self, file: Path, name: str) -> "Array":
        """An output. Raises RuntimeRefused where its file holds none."""
        import numpy

        try:
            with file.open("rb") as opened:
                # numpy also opens archives of arrays.
                if opened.read(len(_MAGIC)) == _MAGIC:
                    return cast("Array", numpy.load(file, allow_pickle=False))
        except (ValueError, EOFError, SyntaxError, TokenError):
            pass
        raise RuntimeRefused(f"the file of its output {one_line(name)!r} holds no array", where=self.worker.where)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.worker.__exit__(kind, error, traceback)


@contextmanager
def _understood(worker: Worker, stage: str) -> Generator[None]:
    """End the worker where its answer has not what an answer has: it may be a stranger's machine that answers."""
    try:
        yield
    except (*BROKEN, MemoryError) as error:
        worker.close()
        reason = one_line(str(error)) or type(error).__name__
        raise WorkerCrashed(f"it broke the protocol during '{stage}' ({reason})", where=worker.where) from None


def _durations(answer: object, *, minimum: int, maximum: int) -> tuple[float, ...]:
    """The times of runs. Raises ValueError or TypeError where there are not as many as were asked for."""
    seconds = tuple(map(_time_of_runs, cast("list[object]", answer)))
    if not minimum <= len(seconds) <= maximum:
        raise ValueError("these are no times of runs")
    return seconds


def _time_of_runs(found: object) -> float:
    """A time in which something was run. Raises ValueError or TypeError where it is none."""
    seconds = duration_in(found)
    if seconds < _LEAST_SECONDS:
        raise ValueError("a run takes some time")
    return seconds


def _most_bytes(outputs: Sequence[Tensor]) -> int:
    """What the files of outputs may take: a runtime may give a wider type than the model's."""
    if any(output.shape is None for output in outputs):
        return LARGEST_FILES
    return sum(_LARGEST_ELEMENT * output.elements + _ARRAY_HEADER for output in outputs)


def _file_in(folder: Path, path: object) -> Path:
    found = Path(str(path))
    if found.parent != folder:
        raise ValueError("a file that is not the worker's")
    return found


def with_seconds(kernels: Sequence[Mapping[str, Any]], runs: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    """Kernels as a worker told of them, with the ``seconds`` of each in a typical run.

    Raises:
        ValueError, TypeError: the runs are not of these kernels.
    """
    return [{**kernel, "seconds": seconds} for kernel, seconds in zip(kernels, typical_run(runs), strict=True)]


def write_arrays(folder: Path, tensors: Sequence[Tensor], inputs: "Mapping[str, Array]") -> dict[str, dict[str, str]]:
    """Write the arrays into the worker's folder, numbered, because names are not fit for file names.

    Returns:
        By input its ``file``, and its ``dtype`` as ``Tensor.dtype`` names it: numpy lacks some.

    Raises:
        RuntimeRefused: they cannot be written.
    """
    import numpy

    files: dict[str, dict[str, str]] = {}
    try:
        for number, tensor in enumerate(tensors):
            path = folder / f"input-{number}.npy"
            numpy.save(path, inputs[tensor.name], allow_pickle=False)
            files[tensor.name] = {"file": str(path), "dtype": tensor.dtype}
    except OSError as error:
        raise RuntimeRefused(f"the inputs cannot be written: {error.strerror}", where=str(folder)) from None
    return files
