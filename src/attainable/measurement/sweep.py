"""A network at several batch sizes and numbers of threads: latency, throughput and memory of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from attainable.errors import InvalidQuantity
from attainable.measurement.compare import Comparison, compare_workloads
from attainable.measurement.deployment import ALONE, Deployment
from attainable.measurement.inputs import Given
from attainable.measurement.measure import measure_workload
from attainable.measurement.run import Run
from attainable.runtimes.remote.hosts import Host
from attainable.workload.graph import Workload

_KEEPS_OPEN = ("onnxruntime",)
"""Runtimes that are given a file with its dimensions left open, if nobody fixes them; the others fix all shapes."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Runs of one network.

    Attributes:
        model: its name.
        runs: one for each batch size and number of threads; each knows its own.
    """

    model: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """What it costs to leave the batch dimension of a file open.

    Attributes:
        batch: at which both ran.
        comparison: of the file as it is with the same file whose dimensions were fixed when it was loaded.
    """

    batch: int
    comparison: Comparison


def measure_sweep(
    workloads: Sequence[Workload],
    threads: Sequence[int],
    *,
    runtime: str = "onnxruntime",
    time_budget_seconds: float = 20.0,
    inputs: Given | None = None,
    precision: str | None = None,
    deployment: Deployment = ALONE,
    host: Host | None = None,
    progress: Callable[[int, int], None] = lambda done, cells: None,
) -> Sweep:
    """Measure a network at each batch size with each number of threads, a fresh process each.

    Args:
        workloads: the network at each batch size.
        threads: processor threads that one kernel may use.
        runtime: a key of ``RUNTIMES``.
        time_budget_seconds: for each cell.
        inputs: as for ``measure_workload``.
        precision: likewise.
        host: likewise.
        deployment: how often it runs, and beside what.
        progress: told the number of cells done and of all cells.

    Raises:
        As ``measure_workload``.
    """
    cells = [(workload, count) for workload in workloads for count in threads]
    runs: list[Run] = []
    for workload, count in cells:
        runs.append(
            measure_workload(
                workload, runtime=runtime, threads=count, time_budget_seconds=time_budget_seconds, inputs=inputs,
                precision=precision, profile=False, deployment=deployment, host=host,
            )
        )  # fmt: skip
        progress(len(runs), len(cells))
    return Sweep(workloads[0].name, tuple(runs))


def compare_open_batch(
    workload: Workload,
    *,
    batch: int,
    runtime: str = "onnxruntime",
    threads: int = 1,
    pairs: int,
    time_budget_seconds: float = 900.0,
    inputs: Given | None = None,
    precision: str | None = None,
    progress: Callable[[int, int], None] = lambda done, pairs: None,
) -> OpenBatch:
    """Measure a file as it is, its dimensions open, against the same with its dimensions fixed when it is loaded.

    Args:
        workload: with open dimensions, bound to numbers.
        batch: that the batch dimension is bound to.
        runtime: a key of ``RUNTIMES``.
        threads: processor threads that one kernel may use.
        pairs: how many fresh processes of each.
        time_budget_seconds: no pair starts later than this, once there are enough for an interval.
        inputs: as for ``measure_workload``.
        precision: likewise.
        progress: told the number of pairs done and of all pairs.

    Raises:
        InvalidQuantity: the file has no open dimension, or the runtime takes none.
        RunError: as ``compare_workloads``.
    """
    if runtime not in _KEEPS_OPEN:
        raise InvalidQuantity(
            f"{runtime} fixes every shape here when it loads a model", where="--open-batch",
            help=f"ask {', '.join(_KEEPS_OPEN)}",
        )  # fmt: skip
    if not any(isinstance(extent, int) for _, extent in workload.bindings):
        raise InvalidQuantity("the file leaves no dimension open", where="--open-batch", help="leave it out")
    comparison = compare_workloads(
        replace(workload, name="open", bindings=()), replace(workload, name="fixed"),
        runtime=runtime, threads=threads, pairs=pairs, time_budget_seconds=time_budget_seconds, inputs=inputs,
        precision=precision, check_outputs=True, progress=progress,
    )  # fmt: skip
    return OpenBatch(batch, comparison)
