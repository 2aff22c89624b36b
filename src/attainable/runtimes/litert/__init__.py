"""LiteRT (formerly TensorFlow Lite) on the processor: its interpreter with XNNPACK, in one worker."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from attainable.errors import RunError
from attainable.runtimes import Profile, Requirement, Tolerance, require_precision, require_runnable
from attainable.runtimes.attribution.reference import reference_moments
from attainable.runtimes.litert.conversion import converted
from attainable.runtimes.litert.events import MOST_PAIRS, main_events
from attainable.runtimes.litert.kernels import attributed_kernels, ops_of_converted, ops_of_original
from attainable.runtimes.process import Worker
from attainable.runtimes.worker_session import Opened, WorkerSession, open_worker, with_seconds
from attainable.workload import load
from attainable.workload.graph import Workload

if TYPE_CHECKING:
    from attainable.runtimes import Array


class Litert:
    """LiteRT's interpreter with XNNPACK; ONNX files are converted first, see ``conversion``."""

    name = "litert"
    formats = ("tflite", "onnx")
    # No wider: the profiler is read through a C library whose structures change with the minor version.
    requirement = Requirement(
        module="ai_edge_litert", distribution="ai-edge-litert", packages=("ai-edge-litert>=2.3,<2.4", "numpy>=2.0")
    )
    tolerances: Mapping[str, Tolerance] = {
        "float32": Tolerance(relative=1e-3), "float16": Tolerance(relative=1e-2), "int8": Tolerance(relative=5e-2),
    }  # fmt: skip
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
    ) -> "LitertSession":
        """Load the workload's model file in a new worker, converted where it is ONNX; see ``Runtime.open``."""
        require_runnable(self, workload)
        require_precision(self, precision)
        file = workload
        if workload.provenance.format != "tflite":
            path = converted(workload, deadline_seconds=deadline_seconds)
            file = replace(workload, provenance=replace(workload.provenance, path=str(path), format="tflite"))
        arguments = {
            "threads": threads,
            "converted": file is not workload,
            "inputs": {tensor.name: None if tensor.shape is None else list(tensor.dims) for tensor in workload.inputs},
            "outputs": {tensor.name: tensor.dtype for tensor in workload.outputs},
        }
        worker, opened = open_worker(
            self, file, inputs, session_file="litert_session.py", arguments=arguments,
            deadline_seconds=deadline_seconds, precision=precision,
        )  # fmt: skip
        return LitertSession(worker, workload, opened, inputs, Path(file.provenance.path))


class LitertSession(WorkerSession):
    """A model loaded by LiteRT; see ``Session``."""

    def __init__(
        self, worker: Worker, workload: Workload, opened: Opened, inputs: "Mapping[str, Array]", file: Path
    ) -> None:
        super().__init__(worker, workload, opened)
        self._inputs = inputs
        self._file = file

    def compute(self, inputs: "Mapping[str, Array]", *, deadline_seconds: float) -> "dict[str, Array]":
        """Run the network once on these inputs; see ``Session.compute``."""
        self._inputs = inputs
        return super().compute(inputs, deadline_seconds=deadline_seconds)

    def profile(self, *, runs: int, deadline_seconds: float) -> Profile:
        """Run the network under the profiler of LiteRT's C library; see ``Session.profile``."""
        is_converted = self.workload.provenance.format != "tflite"
        answer, graph = self.profiled(runs=runs, deadline_seconds=deadline_seconds, values=is_converted)
        warnings: list[str] = []
        file = self.workload
        owned = ops_of_original(file.ops)
        if is_converted:
            file = load(self._file)
            reference: dict[str, tuple[float, ...]] = {}
            try:
                reference = reference_moments(
                    self.workload, self._inputs, self.worker.folder, deadline_seconds=deadline_seconds
                )
            except RunError as error:
                warnings.append(f"no operator could be told from its values, the reference did not run: {error.what}")
            owned = ops_of_converted(file, graph["values"], reference, self.workload)
        events = with_seconds(graph["events"], graph["times"])
        if len(main_events(events)) * len(file.ops) > MOST_PAIRS:
            warnings.append(f"too many events and operators to tell which is whose: {len(file.ops)} operators")
        kernels, executions = attributed_kernels(
            events, file, owned, self.workload, run_seconds=median(answer["plain"])
        )
        return Profile(
            kernels=kernels,
            profiled_seconds=tuple(answer["profiled"]),
            plain_seconds=tuple(answer["plain"]),
            profiler_seconds=0.0,
            warnings=tuple(warnings),
            executions=executions,
        )


RUNTIME = Litert()
