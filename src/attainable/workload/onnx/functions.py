"""Local functions of a model: how far they expand, and the nodes of one call."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import onnx

from attainable.errors import ModelGraphError

FunctionKey = tuple[str, str, str]
"""Domain, name and overload."""

MOST_FUNCTIONS = 500

DEEPEST_NESTING = 60
"""Functions that call functions, and bodies within bodies."""

GRAPH_KINDS = frozenset({onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS})


def key_of(node: onnx.NodeProto) -> FunctionKey:
    """The function that a node calls, if there is one."""
    return node.domain, node.op_type, node.overload


def local_functions(model: onnx.ModelProto) -> dict[FunctionKey, onnx.FunctionProto]:
    """The functions that a model brings along."""
    return {(function.domain, function.name, function.overload): function for function in model.functions}


def graphs_of(node: onnx.NodeProto) -> list[tuple[str, onnx.GraphProto]]:
    """The graphs in a node's attributes, each with the attribute's name."""
    found: list[tuple[str, onnx.GraphProto]] = []
    for attribute in node.attribute:
        if attribute.type in GRAPH_KINDS:
            if attribute.HasField("g"):
                found.append((attribute.name, attribute.g))
            found.extend((attribute.name, graph) for graph in attribute.graphs)
    return found


@dataclass(frozen=True, slots=True)
class Group:
    """The nodes of a graph or a function, surveyed once.

    Attributes:
        nodes: in the file's order.
        kinds: operators and domains among them.
        graph: None for a function.
    """

    nodes: Sequence[onnx.NodeProto]
    kinds: frozenset[tuple[str, str]]
    graph: onnx.GraphProto | None


def groups_of(nodes: Sequence[onnx.NodeProto], graph: onnx.GraphProto | None = None) -> list[Group]:
    """These nodes, and those of every graph in their attributes, to any depth."""
    found: list[Group] = []
    pending = [(nodes, graph)]
    while pending:
        group, owner = pending.pop()
        kinds = frozenset([(node.op_type, node.domain) for node in group])
        found.append(Group(group, kinds, owner))
        if not all(itertools.starmap(holds_no_graphs, kinds)):
            pending.extend((inner.node, inner) for node in group if node.attribute for _, inner in graphs_of(node))
    return found


@cache
def holds_no_graphs(kind: str, domain: str) -> bool:
    """Tell whether onnx knows the operator, and that it has no bodies: most graphs have no others."""
    if not onnx.defs.has(kind, domain=domain):
        return False
    types = {attribute.type for attribute in onnx.defs.get_schema(kind, domain=domain).attributes.values()}
    return not types & {onnx.defs.OpSchema.AttrType.GRAPH, onnx.defs.OpSchema.AttrType.GRAPHS}


@dataclass(frozen=True, slots=True)
class Expansion:
    """How many nodes something is after all calls are expanded, and how deep the calls nest."""

    nodes: int
    depth: int


def expansion(groups: Sequence[Group], functions: Mapping[FunctionKey, Sequence[Group]], *, where: str) -> Expansion:
    """The size of the graph after expanding its local functions, worked out without expanding anything.

    Args:
        groups: of the graph.
        functions: those of each function.
        where: the file, for messages.

    Raises:
        ModelGraphError: a function calls itself, or there are too many functions.
    """
    if len(functions) > MOST_FUNCTIONS:
        raise ModelGraphError(f"has {len(functions)} local functions, at most {MOST_FUNCTIONS} are read", where=where)
    calls = {key: _calls(inner, functions) for key, inner in functions.items()}
    known: dict[FunctionKey, Expansion] = {}
    for key in functions:
        path = [key]
        while path:
            current = path[-1]
            waiting = next((called for called in calls[current][1] if called not in known), None)
            if current in known:
                path.pop()
            elif waiting is None:
                known[current] = _sum(calls[current], known)
                path.pop()
            elif waiting in path:
                cycle = " -> ".join(name for _, name, _ in [*path[path.index(waiting) :], waiting])
                raise ModelGraphError(f"a function calls itself: {cycle}", where=where, help="export the model again")
            else:
                path.append(waiting)
    return _sum(_calls(groups, functions), known)


_Calls = tuple[int, dict[FunctionKey, int]]
"""Nodes that are no calls, and how often each function is called."""


def _calls(groups: Sequence[Group], functions: Mapping[FunctionKey, Sequence[Group]]) -> _Calls:
    plain = 0
    called: dict[FunctionKey, int] = {}
    for group in groups:
        if not functions:
            plain += len(group.nodes)
            continue
        for node in group.nodes:
            if (key := key_of(node)) in functions:
                called[key] = called.get(key, 0) + 1
            else:
                plain += 1
    return plain, called


def _sum(calls: _Calls, known: Mapping[FunctionKey, Expansion]) -> Expansion:
    plain, called = calls
    return Expansion(
        plain + sum(times * known[key].nodes for key, times in called.items()),
        max((known[key].depth + 1 for key in called), default=0),
    )


def instantiate(function: onnx.FunctionProto, call: onnx.NodeProto) -> onnx.FunctionProto:
    """A copy of a function with the attributes of one call in place of its references, omitted inputs left empty."""
    copy = onnx.FunctionProto.FromString(function.SerializeToString())
    attributes = {attribute.name: attribute for attribute in (*function.attribute_proto, *call.attribute)}
    omitted = {
        name for index, name in enumerate(function.input) if index >= len(call.input) or not call.input[index]
    }  # fmt: skip
    for group in groups_of(copy.node):
        for node in group.nodes:
            for index, name in enumerate(node.input):
                if name in omitted:
                    node.input[index] = ""
            if any(attribute.ref_attr_name for attribute in node.attribute):
                _substitute(node, attributes)
    return copy


def _substitute(node: onnx.NodeProto, attributes: Mapping[str, onnx.AttributeProto]) -> None:
    kept: list[onnx.AttributeProto] = []
    for attribute in node.attribute:
        if not attribute.ref_attr_name:
            kept.append(attribute)
        elif (given := attributes.get(attribute.ref_attr_name)) is not None:
            named = onnx.AttributeProto()
            named.CopyFrom(given)
            named.name = attribute.name
            kept.append(named)
    copies = [onnx.AttributeProto.FromString(attribute.SerializeToString()) for attribute in kept]
    del node.attribute[:]
    node.attribute.extend(copies)
