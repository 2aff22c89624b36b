"""A row: a claim, and how it is measured here; and the files of the networks that it measures."""

import tempfile
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import onnx

from attainable.cost.count import count
from attainable.workload import Workload, load
from benchmarks.local_rows.judging import Result
from benchmarks.local_rows.rounds import Contender, Effort

EQUAL_MACS = 0.02
"""Networks whose MACs differ by no more are taken for equal in work."""


@dataclass(frozen=True, slots=True)
class Row:
    """A claim that is measured.

    Attributes:
        statement: what is claimed.
        expected: what must be seen.
        measure: measures and judges; raises RunError where it cannot.
    """

    statement: str
    expected: str
    measure: Callable[[Effort], Result]


Rows = dict[str, Row]


@contextmanager
def written(models: Mapping[str, onnx.ModelProto]) -> Generator[dict[str, Workload]]:
    """The models as files, read back, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="attainable-") as folder:
        workloads: dict[str, Workload] = {}
        for number, (name, model) in enumerate(models.items()):
            path = Path(folder) / f"{number}.onnx"
            path.write_bytes(model.SerializeToString())
            workloads[name] = load(path)
        yield workloads


def contenders(workloads: Mapping[str, Workload]) -> dict[str, Contender]:
    """The networks, each run as it would be deployed."""
    return {name: Contender(workload) for name, workload in workloads.items()}


def spread_of_macs(workloads: Iterable[Workload]) -> float:
    """Share by which the most MACs of some networks exceed the fewest."""
    macs = [count(workload).totals.macs for workload in workloads]
    return max(macs) / min(macs) - 1


def equal_macs(workloads: Iterable[Workload]) -> str:
    """A sentence on how equal the work of some networks is.

    Raises:
        ValueError: it is not; a comparison of their times would say nothing.
    """
    spread = spread_of_macs(workloads)
    if spread > EQUAL_MACS:
        raise ValueError(f"MACs differ by {spread:.1%}, more than {EQUAL_MACS:.0%}")
    return f"MACs within {spread:.1%}"
