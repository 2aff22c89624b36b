"""What a worker tells of itself beside times: memory, interruptions, and where the time of loading went."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar, cast

_Number = TypeVar("_Number", int, float)
_MOST_SECONDS = 1e9
"""30 years."""
_MOST = 2**63
"""Bytes, or events: what counts them has 64 bits."""


def duration_in(found: object) -> float:
    """A number of seconds that a worker told.

    Raises:
        TypeError, ValueError, OverflowError: it is none.
    """
    seconds = float(cast("float", found))
    if not 0 <= seconds <= _MOST_SECONDS:
        raise ValueError("these are no seconds")
    return seconds


def count_in(found: object) -> int:
    """A number of bytes or of events that a worker told.

    Raises:
        TypeError, ValueError, OverflowError: it is none.
    """
    number = int(cast("int", found))
    if not 0 <= number < _MOST:
        raise ValueError("this is no number of bytes or events")
    return number


@dataclass(frozen=True, slots=True)
class Usage:
    """What the system did to a worker while it ran.

    Source: getrusage(2) of Linux, of all threads of the worker together.

    Attributes:
        minor_faults: pages of memory that the system had to map, without reading a disk.
        major_faults: pages that it had to read from a disk.
        voluntary_switches: times that a thread gave its core up to wait.
        involuntary_switches: times that another program took a core away.
    """

    minor_faults: int = 0
    major_faults: int = 0
    voluntary_switches: int = 0
    involuntary_switches: int = 0

    @classmethod
    def from_reply(cls, reply: Mapping[str, Any]) -> Self | None:
        """Read the ``usage`` of a worker's reply; None where the system does not tell.

        Raises:
            TypeError, ValueError, OverflowError, AttributeError: it is none.
        """
        found = reply.get("usage")
        return None if found is None else cls(**{name: count_in(each) for name, each in found.items()})

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.minor_faults + other.minor_faults,
            self.major_faults + other.major_faults,
            self.voluntary_switches + other.voluntary_switches,
            self.involuntary_switches + other.involuntary_switches,
        )


def arena_bytes_in(reply: Mapping[str, Any]) -> int | None:
    """Memory that the runtime's own allocator holds after a run, weights and activations; None where it is not told.

    Raises:
        TypeError, ValueError, OverflowError: the worker told no number of bytes.
    """
    found = reply.get("arena_bytes")
    return None if found is None else count_in(found)


@dataclass(frozen=True, slots=True)
class Loading:
    """How a worker loaded its model; None where it does not tell.

    Attributes:
        import_seconds: importing the runtime.
        read_seconds: reading the model file once before the runtime does, from the disk or the system's cache of it;
            weights that are stored beside it are not read.
        resident_before_bytes: resident memory of the worker with interpreter and runtime, before the model.
        resident_loaded_bytes: the same after the model was loaded.
    """

    import_seconds: float | None = None
    read_seconds: float | None = None
    resident_before_bytes: int | None = None
    resident_loaded_bytes: int | None = None

    @classmethod
    def from_reply(cls, reply: Mapping[str, Any]) -> Self:
        """Read a worker's reply to ``open``.

        Raises:
            TypeError, ValueError, OverflowError: it tells what cannot be.
        """
        return cls(
            import_seconds=_if_told(reply.get("import_seconds"), duration_in),
            read_seconds=_if_told(reply.get("read_seconds"), duration_in),
            # 0 where the system does not tell.
            resident_before_bytes=_if_told(reply.get("resident_before_bytes"), count_in) or None,
            resident_loaded_bytes=_if_told(reply.get("resident_loaded_bytes"), count_in) or None,
        )


def _if_told(found: object, read: Callable[[object], _Number]) -> _Number | None:
    return None if found is None else read(found)
