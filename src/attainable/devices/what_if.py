"""A device as it would be with more or less of something: ``bandwidth=2x,peak=0.5x,sram=4MiB,launch=1us``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from attainable.devices.device import Basis, Device
from attainable.devices.figures import Memory, Sourced
from attainable.errors import InvalidQuantity
from attainable.quantities import (
    parse_bytes,
    parse_bytes_per_second,
    parse_operations_per_second,
    parse_seconds,
)
from attainable.workload.dtypes import NUMERIC


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of a device that is different.

    Attributes:
        key: of `KEYS`.
        factor: on what the device states; None where ``value`` is given.
        value: in SI base units.
    """

    key: str
    factor: float | None
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different.

    Attributes:
        text: as the user wrote it; empty for nothing.
        device: the figures of the device.
        batch: number for the batch dimension of the networks; None as it is.
        dtype: element type that the networks are taken to have; empty for their own.
    """

    text: str = ""
    device: tuple[Change, ...] = ()
    batch: int | None = None
    dtype: str = ""

    def changes(self, key: str) -> bool:
        """Whether this figure of the device is different."""
        return any(change.key == key for change in self.device)


_MOST_TIMES = 10**6
"""No figure is that many times larger or smaller than the device's: times stay finite."""

_MOST_DIGITS = 10
"""Of a batch size."""

UNCHANGED = Changes()
"""Nothing is different."""

_Parse = Callable[..., float]

KEYS: Mapping[str, _Parse | None] = {
    "bandwidth": parse_bytes_per_second,
    "peak": parse_operations_per_second,
    "sram": parse_bytes,
    "launch": parse_seconds,
    "batch": None,
    "dtype": None,
}
"""What can be different, and how its value is read; those without a reader belong to the network."""


def parse_changes(text: str) -> Changes:
    """Read ``key=value`` pairs separated by commas; ``2x`` is a factor on what the device has.

    Raises:
        InvalidQuantity: a key is unknown, said twice, or has no value that can be read; all faults are listed.
    """
    figures: list[Change] = []
    batch, dtype, faults = None, "", list[str]()
    said: set[str] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, separator, value = (piece.strip() for piece in part.partition("="))
        if key not in KEYS or not separator or key in said:
            known = f"is none of {', '.join(f'{name}=...' for name in KEYS)}"
            faults.append(f"{'is said twice' if key in said else known} @ {part}")
            continue
        said.add(key)
        try:
            if key == "batch":
                batch = _batch(value, part)
            elif key == "dtype":
                dtype = _dtype(value, part)
            else:
                figures.append(_figure(key, value, part))
        except InvalidQuantity as error:
            faults.append(f"{error.what} @ {part}")
    if faults or not said:
        raise InvalidQuantity(
            "cannot be read",
            where=f"--what-if {text}",
            faults=faults,
            help="for example bandwidth=2x,sram=4MiB,batch=8",
        )
    return Changes(text, tuple(figures), batch, dtype)


def changed(
    device: Device, changes: Changes, *, threads: int | None = None, basis: Basis = "measured"
) -> Device:  # fmt: skip
    """The device with the changes; its sources say so.

    Where a roof or the bandwidth changes, of several figures only the one that counts is left: a value of the user's
    takes its place, and a measured one does not give way to a specified one.

    Args:
        device: as it is.
        changes: what is different.
        threads: cores in use; None for all.
        basis: which figures count.

    Raises:
        InvalidQuantity: a factor on something that the device does not state, or a value very far from what it does.
    """
    if changes.changes("bandwidth") or changes.changes("peak"):
        device = _with_what_counts(device, threads, basis)
    for change in changes.device:
        device = _APPLY[change.key](device, change)
    return device


def _batch(value: str, part: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < len(value) < _MOST_DIGITS and int(value)):
        raise InvalidQuantity("must be a whole number of at least 1", where=part)
    return int(value)


def _dtype(value: str, part: str) -> str:
    if value not in NUMERIC:
        raise InvalidQuantity(f"is no element type of numbers; known: {', '.join(NUMERIC)}", where=part)
    return value


def _figure(key: str, value: str, part: str) -> Change:
    if value.endswith("x"):
        try:
            factor = float(value[:-1])
        except ValueError:
            factor = 0.0
        if not 1 / _MOST_TIMES <= factor <= _MOST_TIMES:
            raise InvalidQuantity(f"is no factor from 1/{_MOST_TIMES:,} to {_MOST_TIMES:,}", where=part)
        return Change(key, factor)
    parse = KEYS[key]
    assert parse is not None
    found = float(parse(value, where=part))
    if found <= 0:
        raise InvalidQuantity("must be above zero", where=part)
    return Change(key, None, found)


def _with_what_counts(device: Device, threads: int | None, basis: Basis) -> Device:
    roofs = dict.fromkeys(
        roof
        for stated in device.roofs
        if (roof := device.roof(stated.engine, stated.dtype, threads, basis=basis)) is not None
    )
    memories = list(device.memories)
    if memories:
        main = memories[0]
        counting = device.bandwidth_of(main, threads, basis=basis)
        kept = tuple(entry for entry in main.bandwidths if entry.access != "read" or entry.bytes_per_second is counting)
        memories[0] = replace(main, bandwidths=kept)
    return replace(device, roofs=tuple(roofs), memories=tuple(memories))


def _factor(change: Change, stated: float) -> float:
    factor = change.value / stated if change.factor is None else change.factor
    if not 1 / _MOST_TIMES <= factor <= _MOST_TIMES:
        raise InvalidQuantity(
            f"is more than {_MOST_TIMES:,} times away from what the device has", where=f"--what-if {change.key}"
        )
    return factor


def _scaled(number: Sourced, factor: float, key: str) -> Sourced:
    return Sourced(number.value * factor, f"what if {key}={factor:g}x: {number.source}", "assumed")


def _bandwidth(device: Device, change: Change) -> Device:
    stated = device.bytes_per_second()
    if stated is None:
        raise InvalidQuantity("the device states no bandwidth to change", where="--what-if bandwidth")
    main, *others = device.memories
    factor = _factor(change, stated.value)
    entries = tuple(
        replace(entry, bytes_per_second=_scaled(entry.bytes_per_second, factor, "bandwidth"))
        for entry in main.bandwidths
    )
    return replace(device, memories=(replace(main, bandwidths=entries), *others))


def _peak(device: Device, change: Change) -> Device:
    if not device.roofs:
        raise InvalidQuantity("the device states no peak to change", where="--what-if peak")
    factor = _factor(change, max(roof.operations_per_second.value for roof in device.roofs))
    roofs = tuple(
        replace(roof, operations_per_second=_scaled(roof.operations_per_second, factor, "peak"))
        for roof in device.roofs
    )
    return replace(device, roofs=roofs)


def _sram(device: Device, change: Change) -> Device:
    """On-chip memory of another size; a device without one gets it, filled and emptied in no time."""
    old = next((memory for memory in device.memories if memory.on_chip), None)
    size = change.value
    if change.factor is not None:
        if old is None or old.capacity_bytes is None:
            raise InvalidQuantity(
                "the device states no on-chip memory to multiply", where="--what-if sram", help="give a size: sram=4MiB"
            )
        size = old.capacity_bytes.value * change.factor
    capacity = Sourced(size, f"what if sram={size:g} bytes", "assumed")
    kept = tuple(memory for memory in device.memories if memory is not old)
    base = old or Memory("on-chip", None, (), on_chip=True)
    return replace(device, memories=(*kept, replace(base, capacity_bytes=capacity)))


def _launch(device: Device, change: Change) -> Device:
    if change.factor is None:
        return replace(device, launch_seconds=Sourced(change.value, "what if", "assumed"))
    if device.launch_seconds is None:
        raise InvalidQuantity("the device states no launch time to multiply", where="--what-if launch")
    return replace(device, launch_seconds=_scaled(device.launch_seconds, change.factor, "launch"))


_APPLY: Mapping[str, Callable[[Device, Change], Device]] = {
    "bandwidth": _bandwidth,
    "peak": _peak,
    "sram": _sram,
    "launch": _launch,
}
