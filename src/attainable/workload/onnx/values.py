"""The elements of small tensors that follow from the file, the shapes and what the user gives, worked out on demand.

Nothing is computed before the size of its result is known to be small, and all of it together is bounded, so that no
file can make the reader allocate or wait.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from attainable.workload.graph import Tensor
from attainable.workload.onnx.evaluation import LARGEST_RESULT, Budget, evaluate, may_evaluate

Array = NDArray[np.generic]


class Names(dict[str, Tensor]):
    """Tensors by name; what is missing is looked up in the outer graph."""

    __slots__ = ("_outer",)

    def __init__(self, outer: "Names | None" = None) -> None:
        super().__init__()
        self._outer = outer

    def __missing__(self, name: str) -> Tensor:
        if self._outer is None:
            raise KeyError(name)
        return self._outer[name]

    def has_own(self, name: str) -> bool:
        """Tell whether the graph itself has the tensor, not one around it."""
        return super().__contains__(name)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (self._outer is not None and name in self._outer)


class Values:
    """The known elements of one graph's tensors.

    Args:
        nodes: of the graph, in an order in which they can run.
        tensors: by name; those of a node are there before its values are asked for.
        stored: initialisers by name.
        opsets: version by domain.
        budget: bounds the work of the whole model.
        outer: those of the graph around it.
    """

    def __init__(
        self, nodes: Sequence[onnx.NodeProto], tensors: Names, stored: Mapping[str, onnx.TensorProto], *,
        opsets: Mapping[str, int], budget: Budget, outer: "Values | None" = None,
    ) -> None:  # fmt: skip
        self._nodes = nodes
        self._tensors = tensors
        self._stored = stored
        self._opsets = opsets
        self._budget = budget
        self._outer = outer
        self._links: dict[str, Callable[[], Array | None]] = {}
        self._found: dict[str, Array | None] = {}
        self._makers: dict[str, onnx.NodeProto] | None = None

    def learn(self, name: str, value: Array) -> None:
        """State the elements of a tensor."""
        self._found[name] = value

    def link(self, name: str, source: Callable[[], Array | None]) -> None:
        """State where the elements of a tensor can be asked for: at another graph."""
        self._links[name] = source

    def get(self, name: str) -> Array | None:
        """The elements of a tensor, or None where nobody knows them or they are too many."""
        pending = [name]
        asked: set[str] = set()
        while pending:
            current = pending[-1]
            if current in self._found:
                pending.pop()
                continue
            node = self._maker(current)
            if node is None:
                self._found[current] = self._without_node(current)
                continue
            missing = self._missing(node) if current not in asked else ()
            if missing is None:
                self._found[current] = None
            elif missing:
                asked.add(current)
                pending.extend(missing)
            else:
                self._evaluate(node)
                self._found.setdefault(current, None)
        return self._found[name]

    def _maker(self, name: str) -> onnx.NodeProto | None:
        if name in self._links:
            return None
        if self._makers is None:
            self._makers = {output: node for node in self._nodes for output in node.output if output}
        return self._makers.get(name)

    def _without_node(self, name: str) -> Array | None:
        if (source := self._links.get(name)) is not None:
            return source()
        if (proto := self._stored.get(name)) is not None:
            return decoded(proto)
        if self._outer is not None and not self._tensors.has_own(name):
            return self._outer.get(name)
        return None

    def _missing(self, node: onnx.NodeProto) -> list[str] | None:
        """The inputs whose elements must be asked for first; None where the node is not worth evaluating."""
        if not all(name in self._tensors for name in node.input if name):
            # a body makes a tensor with the name of an outer one, and that one was meant
            return None
        if node.op_type in _FROM_SHAPE:
            return []
        tensors = [self._tensors[name] if name else None for name in node.input]
        results = [self._tensors.get(name) for name in node.output if name]
        if not may_evaluate(node, tensors, results):
            return None
        if any(name in self._found and self._found[name] is None for name in node.input):
            return None
        return [name for name in node.input if name and name not in self._found]

    def _evaluate(self, node: onnx.NodeProto) -> None:
        if (of_shape := _FROM_SHAPE.get(node.op_type)) is not None:
            tensor = self._tensors[node.input[0]] if node.input and node.input[0] else None
            self._found[node.output[0]] = None if tensor is None else of_shape(node, tensor)
            return
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            self._found[node.output[0]] = decoded(node.attribute[0].t)
            return
        inputs = {name: self._found.get(name) for name in node.input if name}
        feeds = {name: value for name, value in inputs.items() if value is not None}
        if len(feeds) < len(inputs):
            return
        for name, result in zip(node.output, evaluate(node, feeds, self._opsets, self._budget), strict=False):
            if name:
                self._found[name] = result


def decoded(proto: onnx.TensorProto) -> Array | None:
    """The elements of a stored tensor whose payload was kept; None where it was not or cannot be read."""
    if proto.data_location != onnx.TensorProto.DEFAULT or prod(proto.dims) > LARGEST_RESULT:
        return None
    try:
        return numpy_helper.to_array(proto)
    except (ValueError, TypeError, KeyError):
        return None


def _shape(node: onnx.NodeProto, tensor: Tensor) -> Array | None:
    if tensor.shape is None:
        return None
    bounds = {attribute.name: attribute.i for attribute in node.attribute}
    return np.array(tensor.shape[bounds.get("start", 0) : bounds.get("end", len(tensor.shape))], np.int64)


def _size(node: onnx.NodeProto, tensor: Tensor) -> Array | None:
    del node
    if tensor.shape is None or tensor.elements >= 2**63:
        return None
    return np.array(tensor.elements, np.int64)


def _length(node: onnx.NodeProto, tensor: Tensor) -> Array | None:
    del node
    return None if tensor.parts is None else np.array(len(tensor.parts), np.int64)


def _has_element(node: onnx.NodeProto, tensor: Tensor) -> Array | None:
    del node
    if tensor.container != "optional":
        return np.array(True)
    return None if tensor.parts is None else np.array(bool(tensor.parts))


_FROM_SHAPE: dict[str, Callable[[onnx.NodeProto, Tensor], Array | None]] = {
    "Shape": _shape,
    "Size": _size,
    "SequenceLength": _length,
    "OptionalHasElement": _has_element,
}
"""Operators whose result follows from what their input is, not from its elements."""
