"""Shapes as a user writes them: ``x=1x3x224x224`` for an input, ``N=8`` for a symbolic dimension."""

import re
from collections.abc import Iterable, Mapping, Sequence

from attainable.errors import InvalidQuantity
from attainable.workload.graph import Shape

Bindings = Mapping[str, int | Sequence[int]]
"""Numbers for symbolic dimensions and shapes for inputs, by name."""

LARGEST_DIMENSION = 2**31 - 1
"""Axes beyond this are refused, because runtimes index with 32 or 64 bits and shape inference must not overflow."""

_SHAPE = re.compile(r"[0-9]+(x[0-9]+)*")


def parse_bindings(texts: Iterable[str]) -> dict[str, int | Shape]:
    """Read the ``--shape`` flags of a command line.

    Args:
        texts: each ``NAME=SHAPE`` with a shape such as ``1x3x224x224`` or a single number.

    Returns:
        A number or a shape by name. A single number names a dimension or an input of rank 1: the reader decides.

    Raises:
        InvalidQuantity: lists every text that cannot be read.
    """
    bindings: dict[str, int | Shape] = {}
    faults: list[str] = []
    for text in texts:
        name, separator, shape = text.rpartition("=")
        if not separator or not name or not _SHAPE.fullmatch(shape.strip()):
            faults.append(f"not NAME=SHAPE @ --shape {text}")
            continue
        dimensions = tuple(int(part) for part in shape.strip().split("x"))
        if max(dimensions) > LARGEST_DIMENSION:
            faults.append(f"a dimension exceeds {LARGEST_DIMENSION} @ --shape {text}")
        first, *others = dimensions
        bindings[name.strip()] = dimensions if others else first
    if faults:
        raise InvalidQuantity(
            "cannot read the shape", where="--shape", faults=faults, help="write --shape x=1x3x224x224 or --shape N=8"
        )
    return bindings


def format_shape(shape: Sequence[int]) -> str:
    """Write a shape as the ``--shape`` flag reads it: ``1x3x224x224``; ``scalar`` for rank 0."""
    return "x".join(str(extent) for extent in shape) if shape else "scalar"
