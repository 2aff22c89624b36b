"""Files in which the Linux kernel describes the machine; elsewhere, and where a container hides one, it is empty."""

from pathlib import Path

ROOT = Path("/")
"""What tests replace by a folder of their own."""

UNKNOWN = "unknown"
"""What a field says that the system does not tell."""

_MOST_LISTED = 1 << 16
"""Processors or nodes in a list; the kernel is built for at most 8192."""


def text(path: Path) -> str:
    """The content of a file without white space around it; empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def number(path: Path) -> int | None:
    """The whole number that a file holds; None where there is none."""
    content = text(path)
    return int(content) if content.removeprefix("-").isdecimal() else None


def listed(content: str) -> frozenset[int]:
    """The numbers of a list such as ``0-3,8``; empty where it is none.

    Source: Linux ``Documentation/admin-guide/cputopology.rst``.
    """
    numbers: set[int] = set()
    for part in content.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            return frozenset()
        numbers.update(range(int(first), min(int(last or first), _MOST_LISTED) + 1))
    return frozenset(numbers)


def known(value: float | None, pattern: str) -> str:
    """The value in words, ``unknown`` where there is none."""
    return UNKNOWN if value is None else pattern.format(value)
