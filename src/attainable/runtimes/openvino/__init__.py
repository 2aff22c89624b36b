"""OpenVINO on the processor: one worker, one compiled network for the times, a second one while it is profiled."""

from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING

from attainable.runtimes import Profile, Requirement, Tolerance
from attainable.runtimes.openvino.kernels import attributed_kernels
from attainable.runtimes.worker_session import WorkerSession, open_worker
from attainable.workload.graph import Workload

if TYPE_CHECKING:
    from attainable.runtimes import Array

_SHARE_OF_MEMORY = 0.7
"""A second network is compiled beside the first if it takes no more than this of the memory that is left."""


class Openvino:
    """OpenVINO's processor plug-in, in an interpreter of its own or in ours."""

    name = "openvino"
    formats = ("onnx",)
    requirement = Requirement(
        module="openvino", distribution="openvino", packages=("openvino>=2026.4,<2026.5", "numpy>=2.0")
    )
    tolerances: Mapping[str, Tolerance] = {
        "float32": Tolerance(relative=1e-4),
        "bfloat16": Tolerance(relative=5e-2),
        "float16": Tolerance(relative=1e-2),
        "int8": Tolerance(relative=5e-2),
        "uint8": Tolerance(relative=5e-2),
    }
    precisions = ("float32", "bfloat16", "float16")
    least_attributed_share = 0.95

    def open(
        self,
        workload: Workload,
        inputs: "Mapping[str, Array]",
        *,
        threads: int,
        deadline_seconds: float,
        precision: str | None = None,
    ) -> "OpenvinoSession":
        """Load the workload's model file in a new worker; see ``Runtime.open``."""
        arguments = {
            "threads": threads,
            # No model of lower precision is slowed by it: the hint is the most that kernels compute in.
            "precision": precision or "float32",
            "shapes": {tensor.name: list(tensor.dims) for tensor in workload.inputs if tensor.shape is not None},
            "outputs": [tensor.name for tensor in workload.outputs],
        }
        worker, opened = open_worker(
            self,
            workload,
            inputs,
            session_file="openvino_session.py",
            arguments=arguments,
            deadline_seconds=deadline_seconds,
            precision=precision,
        )
        return OpenvinoSession(worker, workload, opened)


class OpenvinoSession(WorkerSession):
    """A model loaded by OpenVINO; see ``Session``."""

    def profile(self, *, runs: int, deadline_seconds: float) -> Profile:
        """Run the network with OpenVINO's performance counters; see ``Session.profile``."""
        available = self.worker.available_memory_bytes()
        share = available is None or self.peak_rss_bytes < _SHARE_OF_MEMORY * available
        answer, graph = self.profiled(runs=runs, deadline_seconds=deadline_seconds, share=share)
        profiled = tuple(answer["profiled"])
        kernels, executions = attributed_kernels(
            graph["nodes"],
            graph["operators"],
            self.workload,
            most_seconds=median(profiled),
        )
        return Profile(
            kernels=kernels,
            profiled_seconds=profiled,
            plain_seconds=tuple(answer["plain"]),
            profiler_seconds=0.0,
            executions=executions,
        )


RUNTIME = Openvino()
