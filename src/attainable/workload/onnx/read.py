"""Reads an ONNX file into a Workload."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from attainable.errors import ModelFileError, ModelGraphError
from attainable.workload.file import ModelFile, open_model_file
from attainable.workload.graph import Provenance, Workload
from attainable.workload.onnx.bind import bind_dimensions
from attainable.workload.onnx.functions import DEEPEST_NESTING, Expansion, expansion, groups_of, local_functions
from attainable.workload.onnx.given import InputValues, given_tensor, stored_values, with_given_shapes
from attainable.workload.onnx.graph import GraphConverter, read_by
from attainable.workload.onnx.infer import hostile_nodes, infer_whole
from attainable.workload.onnx.order import require_order
from attainable.workload.onnx.strict_text import is_text
from attainable.workload.onnx.tensors import DTYPES, LARGEST_RANK, external_bytes
from attainable.workload.onnx.wire import MalformedProtobuf, strip_weights
from attainable.workload.shapes import LARGEST_DIMENSION, Bindings

MOST_EXPANDED_NODES = 2_000_000
"""Nodes after expanding local functions: shape inference walks that many, and a small file can ask for 2^60."""


def read_onnx(path: Path, *, shapes: Bindings, batch: int | None, values: InputValues | None = None) -> Workload:
    """Read an ONNX model; its weights are neither parsed nor, where they are in other files, opened.

    Args:
        path: the ``.onnx`` file.
        shapes: numbers for symbolic dimensions, shapes for inputs.
        batch: number for the batch dimension, or None.
        values: inputs whose elements are known: they bind their own shape and may decide others.

    Raises:
        ModelFileError: the file is no ONNX protobuf.
        ModelGraphError: the graph is broken.
        UnboundDimensions, InvalidQuantity: a dimension has no number, or a wrong one.
    """
    where = str(path)
    with open_model_file(path) as file:
        model = _parse(file, where)
        source = Provenance(where, file.sha256(), "onnx", 0, file.bytes, 0, model.producer_name)
    return workload_of(model, source, shapes=shapes, batch=batch, values=values)


def workload_of(
    model: onnx.ModelProto, source: Provenance, *, shapes: Bindings, batch: int | None,
    values: InputValues | None = None,
) -> Workload:  # fmt: skip
    """Make the records of a parsed model, which is changed in place.

    Args:
        model: its large weights stripped.
        source: where it came from; opset and external bytes are filled in from the model.
        shapes: numbers for symbolic dimensions, shapes for inputs.
        batch: number for the batch dimension, or None.
        values: inputs whose elements are known.

    Raises:
        ModelFileError: a tensor is broken.
        ModelGraphError: the graph is broken.
        UnboundDimensions, InvalidQuantity: a dimension has no number, or a wrong one.
    """
    where = source.path
    given = values or {}
    graph = model.graph
    functions = local_functions(model)
    groups = groups_of(graph.node, graph)
    inside = {key: groups_of(function.node) for key, function in functions.items()}
    opsets = {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in model.opset_import}
    expanded = expansion(groups, inside, where=where)
    called = [group for inner in inside.values() for group in inner]
    _guard(model, expanded, hostile_nodes([*groups, *called], opsets), where)
    initialisers = {proto.name for proto in graph.initializer} | {
        proto.values.name for proto in graph.sparse_initializer
    }
    real_inputs = [value for value in graph.input if value.name not in initialisers]
    if given:
        shapes = with_given_shapes(real_inputs, shapes, given, where=where)
    binding = bind_dimensions(real_inputs, shapes, batch=batch, where=where)
    known = initialisers | {value.name for value in graph.input}
    order = require_order(
        graph.node,
        known,
        given=known,
        outputs=[value.name for value in graph.output],
        where=where,
    )
    notes = [*binding.notes, *(["the nodes were not in running order; they were sorted"] if order else [])]
    if order:
        groups = groups_of(graph.node, graph)  # sorting copied the nodes
    graph = infer_whole(
        model, [*groups, *called], functions, expanded_nodes=expanded.nodes, values=stored_values(given)
    )
    converter = GraphConverter(opsets, functions, ir_version=model.ir_version, where=where)
    constants = converter.constants(graph)
    converter.raise_faults()
    declared = [
        given_tensor(tensor, given[tensor.name]) if tensor.name in given else tensor
        for tensor in converter.inputs(graph)
    ]
    scope = converter.scope(graph.node, [*declared, *constants.values()], graph=graph)
    for name, value in given.items():
        if isinstance(value, np.ndarray):
            scope.values.learn(name, value)
    inputs = tuple(scope.tensors[value.name] for value in real_inputs)
    ops = converter.ops(graph.node, scope, positions=order or range(len(graph.node)))
    converter.raise_faults()
    used = read_by(ops) | {value.name for value in graph.output}
    return Workload(
        name=Path(where).stem,
        ops=ops,
        inputs=inputs,
        outputs=tuple(scope.tensors[value.name] for value in graph.output),
        constants=tuple(tensor for name, tensor in constants.items() if name in used),
        bindings=binding.pairs,
        provenance=replace(source, opset=opsets.get("", 0), external_bytes=sum(map(external_bytes, graph.initializer))),
        notes=tuple(notes),
    )


def _parse(file: ModelFile, where: str) -> onnx.ModelProto:
    try:
        content = strip_weights(file.content)
        model = onnx.ModelProto.FromString(content)
    except MalformedProtobuf as error:
        raise ModelFileError(
            f"is not a valid ONNX protobuf (byte {error.position})", where=where, help="check the download or export"
        ) from None
    except (DecodeError, UnicodeDecodeError):
        raise ModelFileError("is not a valid ONNX protobuf", where=where, help="check the download or export") from None
    if not is_text(content):
        raise ModelFileError("has names that are not UTF-8", where=where, help="export the model again")
    if not model.HasField("graph"):
        raise ModelFileError(
            "is a protobuf without a graph, so not an ONNX model", where=where, help="give an .onnx file"
        )
    return model


def _guard(model: onnx.ModelProto, expanded: Expansion, hostile: list[str], where: str) -> None:
    """Refuse what would make shape inference run away: huge axes, ranks, opset gaps, expanding functions."""
    graph = model.graph
    faults = [*hostile]
    if not model.opset_import:
        faults.append("imports no operator set @ opset_import")
    newest = onnx.defs.onnx_opset_version()
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx") and not 1 <= entry.version <= newest:
            faults.append(
                f"opset {entry.version} is not known to the installed onnx, which reads up to {newest} @ opset_import"
            )
    for proto in graph.initializer:
        if len(proto.dims) > LARGEST_RANK:
            faults.append(f"has {len(proto.dims)} axes, at most {LARGEST_RANK} are read @ initializer {proto.name}")
        elif any(extent > LARGEST_DIMENSION for extent in proto.dims) or math.prod(proto.dims) >= 2**62:
            faults.append(f"has the impossible shape {list(proto.dims)} @ initializer {proto.name}")
    for value in graph.input:
        dimensions = value.type.tensor_type.shape.dim
        number = value.type.tensor_type.elem_type
        if value.type.HasField("tensor_type") and number not in DTYPES:
            faults.append(f"has the unknown element type {number} @ input {value.name}")
        if len(dimensions) > LARGEST_RANK:
            faults.append(f"has {len(dimensions)} axes, at most {LARGEST_RANK} are read @ input {value.name}")
        elif math.prod(max(dimension.dim_value, 1) for dimension in dimensions) >= 2**62:
            faults.append(f"has more elements than can be counted @ input {value.name}")
    if expanded.nodes > MOST_EXPANDED_NODES:
        faults.append(
            f"its functions expand to {expanded.nodes} nodes, at most {MOST_EXPANDED_NODES} are read @ functions"
        )
    if expanded.depth > DEEPEST_NESTING:
        faults.append(f"its functions nest {expanded.depth} deep, at most {DEEPEST_NESTING} are read @ functions")
    if faults:
        raise ModelGraphError("the model cannot be read", where=where, faults=faults[:5], help="export the model again")
