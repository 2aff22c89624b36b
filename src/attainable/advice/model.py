"""Writes ops as a model of its own: what a probe runs.

Values that the reader kept are written as they are; weights, which it does not read, are random. What an op reads and
no other op of the model makes becomes an input, what nobody reads becomes an output.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy
from numpy.typing import NDArray

from attainable.workload import Workload, load
from attainable.workload.dtypes import is_floating
from attainable.workload.graph import AttributeValue, Op, Tensor
from attainable.zoo.graph import Attribute, Graph, Value, element_type

Array = NDArray[numpy.generic]
_SCALE = 0.02
"""Of quantisation: numbers of unit size fill a good part of 8 bits."""


def write_ops(ops: Sequence[Op], path: Path) -> Workload:
    """Write ops, in an order in which they can run, as an ONNX file and read it back.

    Names are made up, because those of the model may be empty, repeated or hostile. Ops of other domains than the
    default one, and attributes that are tensors, are not written: rules choose what they rebuild.
    """
    graph = Graph("probe", opset=max(op.opset for op in ops))
    generator = numpy.random.default_rng(0)
    values: dict[str, Value] = {}
    made = {tensor.name for op in ops for tensor in op.present_outputs}
    for op in ops:
        for index, tensor in enumerate(op.present_inputs):
            if tensor.name in values or tensor.name in made:
                continue
            name = f"tensor{len(values)}"
            if tensor.is_constant:
                values[tensor.name] = graph.initializer(name, _constant(op, index, generator))
            else:
                values[tensor.name] = graph.input(name, tensor.dims, dtype=element_type(tensor.dtype))
        outputs = graph.node_with_outputs(
            op.kind,
            f"node{len(values)}",
            inputs=[_ABSENT if tensor is None else values[tensor.name] for tensor in op.inputs],
            shapes=[tensor.dims for tensor in op.present_outputs],
            attributes={name: value for name, value in map(_attribute, op.attributes) if value is not None},
        )
        values |= {tensor.name: value for tensor, value in zip(op.present_outputs, outputs, strict=True)}
    read = {tensor.name for op in ops for tensor in op.present_inputs}
    ends = [tensor for op in ops for tensor in op.present_outputs if tensor.name not in read]
    model = graph.finish_with([(values[tensor.name], element_type(tensor.dtype)) for tensor in ends])
    path.write_bytes(model.SerializeToString())
    return load(path)


_ABSENT = Value("", ())
"""An optional input that is left out."""


def _attribute(pair: tuple[str, AttributeValue]) -> tuple[str, Attribute | None]:
    name, value = pair
    if isinstance(value, Tensor) or value == ():
        return name, None
    if isinstance(value, int | float | str):
        return name, value
    numbers = [number for number in value if not isinstance(number, str)]
    return name, numbers


def _constant(op: Op, index: int, generator: numpy.random.Generator) -> Array:
    tensor = op.present_inputs[index]
    dtype = numpy.dtype(tensor.dtype)
    if tensor.value is not None:
        return numpy.array(tensor.value, dtype).reshape(tensor.dims)
    if op.kind in ("QuantizeLinear", "DequantizeLinear") and index == 1:
        return numpy.full(tensor.dims, _SCALE, dtype)
    if op.kind == "BatchNormalization":
        # a variance must be positive, and ones do for the others too
        return numpy.ones(tensor.dims, dtype)
    if is_floating(tensor.dtype):
        # the sums of a convolution stay of unit size, far from what is slow to compute with
        deviation = 1 / math.sqrt(max(1, math.prod(tensor.dims[1:])))
        return (deviation * generator.standard_normal(tensor.dims)).astype(dtype)
    if dtype.kind in "iu" and dtype.itemsize == 1:
        limits = numpy.iinfo(dtype)
        return generator.integers(int(limits.min), int(limits.max) + 1, tensor.dims).astype(dtype)
    return numpy.zeros(tensor.dims, dtype)
