"""Everything that is known of a device, what is stated beside what was measured. JSON of ``devices show``."""

from dataclasses import dataclass

from attainable.devices import Bandwidth, Basis, Ceiling, Device, Engine, Roof, Sourced

DEVICE_SHEET_SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class RoofPair:
    """One roof as the maker or we state it, and as somebody measured it; ``ratio`` is measured / stated."""

    engine: str
    dtype: str
    threads: int | None
    stated: Sourced | None
    measured: Sourced | None
    ratio: float | None


@dataclass(frozen=True, slots=True)
class BandwidthPair:
    """One bandwidth of a memory, stated and measured; ``ratio`` is measured / stated."""

    memory: str
    access: str
    threads: int | None
    stated: Sourced | None
    measured: Sourced | None
    ratio: float | None


@dataclass(frozen=True, slots=True)
class RidgePoint:
    """Operations per byte above which computing binds, on all cores: from stated figures, and from measured ones.

    ``measured`` is null where no figure of it was measured.
    """

    engine: str
    dtype: str
    stated: float | None
    measured: float | None


@dataclass(frozen=True, slots=True)
class CeilingShare:
    """What a runtime reaches in practice, as a share of the roof of the unit; null where none is stated."""

    ceiling: Ceiling
    share_of_roof: float | None


@dataclass(frozen=True, slots=True)
class DeviceSheet:
    """A device, its profile as it is in ``device``, and what follows from it."""

    device: Device
    origin: str
    path: str
    roofs: list[RoofPair]
    ridge_points: list[RidgePoint]
    bandwidths: list[BandwidthPair]
    ceilings: list[CeilingShare]
    schema_version: int = DEVICE_SHEET_SCHEMA_VERSION


def device_sheet(device: Device, *, origin: str = "", path: str = "") -> DeviceSheet:
    """Pair what is stated with what was measured, and work out ridge points and shares.

    Args:
        device: the device.
        origin: where its profile comes from; empty for a file that the user named.
        path: that profile.
    """
    return DeviceSheet(
        device, origin, path, _roofs(device), _ridge_points(device), _bandwidths(device),
        [CeilingShare(ceiling, _share(device, ceiling)) for ceiling in device.ceilings],
    )  # fmt: skip


def _roofs(device: Device) -> list[RoofPair]:
    found: dict[tuple[str, str, int | None], list[Roof]] = {}
    for roof in device.roofs:
        found.setdefault((roof.engine, roof.dtype, roof.threads), []).append(roof)
    pairs = ((key, _pair([roof.operations_per_second for roof in roofs])) for key, roofs in found.items())
    return [RoofPair(*key, *pair, _ratio(*pair)) for key, pair in pairs]


def _bandwidths(device: Device) -> list[BandwidthPair]:
    rows: list[BandwidthPair] = []
    for memory in device.memories:
        found: dict[tuple[str, int | None], list[Bandwidth]] = {}
        for entry in memory.bandwidths:
            found.setdefault((entry.access, entry.threads), []).append(entry)
        pairs = ((key, _pair([entry.bytes_per_second for entry in entries])) for key, entries in found.items())
        rows += [BandwidthPair(memory.name, *key, *pair, _ratio(*pair)) for key, pair in pairs]
    return rows


def _pair(numbers: list[Sourced]) -> tuple[Sourced | None, Sourced | None]:
    """What is stated, and what was measured; a profile has at most one of each."""
    stated = next((number for number in numbers if number.kind != "measured"), None)
    return stated, next((number for number in numbers if number.kind == "measured"), None)


def _ratio(stated: Sourced | None, measured: Sourced | None) -> float | None:
    return measured.value / stated.value if stated and measured else None


def _ridge_points(device: Device) -> list[RidgePoint]:
    engines: dict[tuple[Engine, str], None] = {
        (roof.engine, roof.dtype): None for roof in device.roofs if roof.engine != "special"
    }
    rows = [RidgePoint(engine, dtype, *_ridges(device, engine, dtype)) for engine, dtype in engines]
    return [row for row in rows if (row.stated, row.measured) != (None, None)]


def _ridges(device: Device, engine: Engine, dtype: str) -> tuple[float | None, float | None]:
    def parts(basis: Basis) -> list[Sourced]:
        roof, bandwidth = device.roof(engine, dtype, basis=basis), device.bytes_per_second(basis=basis)
        return [roof.operations_per_second, bandwidth] if roof and bandwidth else []

    stated, measured = parts("specified"), parts("measured")
    return (
        stated[0].value / stated[1].value if stated and all(part.kind != "measured" for part in stated) else None,
        measured[0].value / measured[1].value if any(part.kind == "measured" for part in measured) else None,
    )


def _share(device: Device, ceiling: Ceiling) -> float | None:
    roof = device.roof("matrix", ceiling.dtype, ceiling.threads)
    return ceiling.operations_per_second.value / roof.operations_per_second.value if roof else None
