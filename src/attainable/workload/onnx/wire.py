"""Strips large weights from an ONNX protobuf without parsing them.

A walk over the protobuf wire format copies everything except the payload of large tensors, which is replaced by a
reference that tells its length. What is left is small, so that parsing and shape inference cost neither the time nor
the memory of the weights.

Source: Protocol Buffers encoding, https://protobuf.dev/programming-guides/encoding/; field numbers from onnx.proto
(onnx 1.23).
"""

import secrets
from mmap import mmap

LARGEST_KEPT_PAYLOAD = 1024
"""Bytes. 64 elements of 8 bytes are 512, and as varints at most 640: what ``Tensor.value`` keeps always fits."""

DEEPEST = 100
"""Nested messages, as in protobuf's own parsers."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5

_TENSOR = "TensorProto"
_PAYLOAD_FIELDS = frozenset({4, 5, 6, 7, 9, 10, 11})
"""float_data, int32_data, string_data, int64_data, raw_data, double_data, uint64_data."""
_RAW_DATA = 9

_CHILDREN: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 25: "FunctionProto"},
    "GraphProto": {1: "NodeProto", 5: _TENSOR, 15: "SparseTensorProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: _TENSOR,
        6: "GraphProto",
        10: _TENSOR,
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: _TENSOR, 2: _TENSOR},
    _TENSOR: {},
}
"""The messages that can hold a tensor, by field number."""

STRIPPED = "attainable-stripped:" + secrets.token_hex(16)
"""The ``location`` of a payload that was left out; random, so that no file can forge it."""


class MalformedProtobuf(Exception):
    """The bytes are not a protobuf message; ``position`` is the byte where it shows."""

    def __init__(self, position: int) -> None:
        super().__init__(f"byte {position}")
        self.position = position


def strip_weights(content: mmap | bytes) -> bytes:
    """Return the model without the payload of its large tensors.

    Args:
        content: a serialised ModelProto.

    Returns:
        A serialised ModelProto in which a tensor payload of more than ``LARGEST_KEPT_PAYLOAD`` bytes is replaced by
        external data with the location ``STRIPPED`` and, where it was raw_data, its length in bytes.

    Raises:
        MalformedProtobuf: the wire format is broken or nested deeper than ``DEEPEST``.
    """
    chunks: list[bytes] = []
    _copy(content, 0, len(content), "ModelProto", chunks, 0)
    return b"".join(chunks)


def _copy(content: mmap | bytes, start: int, end: int, message: str, chunks: list[bytes], depth: int) -> None:
    """Append the message between ``start`` and ``end``, stripped, to ``chunks``."""
    if depth > DEEPEST:
        raise MalformedProtobuf(start)
    children = _CHILDREN[message]
    is_tensor = message == _TENSOR
    position = copied = start
    stripped = False
    raw_bytes: int | None = None
    while position < end:
        field_start = position
        tag, position = _varint(content, position, end)
        wire_type, field = tag & 7, tag >> 3
        if wire_type == _LENGTH:
            length, position = _varint(content, position, end)
            payload, position = position, position + length
            if position > end:
                raise MalformedProtobuf(field_start)
            if length <= LARGEST_KEPT_PAYLOAD:
                continue
            if is_tensor and field in _PAYLOAD_FIELDS:
                chunks.append(content[copied:field_start])
                copied = position
                stripped = True
                raw_bytes = length if field == _RAW_DATA else raw_bytes
            elif field in children:
                chunks.append(content[copied:field_start])
                copied = position
                inner: list[bytes] = []
                _copy(content, payload, position, children[field], inner, depth + 1)
                chunks.append(_to_varint(tag) + _to_varint(sum(map(len, inner))))
                chunks.extend(inner)
        elif wire_type == _VARINT:
            _, position = _varint(content, position, end)
        elif wire_type == _FIXED32:
            position += 4
        elif wire_type == _FIXED64:
            position += 8
        else:
            raise MalformedProtobuf(field_start)
        if position > end or field == 0:
            raise MalformedProtobuf(field_start)
    chunks.append(content[copied:end])
    if stripped:
        chunks.append(_reference(raw_bytes))


def _varint(content: mmap | bytes, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    start = position
    while position < end and shift < 70:
        byte = content[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise MalformedProtobuf(start)


def _to_varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _reference(raw_bytes: int | None) -> bytes:
    """External data (field 13) with location and length, and data_location (field 14) = EXTERNAL (1)."""
    length = b"" if raw_bytes is None else _entry("length", str(raw_bytes))
    return _entry("location", STRIPPED) + length + bytes([14 << 3 | _VARINT, 1])


def _entry(key: str, value: str) -> bytes:
    body = b"\x0a" + _text(key) + b"\x12" + _text(value)
    return bytes([13 << 3 | _LENGTH]) + _to_varint(len(body)) + body


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _to_varint(len(encoded)) + encoded
