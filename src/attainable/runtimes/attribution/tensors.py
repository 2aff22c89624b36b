"""Which ops of the model each node that onnxruntime ran computes.

Nodes are joined to regions by the tensors between them that are no tensor of the model. A region computes what lies
between its results and what is known at its border: the backward closure in the model's graph. That takes the ops that
were fused, folded or eliminated along. Some care is needed so that ops do not glue strangers together:

* The closure ends at every tensor that another region gives, and at Shape, which reads no elements.
* An op without work at run time (its result known beforehand or made of shapes alone, or a view, or a conversion
  between quantised and real numbers that was fused away) that several regions absorbed is counted with the first.
* A layout change belongs to the ops of the region that it serves: the one that gives its input when it leaves the
  blocked layout, the first one that reads its output when it enters it.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from attainable.runtimes.attribution.graph import Node
from attainable.runtimes.attribution.model import Model, is_passed_on, model_of
from attainable.runtimes.attribution.names import Names, resolve_names
from attainable.workload.graph import Op, Workload
from attainable.workload.kernel import Attribution

_SHAPE_READERS = ("Shape", "Size")
_NO_WORK = (
    "Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Constant", "ConstantOfShape", "Cast",
    "DequantizeLinear", "QuantizeLinear",
)  # fmt: skip


@dataclass(slots=True)
class _Region:
    nodes: list[int] = field(default_factory=list[int])
    results: list[str] = field(default_factory=list[str])
    border: set[str] = field(default_factory=set[str])
    ops: dict[str, Op] = field(default_factory=dict[str, Op])


def attribute(nodes: Sequence[Node], workload: Workload) -> list[tuple[tuple[str, ...], Attribution]]:
    """Find the ops of each node of the optimised graph.

    Returns:
        For each node the ids of its ops, in the order of the model, and how they were found.
    """
    model = model_of(workload.ops, [tensor.name for tensor in workload.inputs])
    return attribute_named(nodes, workload, model, resolve_names(nodes, model))


def attribute_named(
    nodes: Sequence[Node], workload: Workload, model: Model, names: Names
) -> list[tuple[tuple[str, ...], Attribution]]:
    """Find the ops of each node of any runtime's graph, where it is known which of the model's tensors its tensors are.

    Args:
        nodes: what the runtime runs, in its order.
        workload: whose ops these are.
        model: its index.
        names: the model's tensor for each tensor of the runtime's graph, as far as it is known. Two tensors of one in
            different layouts have different names; the model's own name is that of the plain one.

    Returns:
        As ``attribute``.
    """
    regions = _regions(nodes, names)
    makers = {result: region for region in regions for result in region.results}
    for region in regions:
        _close(region, model, makers)
    _add_twins(regions, model)
    _share_out(regions, _known_beforehand(workload.ops))
    position = {op.id: index for index, op in enumerate(workload.ops)}
    answer: list[tuple[tuple[str, ...], Attribution]] = [((), "none")] * len(nodes)
    for region in regions:
        ids = tuple(sorted(region.ops, key=position.__getitem__))
        for index in region.nodes:
            answer[index] = (ids, _kind(region, nodes[index], names) if ids else "none")
    served = _server(nodes, names, makers)
    for index in names.layout_changes:
        whose = served(nodes[index])
        answer[index] = (answer[whose][0] if whose is not None else (), "layout")
    return answer


def _regions(nodes: Sequence[Node], names: Names) -> list[_Region]:
    """Nodes joined by tensors that are none of the model's; layout changes of a known tensor stay out."""
    maker = {name: index for index, node in enumerate(nodes) for name in node.outputs if name}
    leader = list(range(len(nodes)))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    for index, node in enumerate(nodes):
        for name in node.inputs:
            if name and name not in names.tensor and name in maker:
                first, second = sorted((find(index), find(maker[name])))
                leader[second] = first
    regions: defaultdict[int, _Region] = defaultdict(_Region)
    for index, node in enumerate(nodes):
        if index in names.layout_changes:
            continue
        region = regions[find(index)]
        region.nodes.append(index)
        region.results += [names.tensor[name] for name in node.outputs if name in names.tensor]
        region.border.update(names.tensor[name] for name in node.inputs if name in names.tensor)
    for region in regions.values():
        region.border.difference_update(region.results)
    return list(regions.values())


def _close(region: _Region, model: Model, makers: dict[str, _Region]) -> None:
    """Collect the ops between the region's border and its results."""
    pending = list(region.results)
    seen = set(pending)
    while pending:
        op = model.producer.get(pending.pop())
        if op is None:
            continue
        region.ops[op.id] = op
        if op.kind in _SHAPE_READERS and not op.domain:
            continue
        for tensor in op.present_inputs:
            name = tensor.name
            if name in seen or name in region.border or makers.get(name, region) is not region:
                continue
            seen.add(name)
            if not _has_twin(name, model, makers):
                pending.append(name)


def _has_twin(name: str, model: Model, makers: dict[str, _Region]) -> bool:
    """Whether a region computes the value of a tensor under another name, because another op makes the same."""
    producer = model.producer.get(name)
    if producer is None or is_passed_on(producer):
        return False
    return any(other in makers for other in model.alike.get(model.same(name), ()))


def _add_twins(regions: Sequence[_Region], model: Model) -> None:
    """Count an op that was merged with an equal one where that one is."""
    owner = {identifier: region for region in regions for identifier in region.ops}
    for alike in model.alike.values():
        makers = [model.producer[tensor] for tensor in alike]
        found = next((owner[op.id] for op in makers if op.id in owner), None)
        for op in makers:
            if found is not None and op.id not in owner and not is_passed_on(op):
                found.ops[op.id] = op


def _share_out(regions: Sequence[_Region], known_beforehand: frozenset[str]) -> None:
    """Count an op without work that several regions absorbed with the first of them only."""
    owner: dict[str, _Region] = {}
    for region in regions:
        for identifier, op in list(region.ops.items()):
            first = owner.setdefault(identifier, region)
            if first is not region and (op.kind in _NO_WORK or identifier in known_beforehand):
                del region.ops[identifier]


def _known_beforehand(ops: Sequence[Op]) -> frozenset[str]:
    """Ops whose results follow from constants and shapes alone."""
    found: set[str] = set()
    made: set[str] = set()
    for op in ops:
        constants = all(tensor.is_constant or tensor.name in made for tensor in op.present_inputs)
        if (constants and not op.bodies) or (op.kind in _SHAPE_READERS and not op.domain):
            found.add(op.id)
            made.update(tensor.name for tensor in op.present_outputs)
    return frozenset(found)


def _kind(region: _Region, node: Node, names: Names) -> Attribution:
    if len(region.nodes) > 1:
        return "region"
    return "name" if any(name in names.by_node_name for name in node.outputs) else "exact"


def _server(nodes: Sequence[Node], names: Names, makers: dict[str, _Region]) -> Callable[[Node], int | None]:
    """Finds the node that a layout change serves."""
    reader: dict[str, int] = {}
    for index, node in enumerate(nodes):
        if index not in names.layout_changes:
            for name in node.inputs:
                reader.setdefault(name, index)

    def served(node: Node) -> int | None:
        source, target = node.inputs[0], node.outputs[0]
        # The model's own name is on the plain layout.
        entering = source in model_names and target not in model_names
        maker = makers.get(names.tensor[source])
        if entering or maker is None:
            return reader.get(target)
        return maker.nodes[-1]

    model_names = set(names.tensor.values())
    return served
