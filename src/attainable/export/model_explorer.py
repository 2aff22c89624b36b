"""Model Explorer node data: colours the graph by the operations of each node.

The file is that of one graph and names none, so that it fits the graph that is open whatever it is called.
Source of the format: google-ai-edge/model-explorer, ``node_data_builder.py`` (``GraphNodeData``: results by node id or
output tensor, gradient from the least to the largest value); justinchuby/model-explorer-onnx: the id of an ONNX node is
its name.
"""

from dataclasses import dataclass

from attainable.analysis.records import Analysis, as_json
from attainable.export.nodes import named_ops

_RESERVED = "results"
"""A file with an entry of this name among its results is read as one of several graphs."""


@dataclass(frozen=True, slots=True)
class NodeDataResult:
    """The value of a node."""

    value: int


@dataclass(frozen=True, slots=True)
class GradientItem:
    """A colour at a place between the least value (0) and the largest (1)."""

    stop: float
    bgColor: str  # noqa: N815, the viewer's spelling


@dataclass(frozen=True, slots=True)
class GraphNodeData:
    """The file."""

    results: dict[str, NodeDataResult]
    gradient: list[GradientItem]


GRADIENT = (GradientItem(0.0, "#ffffff"), GradientItem(0.25, "#fdd49e"), GradientItem(1.0, "#d7301f"))
"""From white to red; most nodes work little, so that the first quarter gets a colour of its own."""


def count_model_explorer(analysis: Analysis) -> str:
    """The operations of each op with a name of its own."""
    results = {op.name: NodeDataResult(op.operations) for op in named_ops(analysis.ops).ops if op.name != _RESERVED}
    return as_json(GraphNodeData(results, list(GRADIENT)))
