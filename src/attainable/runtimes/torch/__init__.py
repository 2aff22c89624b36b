"""PyTorch on the processor, eagerly or through torch.compile: one worker, which translates the model and runs it."""

from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING

from attainable.quantities import format_seconds, format_share
from attainable.runtimes import Profile, Requirement, Tolerance
from attainable.runtimes.process import SESSIONS
from attainable.runtimes.torch.kernels import attributed_kernels
from attainable.runtimes.worker_session import WorkerSession, open_worker, with_seconds
from attainable.workload.graph import Workload

if TYPE_CHECKING:
    from attainable.runtimes import Array

_OUTSIDE_SHARE = 0.01
"""Of a run, from which on what is outside of its kernels is worth a sentence."""
_PARTS = ("torch_operators", "torch_movements", "torch_program", "torch_eager", "torch_compiled")


class Torch:
    """PyTorch, which runs a model node by node.

    The exact release whose inductor is known (see ``torch_compiled``).
    """

    name = "torch"
    formats = ("onnx",)
    requirement = Requirement(
        module="torch", distribution="torch", packages=("torch==2.13.0", "onnx>=1.23", "numpy>=2.0")
    )
    tolerances: Mapping[str, Tolerance] = {
        "float32": Tolerance(relative=1e-4),
        "bfloat16": Tolerance(relative=5e-2),
        "float16": Tolerance(relative=1e-2),
        "float64": Tolerance(relative=1e-6),
    }
    precisions = ("float32", "bfloat16")
    least_attributed_share = 0.95
    _compiled = False
    _least_deadline_seconds = 0.0

    def open(
        self,
        workload: Workload,
        inputs: "Mapping[str, Array]",
        *,
        threads: int,
        deadline_seconds: float,
        precision: str | None = None,
    ) -> "TorchSession":
        """Translate and load the workload's model file in a new worker; see ``Runtime.open``."""
        arguments = {
            "threads": threads,
            "compiled": self._compiled,
            "precision": precision,
            "inputs": {tensor.name: [list(tensor.dims), tensor.dtype] for tensor in workload.inputs},
            "outputs": [tensor.name for tensor in workload.outputs],
            "files": {name: (SESSIONS / f"{name}.py").read_text("utf-8") for name in _PARTS},
        }
        worker, opened = open_worker(
            self,
            workload,
            inputs,
            session_file="torch_session.py",
            arguments=arguments,
            deadline_seconds=max(deadline_seconds, self._least_deadline_seconds),
            precision=precision,
        )
        return TorchSession(worker, workload, opened)


class TorchSession(WorkerSession):
    """A model loaded by PyTorch; see ``Session``."""

    def profile(self, *, runs: int, deadline_seconds: float) -> Profile:
        """Run the network with readings of the clock between the kernels; see ``Session.profile``."""
        answer, graph = self.profiled(runs=runs, deadline_seconds=deadline_seconds)
        own = float(answer["profiler_seconds"])
        kernels, executions = attributed_kernels(
            with_seconds(graph["kernels"], graph["times"]),
            graph["steps"],
            graph["present"],
            self.workload,
            profiler_seconds=own,
        )
        return Profile(
            kernels=kernels,
            profiled_seconds=tuple(answer["profiled"]),
            plain_seconds=tuple(answer["plain"]),
            profiler_seconds=own,
            warnings=_of_outside(float(answer["outside_seconds"]), median(answer["plain"])),
            executions=executions,
        )


def _of_outside(seconds: float, plain_seconds: float) -> tuple[str, ...]:
    """Say what of a run no kernel has, where that is enough to ask for it."""
    share = seconds / plain_seconds
    if share < _OUTSIDE_SHARE:
        return ()
    return (
        f"{format_seconds(seconds)} of a run ({format_share(share)}) are before PyTorch's first kernel and after its "
        "last, where it looks at its guards and wraps tensors: no kernel's time",
    )


RUNTIME = Torch()
