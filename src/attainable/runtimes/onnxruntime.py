"""onnxruntime on the processor: one worker, one session for the times, a second one while it is profiled."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from attainable.errors import RuntimeRefused
from attainable.runtimes import Profile, Samples
from attainable.runtimes.onnxruntime_graph import read_optimised_graph
from attainable.runtimes.onnxruntime_kernels import attributed_kernels, profiler_cost
from attainable.runtimes.onnxruntime_probe import write_probe
from attainable.runtimes.process import SESSIONS, Worker
from attainable.timing.memory import available_memory_bytes
from attainable.workload.graph import Tensor, Workload

if TYPE_CHECKING:
    from attainable.runtimes import Array

_SESSION_FILE = SESSIONS / "onnxruntime_session.py"
_PROFILE_BLOCKS = 10
_SHARE_OF_MEMORY = 0.7
"""A second session is loaded beside the first if it takes no more than this of the memory that is left."""
_MOST_PROFILER_BYTES = 256 * 2**20
_EVENT_BYTES = 4096
"""What the profiler keeps of one kernel of one run, measured with 1.31: 2.5 KiB and more for long names."""


class Onnxruntime:
    """onnxruntime's CPU provider in the worker's own installation."""

    name = "onnxruntime"
    formats = ("onnx",)

    def open(
        self, workload: Workload, inputs: "Mapping[str, Array]", *, threads: int, deadline_seconds: float
    ) -> "OnnxruntimeSession":
        """Load the workload's model file in a new worker; see ``Runtime.open``."""
        worker = Worker()
        try:
            opened = worker.call(
                "open",
                {
                    "session_file": str(_SESSION_FILE),
                    "model": str(Path(workload.provenance.path).resolve()),
                    "threads": threads,
                    "dimensions": {name: extent for name, extent in workload.bindings if isinstance(extent, int)},
                },
                deadline_seconds=deadline_seconds,
            )
            files = _files(worker.folder, workload.inputs, inputs)
            worker.call("feed", {"inputs": files}, deadline_seconds=deadline_seconds)
        except OSError as error:
            worker.close()
            raise RuntimeRefused(f"the inputs cannot be written: {error.strerror}", where=str(worker.folder)) from None
        except BaseException:
            worker.close()
            raise
        return OnnxruntimeSession(worker, workload, opened)


class OnnxruntimeSession:
    """A model loaded by onnxruntime; see ``Session``."""

    def __init__(self, worker: Worker, workload: Workload, opened: Mapping[str, Any]) -> None:
        self._worker = worker
        self._workload = workload
        self.version = str(opened["version"])
        self.load_seconds = float(opened["load_seconds"])
        self._peak_rss_bytes = int(opened["peak_rss_bytes"])

    @property
    def process_id(self) -> int:
        """Of the worker."""
        return self._worker.process_id

    def run(self, *, seconds: float, minimum: int, maximum: int, deadline_seconds: float) -> Samples:
        """Run the network; see ``Session.run``."""
        answer = self._worker.call(
            "run", {"seconds": seconds, "minimum": minimum, "maximum": maximum}, deadline_seconds=deadline_seconds
        )
        self._peak_rss_bytes = int(answer["peak_rss_bytes"])
        return Samples(
            seconds=tuple(answer["seconds"]),
            wall_seconds=answer["wall_seconds"],
            cpu_seconds=answer["process_cpu_seconds"],
            peak_rss_bytes=answer["peak_rss_bytes"],
        )

    def compute(self, inputs: "Mapping[str, Array]", *, deadline_seconds: float) -> "dict[str, Array]":
        """Run the network once on these inputs; see ``Session.compute``."""
        import numpy

        folder = self._worker.folder
        try:
            files = _files(folder, self._workload.inputs, inputs)
        except OSError as error:
            raise RuntimeRefused(f"the inputs cannot be written: {error.strerror}", where=str(folder)) from None
        answer = self._worker.call(
            "feed", {"inputs": files, "outputs": str(folder)}, deadline_seconds=deadline_seconds
        )  # fmt: skip
        return {name: numpy.load(file, allow_pickle=False) for name, file in answer["outputs"].items()}

    def profile(self, *, runs: int, deadline_seconds: float) -> Profile:
        """Run the network under onnxruntime's profiler; see ``Session.profile``."""
        folder = self._worker.folder
        probe, graph = folder / "probe.onnx", folder / "optimised.onnx"
        try:
            write_probe(probe)
        except OSError as error:
            raise RuntimeRefused(f"the probe cannot be written: {error.strerror}", where=str(folder)) from None
        blocks = min(runs, _PROFILE_BLOCKS)
        available = available_memory_bytes()
        share = available is None or self._peak_rss_bytes < _SHARE_OF_MEMORY * available
        answer = self._worker.call(
            "profile",
            {
                "folder": str(folder),
                "probe": str(probe),
                "graph": str(graph),
                "blocks": blocks,
                "runs": -(-runs // blocks),
                "share": share,
                "profiler_bytes": min(_MOST_PROFILER_BYTES, _EVENT_BYTES * len(self._workload.ops) * (runs + 2)),
            },
            deadline_seconds=deadline_seconds,
        )
        nodes = read_optimised_graph(graph)
        # With its weights it is as large as the model.
        for file in folder.glob(f"{graph.stem}.*"):
            file.unlink()
        cost = profiler_cost(answer["kernels"], answer["plain"], least=float(answer["profiler_seconds"]))
        return Profile(
            kernels=attributed_kernels(answer["kernels"], nodes, self._workload, cost=cost),
            profiled_seconds=tuple(answer["profiled"]),
            plain_seconds=tuple(answer["plain"]),
            profiler_seconds=cost.kernel_seconds,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._worker.__exit__(kind, error, traceback)


RUNTIME = Onnxruntime()


def _files(folder: Path, tensors: Sequence[Tensor], inputs: "Mapping[str, Array]") -> dict[str, dict[str, str]]:
    """Write the arrays into the worker's folder, numbered, because names are not fit for file names."""
    import numpy

    files: dict[str, dict[str, str]] = {}
    for number, tensor in enumerate(tensors):
        path = folder / f"input-{number}.npy"
        numpy.save(path, inputs[tensor.name], allow_pickle=False)
        files[tensor.name] = {"file": str(path), "dtype": tensor.dtype}
    return files
