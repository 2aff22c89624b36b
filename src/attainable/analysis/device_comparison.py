"""Devices side by side, with ratios to the first one. The JSON contract of ``attainable devices compare``."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from attainable.analysis.device_list import computed_dtypes, divided, on_chip_memory
from attainable.devices import Basis, Device, Engine, Sourced
from attainable.workload.dtypes import BITS

DEVICES_COMPARED_SCHEMA_VERSION = 1

Quantity = Literal[
    "operations_per_second", "bytes_per_second", "operations_per_byte", "capacity_bytes", "on_chip_bytes",
    "power_watts", "operations_per_joule",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ComparedQuantity:
    """One figure of all devices, in their order.

    Attributes:
        quantity: what, with its unit.
        engine: for a peak: ``matrix``, which is whatever a device does contractions on, ``vector`` or ``special``;
            empty elsewhere.
        dtype: for what depends on the element type; empty elsewhere.
        figures: null where a device does not state it.
        ratios: to the first device; null where either does not state it.
    """

    quantity: Quantity
    engine: str
    dtype: str
    figures: list[Sourced | None]
    ratios: list[float | None]


@dataclass(frozen=True, slots=True)
class DevicesCompared:
    """Devices side by side; each figure is measured, specified or assumed, as ``basis`` prefers and a device has."""

    names: list[str]
    titles: list[str]
    basis: Basis
    rows: list[ComparedQuantity]
    schema_version: int = DEVICES_COMPARED_SCHEMA_VERSION


def compare_devices(devices: Sequence[Device], *, basis: Basis = "measured") -> DevicesCompared:
    """Put whole devices side by side.

    Args:
        devices: at least one; ratios are to the first.
        basis: which figures count where a device has several.
    """
    return DevicesCompared(
        [device.name for device in devices], [device.title for device in devices], basis,
        [row for row in _rows(devices, basis) if any(row.figures)],
    )  # fmt: skip


def _rows(devices: Sequence[Device], basis: Basis) -> Iterator[ComparedQuantity]:
    computed = {dtype for device in devices for dtype in computed_dtypes(device)}
    dtypes = [dtype for dtype in BITS if dtype in computed]
    for dtype in dtypes:
        for engine in _engines(devices, dtype):
            peaks = [_peak(device, engine, dtype, basis) for device in devices]
            yield _row("operations_per_second", peaks, engine=engine, dtype=dtype)
    for dtype in BITS:
        peaks = [_peak(device, "special", dtype, basis) for device in devices]
        yield _row("operations_per_second", peaks, engine="special", dtype=dtype)
    yield _row("bytes_per_second", [device.bytes_per_second(basis=basis) for device in devices])
    for dtype in dtypes:
        yield _row("operations_per_byte", [_ridge(device, dtype, basis) for device in devices], dtype=dtype)
    main = [device.memories[0].capacity_bytes if device.memories else None for device in devices]
    yield _row("capacity_bytes", main)
    yield _row("on_chip_bytes", [on_chip_memory(device) for device in devices])
    yield _row("power_watts", [device.power_watts for device in devices])
    for dtype in dtypes:
        yield _row("operations_per_joule", [_per_joule(device, dtype, basis) for device in devices], dtype=dtype)


def _row(
    quantity: Quantity, figures: list[Sourced | None], *, engine: str = "", dtype: str = ""
) -> ComparedQuantity:  # fmt: skip
    first = figures[0]
    ratios = [figure.value / first.value if first and figure else None for figure in figures]
    return ComparedQuantity(quantity, engine, dtype, figures, ratios)


def _engines(devices: Iterable[Device], dtype: str) -> tuple[Engine, ...]:
    """The engine of contractions, and the vector engine where some device has both for the element type."""
    stated = [{roof.engine for roof in device.roofs if roof.dtype == dtype} for device in devices]
    return ("matrix", "vector") if any({"matrix", "vector"} <= engines for engines in stated) else ("matrix",)


def _peak(device: Device, engine: Engine, dtype: str, basis: Basis) -> Sourced | None:
    """The peak of a unit; contractions run on the vector engine of a device without a unit for them."""
    roof = device.roof(engine, dtype, basis=basis)
    return roof.operations_per_second if roof and (engine == "matrix" or roof.engine == engine) else None


def _ridge(device: Device, dtype: str, basis: Basis) -> Sourced | None:
    return divided(_peak(device, "matrix", dtype, basis), device.bytes_per_second(basis=basis))


def _per_joule(device: Device, dtype: str, basis: Basis) -> Sourced | None:
    return divided(_peak(device, "matrix", dtype, basis), device.power_watts)
