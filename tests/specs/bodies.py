"""Expands an op into the elementary ops of its ONNX function body."""

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import onnx
import onnx.defs
from inlining import CONTROL_FLOW, inlined
from onnx import helper
from onnx.reference import ReferenceEvaluator
from ops import Array, attributes_of, dtype_name, node_of, type_of

from attainable.workload.graph import Op, Tensor


def operators_with_body() -> list[tuple[str, int]]:
    """Type and version of the operators that have a function body, deprecated ones left out."""
    schemas = cast("list[Any]", onnx.defs.get_all_schemas_with_history())
    return sorted(
        (f"{schema.domain}:{schema.name}" if schema.domain else schema.name, schema.since_version)
        for schema in schemas
        if not schema.deprecated and (schema.has_function or schema.has_context_dependent_function)
    )


def body_versions(kind: str) -> list[int]:
    """Versions of the operator that have a function body."""
    return [version for name, version in operators_with_body() if name == kind]


def elementary_ops(op: Op) -> list[Op]:
    """The ops of the body that compute something for a wanted output from something unknown before the run.

    What is computed from constants, attributes and shapes alone is known before the run. Shapes and element types are
    those that the reference implementation finds when it runs the body.
    """
    function = _body(op)
    names = dict(zip(function.input, op.inputs, strict=False))
    arrays = {formal: _array(tensor) for formal, tensor in names.items() if tensor is not None}
    results = _run(function, arrays)
    while any(node.op_type in CONTROL_FLOW for node in function.node):
        nodes = [part for node in function.node for part in inlined(node, results)]
        del function.node[:]
        function.node.extend(nodes)
        results = _run(function, arrays)
    known = {formal for formal, tensor in names.items() if tensor is not None and tensor.is_constant}
    wanted = {formal for formal, tensor in zip(function.output, op.outputs, strict=False) if tensor is not None}
    opset = onnx.defs.onnx_opset_version() if op.domain else op.opset
    return list(_live(_unknown(list(function.node), known, results, opset), wanted))


def _body(op: Op) -> onnx.FunctionProto:
    schema = cast(Any, onnx.defs.get_schema(op.kind, op.opset, op.domain))
    node = node_of(op)
    function = onnx.FunctionProto()
    if schema.has_function:
        function.CopyFrom(schema.function_body)
    else:
        types = [type_of(tensor) if tensor else onnx.TypeProto() for tensor in op.inputs]
        version = schema.context_dependent_function_opset_versions[-1]
        body = schema.get_context_dependent_function_with_opset_version(
            version, node.SerializeToString(), [type_proto.SerializeToString() for type_proto in types]
        )
        function.ParseFromString(body)
    _bind_attributes(function, node, schema)
    return function


def _bind_attributes(function: onnx.FunctionProto, node: onnx.NodeProto, schema: Any) -> None:
    """Put the node's attributes, or their defaults, where the body refers to them."""
    given = {attribute.name: attribute for attribute in node.attribute}
    for inner in function.node:
        for attribute in list(inner.attribute):
            if not attribute.ref_attr_name:
                continue
            default = cast(onnx.AttributeProto, schema.attributes[attribute.ref_attr_name].default_value)
            value = given.get(attribute.ref_attr_name, default)
            name = attribute.name
            inner.attribute.remove(attribute)
            if value.type:
                bound = inner.attribute.add()
                bound.CopyFrom(value)
                bound.name = name


def _array(tensor: Tensor) -> Array:
    """The tensor's value, or numbers that suit every operator: distinct, positive, below the extents of the specs."""
    if tensor.value is not None:
        return np.array(tensor.value, dtype=tensor.dtype).reshape(tensor.dims)
    if tensor.dtype.startswith("int"):
        return np.ones(tensor.dims, dtype=tensor.dtype)
    if tensor.dtype == "bool":
        return np.ones(tensor.dims, dtype=np.uint8).astype(bool)
    return np.linspace(0.1, 0.9, tensor.elements, dtype=tensor.dtype).reshape(tensor.dims)


def _run(function: onnx.FunctionProto, arrays: dict[str, Array]) -> dict[str, Array]:
    """Every tensor of the body."""
    produced = [name for node in function.node for name in node.output if name]
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in arrays.items()
    ]
    graph = helper.make_graph(function.node, "body", inputs, [onnx.ValueInfoProto(name=name) for name in produced])
    imports = list(function.opset_import)
    if all(entry.domain for entry in imports):
        imports.append(helper.make_opsetid("", onnx.defs.onnx_opset_version()))
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    with np.errstate(all="ignore"):
        found = cast(Any, ReferenceEvaluator(model)).run(None, arrays)
    return {**arrays, **dict(cast("zip[tuple[str, Array]]", zip(produced, found, strict=True)))}


def _unknown(nodes: list[onnx.NodeProto], known: set[str], results: dict[str, Array], opset: int) -> Iterator[Op]:
    for position, node in enumerate(nodes):
        sources = node.input[:1] if node.op_type == "CastLike" else node.input
        if node.op_type in ("Shape", "Size") or known.issuperset(name for name in sources if name):
            known.update(node.output)
        inputs = tuple(_tensor(name, results, known) if name else None for name in node.input)
        outputs = tuple(_tensor(name, results, known) if name else None for name in node.output)
        if not known.issuperset(node.output):
            yield Op(str(position), node.name, node.op_type, node.domain, opset, inputs, outputs, attributes_of(node))


def _live(ops: Iterator[Op], wanted: set[str]) -> Iterator[Op]:
    for op in reversed(list(ops)):
        if wanted.intersection(tensor.name for tensor in op.present_outputs):
            wanted.update(tensor.name for tensor in op.present_inputs)
            yield op


def _tensor(name: str, results: dict[str, Array], known: set[str]) -> Tensor:
    array = np.asarray(results[name])
    dtype = dtype_name(helper.np_dtype_to_tensor_dtype(array.dtype))
    return Tensor(name, array.shape, dtype, is_constant=name in known)
