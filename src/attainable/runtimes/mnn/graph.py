"""The graph that MNN's converter made of a model, with the model's tensors between its operators.

The converter keeps the name of a tensor whose elements it keeps, also past an activation that a convolution took over;
its operators have names of their own, unique within the file. What the converter adds has new names: a
``ConvertTensor`` (another layout) or a ``Reshape`` of a known tensor gives the same elements, and the other way round.
Operators that compute shapes from constants run before the network does, and are left out.

Source: MNN 3.6, schema/default/MNN.fbs for the numbers of operators, and the files that 3.6.1 writes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attainable.runtimes.attribution.graph import Node
from attainable.runtimes.attribution.model import Model
from attainable.runtimes.attribution.names import Names

__all__ = ["Graph", "Reported", "graph_of"]

Reported = Mapping[str, Any]
"""An operator as ``mnn_session`` reports it."""

_CONST, _INPUT = 11, 34
_SHAPE_SOURCES = {_CONST: "Const", 66: "Rank", 80: "Shape", 82: "Size"}
_SAME_ELEMENTS = {
    21: "Dropout", 26: "ExpandDims", 28: "Flatten", 46: "Permute", 73: "Reshape", 90: "Squeeze", 107: "Unsqueeze",
    129: "ConvertTensor",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Graph:
    """Operators that depend on inputs, and what is known of the tensors between them.

    Attributes:
        nodes: in the converter's order; a tensor that is the model's has its name.
        names: the model's tensors.
        producer: the node that gives a tensor.
    """

    nodes: tuple[Node, ...]
    names: Names
    producer: dict[str, int]


def graph_of(operators: Sequence[Reported], model: Model) -> Graph:
    """Build the graph from what the worker reports.

    Args:
        operators: in their order.
        model: index of the model.
    """
    edge = _edges(operators, model)
    beforehand = _known_beforehand(operators)
    nodes: list[Node] = []
    movers: list[int] = []
    for operator in operators:
        outputs = [number for number, _ in operator["outputs"]]
        if operator["type"] == _INPUT or beforehand.issuperset(outputs):
            continue
        if operator["type"] in _SAME_ELEMENTS:
            movers.append(len(nodes))
        inputs = [number for number, _ in operator["inputs"] if number not in beforehand]
        sources, results = tuple(edge[number] for number in inputs), tuple(edge[number] for number in outputs)
        nodes.append(Node(str(operator["name"]), str(operator["type"]), "", sources, results))
    tensor = {name: name for name in edge.values() if name in model.tensors}
    changes = _pass_on(nodes, [index for index in movers if nodes[index].inputs], tensor)
    producer = {name: index for index, node in enumerate(nodes) for name in node.outputs}
    return Graph(tuple(nodes), Names(tensor, frozenset(), changes), producer)


def _edges(operators: Sequence[Reported], model: Model) -> dict[int, str]:
    """A name for each tensor: the model's own for the first one that bears it, else one of nobody's."""
    edge: dict[int, str] = {}
    taken: set[str] = set()
    for operator in operators:
        for number, name in (*operator["inputs"], *operator["outputs"]):
            if number not in edge:
                edge[number] = name if name in model.tensors and name not in taken else f"\0{number}"
                taken.add(edge[number])
    return edge


def _known_beforehand(operators: Sequence[Reported]) -> set[int]:
    """Tensors that follow from constants and shapes alone."""
    known: set[int] = set()
    for operator in operators:
        inputs = [number for number, _ in operator["inputs"]]
        if operator["type"] in _SHAPE_SOURCES or (inputs and known.issuperset(inputs)):
            known.update(number for number, _ in operator["outputs"])
    return known


def _pass_on(nodes: Sequence[Node], movers: Sequence[int], tensor: dict[str, str]) -> frozenset[int]:
    """Hand a known tensor on to a name of nobody's, forwards and backwards; gives the nodes that do no more."""
    before = -1
    while len(tensor) > before:
        before = len(tensor)
        for index in (*movers, *reversed(movers)):
            source, target = nodes[index].inputs[0], nodes[index].outputs[0]
            if source in tensor:
                tensor.setdefault(target, tensor[source])
            elif target in tensor:
                tensor[source] = tensor[target]
    same = [index for index in movers if tensor.get(nodes[index].inputs[0], "") == tensor.get(nodes[index].outputs[0])]
    return frozenset(same)
