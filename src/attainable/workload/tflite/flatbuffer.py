"""Reads tables of a flatbuffer, checking every offset and length before it is followed.

A table begins with the signed distance back to its vtable: two lengths of 16 bits, then for each field the distance
from the table, 0 where the field has its default. A vector is its length (32 bits), then its elements; tables and
vectors are referred to by their distance (32 bits, unsigned) from the reference.

Source: FlatBuffers internals, https://flatbuffers.dev/internals/.
"""

import struct
from collections.abc import Iterator
from mmap import mmap

_FORMATS = {kind: struct.Struct(f"<{kind}") for kind in "bBHiIqQf"}


class MalformedFlatbuffer(Exception):
    """A reference leads out of the file; ``position`` is the byte that holds it."""

    def __init__(self, position: int) -> None:
        super().__init__(f"byte {position}")
        self.position = position


class Flatbuffer:
    """The content of a file, and how many elements may still be read from it.

    References may overlap, so that a small file can name one large vector a million times: more elements than the file
    has bytes are refused.

    Args:
        content: of the file.
    """

    def __init__(self, content: mmap | bytes) -> None:
        self.content = content
        self._left = len(content)

    def root(self) -> "Table":
        """The table that the first four bytes refer to. Raises MalformedFlatbuffer."""
        return Table(self, self.follow(0))

    def scalar(self, position: int, kind: str) -> int | float:
        """A number, by its ``struct`` format. Raises MalformedFlatbuffer where it lies outside of the file."""
        format = _FORMATS[kind]
        if not 0 <= position <= len(self.content) - format.size:
            raise MalformedFlatbuffer(position)
        return format.unpack_from(self.content, position)[0]

    def integer(self, position: int, kind: str) -> int:
        """A whole number. Raises MalformedFlatbuffer."""
        return int(self.scalar(position, kind))

    def follow(self, position: int) -> int:
        """Where the reference at ``position`` leads. Raises MalformedFlatbuffer where that is not further on."""
        distance = self.integer(position, "I")
        if not distance or position + distance >= len(self.content):
            raise MalformedFlatbuffer(position)
        return position + distance

    def vector(self, position: int, bytes_each: int) -> tuple[int, int]:
        """Where the elements of a vector begin, and how many there are. Raises MalformedFlatbuffer."""
        length = self.integer(position, "I")
        if length * bytes_each > len(self.content) - position - 4:
            raise MalformedFlatbuffer(position)
        return position + 4, length

    def take(self, elements: int, position: int) -> None:
        """Use up some of the elements that may be read. Raises MalformedFlatbuffer when there are none left."""
        self._left -= elements
        if self._left < 0:
            raise MalformedFlatbuffer(position)


class Table:
    """A table; fields are numbered as in the schema, two numbers for a union.

    Args:
        buffer: the file.
        position: of the table.

    Raises:
        MalformedFlatbuffer: the table or its vtable lies outside of the file.
    """

    __slots__ = ("_buffer", "_fields", "_position", "_vtable")

    def __init__(self, buffer: Flatbuffer, position: int) -> None:
        buffer.take(1, position)
        self._buffer = buffer
        self._position = position
        self._vtable = position - buffer.integer(position, "i")
        bytes_of_vtable = buffer.integer(self._vtable, "H")
        if bytes_of_vtable < 4 or self._vtable + bytes_of_vtable > len(buffer.content):
            raise MalformedFlatbuffer(position)
        self._fields = (bytes_of_vtable - 4) // 2

    def integer(self, field: int, kind: str, default: int = 0) -> int:
        """A whole number by its ``struct`` format."""
        position = self._field(field)
        return default if position is None else self._buffer.integer(position, kind)

    def number(self, field: int, default: float = 0.0) -> float:
        """A float32."""
        position = self._field(field)
        return default if position is None else float(self._buffer.scalar(position, "f"))

    def has(self, field: int) -> bool:
        """Whether the file stores this field."""
        return self._field(field) is not None

    def table(self, field: int) -> "Table | None":
        """Another table."""
        position = self._field(field)
        return None if position is None else Table(self._buffer, self._buffer.follow(position))

    def tables(self, field: int) -> "Iterator[Table]":
        """A vector of tables, one after the other."""
        begin, length = self._vector(field, 4)
        for index in range(length):
            yield Table(self._buffer, self._buffer.follow(begin + 4 * index))

    def integers(self, field: int) -> tuple[int, ...]:
        """A vector of 32-bit integers."""
        begin, length = self._vector(field, 4)
        self._buffer.take(length, begin)
        return struct.unpack_from(f"<{length}i", self._buffer.content, begin)

    def length(self, field: int) -> int:
        """Elements of a vector of bytes."""
        return self._vector(field, 1)[1]

    def raw(self, field: int) -> bytes:
        """A vector of bytes, which the caller knows to be short (see ``length``)."""
        begin, length = self._vector(field, 1)
        self._buffer.take(length, begin)
        return self._buffer.content[begin : begin + length]

    def text(self, field: int, most: int = 1000) -> str:
        """A string, cut at ``most`` bytes."""
        begin, length = self._vector(field, 1)
        kept = min(length, most)
        return self._buffer.content[begin : begin + kept].decode("utf-8", errors="replace")

    def _vector(self, field: int, bytes_each: int) -> tuple[int, int]:
        position = self._field(field)
        return (0, 0) if position is None else self._buffer.vector(self._buffer.follow(position), bytes_each)

    def _field(self, field: int) -> int | None:
        if field >= self._fields:
            return None
        distance = self._buffer.integer(self._vtable + 4 + 2 * field, "H")
        return self._position + distance if distance else None
