"""Opens a log and takes it apart with limits: a log comes from anybody.

Every fault of a file is collected, so that one look at the message is enough to repair it.
"""

import hashlib
import math
import os
import re
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TypeVar

import msgspec

from attainable.errors import InputError
from attainable.names import short_name, short_sentence

MOST_BYTES = 64 * 2**20
"""Size of a log that is read."""

MOST_LINES = 2_000_000
LONGEST_LINE = 65_536
"""Characters of a line of text; a name in it may hold the names of all layers that were fused."""

MOST_KERNELS = 100_000
MOST_NETWORKS = 10_000
MOST_EVENTS = 1_000_000

LARGEST_NUMBER = 1e15
"""Beyond this nothing is a time: 10^15 nanoseconds are eleven days."""

_MOST_FAULTS = 20
_ENDLESS_FAULTS = 10_000
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_PREFIXES = (b"\xff\xfe", b"\xfe\xff")
_PACKED = b"\x1f\x8b"
_GZIP = 16 + zlib.MAX_WBITS
"""Of zlib: with the header of gzip."""
_MOST_MEMBERS, _PIECE = 10_000, 65_536
"""Files that are packed in parallel have a member for each block; one of 64 MiB in blocks of 64 KiB has 1024."""


@dataclass(frozen=True, slots=True)
class Content:
    """A log in memory: its path as the user named it, SHA-256, size and text."""

    path: str
    sha256: str
    bytes: int
    text: str

    def lines(self) -> Iterator[tuple[int, str]]:
        """The lines with their numbers, without what a system log puts before them.

        Raises:
            InputError: there are too many lines, or one is too long.
        """
        number, start = 0, 0
        # one after the other, because a list of 64 million empty lines fills the memory
        while start <= len(self.text):
            number += 1
            found = self.text.find("\n", start)
            end = len(self.text) if found < 0 else found
            if number > MOST_LINES or end - start > LONGEST_LINE:
                what = f"has more than {MOST_LINES} lines" if number > MOST_LINES else "has a line without end"
                raise InputError(what, where=f"{self.path} line {number}", help="give the log of one run")
            yield number, self.text[start:end].rstrip("\r")
            start = end + 1


def read_content(path: Path) -> Content:
    """Read a regular file of at most 64 MiB as text; one packed by gzip may not be larger unpacked.

    Raises:
        InputError: it cannot be read, is empty, too large, or no text.
    """
    where = str(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError("is not a file", where=where, help="give the log itself")
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"cannot be read: {reason or error}", where=where, help="check the path") from None
    if len(content) > MOST_BYTES:
        raise InputError(f"is larger than {MOST_BYTES // 2**20} MiB", where=where, help="log fewer runs")
    return content_of(content, where=where)


def content_of(content: bytes, *, where: str) -> Content:
    """Take bytes as text: UTF-8, or UTF-16 with its mark, which a redirection under Windows writes.

    Raises:
        InputError: it is empty or no text.
    """
    unpacked = _unpacked(content, where) if content.startswith(_PACKED) else content
    encoding = "utf-16" if unpacked.startswith(_PREFIXES) else "utf-8-sig"
    text = unpacked.decode(encoding, "replace")
    if not text.strip():
        raise InputError("is empty", where=where, help="check that the tool ran to its end")
    if "\0" in text[:4096]:
        raise InputError("is no text", where=where, help="give the log, not the model")
    return Content(where, hashlib.sha256(content).hexdigest(), len(content), text)


def _unpacked(content: bytes, where: str) -> bytes:
    unpacked = bytearray()
    start = 0
    for _ in range(_MOST_MEMBERS):
        unpacker = zlib.decompressobj(wbits=_GZIP)
        while not unpacker.eof:
            # in pieces, because what stands behind a member is copied each time
            piece = content[start : start + _PIECE]
            if not piece:
                what = "ends before its packed content does"
                raise InputError(what, where=where, help="check that the tool ran to its end")
            try:
                unpacked += unpacker.decompress(piece, MOST_BYTES + 1 - len(unpacked))
            except zlib.error as error:
                raise InputError(f"cannot be unpacked: {error}", where=where, help="unpack it with gzip -d") from None
            if len(unpacked) > MOST_BYTES:
                what = f"is larger than {MOST_BYTES // 2**20} MiB when unpacked"
                raise InputError(what, where=where, help="log fewer runs")
            start += len(piece) - len(unpacker.unused_data)
        if not content.startswith(_PACKED, start):
            return bytes(unpacked)
    raise InputError(f"has more than {_MOST_MEMBERS} packed parts", where=where, help="unpack it with gzip -d")


@dataclass(slots=True)
class Faults:
    """Collects what is wrong with a log."""

    where: str
    help: str
    found: list[str] = field(default_factory=list[str])
    count: int = 0

    def add(self, what: str, place: str) -> None:
        """Note a fault; only the first twenty are kept, the others counted, up to the ten thousandth.

        Raises:
            InputError: that was one too many.
        """
        self.count += 1
        if self.count > _ENDLESS_FAULTS:
            self.raise_any()
        if len(self.found) < _MOST_FAULTS:
            self.found.append(f"{short_sentence(what)} @ {place}")

    def raise_any(self) -> None:
        """Raise InputError where there was a fault."""
        if self.count:
            more = self.count - len(self.found)
            faults = [*self.found, f"and {more} more"] if more else self.found
            raise InputError("has figures that cannot be used", where=self.where, faults=faults, help=self.help)

    def number(self, text: str, place: str, *, what: str = "time") -> float:
        """A finite number that is not negative; anything else is a fault, and 0."""
        text = text.strip()
        number = float(text) if _NUMBER.fullmatch(text) else math.nan
        return self.checked(number, place, what=what, shown=text)

    def checked(self, number: float, place: str, *, what: str = "time", shown: str = "") -> float:
        """The number where it is finite, not negative and not beyond measure; else a fault, and 0."""
        if math.isfinite(number) and 0 <= number <= LARGEST_NUMBER:
            return number
        reason = "is negative" if number < 0 else "is too large" if number > 0 else "is no number"
        self.add(f"a {what} of {short_name(shown or str(number))!r} {reason}", place)
        return 0.0

    def whole(self, text: str, place: str, *, what: str) -> int:
        """A whole number that is not negative; anything else is a fault, and 0."""
        number = self.number(text, place, what=what)
        if number != int(number):
            self.add(f"a {what} of {short_name(text)!r} is no whole number", place)
        return int(number)


def refuse(content: Content, what: str, help: str, *, line: int | None = None) -> NoReturn:
    """Refuse a log. Raises InputError."""
    where = content.path if line is None else f"{content.path} line {line}"
    raise InputError(what, where=where, help=help)


_Decoded = TypeVar("_Decoded")


def decode_json(content: Content, type: type[_Decoded], *, help: str) -> _Decoded:
    """The JSON of a log as ``type``; what the type does not name is left out unread.

    Raises:
        InputError: it is no JSON, of another form, or nested too deeply.
    """
    try:
        return msgspec.json.decode(content.text.encode(), type=type)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        place = re.search(r"\(byte ([0-9]{1,12})\)", str(error))
        line = content.text.encode()[: int(place[1])].count(b"\n") + 1 if place else None
        if isinstance(error, msgspec.ValidationError):
            what = "is not of its format"
        elif "truncated" in str(error):
            what = "ends before its JSON does"
        else:
            what = "is no JSON that can be read"
        refuse(content, f"{what}: {short_sentence(str(error))}", help, line=line)
