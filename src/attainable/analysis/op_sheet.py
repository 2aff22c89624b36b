"""One operator on paper and at best on devices: the JSON contract of ``attainable op``."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from attainable.analysis.labels import op_label
from attainable.analysis.settings import Setting, stand_in
from attainable.cost.count import Count, count
from attainable.devices.figures import Engine
from attainable.prediction.accounting import Accounting
from attainable.prediction.estimate import Estimate
from attainable.prediction.kernels import paper_kernels
from attainable.prediction.price import priced
from attainable.workload.graph import Workload
from attainable.workload.recast import recast

OP_SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class OpOnDevice:
    """The roofline of an operator on a device, in the type that it has there.

    ``bound_by`` is ``compute``, ``memory``, ``overhead``, ``nothing`` for an operator that costs nothing, ``left out``
    for one that the accounting leaves out, or ``unknown`` where the device states neither a roof nor a bandwidth for
    it; ``seconds`` are 0 in the last three. ``attainable_operations_per_second`` is what the roofline allows,
    ``of_peak`` its share of the peak, ``ridge_point`` in operations per byte; null where the device states no roof for
    the type, and ``compute_seconds`` is then 0.
    """

    device: str
    dtype: str
    seconds: float
    bound_by: str
    compute_seconds: float
    memory_seconds: float
    operational_intensity: float | None
    attainable_operations_per_second: float | None
    of_peak: float | None
    ridge_point: float | None


@dataclass(frozen=True, slots=True)
class OpSheet:
    """An operator on paper. ``operational_intensity`` is in operations per byte, null where nothing moves."""

    text: str
    label: str
    dtype: str
    macs: int
    operations: int
    parameters: int
    bytes_activation_in: int
    bytes_weight: int
    bytes_activation_out: int
    operational_intensity: float | None
    devices: list[OpOnDevice] = field(default_factory=list[OpOnDevice])


@dataclass(frozen=True, slots=True)
class OpSheets:
    """Operators side by side, on the same devices under the same accounting."""

    accounting: str
    ops: list[OpSheet]
    schema_version: int = OP_SCHEMA_VERSION


def op_sheet(
    workload: Workload, settings: Sequence[Setting], *, threads: int | None, accounting: Accounting
) -> OpSheet:
    """Count a workload of one operator and bound it on devices.

    Args:
        workload: of `attainable.workload.line.described`.
        settings: devices, and the type that the operator has on them.
        threads: cores in use; None for all.
        accounting: of the roofline.
    """
    counted = count(workload)
    (entry,) = counted.ops
    work = entry.work
    return OpSheet(
        text=workload.name, label=op_label(entry.op), dtype=entry.dtype, macs=work.macs,
        operations=work.total_operations, parameters=entry.parameters, bytes_activation_in=work.bytes_activation_in,
        bytes_weight=work.bytes_weight, bytes_activation_out=work.bytes_activation_out,
        operational_intensity=work.operational_intensity,
        devices=[_on_device(counted, setting, threads, accounting) for setting in settings],
    )  # fmt: skip


def _on_device(own: Count, setting: Setting, threads: int | None, accounting: Accounting) -> OpOnDevice:
    device = setting.device
    dtype = setting.dtype or stand_in(own, device)
    counted = count(recast(own.workload, dtype)) if dtype else own
    (kernel,) = paper_kernels(counted, accounting.kernels)
    priced_here = priced(kernel, device, threads=threads, accounting=accounting)
    estimate = priced_here or Estimate(0.0, 0.0)
    bound_by = "left out" if priced_here is None else estimate.bound_by
    if bound_by == "nothing" and (kernel.work.operations or kernel.work.bytes_moved):
        bound_by = "unknown"
    engine: Engine = "matrix" if kernel.work.macs else "vector"
    roof = device.roof(engine, kernel.main.dtype, threads, basis=accounting.basis)
    known = estimate.seconds > 0 and not estimate.without_roof
    rate = kernel.work.total_operations / estimate.seconds if known else None
    return OpOnDevice(
        device=setting.name, dtype=kernel.main.dtype, seconds=estimate.seconds, bound_by=bound_by,
        compute_seconds=estimate.compute_seconds, memory_seconds=estimate.memory_seconds,
        operational_intensity=kernel.work.operational_intensity, attainable_operations_per_second=rate,
        of_peak=rate / roof.operations_per_second.value if rate is not None and roof else None,
        ridge_point=device.ridge_point(engine, kernel.main.dtype, threads, basis=accounting.basis),
    )  # fmt: skip
