"""Makes Ops for the specs: shapes of outputs come from ONNX's own shape inference, never from our code."""

from collections.abc import Mapping, Sequence
from itertools import count
from math import prod
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper

from attainable.cost.rules import RULES
from attainable.cost.work import Work
from attainable.workload.dtypes import bytes_of
from attainable.workload.graph import AttributeValue, Op, Tensor, Value

Attributes = Mapping[str, AttributeValue]
Array = npt.NDArray[np.number[Any]]

OPSET = 22
"""Opset of an op that does not name one."""

_numbers = count()


def activation(*shape: int, dtype: str = "float32") -> Tensor:
    """A tensor that another op made."""
    return Tensor(f"activation_{next(_numbers)}", shape, dtype)


def constant(*shape: int, dtype: str = "float32", value: Value | None = None) -> Tensor:
    """A tensor that is known before the run."""
    stored = bytes_of(dtype, prod(shape))
    return Tensor(f"constant_{next(_numbers)}", shape, dtype, is_constant=True, value=value, bytes_stored=stored)


def integers(*values: int) -> Tensor:
    """A constant vector of int64: a shape, axes, splits."""
    return constant(len(values), dtype="int64", value=values)


def scalar(value: float | bool) -> Tensor:
    """A constant without axes."""
    dtype = {bool: "bool", int: "int64", float: "float32"}[type(value)]
    return constant(dtype=dtype, value=(value,))


def make_op(
    kind: str,
    inputs: Sequence[Tensor | None],
    *,
    attributes: Attributes | None = None,
    outputs: int = 1,
    opset: int = OPSET,
    domain: str = "",
) -> Op:
    """An op with the output shapes that ONNX infers; without shapes where it infers none."""
    names = tuple(f"output_{next(_numbers)}" for _ in range(outputs))
    placeholders = tuple(Tensor(name, None, "float32") for name in names)
    op = Op("0", "", kind, domain, opset, tuple(inputs), placeholders, tuple(sorted((attributes or {}).items())))
    model = onnx.shape_inference.infer_shapes(_model(op), strict_mode=True, data_prop=True)
    inferred = [info.type.tensor_type for info in model.graph.output]
    if not all(tensor.elem_type for tensor in inferred):
        return op
    return with_outputs(op, [(_shape(tensor), dtype_name(tensor.elem_type)) for tensor in inferred])


def with_outputs(op: Op, outputs: Sequence[tuple[tuple[int, ...], str]]) -> Op:
    """The op with outputs of these shapes and element types, under the same names."""
    tensors = tuple(
        Tensor(old.name if old else "", shape, dtype) for old, (shape, dtype) in zip(op.outputs, outputs, strict=True)
    )
    return Op(op.id, op.name, op.kind, op.domain, op.opset, op.inputs, tensors, op.attributes)


def fused(kind: str, inputs: Sequence[Tensor | None], output: Tensor, *, attributes: Attributes | None = None) -> Op:
    """An op of ONNX Runtime's own domain, for which ONNX infers nothing."""
    pairs = tuple(sorted((attributes or {}).items()))
    return Op("0", "", kind, "com.microsoft", 1, tuple(inputs), (output,), pairs)


def work_of(op: Op) -> Work:
    """What the rule says."""
    return RULES[op.type].work(op)


def evaluate(op: Op, arrays: Sequence[Array]) -> Array:
    """First output of the op as ONNX Runtime computes it; the arrays are those of the inputs without a value."""
    names = [tensor.name for tensor in op.present_inputs if tensor.value is None]
    session = cast(Any, onnxruntime.InferenceSession(_model(op).SerializeToString()))
    return session.run(None, dict(zip(names, arrays, strict=True)))[0]


def node_of(op: Op) -> onnx.NodeProto:
    """The op as ONNX writes it."""
    inputs = [tensor.name if tensor else "" for tensor in op.inputs]
    outputs = [tensor.name if tensor else "" for tensor in op.outputs]
    attributes = [
        helper.make_attribute(name, _proto(value) if isinstance(value, Tensor) else value)
        for name, value in op.attributes
    ]
    return onnx.NodeProto(op_type=op.kind, domain=op.domain, input=inputs, output=outputs, attribute=attributes)


def attributes_of(node: onnx.NodeProto) -> tuple[tuple[str, AttributeValue], ...]:
    """A node's attributes, sorted, without its graphs."""
    plain = (attribute for attribute in node.attribute if not attribute.HasField("g"))
    return tuple(sorted((attribute.name, _attribute_value(attribute)) for attribute in plain))


def type_of(tensor: Tensor) -> onnx.TypeProto:
    """Element type and shape as ONNX writes them."""
    return helper.make_tensor_type_proto(_ELEMENT_TYPES[tensor.dtype], tensor.dims)


def dtype_name(element_type: int) -> str:
    """ONNX's number of an element type as a name."""
    name = onnx.TensorProto.DataType.Name(element_type).lower()
    return {"float": "float32", "double": "float64"}.get(name, name)


_ELEMENT_TYPES = {dtype_name(element_type): element_type for element_type in helper.get_all_tensor_dtypes()}


def _model(op: Op) -> onnx.ModelProto:
    inputs = [onnx.ValueInfoProto(name=tensor.name, type=type_of(tensor)) for tensor in op.present_inputs]
    outputs = [onnx.ValueInfoProto(name=tensor.name) for tensor in op.present_outputs]
    initializers = [_proto(tensor) for tensor in op.present_inputs if tensor.value is not None]
    graph = helper.make_graph([node_of(op)], "spec", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(op.domain, op.opset)], ir_version=10)


def _proto(tensor: Tensor) -> onnx.TensorProto:
    """A tensor with a value as ONNX stores it."""
    return onnx.numpy_helper.from_array(np.array(tensor.value, dtype=tensor.dtype).reshape(tensor.dims), tensor.name)


def _shape(inferred: onnx.TypeProto.Tensor) -> tuple[int, ...]:
    return tuple(dimension.dim_value for dimension in inferred.shape.dim)


def _attribute_value(attribute: onnx.AttributeProto) -> AttributeValue:
    value = cast(Any, helper).get_attribute_value(attribute)
    match value:
        case bytes():
            return value.decode()
        case onnx.TensorProto():
            shape, dtype = tuple(value.dims), dtype_name(value.data_type)
            return Tensor(value.name, shape, dtype, is_constant=True, bytes_stored=bytes_of(dtype, prod(shape)))
        case onnx.TypeProto():
            return ""
        case list():
            items = cast("list[Any]", value)
            return tuple(item.decode() if isinstance(item, bytes) else item for item in items)
        case _:
            return cast("int | float", value)
