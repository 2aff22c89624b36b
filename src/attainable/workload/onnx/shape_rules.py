"""What a shape function is: from an op, whose inputs are known, to the records of its outputs."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from attainable.workload.graph import Op, Shape, Tensor, UnresolvedShape

Array = NDArray[np.generic]

Operands = Callable[[int], Array | None]
"""The elements of the input at a position, where they are known."""

Outputs = Sequence[Tensor | None]
"""Shapes and types in the operator's order, None for what cannot be told; the names do not matter."""

ShapeFunction = Callable[[Op, Operands], Outputs]
"""Raises UnresolvedShape where an input that it needs has no shape."""


_LARGEST_EXTENT = 2**62
"""onnx holds extents in 64 bits."""


def result(shape: Sequence[int], dtype: str) -> Tensor:
    """An output of this shape.

    Raises:
        UnresolvedShape: an axis would be negative or overflow: the shapes contradict the operator.
    """
    if any(not 0 <= extent < _LARGEST_EXTENT for extent in shape):
        raise UnresolvedShape("impossible axis")
    return Tensor("", tuple(int(extent) for extent in shape), dtype)


def like(*positions: int) -> ShapeFunction:
    """Each output has the shape and type of the input at its position."""

    def outputs(op: Op, operands: Operands) -> Outputs:
        del operands
        return [result(op.input(position).dims, op.input(position).dtype) for position in positions]

    return outputs


def integer(operands: Operands, position: int) -> int:
    """The single integer at a position. Raises UnresolvedShape where it is unknown."""
    return integers(operands, position)[0]


def integers(operands: Operands, position: int) -> Shape:
    """The integers at a position. Raises UnresolvedShape where they are unknown or there are none."""
    found = operands(position)
    if found is None or not found.size or found.dtype.kind not in "iufb":
        raise UnresolvedShape(f"input {position} is not known")
    return tuple(int(item) for item in found.reshape(-1).tolist())


def broadcast(*shapes: Shape) -> Shape:
    """The common shape under ONNX's multidirectional broadcasting. Raises UnresolvedShape where there is none.

    Source: ONNX, "Broadcasting in ONNX".
    """
    try:
        return tuple(int(extent) for extent in np.broadcast_shapes(*shapes))
    except (ValueError, RuntimeError):  # RuntimeError: more than 32 axes
        raise UnresolvedShape(f"{shapes} do not broadcast") from None


def axis_of(axis: int, rank: int) -> int:
    """A possibly negative axis, counted from the front. Raises UnresolvedShape where there is no such axis."""
    if not -rank <= axis < rank:
        raise UnresolvedShape(f"axis {axis} of {rank}")
    return axis % rank
