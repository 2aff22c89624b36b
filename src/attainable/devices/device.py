"""Device: hardware as numbers, each with the place it came from."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from attainable.devices.figures import Access, Bandwidth, Ceiling, Engine, Kind, Memory, Roof, Sourced
from attainable.devices.traits import Alignment, Axis, Efficiency, Limit, OpClass

Category = Literal["cpu", "gpu", "npu", "soc"]
CATEGORIES: tuple[Category, ...] = get_args(Category)

Basis = Literal["measured", "specified"]
"""Which of two figures for the same roof counts; the other one stands in where it is the only one."""

BASES: tuple[Basis, ...] = get_args(Basis)

_PREFERENCE: dict[Basis, tuple[Kind, ...]] = {
    "measured": ("measured", "specified", "assumed"),
    "specified": ("specified", "assumed", "measured"),
}


@dataclass(frozen=True, slots=True)
class Device:
    """A piece of hardware: roofs, memories from the slowest to the fastest, overheads, and how it treats operators.

    Attributes:
        name: key of the profile, ``local`` for this machine.
        title: what a person calls it.
        cores: physical threads a runtime may use; None where threads mean nothing.
        roofs: peaks by engine, dtype and threads; the same one may be specified and measured.
        memories: the first one is where weights live.
        launch_seconds: fixed cost of starting one kernel, where known.
        run_seconds: fixed cost of starting one inference, where known.
        ceilings: what a runtime reaches in practice.
        efficiencies: shares of the roofs by kind of operator.
        alignments: channels that are rounded up.
        power_watts: what it draws at most (thermal design power, board power).
        vendor: who makes it.
        category: ``cpu``, ``gpu``, ``npu``, or ``soc`` for the CPU cores of a system on a chip.
        interfaces: how it is attached or what it offers: PCIe, M.2, MIPI CSI, ...
        toolchains: what turns a model into something it runs.
        conditions: ``(name, text)`` pairs: clock, load, ISA while it was measured, or the assumptions of a description.
    """

    name: str
    title: str
    cores: int | None
    roofs: tuple[Roof, ...]
    memories: tuple[Memory, ...]
    launch_seconds: Sourced | None = None
    run_seconds: Sourced | None = None
    ceilings: tuple[Ceiling, ...] = ()
    efficiencies: tuple[Efficiency, ...] = ()
    alignments: tuple[Alignment, ...] = ()
    power_watts: Sourced | None = None
    vendor: str = ""
    category: Category | None = None
    interfaces: tuple[str, ...] = ()
    toolchains: tuple[str, ...] = ()
    conditions: tuple[tuple[str, str], ...] = ()

    def roof(self, engine: Engine, dtype: str, threads: int | None = None, *, basis: Basis = "measured") -> Roof | None:
        """The roof that bounds work of this engine and dtype on ``threads`` cores.

        Contractions and special functions run on the vector engine of a device that has none for them. A thread count
        between two entries takes the next larger one, so that the bound stays a bound. Unsigned integers have the roof
        of signed ones. None where the device states no such roof.
        """
        engines: tuple[Engine, ...] = ("vector",) if engine == "vector" else (engine, "vector")
        stated = _SIGNED.get(dtype, dtype)
        for candidate in engines:
            roofs = [roof for roof in self.roofs if roof.engine == candidate and roof.dtype == stated]
            if roofs:
                return _chosen(roofs, _kind_of_roof, threads, basis)
        return None

    def bytes_per_second(
        self, threads: int | None = None, *, held_bytes: int | None = None, basis: Basis = "measured",
        access: Access = "read",
    ) -> Sourced | None:  # fmt: skip
        """Bandwidth as ``threads`` cores see it; None where the device states none.

        Args:
            threads: cores in use; None for all.
            held_bytes: take the fastest memory that holds this many bytes from one run to the next; None for the main
                memory.
            basis: measured or specified figures first.
            access: what the program does with the bytes.
        """
        for memory in reversed(self.memories):
            is_main = memory is self.memories[0]
            fits = (
                memory.capacity_bytes is not None
                and held_bytes is not None
                and held_bytes <= memory.capacity_bytes.value
            )
            found = self.bandwidth_of(memory, threads, basis=basis, access=access) if is_main or fits else None
            if found is not None:
                return found
        return None

    def bandwidth_of(
        self, memory: Memory, threads: int | None = None, *, basis: Basis = "measured", access: Access = "read"
    ) -> Sourced | None:
        """Bandwidth of one of the memories as ``threads`` cores see it; None where none is stated."""
        entries = [entry for entry in memory.bandwidths if entry.access == access]
        return _chosen(entries, _kind_of_bandwidth, threads, basis).bytes_per_second if entries else None

    def efficiency(self, op_class: OpClass, limit: Limit) -> float:
        """The share of the roof that operators of a kind reach; 1 where the device says nothing."""
        for efficiency in self.efficiencies:
            if (efficiency.op_class, efficiency.limit) == (op_class, limit):
                return efficiency.share.value
        return 1.0

    def multiple(self, axis: Axis, dtype: str) -> int:
        """What a number of channels is rounded up to: stated for this element type, else for all; else 1."""
        stated = {entry.dtype: int(entry.multiple.value) for entry in self.alignments if entry.axis == axis}
        return stated.get(_SIGNED.get(dtype, dtype), stated.get(None, 1))

    def ridge_point(
        self, engine: Engine, dtype: str, threads: int | None = None, *, basis: Basis = "measured"
    ) -> float | None:
        """Operations per byte above which computing binds; None where the device states no such roof or bandwidth.

        Source: Williams, Waterman, Patterson, Roofline, CACM 52(4), 2009.
        """
        roof = self.roof(engine, dtype, threads, basis=basis)
        bandwidth = self.bytes_per_second(threads, basis=basis)
        return roof.operations_per_second.value / bandwidth.value if roof and bandwidth else None


_SIGNED = {"uint8": "int8", "uint4": "int4", "uint2": "int2"}
"""The units that multiply signed integers multiply unsigned ones as fast; makers state one figure for both."""

_Entry = TypeVar("_Entry", Roof, Bandwidth)


def _chosen(entries: Sequence[_Entry], kind_of: Callable[[_Entry], Kind], threads: int | None, basis: Basis) -> _Entry:
    """The entry for ``threads`` (None: for the most that any entry has), of the kind that the basis likes best.

    A thread count between two entries takes the next larger one; a whole-device entry fits all; beyond the largest
    entry the largest has to do.
    """
    wanted = max(map(_threads, entries)) if threads is None else threads
    enough = [entry for entry in entries if _threads(entry) >= wanted]
    if not enough:
        enough = [entry for entry in entries if _threads(entry) == max(map(_threads, entries))]
    kind = min((kind_of(entry) for entry in enough), key=_PREFERENCE[basis].index)
    return min((entry for entry in enough if kind_of(entry) == kind), key=_threads)


def _threads(entry: Roof | Bandwidth) -> float:
    return math.inf if entry.threads is None else entry.threads


def _kind_of_roof(roof: Roof) -> Kind:
    return roof.operations_per_second.kind


def _kind_of_bandwidth(bandwidth: Bandwidth) -> Kind:
    return bandwidth.bytes_per_second.kind
