"""Ops made from the node tests that ONNX ships: true shapes and element types, nothing inferred."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any, cast

import numpy as np
import onnx
import onnx.defs
from onnx import helper
from ops import attributes_of, dtype_name

from attainable.workload.dtypes import BITS, bytes_of
from attainable.workload.graph import Body, Container, Op, Tensor

NOT_COUNTABLE = {
    "ai.onnx.preview.training:Gradient": "differentiates a graph; its cost is that of a graph which is not in the file"
}
"""Operators without a rule, with the reason: they are listed and the totals become at least."""

MOST_VALUES = 64
"""Elements of a constant whose value a reader keeps."""


def node_cases() -> Iterator[tuple[str, Op]]:
    """Name of the test and its op; tests of several nodes are left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases = cast("Sequence[Any]", collect_testcases(None))
    for case in cases:
        nodes = case.model.graph.node
        if len(nodes) == 1 and "_expanded" not in case.name:
            inputs, outputs = case.data_sets[0]
            imports = {entry.domain: entry.version for entry in case.model.opset_import}
            yield case.name, _op(nodes[0], imports[nodes[0].domain], inputs, outputs)


def versions_of(op: Op) -> list[int]:
    """Versions of the op's operator that take its inputs, outputs and attributes, other types apart."""
    return [version for version in _VERSIONS[op.type] if _is_valid(op, version)]


def every_version() -> set[tuple[str, int]]:
    """Type and version of every operator that ONNX registers, versions in which it is deprecated left out."""
    return {(kind, version) for kind, versions in _VERSIONS.items() for version in versions}


def bytes_in(op: Op) -> int:
    """Bytes of the distinct inputs."""
    return sum({tensor.name: tensor.bytes for tensor in op.present_inputs}.values())


def bytes_out(op: Op) -> int:
    """Bytes of the outputs."""
    return sum(tensor.bytes for tensor in op.present_outputs)


def _versions() -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for schema in cast("list[Any]", onnx.defs.get_all_schemas_with_history()):
        kind = f"{schema.domain}:{schema.name}" if schema.domain else schema.name
        if not schema.deprecated:
            found.setdefault(kind, []).append(schema.since_version)
    return found


_VERSIONS = _versions()


def _is_valid(op: Op, version: int) -> bool:
    schema = cast(Any, onnx.defs.get_schema(op.kind, version, op.domain))
    if not schema.min_input <= len(op.inputs) <= schema.max_input or len(op.outputs) > schema.max_output:
        return False
    given = {name for name, _ in op.attributes} | {body.name for body in op.bodies}
    required = {name for name, attribute in schema.attributes.items() if attribute.required}
    return required <= given <= set(schema.attributes)


def _op(node: onnx.NodeProto, opset: int, inputs: Sequence[object], outputs: Sequence[object]) -> Op:
    given, made = iter(inputs), iter(outputs)
    bodies = tuple(Body(attribute.name, (), (), ()) for attribute in node.attribute if attribute.HasField("g"))
    return Op(
        "0", node.name, node.op_type, node.domain, opset,
        tuple(_tensor(name, next(given), position) if name else None for position, name in enumerate(node.input)),
        tuple(_tensor(name, next(made), 0) if name else None for name in node.output),
        attributes_of(node), bodies,
    )  # fmt: skip


def _tensor(name: str, value: object, position: int) -> Tensor:
    """The record of an array, a list of arrays or an optional without one.

    Small integers behind the first input are constants, as in an exported model: axes, shapes, lengths.
    """
    if value is None or isinstance(value, list):
        container: Container = "sequence" if isinstance(value, list) else "optional"
        items = cast("list[object]", value or [])
        parts = tuple(_tensor(f"{name}/{index}", item, 0) for index, item in enumerate(items))
        return Tensor(name, None, parts[0].dtype if parts else "float32", container=container, parts=parts)
    if isinstance(value, onnx.TensorProto):
        return Tensor(name, tuple(value.dims), dtype_name(value.data_type))
    array = np.asarray(value)
    text = array.dtype.kind in "OUS"
    dtype = "string" if text else dtype_name(helper.np_dtype_to_tensor_dtype(array.dtype))
    assert dtype in BITS
    if position and array.dtype.kind in "iub" and array.size <= MOST_VALUES:
        values = tuple(int(item) for item in array.ravel().tolist())
        return Tensor(name, array.shape, dtype, True, values, bytes_of(dtype, array.size))
    return Tensor(name, array.shape, dtype)
