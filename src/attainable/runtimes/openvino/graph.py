"""The graph that OpenVINO made of a model, with the model's tensors between its nodes.

Every operator that was read from the model has a name of ours, and whatever OpenVINO fused lists the names that went
into it. The last of them, in the model's order, made the result. What OpenVINO added by itself lists no name of ours:
its result is no tensor of the model, unless it is a ``Reorder``, which gives its input in another layout.

Source: the runtime graph's ``originalLayersNames``, ``layerType`` and ``outputLayouts`` as OpenVINO documents them
("CPU device", execution graph), and the graphs that 2026.4 makes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from attainable.runtimes.attribution.graph import Node
from attainable.runtimes.attribution.model import Model
from attainable.runtimes.attribution.names import Names

Reported = Mapping[str, Any]
"""A node as ``openvino_session`` reports it."""

_NEVER_RUN = ("Const", "Output", "Input")
_LAYOUT_CHANGE = "Reorder"
_PLAIN = "abcdefgh"


@dataclass(slots=True)
class Graph:
    """Nodes that compute or hand on, and what is known of the tensors between them.

    Attributes:
        nodes: in the order in which they run.
        reported: what OpenVINO says of each node.
        names: the model's tensors.
        producer: the node that gives a tensor.
    """

    nodes: list[Node] = field(default_factory=list[Node])
    reported: list[Reported] = field(default_factory=list[Reported])
    names: Names = field(default_factory=lambda: Names({}, frozenset(), frozenset()))
    producer: dict[str, int] = field(default_factory=dict[str, int])


class _Builder:
    """Names the edges of OpenVINO's graph, node by node."""

    def __init__(self, reported: Sequence[Reported], operators: Mapping[str, Sequence[Sequence[str]]], model: Model):
        self._operators = operators
        self._model = model
        self._edges: dict[tuple[str, int], str] = {}
        self._tensor: dict[str, str] = {}
        self._plain: set[str] = set()
        self._changes: set[int] = set()
        self._ends = {source for node in reported if node["layer"] == "Output" for source, _ in node["inputs"]}
        self._last = self._last_operators(reported)
        self.graph = Graph()
        for node in reported:
            self._add(node)
        self.graph.names = Names(self._tensor, frozenset(), frozenset(self._changes))

    def _last_operators(self, reported: Sequence[Reported]) -> dict[str, str]:
        """The operator whose results a node gives. Where several nodes make up one operator, the last one does."""
        owner: dict[str, str] = {}
        for node in reported:
            ours = [name for name in node["operators"] if name in self._operators]
            if ours and node["layer"] != _LAYOUT_CHANGE:
                owner[max(ours, key=_number)] = node["name"]
        return {node: operator for operator, node in owner.items()}

    def _add(self, node: Reported) -> None:
        layer, sources = node["layer"], self._sources(node)
        if layer == "Input":
            for port, tensors in enumerate(self._results(node)):
                if tensors:
                    self._name_edge(node, port, tensors)
        elif layer in _NEVER_RUN or not (sources or node["ran"]):
            return
        elif not node["ran"] and len(sources) == 1 and node["outputs"] == 1:
            self._pass_on(node, sources[0])
        else:
            self._add_node(node, sources)

    def _pass_on(self, view: Reported, source: str) -> None:
        """Whoever reads a view reads what it is a view of, and counts it; if nobody can, who gave that does."""
        self._edges[view["name"], 0] = source
        maker = self.graph.producer.get(source)
        while maker in self._changes:
            maker = self.graph.producer.get(self.graph.nodes[maker].inputs[0])
        if maker is None or (source in self._tensor and view["name"] not in self._ends):
            return
        results = tuple(next(self._results(view)))
        node = self.graph.nodes[maker]
        self.graph.nodes[maker] = replace(node, outputs=node.outputs + results)
        self._tensor.update({name: name for name in results})

    def _add_node(self, node: Reported, sources: list[str]) -> None:
        index = len(self.graph.nodes)
        outputs: list[str] = []
        if node["layer"] == _LAYOUT_CHANGE and sources[:1] and sources[0] in self._tensor:
            self._changes.add(index)
            outputs.append(self._name_edge(node, 0, [self._tensor[sources[0]]]))
        else:
            for port, tensors in enumerate(self._results(node)):
                outputs += [self._name_edge(node, port, tensors), *tensors[1:]]
                self._tensor.update({name: name for name in tensors[1:]})
        self.graph.nodes.append(Node(node["name"], node["layer"], "", tuple(sources), tuple(outputs)))
        self.graph.reported.append(node)
        for name in outputs:
            self.graph.producer.setdefault(name, index)

    def _sources(self, node: Reported) -> list[str]:
        edges = (self._edges.get((name, port)) for name, port in node["inputs"])
        return [edge for edge in edges if edge is not None]

    def _results(self, node: Reported) -> Iterator[list[str]]:
        """The model's tensors that each output of a node is: several, where one only passes on another."""
        operator = self._last.get(node["name"])
        names = self._operators[operator] if operator is not None else ()
        for port in range(max(node["outputs"], 1)):
            given = names[port] if port < len(names) else ()
            yield [name for name in given if name in self._model.tensors]

    def _name_edge(self, node: Reported, port: int, tensors: Sequence[str]) -> str:
        """A name for an output: the model's own for the first that is in the plain layout, else one of nobody's."""
        layout = node["layouts"][port] if port < len(node["layouts"]) else ""
        name = f"\0{len(self._edges)}"
        if tensors:
            if _PLAIN.startswith(layout) and tensors[0] not in self._plain:
                name = tensors[0]
                self._plain.add(name)
            self._tensor[name] = tensors[0]
        self._edges[node["name"], port] = name
        return name


def graph_of(reported: Sequence[Reported], operators: Mapping[str, Sequence[Sequence[str]]], model: Model) -> Graph:
    """Build the graph from what the worker reports.

    Args:
        reported: nodes in the order in which they run.
        operators: for each name of ours the tensors that each of the operator's outputs is.
        model: index of the model.
    """
    return _Builder(reported, operators, model).graph


def _number(operator: str) -> int:
    return int(operator.removeprefix("@"))
