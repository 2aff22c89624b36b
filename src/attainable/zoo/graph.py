"""Graph writes an ONNX model node by node: unique names, concrete shapes, weights inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from attainable.errors import InvalidQuantity

OPSET = 20
"""The first opset in which Gelu is one operator; LayerNormalization came with 17."""

IR_VERSION = 10

Shape = tuple[int, ...]
Attribute = int | float | str | Sequence[int] | Sequence[float]


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of the graph being written: its name and its concrete shape."""

    name: str
    shape: Shape


def element_type(dtype: str) -> int:
    """The member of ``onnx.TensorProto.DataType`` for one of our names of element types, such as ``uint8``.

    Raises:
        ValueError: ONNX has no such type.
    """
    return onnx.TensorProto.DataType.Value(_ONNX_NAMES.get(dtype, dtype.upper()))


_ONNX_NAMES = {"float32": "FLOAT", "float64": "DOUBLE"}


class Graph:
    """Holds the model being written; ``finish`` gives it away and ends the writing.

    The output of node ``n`` is named ``n.output``. Using a name twice is a ValueError: it is a fault of the
    network's definition, not of the user.

    Args:
        name: of the graph.
        opset: version of the default operator set.
    """

    def __init__(self, name: str, *, opset: int = OPSET) -> None:
        # Nodes and weights go straight into the model: onnx.helper.make_model would copy 550 MB of VGG-16 twice.
        self._model = onnx.ModelProto(ir_version=IR_VERSION, producer_name="attainable.zoo")
        self._model.opset_import.append(helper.make_opsetid("", opset))
        self._graph = self._model.graph
        self._graph.name = name
        self._names: set[str] = set()
        self._scalars: dict[str, Value] = {}

    def input(self, name: str, shape: Shape, *, dtype: int = onnx.TensorProto.FLOAT) -> Value:
        """A graph input.

        Args:
            name: of the tensor.
            shape: concrete; the first axis is the batch.
            dtype: a member of ``onnx.TensorProto.DataType``.

        Raises:
            InvalidQuantity: the batch is smaller than one.
        """
        batch, *_ = shape
        if batch < 1:
            raise InvalidQuantity(f"the batch is {batch}", where="batch", help="give a whole number from 1 up")
        self._graph.input.append(helper.make_tensor_value_info(self._claim(name), dtype, shape))
        return Value(name, shape)

    def finish(self, value: Value, *, name: str) -> onnx.ModelProto:
        """The model, with ``value``, which the last node makes, as its only output under a new name."""
        last = self._graph.node[-1]
        if list(last.output) != [value.name]:
            raise ValueError(f"{value.name} is not what the last node, {last.name}, makes")
        last.output[0] = self._claim(name)
        self._graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, value.shape))
        return self._model

    def finish_with(self, outputs: Sequence[tuple[Value, int]]) -> onnx.ModelProto:
        """The model, with several outputs that keep their names; each with a member of ``TensorProto.DataType``."""
        self._graph.output.extend(
            helper.make_tensor_value_info(value.name, dtype, value.shape) for value, dtype in outputs
        )
        return self._model

    def initializer(self, name: str, array: NDArray[np.generic]) -> Value:
        """A tensor stored in the model as raw data."""
        # ONNX stores raw data little-endian on every machine.
        little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
        self._graph.initializer.add(
            name=self._claim(name),
            dims=array.shape,
            data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
            raw_data=little_endian.tobytes(),
        )
        return Value(name, array.shape)

    def integers(self, name: str, values: Sequence[int]) -> Value:
        """A stored int64 vector: a shape, the sizes of a slice, axes."""
        return self.initializer(name, np.array(values, np.int64))

    def scalar(self, name: str, value: float) -> Value:
        """A stored float32 scalar; every node that asks for this name shares it."""
        if name not in self._scalars:
            self._scalars[name] = self.initializer(name, np.array(value, np.float32))
        return self._scalars[name]

    def node_with_outputs(
        self,
        kind: str,
        name: str,
        *,
        inputs: Sequence[Value],
        shapes: Sequence[Shape],
        attributes: Mapping[str, Attribute] | None = None,
    ) -> tuple[Value, ...]:
        """Adds a node with one output per shape.

        Args:
            kind: the ONNX operator.
            name: of the node.
            inputs: in the operator's order.
            shapes: of the outputs.
            attributes: written in this order.
        """
        node = self._graph.node.add(op_type=kind, name=self._claim(name))
        node.input.extend(value.name for value in inputs)
        suffixes = [""] if len(shapes) == 1 else [f".{index}" for index in range(len(shapes))]
        node.output.extend(self._claim(f"{name}.output{suffix}") for suffix in suffixes)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in (attributes or {}).items())
        return tuple(Value(output, shape) for output, shape in zip(node.output, shapes, strict=True))

    def node(
        self,
        kind: str,
        name: str,
        *,
        inputs: Sequence[Value],
        shape: Shape,
        attributes: Mapping[str, Attribute] | None = None,
    ) -> Value:
        """Adds a node with one output of ``shape``."""
        (output,) = self.node_with_outputs(kind, name, inputs=inputs, shapes=[shape], attributes=attributes)
        return output

    def _claim(self, name: str) -> str:
        if name in self._names:
            raise ValueError(f"the name {name} is used twice")
        self._names.add(name)
        return name
