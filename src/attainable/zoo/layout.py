"""LayoutGraph adds the operators that move elements and compute nothing."""

import math
from collections.abc import Mapping, Sequence

from attainable.zoo.elementwise import ElementwiseGraph
from attainable.zoo.graph import Value


class LayoutGraph(ElementwiseGraph):
    """Each method takes the node's name and its input, and gives the output."""

    def gather(self, name: str, table: Value, *, indices: Value) -> Value:
        """The rows of [rows, features] that ``indices`` name; the indices' shape, then [features]."""
        _, features = table.shape
        shape = (*indices.shape, features)
        return self.node("Gather", name, inputs=(table, indices), shape=shape, attributes={"axis": 0})

    def slice(self, name: str, x: Value, *, bounds: Mapping[int, tuple[int, int]], step: int = 1) -> Value:
        """A part of x.

        Args:
            name: of the node.
            x: of any shape.
            bounds: first index and the one after the last, by axis; the other axes stay whole.
            step: of every axis in ``bounds``.
        """
        columns = {
            "starts": [start for start, _ in bounds.values()],
            "ends": [end for _, end in bounds.values()],
            "axes": list(bounds),
        }
        if step > 1:
            columns["steps"] = [step] * len(bounds)
        operands = [self.integers(f"{name}.{role}", values) for role, values in columns.items()]
        shape = tuple(
            len(range(*bounds[axis], step)) if axis in bounds else extent for axis, extent in enumerate(x.shape)
        )
        return self.node("Slice", name, inputs=(x, *operands), shape=shape)

    def split(self, name: str, x: Value, *, axis: int, parts: int) -> tuple[Value, ...]:
        """Equal parts along an axis; their outputs are ``<name>.output.0`` and on."""
        part = (*x.shape[:axis], x.shape[axis] // parts, *x.shape[axis + 1 :])
        attributes = {"axis": axis, "num_outputs": parts}
        return self.node_with_outputs("Split", name, inputs=(x,), shapes=[part] * parts, attributes=attributes)

    def split_channels(self, name: str, x: Value, *, parts: int) -> tuple[Value, ...]:
        """Equal parts of the channels."""
        return self.split(name, x, axis=1, parts=parts)

    def concat(self, name: str, values: Sequence[Value], *, axis: int) -> Value:
        """The values one after the other along an axis."""
        first, *_ = values
        extent = sum(value.shape[axis] for value in values)
        shape = (*first.shape[:axis], extent, *first.shape[axis + 1 :])
        return self.node("Concat", name, inputs=values, shape=shape, attributes={"axis": axis})

    def concat_channels(self, name: str, values: Sequence[Value]) -> Value:
        """The channels of all values, one after the other."""
        return self.concat(name, values, axis=1)

    def roll(self, name: str, x: Value, *, axis: int, offset: int) -> Value:
        """Element i of the output is element i + ``offset`` of x, around the end; as two Slices and a Concat."""
        extent = x.shape[axis]
        start = offset % extent
        parts = [
            self.slice(f"{name}.from", x, bounds={axis: (start, extent)}),
            self.slice(f"{name}.until", x, bounds={axis: (0, start)}),
        ]
        return self.concat(f"{name}.concat", parts, axis=axis)

    def expand(self, name: str, x: Value, *, shape: tuple[int, ...]) -> Value:
        """x repeated to ``shape`` by broadcasting."""
        return self.node("Expand", name, inputs=(x, self.integers(f"{name}.shape", shape)), shape=shape)

    def flatten(self, name: str, x: Value) -> Value:
        """One row a batch entry: [batch, everything else]."""
        batch, *rest = x.shape
        return self.node("Flatten", name, inputs=(x,), shape=(batch, math.prod(rest)), attributes={"axis": 1})

    def reshape(self, name: str, x: Value, *, shape: tuple[int, ...]) -> Value:
        """The same elements in a concrete ``shape``, batch included."""
        return self.node("Reshape", name, inputs=(x, self.integers(f"{name}.shape", shape)), shape=shape)

    def transpose(self, name: str, x: Value, *, order: tuple[int, ...]) -> Value:
        """The axes of x in another order: axis i of the output is axis ``order[i]`` of x."""
        shape = tuple(x.shape[axis] for axis in order)
        return self.node("Transpose", name, inputs=(x,), shape=shape, attributes={"perm": order})
