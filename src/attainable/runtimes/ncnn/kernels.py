"""From ncnn's layers to kernels with their ops."""

from collections.abc import Mapping, Sequence
from typing import Any

from attainable.runtimes import Execution
from attainable.runtimes.attribution.graph import Node
from attainable.runtimes.attribution.model import Model, model_of
from attainable.runtimes.attribution.names import Names
from attainable.runtimes.attribution.tensors import attribute_named
from attainable.runtimes.attribution.values import Moments, match
from attainable.workload.graph import Workload
from attainable.workload.kernel import Kernel

__all__ = ["Reported", "attributed_kernels"]

Reported = Mapping[str, Any]
"""A layer as ``ncnn_session`` reports it."""

_COPY, _CONSTANT = "Split", "MemoryData"
_SAME_ELEMENTS = ("Reshape", "Permute", "Flatten", "Squeeze", "ExpandDims", "Packing", "Cast", "Noop", "Dropout")


def attributed_kernels(
    layers: Sequence[Reported],
    inputs: Sequence[str],
    reference: Mapping[str, Moments],
    workload: Workload,
    *,
    scale: float,
    precision: str,
) -> tuple[tuple[Kernel, ...], tuple[Execution, ...]]:
    """Find the ops of every layer.

    Args:
        layers: in the order in which they run.
        inputs: the blobs of the model's inputs, in its order.
        reference: what the model's tensors hold.
        workload: whose ops these are.
        scale: what to multiply times with.
        precision: the type that layers store numbers in.
    """
    model = model_of(workload.ops, [tensor.name for tensor in workload.inputs])
    nodes, names = _graph(layers, inputs, reference, workload, model)
    owned = attribute_named(nodes, workload, model, names)
    made_by = {name: index for index, node in enumerate(nodes) for name in node.outputs}
    kernels: list[Kernel] = []
    executions: list[Execution] = []
    for index, (layer, (ops, attribution)) in enumerate(zip(layers, owned, strict=True)):
        maker = made_by.get(nodes[index].inputs[0]) if nodes[index].inputs else None
        if attribution == "layout" and not ops and maker is not None:
            ops = owned[maker][0]
        kernels.append(
            Kernel(str(layer["name"]), str(layer["type"]), scale * float(layer["seconds"]), ops, attribution)
        )
        pack = int(layer["pack"])
        executions.append(Execution(str(layer["type"]), "", precision, f"NC{pack}" if pack > 1 else ""))
    return tuple(kernels), tuple(executions)


def _graph(
    layers: Sequence[Reported],
    inputs: Sequence[str],
    reference: Mapping[str, Moments],
    workload: Workload,
    model: Model,
) -> tuple[list[Node], Names]:
    """Layers as nodes, and the model's tensors among their blobs."""
    constants = {top for layer in layers if layer["type"] == _CONSTANT for top in layer["tops"]}
    computed = {
        top: tuple(values)
        for layer in layers if layer["type"] not in (_COPY, _CONSTANT)
        for top, values in zip(layer["tops"], layer["values"], strict=True)
    }  # fmt: skip
    tensor_of = dict(zip(inputs, (tensor.name for tensor in workload.inputs), strict=True))
    tensor_of.update(match(computed, {name: values for name, values in reference.items() if name in model.tensors}))
    for layer in layers:
        if layer["type"] == _COPY and layer["bottoms"][0] in tensor_of:
            tensor_of.update(dict.fromkeys(layer["tops"], tensor_of[layer["bottoms"][0]]))
    edge: dict[str, str] = {}
    for blob, tensor in tensor_of.items():
        edge[blob] = tensor if tensor not in edge.values() else f"\0{blob}"
    changes: set[int] = set()
    nodes: list[Node] = []
    for index, layer in enumerate(layers):
        sources = [blob for blob in layer["bottoms"] if blob not in constants]
        tops: list[str] = layer["tops"]
        moves = layer["type"] == _COPY or layer["type"] in _SAME_ELEMENTS
        if moves and sources and tensor_of.get(sources[0], "") == tensor_of.get(tops[0]):
            changes.add(index)
        nodes.append(
            Node(
                name=str(layer["name"]),
                kind=str(layer["type"]),
                domain="",
                inputs=tuple(edge.get(blob, f"\0{blob}") for blob in sources),
                outputs=tuple(edge.get(blob, f"\0{blob}") for blob in tops),
            )
        )
    return nodes, Names({edge[blob]: tensor for blob, tensor in tensor_of.items()}, frozenset(), frozenset(changes))
