"""Replaces control flow in a function body by the nodes that run: the branch that is taken, every step of a Scan."""

from collections.abc import Iterator, Mapping, Sequence

import onnx
from onnx import helper
from ops import Array

CONTROL_FLOW = {"If", "Scan"}
"""Operators that are replaced."""


def inlined(node: onnx.NodeProto, results: Mapping[str, Array]) -> Iterator[onnx.NodeProto]:
    """The nodes that run in place of an If or a Scan; any other node is itself.

    Args:
        node: of a function body.
        results: tensors of that body by name, which decide on the branch and on the number of steps.
    """
    if node.op_type == "If":
        wanted = "then_branch" if bool(results[node.input[0]]) else "else_branch"
        branch = next(attribute.g for attribute in node.attribute if attribute.name == wanted)
        yield from _renamed(branch, {}, f"{node.output[0]}/")
        yield from _identities([f"{node.output[0]}/{value.name}" for value in branch.output], node.output)
    elif node.op_type == "Scan":
        yield from _steps(node, results)
    else:
        yield node


def _steps(node: onnx.NodeProto, results: Mapping[str, Array]) -> Iterator[onnx.NodeProto]:
    attributes = {attribute.name: attribute for attribute in node.attribute}
    body = attributes["body"].g
    carried = len(node.input) - attributes["num_scan_inputs"].i
    state, scanned = list(node.input[:carried]), node.input[carried:]
    pieces: list[list[str]] = [[] for _ in node.output[carried:]]
    for step in range(results[scanned[0]].shape[0]):
        prefix = f"{node.output[0]}/{step}/"
        yield helper.make_node("Constant", [], [f"{prefix}step"], value_int=step)
        slices = [f"{prefix}{name}" for name in scanned]
        for name, piece in zip(scanned, slices, strict=True):
            yield helper.make_node("Gather", [name, f"{prefix}step"], [piece])
        formal = [value.name for value in body.input]
        yield from _renamed(body, dict(zip(formal, [*state, *slices], strict=True)), prefix)
        produced = [f"{prefix}{value.name}" for value in body.output]
        state = produced[:carried]
        for gathered, name in zip(pieces, produced[carried:], strict=True):
            gathered.append(name)
    yield from _identities(state, node.output[:carried])
    for output, names in zip(node.output[carried:], pieces, strict=True):
        yield helper.make_node("Constant", [], [f"{output}/axis"], value_ints=[0])
        for name in names:
            yield helper.make_node("Unsqueeze", [name, f"{output}/axis"], [f"{name}/row"])
        yield helper.make_node("Concat", [f"{name}/row" for name in names], [output], axis=0)


def _renamed(graph: onnx.GraphProto, names: Mapping[str, str], prefix: str) -> Iterator[onnx.NodeProto]:
    """The graph's nodes with names of their own; names that it does not make are those of the outer graph."""
    renamed = {**names, **{name: f"{prefix}{name}" for node in graph.node for name in node.output}}
    for node in graph.node:
        copy = onnx.NodeProto.FromString(node.SerializeToString())
        _rename_inputs(copy, renamed)
        copy.output[:] = [renamed.get(name, name) for name in node.output]
        yield copy


def _rename_inputs(node: onnx.NodeProto, names: Mapping[str, str]) -> None:
    """Rename what a node and the graphs inside it read."""
    node.input[:] = [names.get(name, name) for name in node.input]
    for attribute in node.attribute:
        for inner in attribute.g.node:
            _rename_inputs(inner, names)


def _identities(sources: Sequence[str], targets: Sequence[str]) -> Iterator[onnx.NodeProto]:
    for source, target in zip(sources, targets, strict=True):
        if target:
            yield helper.make_node("Identity", [source], [target])
