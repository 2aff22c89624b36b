"""What an accelerator must be able to do to be measured, and how one is found through the library that drives it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from attainable.devices.figures import Access

Call = Callable[[], object]
"""Starts one kernel; it may return before the kernel ends."""

Precision = Literal["full", "tf32"]
"""How float32 products are made: in float32, or rounded to the 10 bits that NVIDIA calls TF32."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the library says of an accelerator.

    Attributes:
        title: the product.
        vendor: who makes it.
        library: what drives it, with its version.
        memory_bytes: of the main memory; None where unknown.
        cache_bytes: of the last cache before it; None where unknown.
        identity: what nvidia-smi calls it, its unique identifier or its number; empty where it is not asked.
        toolchains: library and platform, with their versions.
    """

    title: str
    vendor: str
    library: str
    memory_bytes: int | None
    cache_bytes: int | None
    identity: str
    toolchains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """A kernel that only moves memory.

    Attributes:
        call: starts it.
        bytes: that it reads and writes.
    """

    call: Call
    bytes: int


class Accelerator(Protocol):
    """A device with a queue of kernels and a memory of its own."""

    @property
    def facts(self) -> Facts:
        """What the library says of it."""
        ...

    def synchronise(self) -> None:
        """Wait until every kernel that was started has ended."""
        ...

    def streams(self, vector_bytes: int) -> Mapping[Access, Stream]:
        """Kernels over float32 vectors of this size: read (their sum), copy, triad ``a = b + 3 c``."""
        ...

    def product(self, dtype: str, extent: int, precision: Precision) -> Call:
        """A product of two square matrices of random numbers.

        Raises:
            RuntimeError, MemoryError, TypeError, ValueError, AttributeError: the library cannot, or memory is short.
        """
        ...

    def smallest(self) -> Call:
        """A kernel on one element."""
        ...
