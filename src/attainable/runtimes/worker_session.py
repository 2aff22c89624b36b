"""What all runtimes share on this side of the worker: opening it, feeding it, timing it, comparing nothing.

A runtime's session derives from ``WorkerSession`` and adds ``profile``, which differs most.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from attainable.errors import RuntimeRefused
from attainable.runtimes import Runtime, Samples, require_precision, require_runnable
from attainable.runtimes.environments import interpreter_for
from attainable.runtimes.process import SESSIONS, Worker
from attainable.runtimes.worker_statistics import Loading, Usage
from attainable.workload.graph import Tensor, Workload

if TYPE_CHECKING:
    from attainable.runtimes import Array

__all__ = ["Opened", "WorkerSession", "open_worker"]

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

    Args:
        runtime: whose interpreter is taken; see ``environments``.
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
        WorkerCrashed: the worker died.
        WorkerTimedOut: no answer in time.
    """
    require_runnable(runtime, workload)
    require_precision(runtime, precision)
    worker = Worker(interpreter=interpreter_for(runtime.name, runtime.requirement))
    try:
        model = str(Path(workload.provenance.path).resolve())
        request = {
            "session_file": str(SESSIONS / session_file), "model": model, "module": runtime.requirement.module,
            **arguments,
        }  # fmt: skip
        opened = worker.call("open", request, deadline_seconds=deadline_seconds)
        worker.call(
            "feed", {"inputs": write_arrays(worker.folder, workload.inputs, inputs)}, deadline_seconds=deadline_seconds
        )
    except BaseException:
        worker.close()
        raise
    return worker, opened


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
        self.version = str(opened["version"])
        self.precision = str(opened.get("precision", precision))
        self.load_seconds = float(opened["load_seconds"])
        self.peak_rss_bytes = int(opened["peak_rss_bytes"])
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
        self.peak_rss_bytes = int(answer["peak_rss_bytes"])
        return Samples(
            seconds=tuple(answer["seconds"]),
            wall_seconds=answer["wall_seconds"],
            cpu_seconds=answer["process_cpu_seconds"],
            peak_rss_bytes=answer["peak_rss_bytes"],
            resident_bytes=answer["resident_bytes"],
            usage=Usage.from_reply(answer),
            periods=answer["periods"],
            missed_periods=answer["missed_periods"],
        )

    def load_stages(self, *, deadline_seconds: float) -> dict[str, float]:
        """Load the model once more and tell where the time goes; see ``Session.load_stages``."""
        answer = self.worker.call("load_stages", {"folder": str(self.worker.folder)}, deadline_seconds=deadline_seconds)
        return {str(stage): float(seconds) for stage, seconds in answer.items()}

    def compute(self, inputs: "Mapping[str, Array]", *, deadline_seconds: float) -> "dict[str, Array]":
        """Run the network once on these inputs; see ``Session.compute``."""
        import numpy

        folder = self.worker.folder
        answer = self.worker.call(
            "feed",
            {"inputs": write_arrays(folder, self.workload.inputs, inputs), "outputs": str(folder)},
            deadline_seconds=deadline_seconds,
        )
        return {name: numpy.load(file, allow_pickle=False) for name, file in answer["outputs"].items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.worker.__exit__(kind, error, traceback)


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
