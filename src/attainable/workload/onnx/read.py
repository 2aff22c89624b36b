"""Reads an ONNX file into a Workload."""

import math
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import shape_inference

from attainable.errors import ModelFileError, ModelGraphError
from attainable.workload.file import ModelFile, open_model_file
from attainable.workload.graph import Provenance, Tensor, Workload
from attainable.workload.onnx.bind import bind_dimensions
from attainable.workload.onnx.graph import GraphConverter, require_order
from attainable.workload.onnx.tensors import external_bytes
from attainable.workload.onnx.wire import MalformedProtobuf, strip_weights
from attainable.workload.shapes import LARGEST_DIMENSION, Bindings

MOST_EXPANDED_NODES = 2_000_000
"""Nodes after expanding local functions: shape inference walks that many, and a small file can ask for 2^60."""

LARGEST_RANK = 64


def read_onnx(path: Path, *, shapes: Bindings, batch: int | None) -> Workload:
    """Read an ONNX model; its weights are neither parsed nor, where they are in other files, opened.

    Args:
        path: the ``.onnx`` file.
        shapes: numbers for symbolic dimensions, shapes for inputs.
        batch: number for the batch dimension, or None.

    Raises:
        ModelFileError: the file is no ONNX protobuf.
        ModelGraphError: the graph is broken.
        UnboundDimensions, InvalidQuantity: a dimension has no number, or a wrong one.
    """
    where = str(path)
    with open_model_file(path) as file:
        model = _parse(file, where)
        digest = file.sha256()
        size = file.bytes
    graph = model.graph
    _guard(model, where)
    initialisers = {proto.name for proto in graph.initializer} | {
        proto.values.name for proto in graph.sparse_initializer
    }
    real_inputs = [value for value in graph.input if value.name not in initialisers]
    binding = bind_dimensions(real_inputs, shapes, batch=batch, where=where)
    order = require_order(graph, initialisers | {value.name for value in graph.input}, where=where)
    notes = [*binding.notes, *(["the nodes were not in running order; they were sorted"] if order else [])]
    graph = _infer(model, where)
    opsets = {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in model.opset_import}
    converter = GraphConverter(opsets, where)
    constants = converter.constants(graph)
    converter.raise_faults()
    known: dict[str, Tensor] = {**converter.inputs(graph), **constants}
    inputs = tuple(known[value.name] for value in real_inputs)
    ops = converter.ops(graph, known, positions=order or range(len(graph.node)))
    converter.raise_faults()
    used = {tensor.name for op in ops for tensor in op.present_inputs} | {value.name for value in graph.output}
    return Workload(
        name=path.stem,
        ops=ops,
        inputs=inputs,
        outputs=tuple(known[value.name] for value in graph.output),
        constants=tuple(tensor for name, tensor in constants.items() if name in used),
        bindings=binding.pairs,
        provenance=Provenance(
            where,
            digest,
            "onnx",
            opsets.get("", 0),
            size,
            sum(map(external_bytes, graph.initializer)),
            model.producer_name,
        ),
        notes=tuple(notes),
    )


def _parse(file: ModelFile, where: str) -> onnx.ModelProto:
    try:
        model = onnx.ModelProto.FromString(strip_weights(file.content))
    except MalformedProtobuf as error:
        raise ModelFileError(
            f"is not a valid ONNX protobuf (byte {error.position})", where=where, help="check the download or export"
        ) from None
    except (DecodeError, UnicodeDecodeError):
        raise ModelFileError("is not a valid ONNX protobuf", where=where, help="check the download or export") from None
    if not model.HasField("graph"):
        raise ModelFileError(
            "is a protobuf without a graph, so not an ONNX model", where=where, help="give an .onnx file"
        )
    return model


def _guard(model: onnx.ModelProto, where: str) -> None:
    """Refuse what would make shape inference run away: huge axes, ranks, opset gaps, expanding functions."""
    graph = model.graph
    faults: list[str] = []
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
        if len(dimensions) > LARGEST_RANK:
            faults.append(f"has {len(dimensions)} axes, at most {LARGEST_RANK} are read @ input {value.name}")
        elif math.prod(max(dimension.dim_value, 1) for dimension in dimensions) >= 2**62:
            faults.append(f"has more elements than can be counted @ input {value.name}")
    expanded = _expanded_nodes(model, where)
    if expanded > MOST_EXPANDED_NODES:
        faults.append(f"its functions expand to {expanded} nodes, at most {MOST_EXPANDED_NODES} are read @ functions")
    if faults:
        raise ModelGraphError("the model cannot be read", where=where, faults=faults[:5], help="export the model again")


def _expanded_nodes(model: onnx.ModelProto, where: str) -> int:
    """Nodes of the graph after expanding its local functions, by dynamic programming, without expanding anything."""
    functions = {(function.domain, function.name): function for function in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    open_calls: list[tuple[str, str]] = []

    def size(key: tuple[str, str]) -> int:
        if key in open_calls:
            cycle = " -> ".join(name for _, name in [*open_calls[open_calls.index(key) :], key])
            raise ModelGraphError(f"a function calls itself: {cycle}", where=where, help="export the model again")
        if key not in sizes:
            open_calls.append(key)
            sizes[key] = sum(
                size((node.domain, node.op_type)) if (node.domain, node.op_type) in functions else 1
                for node in functions[key].node
            )
            open_calls.pop()
        return sizes[key]

    if len(functions) > 500:
        raise ModelGraphError(f"has {len(functions)} local functions, at most 500 are read", where=where)
    return sum(size(key) if (key := (node.domain, node.op_type)) in functions else 1 for node in model.graph.node)


def _infer(model: onnx.ModelProto, where: str) -> onnx.GraphProto:
    """Infer the shapes from the inputs alone; what the file claims is kept only for operators nobody knows."""
    graph = model.graph
    functions = {(function.domain, function.name) for function in model.functions}
    unknown = {name for node in graph.node if not _is_known(node, functions) for name in node.output}
    claimed = [value for value in graph.value_info if value.name in unknown]
    del graph.value_info[:]
    graph.value_info.extend(claimed)
    for value in graph.output:
        if value.name not in unknown and value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")
    try:
        return shape_inference.infer_shapes(model, data_prop=True).graph
    except (shape_inference.InferenceError, RuntimeError, ValueError, DecodeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelGraphError(f"shape inference fails: {reason}", where=where, help="export the model again") from None


def _is_known(node: onnx.NodeProto, functions: set[tuple[str, str]]) -> bool:
    return (node.domain, node.op_type) in functions or onnx.defs.has(node.op_type, domain=node.domain)
