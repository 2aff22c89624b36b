"""ncnn on the processor: one worker, in which pnnx converts the model and ncnn runs it."""

from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING

from attainable.errors import RunError, RuntimeRefused
from attainable.runtimes import Profile, Requirement, Tolerance
from attainable.runtimes.attribution.reference import reference_moments
from attainable.runtimes.attribution.values import Moments
from attainable.runtimes.ncnn.kernels import attributed_kernels
from attainable.runtimes.process import Worker
from attainable.runtimes.worker_session import Opened, WorkerSession, open_worker, with_seconds
from attainable.workload.graph import Workload

if TYPE_CHECKING:
    from attainable.runtimes import Array


class Ncnn:
    """ncnn's processor layers, with pnnx as the converter."""

    name = "ncnn"
    formats = ("onnx",)
    # Nothing else comes along: pnnx asks for torch, which its program does not need.
    requirement = Requirement(
        module="ncnn", distribution="ncnn", packages=("--no-deps", "ncnn==1.0.20261020", "pnnx==20261020", "numpy>=2.0")
    )
    tolerances: Mapping[str, Tolerance] = {"float32": Tolerance(relative=1e-3), "bfloat16": Tolerance(relative=5e-2)}
    precisions = ("float32", "bfloat16")
    least_attributed_share = 0.9

    def open(
        self,
        workload: Workload,
        inputs: "Mapping[str, Array]",
        *,
        threads: int,
        deadline_seconds: float,
        precision: str | None = None,
    ) -> "NcnnSession":
        """Convert and load the workload's model file in a new worker; see ``Runtime.open``."""
        shapeless = next((tensor.name for tensor in workload.inputs if tensor.shape is None), None)
        if shapeless is not None:
            raise RuntimeRefused(f"pnnx needs the shape of input {shapeless}", where=workload.provenance.path)
        arguments = {
            "threads": threads,
            "precision": precision or "float32",
            "inputs": {tensor.name: {"shape": list(tensor.dims), "dtype": tensor.dtype} for tensor in workload.inputs},
            "outputs": {
                tensor.name: {"shape": None if tensor.shape is None else list(tensor.shape), "dtype": tensor.dtype}
                for tensor in workload.outputs
            },
        }
        worker, opened = open_worker(
            self,
            workload,
            inputs,
            session_file="ncnn_session.py",
            arguments=arguments,
            deadline_seconds=deadline_seconds,
            precision=precision,
        )
        return NcnnSession(worker, workload, opened, inputs)


class NcnnSession(WorkerSession):
    """A model loaded by ncnn; see ``Session``."""

    def __init__(self, worker: Worker, workload: Workload, opened: Opened, inputs: "Mapping[str, Array]") -> None:
        super().__init__(worker, workload, opened)
        self._inputs = inputs

    def compute(self, inputs: "Mapping[str, Array]", *, deadline_seconds: float) -> "dict[str, Array]":
        """Run the network once on these inputs; see ``Session.compute``."""
        self._inputs = inputs
        return super().compute(inputs, deadline_seconds=deadline_seconds)

    def profile(self, *, runs: int, deadline_seconds: float) -> Profile:
        """Run the network layer by layer; see ``Session.profile``.

        Every layer's result is handed out, which takes time in a way that differs by layer. Where the layers take
        longer than a plain run, all are scaled to fit into it.
        """
        answer, graph = self.profiled(runs=runs, deadline_seconds=deadline_seconds)
        warnings: list[str] = []
        reference: dict[str, Moments] = {}
        try:
            reference = reference_moments(
                self.workload, self._inputs, self.worker.folder, deadline_seconds=deadline_seconds
            )  # fmt: skip
        except RunError as error:
            warnings.append(f"no layer could be told from its values, the reference did not run: {error.what}")
        plain = median(answer["plain"])
        layers = with_seconds(graph["layers"], graph["times"])
        total = sum(float(layer["seconds"]) for layer in layers)
        scale = min(1.0, plain / total) if total else 1.0
        kernels, executions = attributed_kernels(
            layers, graph["inputs"], reference, self.workload, scale=scale, precision=self.precision
        )
        warnings.append(
            f"ncnn has no profiler: its layers were asked for one by one, and took {total / plain:.2f} times as long "
            f"as a plain run{'; their times are scaled to fit into it' if scale < 1 else ''}"
        )
        return Profile(
            kernels=kernels,
            profiled_seconds=tuple(answer["profiled"]),
            plain_seconds=tuple(answer["plain"]),
            profiler_seconds=0.0,
            warnings=tuple(warnings),
            executions=executions,
        )


RUNTIME = Ncnn()
