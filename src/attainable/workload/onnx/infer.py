"""onnx's shape inference of the whole graph, in C++: the fast path, which resolves most models entirely.

Without its data propagation, which makes a record of every element of every tensor of rank 1, however long it is: a
dozen nodes can ask for all memory. ``values.py`` propagates what the rest needs.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress

import onnx
from google.protobuf.message import DecodeError
from onnx import shape_inference
from onnx.checker import ValidationError

from attainable.workload.onnx.functions import FunctionKey, Group, key_of
from attainable.workload.onnx.resolve import is_resolvable, missing_input
from attainable.workload.onnx.withheld import FATAL, fatal, give_back, withhold

MOST_EXPANDED_NODES = 50_000
"""Nodes after expanding local functions, beyond which calls are left to be resolved one by one: onnx goes through the
body at each call, we do once for equal calls."""


def infer_whole(
    model: onnx.ModelProto,
    groups: Sequence[Group],
    functions: Collection[FunctionKey],
    *,
    expanded_nodes: int,
    values: Iterable[onnx.TensorProto],
) -> onnx.GraphProto:
    """Infer the shapes from the inputs alone; what the file claims is kept only for operators that nobody knows.

    Args:
        model: with every dimension bound; changed in place.
        groups: all of its nodes, those of functions among them.
        functions: the model's own.
        expanded_nodes: of the model after expanding them.
        values: inputs whose elements are known, under their names.

    Returns:
        The graph with what was inferred. Where onnx gives up on the model as a whole, the graph without it: its nodes
        are then resolved one by one, which says which of them is impossible, if one is.
    """
    graph = model.graph
    for group in groups:
        if group.graph is not None:
            _forget_claims(group.graph, group, functions)
    for function in model.functions:
        del function.value_info[:]
    if expanded_nodes > MOST_EXPANDED_NODES:
        del model.functions[:]
    stored = len(graph.initializer)
    graph.initializer.extend(values)
    withheld = withhold(groups, functions)
    # what it raises is a limitation of its own, or one node that is impossible
    with suppress(shape_inference.InferenceError, ValidationError, RuntimeError, ValueError, TypeError, DecodeError):
        graph = shape_inference.infer_shapes(model).graph
    give_back(withheld, graph)
    del graph.initializer[stored:]
    return graph


def hostile_nodes(groups: Iterable[Group], opsets: Mapping[str, int]) -> list[str]:
    """What would make onnx's own inference crash or allocate without bound, as faults.

    Args:
        groups: all nodes of the model.
        opsets: version by domain.
    """
    faults: list[str] = []
    for group in groups:
        faults += _without_required_inputs(group, opsets)
        if {kind for kind, _ in group.kinds}.isdisjoint(FATAL):
            continue
        for position, node in enumerate(group.nodes):
            if (fault := fatal(node)) is not None:
                faults.append(f"{fault} @ node {position} {node.op_type}")
    return faults


def _without_required_inputs(group: Group, opsets: Mapping[str, int]) -> list[str]:
    """onnx 1.23 follows the null pointer that stands for an input without a name."""
    suspects = [(position, node) for position, node in enumerate(group.nodes) if "" in node.input]
    faults: list[str] = []
    for position, node in suspects:
        domain = "" if node.domain == "ai.onnx" else node.domain
        if not onnx.defs.has(node.op_type, domain=domain):
            continue
        try:
            schema = onnx.defs.get_schema(node.op_type, opsets.get(domain, 1), domain)
        except (onnx.defs.SchemaError, TypeError):  # TypeError: a version beyond 32 bits
            continue
        index = missing_input(schema, list(node.input))
        if index is not None and index < len(node.input):
            faults.append(f"lacks its input {index} @ node {position} {node.op_type}")
    return faults


def _forget_claims(graph: onnx.GraphProto, group: Group, functions: Collection[FunctionKey]) -> None:
    unknown = _made_by_nobody_known(group, functions)
    claimed = [value for value in graph.value_info if value.name in unknown] if unknown else []
    del graph.value_info[:]
    graph.value_info.extend(claimed)
    for value in graph.output:
        if value.name not in unknown and value.type.HasField("tensor_type"):
            value.type.tensor_type.ClearField("shape")


def _made_by_nobody_known(group: Group, functions: Collection[FunctionKey]) -> set[str]:
    unknown = {(kind, domain) for kind, domain in group.kinds if not is_resolvable(domain, kind)}
    if not unknown:
        return set()
    return {
        name
        for node in group.nodes
        if (node.op_type, node.domain) in unknown and key_of(node) not in functions
        for name in node.output
    }
