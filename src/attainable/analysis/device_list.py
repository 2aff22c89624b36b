"""The devices that there are, each in a line, and the profiles that cannot be read. JSON of ``devices list``."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from attainable.devices import Device, Entry, Kind, Sourced
from attainable.errors import InputError
from attainable.workload.dtypes import BITS

DEVICE_LIST_SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class HiddenProfile:
    """A profile that another one of the same name stands before; it is not read."""

    origin: str
    path: str


@dataclass(frozen=True, slots=True)
class DeviceSummary:
    """A device by what tells it from others.

    Attributes:
        name, title, vendor, category: of the profile; empty where it does not say.
        origin: ``measured``, ``project``, ``user`` or ``shipped``.
        path: the profile.
        hides: further profiles of this name.
        peaks: operations per second of the whole device by element type, on the engine that does contractions.
        bytes_per_second: of the main memory.
        ridge_points: operations per byte above which computing binds, by element type.
        power_watts: what it draws at most.
    """

    name: str
    title: str
    vendor: str
    category: str
    origin: str
    path: str
    hides: list[HiddenProfile]
    peaks: dict[str, Sourced]
    bytes_per_second: Sourced | None
    ridge_points: dict[str, Sourced]
    power_watts: Sourced | None


@dataclass(frozen=True, slots=True)
class FaultyProfile:
    """A profile that cannot be read: what is wrong, and its faults in detail where there are any."""

    name: str
    origin: str
    path: str
    what: str
    faults: list[str]


@dataclass(frozen=True, slots=True)
class DeviceList:
    """Devices, measured ones first, then by name."""

    devices: list[DeviceSummary]
    faulty: list[FaultyProfile] = field(default_factory=list[FaultyProfile])
    schema_version: int = DEVICE_LIST_SCHEMA_VERSION


def read_entries(entries: Iterable[Entry]) -> tuple[list[tuple[Entry, Device]], list[FaultyProfile]]:
    """The devices of profiles, and the profiles that are none: one bad file does not stand in the way of others."""
    devices: list[tuple[Entry, Device]] = []
    faulty: list[FaultyProfile] = []
    for entry in entries:
        try:
            devices.append((entry, entry.read()))
        except InputError as error:
            path = str(entry.path)
            faulty.append(FaultyProfile(entry.name, entry.origin, path, error.what, list(error.faults)))
    return devices, faulty


def summary(entry: Entry, device: Device) -> DeviceSummary:
    """A device in a line."""
    return DeviceSummary(
        name=entry.name, title=device.title, vendor=device.vendor, category=device.category or "",
        origin=entry.origin, path=str(entry.path),
        hides=[HiddenProfile(hidden.origin, str(hidden.path)) for hidden in entry.hides],
        peaks={dtype: peak for dtype in computed_dtypes(device) if (peak := peak_of(device, dtype))},
        bytes_per_second=device.bytes_per_second(),
        ridge_points={dtype: ridge for dtype in computed_dtypes(device) if (ridge := ridge_of(device, dtype))},
        power_watts=device.power_watts,
    )  # fmt: skip


def computed_dtypes(device: Device) -> tuple[str, ...]:
    """The element types that a device states a roof of arithmetic for, in the order of ``dtypes.BITS``.

    Unsigned integers are left out beside signed ones, whose roof they have (`Device.roof`).
    """
    stated = {roof.dtype for roof in device.roofs if roof.engine != "special"}
    return tuple(dtype for dtype in BITS if dtype in stated and dtype.removeprefix("u") not in stated - {dtype})


def peak_of(device: Device, dtype: str) -> Sourced | None:
    """Operations per second of the whole device on the engine that does contractions, measured figures first."""
    roof = device.roof("matrix", dtype)
    return roof.operations_per_second if roof else None


def ridge_of(device: Device, dtype: str) -> Sourced | None:
    """Operations per byte above which contractions are bound by computing.

    Source: Williams, Waterman, Patterson, Roofline, CACM 52(4), 2009.
    """
    return divided(peak_of(device, dtype), device.bytes_per_second())


def on_chip_memory(device: Device) -> Sourced | None:
    """The largest explicit memory on the chip; None where none is stated."""
    sizes = [memory.capacity_bytes for memory in device.memories if memory.on_chip and memory.capacity_bytes]
    return max(sizes, key=lambda size: size.value, default=None)


_CERTAINTY: tuple[Kind, ...] = ("assumed", "specified", "measured")


def divided(number: Sourced | None, by: Sourced | None) -> Sourced | None:
    """A number that is worked out from two others, as certain as the weaker one; None where either is not known."""
    if number is None or by is None:
        return None
    kinds: tuple[Kind, Kind] = (number.kind, by.kind)
    return Sourced(number.value / by.value, "worked out from two figures", min(kinds, key=_CERTAINTY.index))
