"""onnxruntime with one of its providers: one worker, one session for the times, a second one while it is profiled."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attainable.errors import RuntimeRefused
from attainable.runtimes import Profile, Requirement, Tolerance
from attainable.runtimes.attribution.graph import read_optimised_graph
from attainable.runtimes.onnxruntime.kernels import attributed_kernels, executions, profiler_cost
from attainable.runtimes.onnxruntime.probe import write_probe
from attainable.runtimes.onnxruntime.providers import CPU, Provider, profile_warnings
from attainable.runtimes.process import Worker
from attainable.runtimes.worker_session import Opened, WorkerSession, open_worker
from attainable.runtimes.worker_statistics import arena_bytes_in
from attainable.workload.dtypes import is_floating
from attainable.workload.graph import Workload

if TYPE_CHECKING:
    from attainable.runtimes import Array

_PROFILE_BLOCKS = 10
_NATIVE = ("float32", "float64")
QUANTISING = ("Quantize", "QLinear", "Integer")
"""Words in the names of operators that quantise, or compute in integers for it."""
_SHARE_OF_MEMORY = 0.7
"""A second session is loaded beside the first if it takes no more than this of the memory that is left."""
_MOST_PROFILER_BYTES = 256 * 2**20
_EVENT_BYTES = 4096
"""What the profiler keeps of one kernel of one run, measured with 1.31: 2.5 KiB and more for long names."""


_REQUIREMENT = Requirement(
    module="onnxruntime", distribution="onnxruntime", packages=("onnxruntime>=1.31", "numpy>=2.0")
)
_TOLERANCES: Mapping[str, Tolerance] = {
    "float32": Tolerance(relative=1e-4), "float64": Tolerance(relative=1e-12),
    "float16": Tolerance(relative=1e-2), "bfloat16": Tolerance(relative=5e-2),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Onnxruntime:
    """onnxruntime in the worker's own installation; attributes and properties that are not here are ``Runtime``'s.

    Attributes:
        provider: who computes.
        optimised: whether it optimises the graph, the blocked layout included; False: it runs the model's own nodes.
    """

    name: str = "onnxruntime"
    formats: tuple[str, ...] = ("onnx",)
    requirement: Requirement = _REQUIREMENT
    precisions: tuple[str, ...] = ()
    least_attributed_share: float = 0.95
    provider: Provider = CPU
    optimised: bool = True

    @property
    def tolerances(self) -> Mapping[str, Tolerance]:
        """See ``Runtime.tolerances``."""
        return _TOLERANCES

    def open(
        self,
        workload: Workload,
        inputs: "Mapping[str, Array]",
        *,
        threads: int,
        deadline_seconds: float,
        precision: str | None = None,
    ) -> "OnnxruntimeSession":
        """Load the workload's model file in a new worker; see ``Runtime.open``."""
        dimensions = {name: extent for name, extent in workload.bindings if isinstance(extent, int)}
        worker, opened = open_worker(
            self,
            workload,
            inputs,
            session_file="onnxruntime_session.py",
            arguments={
                "threads": threads,
                "dimensions": dimensions,
                "optimised": self.optimised,
                **self.provider.arguments,
            },
            deadline_seconds=deadline_seconds,
            precision=precision,
        )
        return OnnxruntimeSession(worker, workload, opened, provider=self.provider)


class OnnxruntimeSession(WorkerSession):
    """A model loaded by onnxruntime; see ``Session``."""

    def __init__(self, worker: Worker, workload: Workload, opened: Opened, *, provider: Provider) -> None:
        super().__init__(worker, workload, opened, precision=_precision(workload))
        self._provider = provider

    def profile(self, *, runs: int, deadline_seconds: float) -> Profile:
        """Run the network under onnxruntime's profiler; see ``Session.profile``."""
        folder = self.worker.folder
        probe, graph = folder / "probe.onnx", folder / "optimised.onnx"
        try:
            write_probe(probe)
        except OSError as error:
            raise RuntimeRefused(f"the probe cannot be written: {error.strerror}", where=str(folder)) from None
        blocks = min(runs, _PROFILE_BLOCKS)
        available = self.worker.available_memory_bytes()
        share = available is None or self.peak_rss_bytes < _SHARE_OF_MEMORY * available
        answer = self.worker.call(
            "profile",
            {
                "folder": str(folder),
                "probe": str(probe),
                "graph": "" if self._provider.compiles else str(graph),
                "blocks": blocks,
                "runs": -(-runs // blocks),
                "share": share,
                "profiler_bytes": min(_MOST_PROFILER_BYTES, _EVENT_BYTES * len(self.workload.ops) * (runs + 2)),
            },
            deadline_seconds=deadline_seconds,
        )
        nodes = () if self._provider.compiles else read_optimised_graph(graph)
        # With its weights it is as large as the model.
        for file in folder.glob(f"{graph.stem}.*"):
            file.unlink()
        cost = profiler_cost(answer["kernels"], answer["plain"], least=float(answer["profiler_seconds"]))
        kernels = attributed_kernels(answer["kernels"], nodes, self.workload, cost=cost)
        how = executions(answer["kernels"], nodes)
        return Profile(
            kernels=kernels,
            profiled_seconds=tuple(answer["profiled"]),
            plain_seconds=tuple(answer["plain"]),
            profiler_seconds=cost.kernel_seconds,
            warnings=profile_warnings(self._provider, kernels, how),
            executions=how,
            arena_bytes=arena_bytes_in(answer),
        )


RUNTIME = Onnxruntime()
REFERENCE = Onnxruntime(optimised=False)
"""What the outputs of runtimes are compared with, those of ``RUNTIME`` too; none to measure, hence not in the table."""


def _precision(workload: Workload) -> str:
    """The type that most of the model's results have, where it is certain that nothing else runs.

    Quantised networks run in integers as far as patterns are recognised; half precision is cast to single precision
    where there is no kernel for it.
    """
    if any(any(word in op.kind for word in QUANTISING) for op in workload.ops):
        return ""
    elements: Counter[str] = Counter()
    for tensor in (tensor for op in workload.ops for tensor in op.present_outputs):
        if tensor.shape is not None and is_floating(tensor.dtype):
            elements[tensor.dtype] += tensor.elements
    most = elements.most_common(1)[0][0] if elements else ""
    return most if most in _NATIVE else ""
