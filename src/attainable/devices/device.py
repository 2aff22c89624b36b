"""Device, Roof and Sourced: hardware as numbers, each with the place it came from."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

Kind = Literal["specified", "measured", "assumed"]
Engine = Literal["matrix", "vector"]


@dataclass(frozen=True, slots=True)
class Sourced:
    """A number in SI base units that says where it came from.

    Attributes:
        value: the number.
        source: data sheet, page, formula or the measurement that gave it.
        kind: ``specified`` by the maker, ``measured``, or ``assumed`` by us.
    """

    value: float
    source: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Roof:
    """The most operations per second of an engine on one element type.

    Attributes:
        engine: ``matrix`` for contractions where the device has a unit for them, else ``vector``.
        dtype: element type of the operands.
        threads: cores in use; None for the device as a whole, where threads mean nothing.
        operations_per_second: multiply and add counted as two.
    """

    engine: Engine
    dtype: str
    threads: int | None
    operations_per_second: Sourced


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Bytes per second between the memory and ``threads`` cores (None: the whole device)."""

    threads: int | None
    bytes_per_second: Sourced


@dataclass(frozen=True, slots=True)
class Memory:
    """A level of the memory hierarchy.

    Attributes:
        name: ``DRAM``, ``L2``, ...
        capacity_bytes: None where unknown.
        bandwidths: one per thread count.
    """

    name: str
    capacity_bytes: Sourced | None
    bandwidths: tuple[Bandwidth, ...]


@dataclass(frozen=True, slots=True)
class Device:
    """A piece of hardware: roofs, memories from the slowest to the fastest, launch overhead.

    Attributes:
        name: key of the profile, ``local`` for this machine.
        title: what a person calls it.
        cores: physical threads a runtime may use; None where threads mean nothing.
        roofs: peaks by engine, dtype and threads.
        memories: the first one is where weights live.
        launch_seconds: fixed cost of starting one kernel, where known.
        conditions: ``(name, text)`` pairs: clock, load, ISA while it was measured, or the assumptions of a description.
    """

    name: str
    title: str
    cores: int | None
    roofs: tuple[Roof, ...]
    memories: tuple[Memory, ...]
    launch_seconds: Sourced | None = None
    conditions: tuple[tuple[str, str], ...] = ()

    def roof(self, engine: Engine, dtype: str, threads: int | None = None) -> Roof | None:
        """The roof that bounds work of this engine and dtype on ``threads`` cores.

        Contractions run on the vector engine of a device without a matrix engine. A thread count between two entries
        takes the next larger one, so that the bound stays a bound. Unsigned integers have the roof of signed ones. None
        where the device states no such roof.
        """
        engines: tuple[Engine, ...] = ("matrix", "vector") if engine == "matrix" else ("vector",)
        stated = _SIGNED.get(dtype, dtype)
        for candidate in engines:
            roofs = [roof for roof in self.roofs if roof.engine == candidate and roof.dtype == stated]
            if roofs:
                return _for_threads(roofs, threads)
        return None

    def bytes_per_second(self, threads: int | None = None, *, held_bytes: int | None = None) -> Sourced | None:
        """Bandwidth as ``threads`` cores see it; None where the device states none.

        Args:
            threads: cores in use; None for all.
            held_bytes: take the fastest memory that holds this many bytes from one run to the next; None for the main
                memory.
        """
        for memory in reversed(self.memories):
            is_main = memory is self.memories[0]
            fits = (
                memory.capacity_bytes is not None
                and held_bytes is not None
                and held_bytes <= memory.capacity_bytes.value
            )
            if (is_main or fits) and (found := _for_threads(memory.bandwidths, threads)) is not None:
                return found.bytes_per_second
        return None


_SIGNED = {"uint8": "int8", "uint4": "int4", "uint2": "int2"}
"""The units that multiply signed integers multiply unsigned ones as fast; makers state one figure for both."""

_Entry = TypeVar("_Entry", Roof, Bandwidth)


def _for_threads(entries: Iterable[_Entry], threads: int | None) -> _Entry | None:
    """The entry for ``threads``: exact, else the next larger, else the largest; a whole-device entry fits all."""
    ordered = sorted(entries, key=lambda entry: (entry.threads is None, entry.threads or 0))
    if threads is not None:
        for entry in ordered:
            if entry.threads is None or entry.threads >= threads:
                return entry
    return ordered[-1] if ordered else None
