"""Joins a log with the model that it is of: kernels with their ops, and a run in an analysis.

What the log does not tell is unknown in the run too: nothing is made up, and an average is not called a median.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version

from attainable.analysis.build import Bounding
from attainable.analysis.counted import counted
from attainable.analysis.labels import group_label
from attainable.analysis.records import Analysis
from attainable.analysis.run_records import KernelRow, RunRow
from attainable.analysis.run_rows import group_rows
from attainable.cost.count import Count
from attainable.devices.device import Device
from attainable.errors import InputError
from attainable.importers.achieved import Achieved, achieved, batch_of, batch_told
from attainable.importers.attribution import ROUTINES, attribute
from attainable.importers.log import Log, LoggedKernel
from attainable.measurement.attribution import attributed_share, groups
from attainable.workload.kernel import Kernel

UNKNOWN_DEVICE = "unknown"
"""The device of a run of which nobody said where it ran."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A log beside its model.

    Attributes:
        log: what was read.
        kernels: with their ops, in the order in which they ran.
        labels: what a person calls the ops of each kernel; empty for one without ops.
        attributed_share: of the kernels' time that found its ops; None without kernels, or with names of routines.
        analysis: the work on paper, the bound on the device, and the run, where it has all that a run needs.
        left_out: why the run is not in the analysis, one sentence each; empty where it is.
        achieved: operations and bytes per second beside the roofs; None where the log has no time of such a run.
    """

    log: Log
    kernels: tuple[KernelRow, ...]
    labels: tuple[str, ...]
    attributed_share: float | None
    analysis: Analysis
    left_out: tuple[str, ...]
    achieved: Achieved | None = None


def join(log: Log, count: Count, *, device: Device | None = None, threads: int | None = None) -> Joined:
    """Join a log with the count of the model that was run.

    Args:
        log: as read.
        count: of the model.
        device: what it ran on; None where that is not described.
        threads: of the processor; None for what the log tells.

    Raises:
        InputError: the log tells another number of threads.
    """
    if threads is not None and log.threads is not None and threads != log.threads:
        raise InputError(
            f"tells {log.threads} threads", where=f"--threads {threads}", help="leave out --threads: the log knows"
        )
    cores = threads or log.threads
    kernels = attribute(log.kernels, log.runtime, count.workload)
    share = attributed_share(kernels) if kernels and log.runtime not in ROUTINES else None
    entries = {entry.op.id: entry for entry in count.ops}
    labels = tuple(group_label(entries[id] for id in kernel.ops) if kernel.ops else "" for kernel in kernels)
    analysis = counted(count)
    analysis = replace(
        analysis,
        devices=[Bounding(count).row(device, threads=cores)] if device is not None else [],
        environment=_tool(),
        warnings=[*analysis.warnings, *(f"{log.runtime}'s log: {note}" for note in log.notes)],
    )
    rows = tuple(_kernel_row(kernel, logged) for kernel, logged in zip(kernels, log.kernels, strict=True))
    left_out = _other_batch(log, count)
    if log.times.typical is None:
        left_out = ("the log has no time of whole runs", *left_out)
    elif log.times.basis == "operators":
        left_out = ("the log has the time of operators only, not of whole runs", *left_out)
    elif not left_out:
        run = _run_row(log, log.times.typical, share, device=device, cores=cores)
        found = group_rows(count, groups(kernels), device, threads=cores)
        # Whose time it is nobody knows: the routine's name says more than that.
        named = [group if group.ops else replace(group, label=rows[group.kernels[0]].name) for group in found]
        run = replace(run, kernels=list(rows), groups=named)
        analysis = replace(analysis, runs=[run])
    reached = None if left_out else achieved(log, count, device, threads=cores)
    return Joined(log, rows, labels, share, analysis, left_out, reached)


def of_network(logs: Sequence[Log], name: str, *, threads: int | None = None) -> Log:
    """The log that is of a network, where a file lists several.

    Args:
        logs: at least one.
        name: of the model.
        threads: of the run, where the file has several of the network; None for the only one.

    Raises:
        InputError: none of them is, or several are.
    """
    if len(logs) == 1:
        return logs[0]
    found = [log for log in logs if _plain(log.network) == _plain(name)]
    if threads is not None:
        found = [log for log in found if log.threads in (None, threads)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(dict.fromkeys(log.network for log in logs))
    what = f"has {len(found)} runs of {name!r}" if found else f"has no run of {name!r}"
    help = "choose one with --threads, or import its part of the file alone" if found else f"it lists: {listed}"
    raise InputError(what, where=logs[0].sources[0].path if logs[0].sources else "", help=help)


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _other_batch(log: Log, count: Count) -> tuple[str, ...]:
    """Why a log is of another batch than the model."""
    batch = batch_of(count)
    if batch is None or not batch_told(log) or log.batch == batch:
        return ()
    return (f"the log is of batch {log.batch} and the model of batch {batch}: add --batch {log.batch}",)


def _run_row(
    log: Log, typical: tuple[str, float], share: float | None, *, device: Device | None, cores: int | None
) -> RunRow:
    """All that the log itself tells of a run."""
    times = log.times
    statistic, seconds = typical
    percentiles = dict(times.percentiles)
    return RunRow(
        runtime=log.runtime, version=log.version, device=device.name if device is not None else UNKNOWN_DEVICE,
        threads=cores, dtype=log.precision, samples=times.samples, seconds=seconds, statistic=statistic,
        low_seconds=times.low, high_seconds=times.high, minimum_seconds=times.minimum, load_seconds=log.load_seconds,
        profiled_seconds=None, unprofiled_seconds=None, kernels_seconds=log.kernels_seconds, profiler_seconds=None,
        attributed_share=share, peak_resident_bytes=None, inputs=[], kernels=[], groups=[], precision=log.precision,
        batch=log.batch, inferences_per_second=log.batch / seconds if log.batch and seconds else None,
        p90_seconds=percentiles.get(90.0), p99_seconds=percentiles.get(99.0),
        first_run_seconds=log.first_run_seconds, provenance=_provenance(log),
    )  # fmt: skip


def _kernel_row(kernel: Kernel, logged: LoggedKernel) -> KernelRow:
    return KernelRow(
        kernel.name, kernel.kind, list(kernel.ops), kernel.attribution, kernel.seconds, precision=logged.precision
    )


def _tool() -> dict[str, str]:
    """What made the analysis; of the machine that was measured the log tells nothing."""
    with suppress(PackageNotFoundError):
        return {"attainable": version("attainable")}
    return {}


def _provenance(log: Log) -> dict[str, str]:
    """Where the figures come from."""
    facts: dict[str, str] = {}
    for index, source in enumerate(log.sources):
        number = f" {index + 1}" if len(log.sources) > 1 else ""
        facts[f"log{number}"] = source.path
        facts[f"log{number} sha256"] = source.sha256
        facts[f"log{number} format"] = f"{source.format} ({source.tool})"
    return facts
