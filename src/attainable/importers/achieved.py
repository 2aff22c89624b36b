"""What a network achieved: its work on paper by the time of a run, beside the roofs of the device.

Operations and bytes are *counted*, the time is *measured*, the roof is the device's: none of them is a counter of the
hardware. Bytes are told twice, because only the runtime knows how much it kept on the chip: those that no run can
avoid, and those of a run in which every op reads and writes memory.
"""

from dataclasses import dataclass
from typing import Literal

from attainable.cost.count import Count
from attainable.devices.device import Device
from attainable.importers.log import Log

Moved = Literal["unavoidable", "op by op"]


@dataclass(frozen=True, slots=True)
class AchievedOperations:
    """Operations of one engine on one element type.

    Attributes:
        engine, dtype: as counted.
        operations: counted, in one run.
        operations_per_second: these by the measured time of a run.
        roof_operations_per_second: of the device, for them; None where it states none.
        roof_kind: whether that is specified, measured or assumed; empty without it.
        share: achieved of the roof; above 1 where the run computed in a narrower type, or by an algorithm with fewer
            operations; None without a roof.
    """

    engine: str
    dtype: str
    operations: int
    operations_per_second: float
    roof_operations_per_second: float | None
    roof_kind: str
    share: float | None


@dataclass(frozen=True, slots=True)
class AchievedBytes:
    """Bytes between the processor and its main memory, under one assumption of what stays on the chip.

    Attributes:
        moved: ``unavoidable``: weights, inputs and outputs of the network; ``op by op``: what each op reads and writes.
        bytes: counted, in one run.
        bytes_per_second: these by the measured time of a run.
        roof_bytes_per_second: of the device's main memory; None where it states none.
        roof_kind: whether that is specified, measured or assumed; empty without it.
        share: achieved of the roof; None without one.
    """

    moved: Moved
    bytes: int
    bytes_per_second: float
    roof_bytes_per_second: float | None
    roof_kind: str
    share: float | None


@dataclass(frozen=True, slots=True)
class Achieved:
    """A network in one run of a log.

    Attributes:
        device: whose roofs these are; empty where none is named.
        seconds: measured, of one run.
        statistic: what that is: median, average or minimum.
        operations: one row for each engine and element type, the most of its roof first.
        bytes: one row for each assumption.
        busy_share: of the time, in which at least one kernel ran; None where the log is no trace of one GPU.
        gpus: how many GPUs the trace is of; 0 where it is none. The roofs are those of one device.
        batch: inferences that the work was counted for; None where the inputs of the model do not agree on it.
        batch_told: whether the log told this batch; 1 may also mean that its tool did not find it.
        at_least: some ops could not be counted: operations, bytes, what was achieved and its shares are floors.
    """

    device: str
    seconds: float
    statistic: str
    operations: tuple[AchievedOperations, ...]
    bytes: tuple[AchievedBytes, ...]
    busy_share: float | None
    gpus: int
    batch: int | None
    batch_told: bool
    at_least: bool

    @property
    def highest(self) -> AchievedOperations | None:
        """The operations that reach most of their roof; None without a roof."""
        return next((row for row in self.operations if row.share is not None), None)


def achieved(log: Log, count: Count, device: Device | None, *, threads: int | None = None) -> Achieved | None:
    """What a network achieved; None where the log has no time of whole runs: a sum of operators is none.

    Args:
        log: as read.
        count: of the model that was run, in the log's batch.
        device: what it ran on; None where that is not described.
        threads: of the processor; None for all of the device.
    """
    typical = log.times.typical
    if typical is None or not typical[1] or log.times.basis != "runs":
        return None
    statistic, seconds = typical
    work = count.totals.work
    gpus = log.trace.gpus if log.trace is not None else ()
    operations = [
        _operations(engine, dtype, number, seconds, device, threads) for engine, dtype, number in work.operations
    ]
    moved: tuple[tuple[Moved, int], ...] = (
        ("unavoidable", count.unavoidable_bytes), ("op by op", work.bytes_moved),
    )  # fmt: skip
    return Achieved(
        device=device.name if device is not None else "", seconds=seconds, statistic=statistic,
        operations=tuple(sorted(operations, key=lambda row: -(row.share or 0.0))),
        bytes=tuple(_bytes(how, number, seconds, device, threads) for how, number in moved),
        busy_share=gpus[0].busy_share if len(gpus) == 1 else None, gpus=len(gpus),
        batch=batch_of(count), batch_told=batch_told(log), at_least=count.totals.at_least,
    )  # fmt: skip


def batch_of(count: Count) -> int | None:
    """The batch that a model was counted in: the first axis of its inputs; None where these do not agree on it."""
    batches = {tensor.shape[0] for tensor in count.workload.inputs if tensor.shape}
    return batches.pop() if len(batches) == 1 else None


def batch_told(log: Log) -> bool:
    """Whether a log tells its batch; 1 may also mean that the tool did not find it."""
    return log.batch is not None and log.batch > 1


def _operations(
    engine: Literal["matrix", "vector"], dtype: str, number: int, seconds: float, device: Device | None,
    threads: int | None,
) -> AchievedOperations:  # fmt: skip
    roof = device.roof(engine, dtype, threads) if device is not None else None
    speed = roof.operations_per_second if roof is not None else None
    rate = number / seconds
    return AchievedOperations(
        engine, dtype, number, rate, speed.value if speed else None, speed.kind if speed else "",
        rate / speed.value if speed else None,
    )  # fmt: skip


def _bytes(moved: Moved, number: int, seconds: float, device: Device | None, threads: int | None) -> AchievedBytes:
    speed = device.bytes_per_second(threads) if device is not None else None
    rate = number / seconds
    return AchievedBytes(
        moved, number, rate, speed.value if speed else None, speed.kind if speed else "",
        rate / speed.value if speed else None,
    )  # fmt: skip
