"""The graph that onnxruntime made of a model: the nodes that it really runs, without the weights."""

from dataclasses import dataclass
from pathlib import Path

from attainable.errors import RuntimeRefused
from attainable.runtimes.faults import one_line

NCHWC = "com.microsoft.nchwc"
"""Domain of the kernels that work on the blocked layout, in which 8 or 16 channels are neighbours in memory."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the optimised graph.

    Attributes:
        name: mostly derived from names in the model; may be empty, repeated or hostile.
        kind: the operator.
        domain: ``""`` for the default ONNX domain.
        inputs, outputs: names of tensors; ``""`` for an omitted one.
        activation: the operator that a convolution applies to its result, ``""`` for none.
    """

    name: str
    kind: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    activation: str = ""

    @property
    def type(self) -> str:
        """Operator with its domain, left out where it is the default."""
        return f"{self.domain}:{self.kind}" if self.domain else self.kind


def read_optimised_graph(path: Path) -> tuple[Node, ...]:
    """Read the nodes of a graph that onnxruntime saved, in the order in which it runs them.

    Raises:
        RuntimeRefused: there is no such graph, or it cannot be read.
    """
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        # The weights are in a file beside it, which is never read.
        model.ParseFromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise RuntimeRefused(f"its optimised graph cannot be read: {one_line(str(error))}") from None
    return tuple(
        Node(
            name=node.name,
            kind=node.op_type,
            domain="" if node.domain == "ai.onnx" else node.domain,
            inputs=tuple(node.input),
            outputs=tuple(node.output),
            activation=next(
                (
                    attribute.s.decode(errors="replace")
                    for attribute in node.attribute
                    if attribute.name == "activation"
                ),
                "",
            ),
        )
        for node in model.graph.node
    )
