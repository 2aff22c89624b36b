"""Mutations of bytes that know nothing of the format: what a bad disk, a cut download or a fuzzer would do."""

from collections.abc import Callable
from random import Random

_INTERESTING = (
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff" * 4,
    b"\x00" * 8,
    b"\xff\xff\xff\xff\x07",
    b"\xff" * 9 + b"\x01",
)
"""Ends of number ranges, as bytes, little-endian words and varints."""


def _flip(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8))):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _overwrite(content: bytes, random: Random) -> bytes:
    position, piece = random.randrange(len(content)), random.choice(_INTERESTING)
    return content[:position] + piece + content[position + len(piece) :]


def _insert(content: bytes, random: Random) -> bytes:
    position = random.randrange(len(content) + 1)
    return content[:position] + random.choice((*_INTERESTING, random.randbytes(5))) + content[position:]


def _truncate(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content))]


def _cut(content: bytes, random: Random) -> bytes:
    start = random.randrange(len(content))
    return content[:start] + content[start + random.randrange(1, 16) :]


def _repeat(content: bytes, random: Random) -> bytes:
    start = random.randrange(len(content))
    piece = content[start : start + random.randrange(1, 64)]
    return content[:start] + piece * random.choice((2, 2, 3, 50)) + content[start + len(piece) :]


def _move(content: bytes, random: Random) -> bytes:
    start, target = random.randrange(len(content)), random.randrange(len(content))
    piece = content[start : start + random.randrange(1, 32)]
    return content[:target] + piece + content[target + len(piece) :]


_MUTATIONS: tuple[Callable[[bytes, Random], bytes], ...] = (
    _flip, _flip, _overwrite, _insert, _truncate, _cut, _repeat, _move,
)  # fmt: skip


def mutated_bytes(content: bytes, random: Random) -> bytes:
    """The content after one mutation, never empty."""
    return random.choice(_MUTATIONS)(content, random) or content[:1]
