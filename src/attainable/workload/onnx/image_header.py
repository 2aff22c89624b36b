"""Height and width of an encoded picture, from its header alone.

Source: the formats' specifications: PNG (ISO/IEC 15948, IHDR), JPEG (ITU-T T.81, SOFn), BMP (BITMAPINFOHEADER), Netpbm,
WebP (RFC 9649), TIFF 6.0 (tags 256 and 257), JPEG 2000 (ISO/IEC 15444-1, SIZ).
"""

import re
import struct
from collections.abc import Callable
from struct import unpack_from

from attainable.workload.graph import UnresolvedShape

Extent = tuple[int, int]
"""Height and width."""


def image_extent(content: bytes) -> Extent:
    """Read height and width of a picture.

    Raises:
        UnresolvedShape: no known format, or the header is broken.
    """
    for signature, read in _FORMATS:
        if re.match(signature, content, re.DOTALL):
            try:
                return read(content)
            except (struct.error, IndexError, ValueError, StopIteration):
                break
    raise UnresolvedShape("no picture of a known format")


def _png(content: bytes) -> Extent:
    width, height = unpack_from(">II", content, 16)
    return height, width


def _bmp(content: bytes) -> Extent:
    width, height = unpack_from("<ii", content, 18)
    return abs(height), width


def _jpeg(content: bytes) -> Extent:
    position = 2
    while position < len(content):
        marker, length = unpack_from(">xBH", content, position)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = unpack_from(">HH", content, position + 5)
            return height, width
        position += 2 + length
    raise ValueError("no frame")


def _netpbm(content: bytes) -> Extent:
    fields = re.findall(rb"(?:#[^\n]*\n|\s)*(\d+)", content[2:200])
    return int(fields[1]), int(fields[0])


def _webp(content: bytes) -> Extent:
    kind = content[12:16]
    if kind == b"VP8X":
        return int.from_bytes(content[27:30], "little") + 1, int.from_bytes(content[24:27], "little") + 1
    if kind == b"VP8L":
        (bits,) = unpack_from("<I", content, 21)
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    width, height = unpack_from("<HH", content, 26)
    return height & 0x3FFF, width & 0x3FFF


def _tiff(content: bytes) -> Extent:
    order = "<" if content[:2] == b"II" else ">"
    (directory,) = unpack_from(f"{order}I", content, 4)
    (entries,) = unpack_from(f"{order}H", content, directory)
    extents: dict[int, int] = {}
    for index in range(entries):
        tag, kind = unpack_from(f"{order}HH", content, directory + 2 + 12 * index)
        (extents[tag],) = unpack_from(f"{order}{'H' if kind == 3 else 'I'}", content, directory + 10 + 12 * index)
    if 256 not in extents or 257 not in extents:
        raise ValueError("no extent")
    return extents[257], extents[256]


def _jpeg2000(content: bytes) -> Extent:
    start = content.index(b"\xff\x4f\xff\x51")
    right, bottom, left, top = unpack_from(">IIII", content, start + 8)
    return bottom - top, right - left


_FORMATS: tuple[tuple[bytes, Callable[[bytes], Extent]], ...] = (
    (rb"\x89PNG", _png),
    (rb"BM", _bmp),
    (rb"\xff\xd8\xff", _jpeg),
    (rb"P[1-6]\s", _netpbm),
    (rb"RIFF....WEBP", _webp),
    (rb"II\*\x00|MM\x00\*", _tiff),
    (rb"\x00\x00\x00\x0cjP|\xff\x4f\xff\x51", _jpeg2000),
)
