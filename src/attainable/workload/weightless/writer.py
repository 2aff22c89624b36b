"""NetworkWriter puts a network that a file describes into an ONNX model, with weights or with their shapes alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from attainable.errors import InvalidQuantity
from attainable.workload.graph import Shape
from attainable.workload.onnx.wire import STRIPPED
from attainable.workload.shapes import LARGEST_DIMENSION
from attainable.workload.weightless.moments import UNIT, Moments

OPSET = 20
"""The first opset in which Gelu is one operator; Mish came with 18, LayerNormalization with 17."""

IR_VERSION = 10

MOST_PAYLOAD_BYTES = 2**31 - 2**24
"""Bytes of weights in one model: a protobuf ends at 2 GiB, and the graph needs room too."""

MOST_NODES = 100_000
"""Nodes of one model: a layer may name any number of others and becomes a node for each."""

Attribute = int | float | str | Sequence[int] | Sequence[float]


class LayerFault(Exception):
    """A layer of the file cannot be what it says; the message says why, the caller knows where."""


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of the model being written.

    Attributes:
        name: in the model.
        shape: concrete; the first axis is the batch.
        moments: what its elements are expected to be.
    """

    name: str
    shape: Shape
    moments: Moments = UNIT


class NetworkWriter:
    """Holds the model being written; every name that it is given is made unique.

    Args:
        name: of the graph.
        seed: of the weights; None for a model that knows the shapes of its weights and nothing else.

    Raises:
        InvalidQuantity: the seed is negative.
    """

    def __init__(self, name: str, *, seed: int | None) -> None:
        if seed is not None and seed < 0:
            raise InvalidQuantity(f"the seed is {seed}", where="seed", help="give a whole number from 0 up")
        self._model = onnx.ModelProto(ir_version=IR_VERSION, producer_name="attainable")
        self._model.opset_import.append(helper.make_opsetid("", OPSET))
        self._graph = self._model.graph
        self._graph.name = name
        self._generator = None if seed is None else np.random.Generator(np.random.SFC64(seed))
        self._repeats: dict[str, int] = {}
        self._scalars: dict[float, Value] = {}
        self._zero_point: Value | None = None
        self._payload_bytes = 0

    @property
    def draws(self) -> bool:
        """Whether weights are drawn, so that the model can run."""
        return self._generator is not None

    def input(self, proto: onnx.ValueInfoProto) -> Value:
        """A graph input, all axes of which have numbers."""
        self._graph.input.append(proto)
        shape = tuple(axis.dim_value for axis in proto.type.tensor_type.shape.dim)
        return Value(self._unique(proto.name), shape)

    def finish(self, outputs: Mapping[str, Value]) -> onnx.ModelProto:
        """The model with these outputs, each under its name; a tensor that is named twice is put out once."""
        made = {name for node in self._graph.node for name in node.output}
        renamed: dict[str, str] = {}
        put_out: set[str] = set()
        for name, value in outputs.items():
            if value.name in put_out:
                continue
            put_out.add(value.name)
            if value.name not in made:
                passed_on = self._unique(f"{name}.output")
                self._graph.node.add(op_type="Identity", name=name, input=[value.name], output=[passed_on])
                value = replace(value, name=passed_on)
            renamed[value.name] = name if name == value.name else self._unique(name)
            self._graph.output.append(
                helper.make_tensor_value_info(renamed[value.name], onnx.TensorProto.FLOAT, value.shape)
            )
        for node in self._graph.node:
            for names in (node.input, node.output):
                for position, name in enumerate(names):
                    if name in renamed:
                        names[position] = renamed[name]
        return self._model

    # --- tensors stored in the model ---

    def normal(self, name: str, shape: Shape, *, deviation: float, mean: float = 0.0) -> Value:
        """Normally distributed float32 numbers: biases, scales, tables."""
        self._reserve(name, shape, 4)
        if self._generator is None:
            return self._absent(name, shape, onnx.TensorProto.FLOAT)
        values = self._generator.standard_normal(shape, dtype=np.float32) * np.float32(deviation) + np.float32(mean)
        return self._stored(name, values, Moments(mean, deviation**2))

    def rows(self, name: str, shape: Shape, *, deviation: float, zero_sum: bool) -> Value:
        """Normally distributed float32 weights, each row of which, all axes but the first, has exactly this deviation.

        Rows of short filters that differ in size would spread over the channels, and activation functions raise the
        large ones most: thirty layers later nothing is near unit size.

        Args:
            name: of the tensor.
            shape: of the tensor; the first axis is that of the outputs.
            deviation: root of the mean square of a row.
            zero_sum: each row adds up to zero: blind to the mean of what it is applied to.

        Source: Salimans and Kingma, Weight Normalization, arXiv:1602.07868, equation 2.
        """
        self._reserve(name, shape, 4)
        if self._generator is None:
            return self._absent(name, shape, onnx.TensorProto.FLOAT)
        values = self._generator.standard_normal((shape[0], prod(shape[1:])), dtype=np.float32)
        if zero_sum:
            values -= values.mean(axis=1, keepdims=True)
        values *= deviation / np.maximum(np.sqrt(np.square(values).mean(axis=1, keepdims=True)), np.float32(1e-6))
        return self._stored(name, values.reshape(shape), UNIT)

    def uniform(self, name: str, shape: Shape, *, low: float, high: float) -> Value:
        """Uniformly distributed float32 values; for variances, which must stay positive."""
        self._reserve(name, shape, 4)
        moments = Moments((low + high) / 2, (high - low) ** 2 / 12)
        if self._generator is None:
            return replace(self._absent(name, shape, onnx.TensorProto.FLOAT), moments=moments)
        values = self._generator.random(shape, dtype=np.float32) * np.float32(high - low) + np.float32(low)
        return self._stored(name, values, moments)

    def quantized(self, name: str, shape: Shape, *, deviation: float) -> tuple[Value, Value]:
        """Normally distributed weights as int8, and the scale of each row (the first axis)."""
        self._reserve(name, shape, 1)
        rows, scale_name = shape[:1], f"{name}.scale"
        if self._generator is None:
            return (
                self._absent(name, shape, onnx.TensorProto.INT8),
                self._absent(scale_name, rows, onnx.TensorProto.FLOAT),
            )
        # 127 steps reach four deviations, beyond which a normal weight in 16,000 lies
        steps = self._generator.standard_normal(shape, dtype=np.float32) * np.float32(127 / 4)
        weight = self._stored(name, np.clip(np.rint(steps), -127, 127).astype(np.int8), UNIT)
        return weight, self._stored(scale_name, np.full(rows, 4 * deviation / 127, np.float32), UNIT)

    def integers(self, name: str, values: Sequence[int]) -> Value:
        """A stored int64 vector: a shape, the sizes of a slice, axes."""
        return self._stored(name, np.array(values, np.int64), UNIT)

    def floats(self, name: str, values: Sequence[float]) -> Value:
        """A stored float32 vector."""
        return self._stored(name, np.array(values, np.float32), UNIT)

    def scalar(self, value: float) -> Value:
        """A stored float32 scalar; all nodes that ask for this number share it."""
        if value not in self._scalars:
            self._scalars[value] = self._stored(f"scalar {value:g}", np.array(value, np.float32), Moments(value, 0.0))
        return self._scalars[value]

    def zero_point(self) -> Value:
        """A stored int8 zero, which all symmetric quantisations share."""
        if self._zero_point is None:
            self._zero_point = self._stored("zero point", np.array(0, np.int8), UNIT)
        return self._zero_point

    # --- nodes ---

    def node(
        self,
        kind: str,
        name: str,
        inputs: Sequence[Value | None],
        *,
        shape: Shape,
        moments: Moments | None = None,
        attributes: Mapping[str, Attribute] | None = None,
        domain: str = "",
    ) -> Value:
        """Add a node with one output.

        Args:
            kind: the operator.
            name: of the node, as the file calls the layer.
            inputs: in the operator's order, None for one that is omitted.
            shape: of the output.
            moments: of the output; those of the first input unless given.
            attributes: written in this order.
            domain: of the operator; with another than ONNX's the shape is written down, as nothing can infer it.

        Raises:
            LayerFault: an axis of the output is smaller than one or too large to count, or there are too many nodes.
        """
        _require_possible(shape, "its output")
        if len(self._graph.node) >= MOST_NODES:
            raise LayerFault(f"more than {MOST_NODES} operators come of it and the layers before it")
        node = self._graph.node.add(op_type=kind, name=name, domain=domain)
        node.input.extend(value.name if value else "" for value in inputs)
        output = self._unique(f"{name}.output")
        node.output.append(output)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in (attributes or {}).items())
        if domain:
            self._import(domain)
            self._graph.value_info.append(helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, shape))
        if moments is None:
            first = inputs[0] if inputs else None
            moments = first.moments if first else UNIT
        return Value(output, shape, moments)

    def head(self, kind: str, name: str, inputs: Sequence[Value], *, domain: str) -> None:
        """Add a node of a foreign domain whose output has a shape that depends on the data; it is a graph output."""
        self._import(domain)
        node = self._graph.node.add(op_type=kind, name=name, domain=domain)
        node.input.extend(value.name for value in inputs)
        node.output.append(self._unique(f"{name}.output"))
        self._graph.output.append(helper.make_tensor_value_info(node.output[0], onnx.TensorProto.FLOAT, None))

    def _import(self, domain: str) -> None:
        if all(entry.domain != domain for entry in self._model.opset_import):
            self._model.opset_import.append(helper.make_opsetid(domain, 1))

    def _unique(self, name: str) -> str:
        """The name, with a number behind it where it is taken."""
        candidate = name
        while candidate in self._repeats:
            self._repeats[name] += 1
            candidate = f"{name}#{self._repeats[name]}"
        self._repeats[candidate] = 1
        return candidate

    def _reserve(self, name: str, shape: Shape, bytes_each: int) -> None:
        """Check the size of a weight before anything is allocated for it."""
        _require_possible(shape, name)
        self._payload_bytes += bytes_each * prod(shape)
        if self._generator is not None and self._payload_bytes > MOST_PAYLOAD_BYTES:
            raise LayerFault("its weights and those before it exceed 2 GiB, which no ONNX file can hold")

    def _absent(self, name: str, shape: Shape, element_type: int) -> Value:
        proto = self._graph.initializer.add(name=self._unique(name), dims=shape, data_type=element_type)
        proto.data_location = onnx.TensorProto.EXTERNAL
        proto.external_data.add(key="location", value=STRIPPED)
        return Value(proto.name, shape)

    def _stored(self, name: str, array: NDArray[np.generic], moments: Moments) -> Value:
        # ONNX stores raw data little-endian on every machine
        little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
        proto = self._graph.initializer.add(
            name=self._unique(name),
            dims=array.shape,
            data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
            raw_data=little_endian.tobytes(),
        )
        return Value(proto.name, array.shape, moments)


def _require_possible(shape: Shape, what: str) -> None:
    if any(not 1 <= extent <= LARGEST_DIMENSION for extent in shape) or prod(shape) >= 2**62:
        raise LayerFault(f"{what} has the impossible shape {list(shape)}")
