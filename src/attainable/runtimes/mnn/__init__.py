"""MNN on the processor: one worker, which converts the model and runs it in one session."""

from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING

from attainable.runtimes import Profile, Requirement, Tolerance
from attainable.runtimes.mnn.kernels import attributed_kernels, profiler_seconds
from attainable.runtimes.worker_session import WorkerSession, open_worker, with_seconds
from attainable.workload.graph import Workload

if TYPE_CHECKING:
    from attainable.runtimes import Array


class Mnn:
    """MNN's processor backend in high precision, with its own converter."""

    name = "mnn"
    formats = ("onnx",)
    requirement = Requirement(module="MNN", distribution="MNN", packages=("MNN==3.6.1", "numpy>=2.0"))
    # Measured with 3.6.1: Winograd convolutions are 9e-4 off by themselves, 1e-6 with the hint that makes their tiles
    # smaller; GELU is 1e-4 off, after twelve layers of an encoder 4e-4 of the largest value of a token and 4e-3
    # of that of the smallest channel. This is how it is deployed.
    tolerances: Mapping[str, Tolerance] = {"float32": Tolerance(relative=1e-2), "int8": Tolerance(relative=5e-2)}
    precisions = ()
    least_attributed_share = 0.9

    def open(
        self,
        workload: Workload,
        inputs: "Mapping[str, Array]",
        *,
        threads: int,
        deadline_seconds: float,
        precision: str | None = None,
    ) -> "MnnSession":
        """Convert and load the workload's model file in a new worker; see ``Runtime.open``."""
        arguments = {
            "threads": threads,
            "shapes": {tensor.name: list(tensor.dims) for tensor in workload.inputs if tensor.shape is not None},
            "outputs": {tensor.name: tensor.dtype for tensor in workload.outputs},
        }
        worker, opened = open_worker(
            self,
            workload,
            inputs,
            session_file="mnn_session.py",
            arguments=arguments,
            deadline_seconds=deadline_seconds,
            precision=precision,
        )
        return MnnSession(worker, workload, opened)


class MnnSession(WorkerSession):
    """A model loaded by MNN; see ``Session``."""

    def profile(self, *, runs: int, deadline_seconds: float) -> Profile:
        """Run the network with a look at the clock before and after each command; see ``Session.profile``."""
        answer, graph = self.profiled(runs=runs, deadline_seconds=deadline_seconds)
        commands = with_seconds(graph["commands"], graph["times"])
        own = profiler_seconds(commands, median(answer["plain"]))
        kernels, executions = attributed_kernels(
            commands,
            graph["operators"],
            self.workload,
            profiler_seconds=own,
            precision=self.precision,
        )
        return Profile(
            kernels=kernels,
            profiled_seconds=tuple(answer["profiled"]),
            plain_seconds=tuple(answer["plain"]),
            profiler_seconds=own,
            executions=executions,
        )


RUNTIME = Mnn()
