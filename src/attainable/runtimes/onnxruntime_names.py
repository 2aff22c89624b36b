"""Which tensor of the model each tensor of onnxruntime's optimised graph is.

onnxruntime keeps a tensor's name where it can. Where it cannot, the following is known of version 1.31:

* A kernel on the blocked layout is named after its result, ``<tensor>_nchwc``, before the residual sum and the
  activation that it took over; its output is named ``reorder_token_<n>``. A BatchNormalization that no convolution
  takes over becomes a depthwise convolution, ``<tensor>_bn_nchwc``.
* ``ReorderInput`` and ``ReorderOutput`` give the same tensor in another layout.
* Other kernels that take part in a blocked layout (Concat, Add) keep the node's name and kind.
* A name that exists already gets ``_token_<n>`` appended.

Source: onnxruntime/core/optimizer/nchwc_transformer.cc, and the graphs that 1.31.1 writes.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from attainable.runtimes.onnxruntime_graph import NCHWC, Node
from attainable.workload.graph import Op

_BLOCKED = re.compile(r"(?P<tensor>.+)_nchwc(_token_\d+)?", re.DOTALL)
_NORMALIZATION = "_bn"
_PASS_ON = ("Identity", "Dropout")
_SUM_INPUT = 3


@dataclass(frozen=True, slots=True)
class Model:
    """Who makes and who reads each tensor of the model.

    Attributes:
        tensors: all names.
        producer: the op that makes a tensor.
        consumers: the ops that read it.
        namesake: the op of a name that no other op has.
    """

    tensors: frozenset[str]
    producer: dict[str, Op]
    consumers: dict[str, list[Op]]
    namesake: dict[str, Op]

    def same(self, tensor: str) -> str:
        """The tensor whose value this one has: what an Identity or Dropout passes on is followed back."""
        while (op := self.producer.get(tensor)) is not None and op.kind in _PASS_ON and op.outputs[0] is not None:
            source = op.optional_input(0)
            if op.outputs[0].name != tensor or source is None:
                break
            tensor = source.name
        return tensor

    def readers(self, tensor: str) -> Iterator[Op]:
        """Ops that read a tensor, or what an Identity or Dropout passes on of it."""
        for op in self.consumers.get(tensor, ()):
            if op.kind in _PASS_ON and op.outputs[0] is not None:
                yield from self.readers(op.outputs[0].name)
            else:
                yield op


def model_of(ops: Sequence[Op], inputs: Sequence[str]) -> Model:
    """Index the ops and graph inputs of a model."""
    producer: dict[str, Op] = {}
    consumers: defaultdict[str, list[Op]] = defaultdict(list)
    for op in ops:
        for tensor in op.present_outputs:
            producer[tensor.name] = op
        for name in dict.fromkeys(tensor.name for tensor in op.present_inputs):
            consumers[name].append(op)
    names = Counter(op.name for op in ops)
    namesake = {op.name: op for op in ops if op.name and names[op.name] == 1}
    return Model(frozenset(producer) | frozenset(inputs), producer, dict(consumers), namesake)


@dataclass(frozen=True, slots=True)
class Names:
    """The result.

    Attributes:
        tensor: the model's tensor for a tensor of the optimised graph.
        by_node_name: those that were found by the name of a node rather than of a tensor.
    """

    tensor: dict[str, str]
    by_node_name: frozenset[str]


def resolve_names(nodes: Sequence[Node], model: Model) -> Names:
    """Find the model's tensor for as many tensors of the optimised graph as can be told for certain."""
    known = {name: name for node in nodes for name in (*node.inputs, *node.outputs) if name in model.tensors}
    claimed = {known[name] for node in nodes if not node.is_layout_change for name in node.outputs if name in known}
    by_node_name: set[str] = set()
    changed = True
    while changed:
        before = len(known)
        for node in nodes:
            if node.is_layout_change:
                _pass_layout_change(node, known)
        for node in nodes:
            if node.is_layout_change or not any(name and name not in known for name in node.outputs):
                continue
            found = _blocked_result(node, model, known) or _result_of_namesake(node, model, known, claimed)
            if found:
                by_node_name.update(found)
            else:
                found = _result_of_twin(node, model, known, claimed)
            claimed.update(found.values())
            known.update(found)
        changed = len(known) > before
    return Names(known, frozenset(by_node_name))


def _pass_layout_change(node: Node, known: dict[str, str]) -> None:
    source, target = node.inputs[0], node.outputs[0]
    if source in known:
        known.setdefault(target, known[source])
    elif target in known:
        known[source] = known[target]


def _blocked_result(node: Node, model: Model, known: dict[str, str]) -> dict[str, str]:
    match = _BLOCKED.fullmatch(node.name) if node.domain == NCHWC else None
    tensor = match["tensor"] if match else ""
    if tensor not in model.producer:
        tensor = tensor.removesuffix(_NORMALIZATION)
    if tensor not in model.producer:
        return {}
    if len(node.inputs) > _SUM_INPUT and node.inputs[_SUM_INPUT]:
        other = known.get(node.inputs[_SUM_INPUT])
        sums = [op for op in model.readers(tensor) if op.kind in ("Add", "Sum")]
        matching = [op for op in sums if other is not None and model.same(other) in _sources(op, model)]
        if len(matching or sums) != 1:
            return {}
        tensor = (matching or sums)[0].output.name
    if node.activation and model.producer[tensor].kind != node.activation:
        activations = [op for op in model.readers(tensor) if op.kind == node.activation]
        if len(activations) == 1:
            tensor = activations[0].output.name
    return {node.outputs[0]: tensor}


def _sources(op: Op, model: Model) -> tuple[str, ...]:
    return tuple(model.same(tensor.name) for tensor in op.present_inputs)


def _result_of_namesake(node: Node, model: Model, known: dict[str, str], claimed: set[str]) -> dict[str, str]:
    """The op of the same kind and name, where it reads all that is known of the node's inputs."""
    op = model.namesake.get(node.name)
    if op is None or op.type != node.type or op.output.name in claimed:
        return {}
    sources = _sources(op, model)
    agree = all(model.same(known[name]) in sources for name in node.inputs if name in known)
    return _paired(node, op) if agree else {}


def _result_of_twin(node: Node, model: Model, known: dict[str, str], claimed: set[str]) -> dict[str, str]:
    """The op of the same kind that reads the same tensors, where there is exactly one and nobody else computes it."""
    sources = [known.get(name) for name in node.inputs if name]
    if not sources or None in sources:
        return {}
    wanted = tuple(model.same(name) for name in sources if name is not None)
    twins = [
        op for op in model.readers(wanted[0])
        if op.kind == node.kind and _sources(op, model) == wanted and op.output.name not in claimed
    ]  # fmt: skip
    return _paired(node, twins[0]) if len(twins) == 1 else {}


def _paired(node: Node, op: Op) -> dict[str, str]:
    pairs = zip(node.outputs, op.outputs, strict=False)
    return {ours: theirs.name for ours, theirs in pairs if ours and theirs is not None}
