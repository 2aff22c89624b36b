"""The numbers of a device, each with the place it came from: roofs, bandwidths, memories and practical ceilings."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["specified", "measured", "assumed"]
Engine = Literal["matrix", "vector", "special"]
Access = Literal["read", "write", "copy", "triad", "write_nt", "copy_nt", "triad_nt"]
Practice = Literal["gemm", "conv"]


@dataclass(frozen=True, slots=True)
class Sourced:
    """A number in SI base units that says where it came from.

    Attributes:
        value: the number.
        source: data sheet, page, formula or the measurement that gave it.
        kind: ``specified`` by the maker, ``measured``, or ``assumed`` by us.
        low: lower end of its interval, where one is known.
        high: upper end of its interval, where one is known.
    """

    value: float
    source: str
    kind: Kind
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Roof:
    """The most operations per second of an engine on one element type.

    A device may state the same roof twice: as its maker specifies it and as somebody measured it.

    Attributes:
        engine: ``matrix`` for contractions where the device has a unit for them, ``special`` for exp, tanh, erf and
            division, else ``vector``.
        dtype: element type of the operands.
        threads: cores in use; None for the device as a whole, where threads mean nothing.
        operations_per_second: multiply and add counted as two; a special function is one.
    """

    engine: Engine
    dtype: str
    threads: int | None
    operations_per_second: Sourced


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a runtime reaches on a large product or convolution: the practical peak, below the roof of the unit.

    Attributes:
        practice: ``gemm`` or ``conv``.
        runtime: what ran it, with its version.
        dtype: element type of the activations.
        weight_dtype: element type of the weights; integers of either sign differ much in speed on some processors.
        threads: cores in use; None for the device as a whole.
        operations_per_second: multiply and add counted as two.
    """

    practice: Practice
    runtime: str
    dtype: str
    weight_dtype: str
    threads: int | None
    operations_per_second: Sourced


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """Bytes per second between a memory and ``threads`` cores (None: the whole device).

    Attributes:
        threads: cores in use.
        bytes_per_second: bytes that the program reads and writes; a line fetched only to be overwritten is not counted.
        access: ``read``, ``write``, ``copy`` (1 read, 1 write) or ``triad`` (2 reads, 1 write); ``_nt`` with
            non-temporal stores. Makers state one figure, which stands under ``read``.
    """

    threads: int | None
    bytes_per_second: Sourced
    access: Access = "read"


@dataclass(frozen=True, slots=True)
class Memory:
    """A level of the memory hierarchy.

    Attributes:
        name: ``DRAM``, ``L2``, ...
        capacity_bytes: None where unknown.
        bandwidths: one per thread count, access and kind of source.
        latency_seconds: of one dependent load, where known.
        on_chip: explicit memory of an accelerator, filled by its compiler, in which activations may stay between ops.
    """

    name: str
    capacity_bytes: Sourced | None
    bandwidths: tuple[Bandwidth, ...]
    latency_seconds: Sourced | None = None
    on_chip: bool = False
