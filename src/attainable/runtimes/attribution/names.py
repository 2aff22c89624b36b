"""Which tensor of the model each tensor of onnxruntime's optimised graph is, in whatever layout.

onnxruntime keeps a tensor's name where it can. Where it cannot, the following is known of version 1.31:

* A kernel on the blocked layout is named after its result, ``<tensor>_nchwc``, before the residual sum and the
  activation that it took over; its output is named ``reorder_token_<n>``. A BatchNormalization that no convolution
  takes over becomes a depthwise convolution, ``<tensor>_bn_nchwc``.
* ``ReorderInput`` and ``ReorderOutput`` give the same tensor in another layout, and so does a ``Transpose`` that
  onnxruntime inserted, which is called just that.
* Other kernels in another layout keep their node's name. Their kind is the node's, or it ends with it
  (``QLinearConv``, ``NhwcMaxPool``), and between quantised numbers their result is what QuantizeLinear made of it.
* A name that exists already gets ``_token_<n>`` appended.

Source: onnxruntime/core/optimizer (nchwc_transformer.cc, nhwc_transformer.cc, transpose_optimization), and the graphs
that 1.31.1 writes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from attainable.runtimes.attribution.graph import NCHWC, Node
from attainable.runtimes.attribution.model import Model
from attainable.workload.graph import Op

_TOKEN = re.compile(r"_token_\d+$")
_INSERTED_TRANSPOSE = re.compile(r"Transpose(_token_\d+)?")
_BLOCKED, _NORMALIZATION = "_nchwc", "_bn"
_SUM_INPUT = 3
_FOLDED_INTO_QUANTIZATION = ("Relu", "Clip")


@dataclass(frozen=True, slots=True)
class Names:
    """The result.

    Attributes:
        tensor: the model's tensor for a tensor of the optimised graph.
        by_node_name: those that were found by the name of a node rather than of a tensor.
        layout_changes: positions of the nodes that only give a tensor in another layout.
    """

    tensor: dict[str, str]
    by_node_name: frozenset[str]
    layout_changes: frozenset[int]


def resolve_names(nodes: Sequence[Node], model: Model) -> Names:
    """Find the model's tensor for as many tensors of the optimised graph as can be told for certain."""
    known = {name: name for node in nodes for name in (*node.inputs, *node.outputs) if name in model.tensors}
    claimed = {known[name] for node in nodes for name in node.outputs if name in known}
    by_node_name: set[str] = set()
    layout_changes: set[int] = set()
    before = -1
    while len(known) > before:
        before = len(known)
        for index, node in enumerate(nodes):
            if _may_change_layout(node, model):
                if _pass_layout_change(node, known):
                    layout_changes.add(index)
                continue
            if all(not name or name in known for name in node.outputs):
                continue
            found = _blocked_result(node, model, known) or _result_of_namesake(node, model, known, claimed)
            by_node_name.update(found)
            found = found or _result_of_twin(node, model, known, claimed)
            claimed.update(found.values())
            known.update(found)
    return Names(known, frozenset(by_node_name), frozenset(layout_changes))


def _may_change_layout(node: Node, model: Model) -> bool:
    if node.domain == NCHWC:
        return node.kind in ("ReorderInput", "ReorderOutput")
    inserted = node.kind == "Transpose" and _INSERTED_TRANSPOSE.fullmatch(node.name) is not None
    return inserted and node.name not in model.namesake


def _pass_layout_change(node: Node, known: dict[str, str]) -> bool:
    """Hand the known one of input and output on to the other; tells whether both are one tensor of the model."""
    source, target = node.inputs[0], node.outputs[0]
    if source in known:
        return known.setdefault(target, known[source]) == known[source]
    if target in known:
        known[source] = known[target]
        return True
    return False


def _blocked_result(node: Node, model: Model, known: dict[str, str]) -> dict[str, str]:
    """The tensor that a kernel on the blocked layout is named after, past the sum and the activation it took over."""
    if node.domain != NCHWC:
        return {}
    name = _TOKEN.sub("", node.name) if not node.name.endswith(_BLOCKED) else node.name
    tensor = name.removesuffix(_BLOCKED)
    if tensor not in model.producer:
        tensor = tensor.removesuffix(_NORMALIZATION)
    if tensor == name or tensor not in model.producer:
        return {}
    if len(node.inputs) > _SUM_INPUT and node.inputs[_SUM_INPUT]:
        other = known.get(node.inputs[_SUM_INPUT])
        sums = [op for op in model.readers(tensor) if op.kind in ("Add", "Sum")]
        matching = [op for op in sums if other is not None and model.same(other) in model.sources(op)]
        if len(matching or sums) != 1:
            return {}
        tensor = (matching or sums)[0].output.name
    return {node.outputs[0]: _past_activation(node, model, tensor)}


def _past_activation(node: Node, model: Model, tensor: str) -> str:
    if node.activation and model.producer[tensor].kind != node.activation:
        activations = [op for op in model.readers(tensor) if op.kind == node.activation]
        if len(activations) == 1:
            return activations[0].output.name
    return tensor


def _result_of_namesake(node: Node, model: Model, known: dict[str, str], claimed: set[str]) -> dict[str, str]:
    """The results of the op of the same name, where kinds agree and it reads all that is known of the node's inputs."""
    op = model.namesake.get(node.name) or model.namesake.get(_TOKEN.sub("", node.name))
    if op is None or not node.kind.endswith(op.kind):
        return {}
    if not all(model.reads(op, known[name]) for name in node.inputs if name in known):
        return {}
    results = {
        ours: _past_quantization(op, model, _past_activation(node, model, theirs))
        for ours, theirs in _paired(node, op).items()
    }
    return {} if claimed.intersection(results.values()) else results


def _past_quantization(op: Op, model: Model, tensor: str) -> str:
    """What QuantizeLinear makes of a result, where the op stands between quantised numbers."""
    makers = (model.producer.get(source) for source in model.sources(op))
    if not any(maker is not None and maker.kind == "DequantizeLinear" for maker in makers):
        return tensor
    current = tensor
    while (reader := model.only_reader(current)) is not None:
        if reader.kind == "QuantizeLinear":
            return reader.output.name
        if reader.kind not in _FOLDED_INTO_QUANTIZATION:
            break
        current = reader.output.name
    return tensor


def _result_of_twin(node: Node, model: Model, known: dict[str, str], claimed: set[str]) -> dict[str, str]:
    """The op of the same kind that reads the same tensors, where there is exactly one and nobody else computes it."""
    sources = [known.get(name) for name in node.inputs if name]
    if not sources or None in sources:
        return {}
    wanted = tuple(model.same(name) for name in sources if name is not None)
    twins = [
        op for op in model.readers(wanted[0])
        if op.type == node.type and model.sources(op) == wanted and op.output.name not in claimed
    ]  # fmt: skip
    return _paired(node, twins[0]) if len(twins) == 1 else {}


def _paired(node: Node, op: Op) -> dict[str, str]:
    pairs = zip(node.outputs, op.outputs, strict=False)
    return {ours: theirs.name for ours, theirs in pairs if ours and theirs is not None}
