"""From an ONNX graph with inferred shapes to Op records."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import onnx

from attainable.errors import ModelFileError, ModelGraphError
from attainable.workload.graph import AttributeValue, Body, Op, Shape, Tensor
from attainable.workload.onnx.tensors import BrokenTensor, activation, constant, dtype_name, sparse_constant

MOST_SHOWN = 5
"""Faults of one kind that a message lists."""


class GraphConverter:
    """Makes records of a model's nodes, each tensor once, with equal shapes and attributes shared.

    Args:
        opsets: version by domain, as the model imports them.
        where: the file, for messages.
    """

    def __init__(self, opsets: Mapping[str, int], where: str) -> None:
        self._opsets = opsets
        self._where = where
        self._shapes: dict[Shape, Shape] = {}
        self._types: dict[bytes, Tensor] = {}
        self._attributes: dict[bytes, tuple[str, AttributeValue]] = {}
        self._faults: list[str] = []

    def raise_faults(self) -> None:
        """Raise ModelFileError with what was broken so far, if anything was."""
        if self._faults:
            raise ModelFileError(
                "has broken tensors", where=self._where, faults=self._faults[:MOST_SHOWN], help="export the model again"
            )

    def constants(self, graph: onnx.GraphProto) -> dict[str, Tensor]:
        """The initialisers by name, dense and sparse."""
        found: dict[str, Tensor] = {}
        for proto in graph.initializer:
            try:
                found[proto.name] = constant(proto, self._shapes)
            except BrokenTensor as error:
                self._faults.append(f"{error} @ initializer {proto.name}")
        for sparse in graph.sparse_initializer:
            try:
                found[sparse.values.name] = sparse_constant(sparse, self._shapes)
            except BrokenTensor as error:
                self._faults.append(f"{error} @ sparse initializer {sparse.values.name}")
        return found

    def inputs(self, graph: onnx.GraphProto) -> dict[str, Tensor]:
        """The graph's inputs by name."""
        return {value.name: activation(value.name, value.type, self._shapes) for value in graph.input}

    def ops(
        self, graph: onnx.GraphProto, known: dict[str, Tensor], *, prefix: str = "", positions: Iterable[int]
    ) -> tuple[Op, ...]:
        """The nodes of a graph, in the order given.

        Args:
            graph: with inferred shapes in value_info and output.
            known: tensors by name: inputs, initialisers and what an outer graph offers; gains every output.
            prefix: path of the graph in the file, ``""`` or ``12/then_branch/``.
            positions: position in the file of each node, in the order in which ``graph.node`` holds them.
        """
        types = {value.name: value.type for values in (graph.value_info, graph.output) for value in values}
        return tuple(
            [
                self._op(node, f"{prefix}{position}", known, types)
                for node, position in zip(graph.node, positions, strict=True)
            ]
        )

    def _op(self, node: onnx.NodeProto, id: str, known: dict[str, Tensor], types: dict[str, onnx.TypeProto]) -> Op:
        kind, name, domain = node.op_type, node.name, node.domain
        if domain == "ai.onnx":
            domain = ""
        attributes: list[tuple[str, AttributeValue]] = []
        bodies: list[Body] = []
        for attribute in node.attribute:
            if attribute.type in _GRAPH_KINDS:
                graphs = [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs
                bodies += [self._body(graph, f"{id}/{attribute.name}", known) for graph in graphs]
            else:
                attributes.append(self._attribute(attribute, id))
        if len(attributes) > 1:
            attributes.sort(key=_attribute_name)
        inputs = tuple([known[tensor] if tensor else None for tensor in node.input])
        stored = _stored(attributes) if kind == "Constant" else None
        folds = _all_constant(inputs) and kind not in _NOT_DETERMINED
        outputs: list[Tensor | None] = []
        for output in node.output:
            tensor = self._output(output, types.get(output), folds=folds, stored=stored) if output else None
            if folds and tensor is not None and kind == "DequantizeLinear" and inputs[0] is not None:
                # a quantised constant stays as small as it is stored
                tensor = replace(tensor, bytes_stored=inputs[0].bytes)
            outputs.append(tensor)
            if tensor is not None:
                known[output] = tensor
        return Op(
            id, name, kind, domain, self._opsets.get(domain, 0), inputs, tuple(outputs),
            tuple(attributes), tuple(bodies), _scope(name, node),
        )  # fmt: skip

    def _output(self, name: str, type: onnx.TypeProto | None, *, folds: bool, stored: Tensor | None) -> Tensor:
        """The record of an output; it is constant where nothing but constants goes in."""
        if stored is not None:
            return Tensor(name, stored.shape, stored.dtype, True, stored.value, stored.bytes_stored)
        tensor = self._activation(name, type)
        if folds and tensor.shape is not None:
            return Tensor(name, tensor.shape, tensor.dtype, True, None, tensor.bytes)
        return tensor

    def _activation(self, name: str, type: onnx.TypeProto | None) -> Tensor:
        """The record of an output that is no constant; equal types are converted once."""
        key = type.SerializeToString() if type is not None else b""
        if (known := self._types.get(key)) is None:
            known = self._types[key] = activation(name, type, self._shapes)
        return Tensor(name, known.shape, known.dtype)

    def _body(self, graph: onnx.GraphProto, path: str, outer: dict[str, Tensor]) -> Body:
        constants = self.constants(graph)
        known = {**outer, **self.inputs(graph), **constants}
        inputs = tuple(known[value.name] for value in graph.input)
        positions = range(len(graph.node))
        require_order(graph, known, where=f"{self._where} {path}")
        ops = self.ops(graph, known, prefix=f"{path}/", positions=positions)
        outputs = tuple(known[value.name] for value in graph.output)
        return Body(path.rpartition("/")[2], ops, inputs, outputs, tuple(constants.values()))

    def _attribute(self, proto: onnx.AttributeProto, id: str) -> tuple[str, AttributeValue]:
        key = proto.SerializeToString()
        if key not in self._attributes:
            try:
                self._attributes[key] = (proto.name, self._attribute_value(proto))
            except BrokenTensor as error:
                self._faults.append(f"{error} @ node {id} attribute {proto.name}")
                return (proto.name, "")
        return self._attributes[key]

    def _attribute_value(self, proto: onnx.AttributeProto) -> AttributeValue:
        kinds = onnx.AttributeProto
        match proto.type:
            case kinds.INT:
                return proto.i
            case kinds.FLOAT:
                return proto.f
            case kinds.STRING:
                return _decode(proto.s)
            case kinds.INTS:
                return tuple(proto.ints)
            case kinds.FLOATS:
                return tuple(proto.floats)
            case kinds.STRINGS:
                return tuple(_decode(text) for text in proto.strings)
            case kinds.TENSOR:
                return constant(proto.t, self._shapes)
            case kinds.SPARSE_TENSOR:
                return sparse_constant(proto.sparse_tensor, self._shapes)
            case kinds.TYPE_PROTO:
                return dtype_name(proto.tp.tensor_type.elem_type) if proto.tp.HasField("tensor_type") else ""
            case _:
                return ""


_GRAPH_KINDS = frozenset({onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS})


def _all_constant(inputs: tuple[Tensor | None, ...]) -> bool:
    # all() with a generator takes three times as long, and every op asks
    for tensor in inputs:  # noqa: SIM110
        if tensor is not None and not tensor.is_constant:
            return False
    return True


def _stored(attributes: list[tuple[str, AttributeValue]]) -> Tensor | None:
    return next((value for _, value in attributes if isinstance(value, Tensor)), None)


def _attribute_name(pair: tuple[str, AttributeValue]) -> str:
    return pair[0]


_NOT_DETERMINED = frozenset(
    {
        "RandomNormal",
        "RandomUniform",
        "RandomNormalLike",
        "RandomUniformLike",
        "Multinomial",
        "Bernoulli",
        "If",
        "Loop",
        "Scan",
    }
)
"""Operators whose outputs are made at run time even from constant inputs."""


def require_order(graph: onnx.GraphProto, known: Iterable[str], *, where: str) -> list[int] | None:
    """Check that every tensor is made once and before its use; sort the nodes where only the order is wrong.

    Args:
        graph: its nodes are rearranged in place when they must be.
        known: names of inputs, initialisers and outer tensors.
        where: file and graph, for messages.

    Returns:
        The position in the file of each node after sorting, or None where the order was right.

    Raises:
        ModelGraphError: an input that nothing makes, an output that two nodes make, or a cycle.
    """
    made = set(known)
    producers: dict[str, int] = {}
    early: list[tuple[int, str]] = []
    faults: list[str] = []
    for position, node in enumerate(graph.node):
        for name in node.input:
            if name and name not in made:
                early.append((position, name))
        for name in node.output:
            if not name:
                continue
            if name in producers:
                faults.append(f"node {position} makes {name!r}, which node {producers[name]} makes already @ {where}")
            producers[name] = position
            made.add(name)
    missing = [
        f"node {position} ({graph.node[position].op_type}) reads {name!r}, which nothing makes @ {where}"
        for position, name in early
        if name not in made
    ]
    missing += [
        f"graph output {value.name!r} is made by no node @ {where}" for value in graph.output if value.name not in made
    ]
    faults += missing
    if faults:
        raise ModelGraphError(
            "the graph is broken", where=where, faults=faults[:MOST_SHOWN], help="export the model again"
        )
    return _sort(graph, set(known), producers, where) if early else None


def _sort(graph: onnx.GraphProto, known: set[str], producers: dict[str, int], where: str) -> list[int]:
    waiting = {
        position: {producers[name] for name in node.input if name and name not in known}
        for position, node in enumerate(graph.node)
    }
    readers: dict[int, list[int]] = {}
    for position, needed in waiting.items():
        for producer in needed:
            readers.setdefault(producer, []).append(position)
    ready = [position for position, needed in waiting.items() if not needed]
    order: list[int] = []
    for position in ready:
        order.append(position)
        for reader in readers.get(position, ()):
            waiting[reader].discard(position)
            if not waiting[reader]:
                ready.append(reader)
    if len(order) < len(graph.node):
        stuck = [position for position, needed in waiting.items() if needed]
        raise ModelGraphError(
            "the graph has a cycle",
            where=where,
            help="export the model again",
            faults=[f"node {position} waits for {sorted(waiting[position])}" for position in stuck[:MOST_SHOWN]],
        )
    nodes = [graph.node[position] for position in order]
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    return order


def _scope(name: str, node: onnx.NodeProto) -> str:
    """The module path: from the exporter's metadata, else the folders of a name such as ``/layer1/conv/Conv``."""
    for entry in node.metadata_props:
        if entry.key == "namespace":
            return entry.value
    return name.rpartition("/")[0].lstrip("/") if name.startswith("/") else ""


def _decode(text: bytes) -> str:
    return text.decode("utf-8", errors="replace")
