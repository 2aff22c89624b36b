"""From an ONNX graph with inferred shapes to Op records."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import onnx

from attainable.errors import ModelFileError, ModelGraphError
from attainable.workload.graph import (
    FUNCTION,
    AttributeValue,
    Body,
    Op,
    Shape,
    Tensor,
    UnresolvedShape,
)
from attainable.workload.onnx.attributes import AttributeReader, stored_constant
from attainable.workload.onnx.checks import CHECKS
from attainable.workload.onnx.control_flow import CONTROL_FLOW, Frame, Outcome
from attainable.workload.onnx.evaluation import Budget
from attainable.workload.onnx.folding import folded, folds
from attainable.workload.onnx.functions import (
    DEEPEST_NESTING,
    GRAPH_KINDS,
    FunctionKey,
    graphs_of,
    holds_no_graphs,
    instantiate,
    key_of,
)
from attainable.workload.onnx.order import MOST_SHOWN, require_order
from attainable.workload.onnx.resolve import Resolver, is_open, place
from attainable.workload.onnx.scope import Scope
from attainable.workload.onnx.shape_rules import Array
from attainable.workload.onnx.standard_shapes import CORRECTED
from attainable.workload.onnx.tensors import LARGEST_VALUE, BrokenTensor, activation, constant, sparse_constant
from attainable.workload.onnx.values import Names, Values

MOST_BODY_NODES = 1_000_000
"""Nodes read in bodies and functions, once for each shape that they see."""

MOST_NODES_AGAIN = 5_000
"""Nodes of bodies that are read again because a Loop hands on other shapes than it was handed, beside as many as the
bodies have."""


class GraphConverter:
    """Makes records of a model's nodes, each tensor once, with equal shapes and attributes shared.

    Args:
        opsets: version by domain, as the model imports them.
        functions: the model's own, by key.
        ir_version: of the model.
        where: the file, for messages.
    """

    def __init__(
        self, opsets: Mapping[str, int], functions: Mapping[FunctionKey, onnx.FunctionProto], *, ir_version: int,
        where: str,
    ) -> None:  # fmt: skip
        self._opsets = opsets
        self._functions = functions
        self._where = where
        self._impossible: list[str] = []
        self._resolver = Resolver(ir_version, self._impossible)
        self._budget = Budget()
        self._body_nodes = 0
        self._nodes_again = 0
        self._paths: set[str] = set()
        self._shapes: dict[Shape, Shape] = {}
        self._types: dict[bytes, Tensor] = {}
        self._calls: dict[object, tuple[Body, Scope]] = {}
        self._faults: list[str] = []
        self._attributes = AttributeReader(self._shapes, self._faults)

    def raise_faults(self) -> None:
        """Raise what was found to be broken or impossible so far, if anything was."""
        if self._faults:
            raise ModelFileError(
                "has broken tensors or attributes",
                where=self._where,
                faults=self._faults[:MOST_SHOWN],
                help="export the model again",
            )
        if self._impossible:
            raise ModelGraphError(
                "operators are impossible for their inputs",
                where=self._where,
                faults=self._impossible[:MOST_SHOWN],
                help="export the model again, or check --shape",
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

    def inputs(self, graph: onnx.GraphProto) -> list[Tensor]:
        """The graph's inputs, as the file declares them."""
        return [activation(value.name, value.type, self._shapes) for value in graph.input]

    def scope(
        self, nodes: Sequence[onnx.NodeProto], tensors: Iterable[Tensor], *, graph: onnx.GraphProto | None = None,
        outer: Scope | None = None, opsets: Mapping[str, int] | None = None, prefix: str = "", is_certain: bool = True,
    ) -> Scope:  # fmt: skip
        """What is known before the first node is read.

        Args:
            nodes: that will be read.
            tensors: inputs and initialisers.
            graph: has inferred types and the elements of initialisers; None for a function.
            outer: scope of the graph around a body.
            opsets: of a function, which imports its own.
            prefix: path of the graph in the file.
            is_certain: every node runs.
        """
        names = Names(outer.tensors if outer else None)
        names.update({tensor.name: tensor for tensor in tensors})
        versions = opsets if opsets is not None else outer.opsets if outer else self._opsets
        stored = {proto.name: proto for proto in graph.initializer} if graph is not None else {}
        values = Values(
            nodes, names, stored, opsets=versions, budget=self._budget, outer=outer.values if outer else None
        )
        fields = (graph.value_info, graph.output) if graph is not None else ()
        types = {value.name: value.type for infos in fields for value in infos}
        if prefix.count("/") // 2 > DEEPEST_NESTING:
            raise ModelGraphError(
                f"bodies and functions nest more than {DEEPEST_NESTING} deep",
                where=self._where,
                help="export the model again",
            )
        return Scope(names, values, types, versions, prefix, is_certain)

    def ops(self, nodes: Sequence[onnx.NodeProto], scope: Scope, *, positions: Iterable[int]) -> tuple[Op, ...]:
        """The nodes of a graph, in the order given.

        Args:
            nodes: in running order.
            scope: gains every output.
            positions: position in the file of each node.

        Raises:
            ModelGraphError: too many nodes in bodies.
        """
        prefix = scope.prefix
        if prefix:
            self._spend(len(nodes), prefix)
        return tuple(
            [self._op(node, f"{prefix}{position}", scope) for node, position in zip(nodes, positions, strict=True)]
        )

    def _spend(self, nodes: int, path: str) -> None:
        self._body_nodes += nodes
        if path in self._paths:
            self._nodes_again += nodes
        self._paths.add(path)
        if self._body_nodes > MOST_BODY_NODES:
            raise ModelGraphError(
                f"its bodies and functions have more than {MOST_BODY_NODES} nodes for all the shapes that they see",
                where=self._where,
                help="export the model again",
            )

    def _op(self, node: onnx.NodeProto, id: str, scope: Scope) -> Op:
        kind, name, domain = node.op_type, node.name, node.domain
        if domain == "ai.onnx":
            domain = ""
        known, types = scope.tensors, scope.types
        attributes: list[tuple[str, AttributeValue]] = []
        has_bodies = False
        for attribute in node.attribute:
            if attribute.type in GRAPH_KINDS:
                # those of an operator that has none are nobody's business
                has_bodies = has_bodies or not holds_no_graphs(kind, node.domain)
            else:
                attributes.append(self._attributes.read(attribute, id))
        if len(attributes) > 1:
            attributes.sort(key=_attribute_name)
        inputs = tuple([known[tensor] if tensor else None for tensor in node.input])
        opset = scope.opsets.get(domain, 0)
        bodies: tuple[Body, ...] = ()
        outputs: list[Tensor | None]
        if kind == "Constant" and (stored := stored_constant(attributes)) is not None:
            outputs = [
                Tensor(output, stored.shape, stored.dtype, True, stored.value, stored.bytes_stored)
                for output in node.output
            ]
        else:
            outputs = []
            is_complete = True
            for output in node.output:
                tensor = self._activation(output, types.get(output)) if output else None
                if tensor is not None and (tensor.shape is None or kind in CORRECTED):
                    tensor = Tensor(output, None, tensor.dtype, container=tensor.container)
                    is_complete = False
                outputs.append(tensor)
            if has_bodies or (self._functions and key_of(node) in self._functions):
                op = Op(id, name, kind, domain, opset, inputs, (), tuple(attributes))
                bodies, inputs, outputs = self._with_bodies(op, node, outputs, scope)
                is_complete = not any(map(is_open, outputs))
            if not is_complete:
                op = Op(id, name, kind, domain, opset, inputs, (), tuple(attributes))
                outputs = self._resolver.outputs(op, node, outputs, scope)
            if folds(kind, inputs):
                outputs = [folded(tensor, inputs, kind) for tensor in outputs]
        for tensor in outputs:
            if tensor is not None:
                known[tensor.name] = tensor
        made = Op(
            id, name, kind, domain, opset, inputs, tuple(outputs), tuple(attributes), bodies, _scope(name, node)
        )  # fmt: skip
        if not domain and scope.is_certain and (check := CHECKS.get(kind)) is not None:
            fault = check(made, scope.values)
            if fault is not None:
                self._impossible.append(f"{fault} @ {place(made)}")
        return made

    def _with_bodies(
        self, op: Op, node: onnx.NodeProto, outputs: list[Tensor | None], scope: Scope
    ) -> tuple[tuple[Body, ...], tuple[Tensor | None, ...], list[Tensor | None]]:
        """Bodies, the inputs with the elements that decide how often they run, and the outputs."""
        inputs = op.inputs
        if (function := self._functions.get(key_of(node))) is not None:
            bodies, found = self._call(op, node, function, scope)
        else:
            bodies, found = self._control_flow(op, node, scope)
            inputs = _with_values(op, node, scope)
        better = [found[index] if index < len(found) else None for index in range(len(outputs))]
        return bodies, inputs, [
            _named(other, tensor.name) if tensor is not None and other is not None and not is_open(other) else tensor
            for tensor, other in zip(outputs, better, strict=True)
        ]  # fmt: skip

    def _control_flow(self, op: Op, node: onnx.NodeProto, scope: Scope) -> Outcome:
        def enter(
            graph: onnx.GraphProto, name: str, inputs: Sequence[Tensor], values: Mapping[str, Array]
        ) -> tuple[Body, Scope]:
            return self._body(graph, name, inputs, values, f"{op.id}/{name}", scope)

        def may_repeat() -> bool:
            once = self._body_nodes - self._nodes_again
            return self._nodes_again < MOST_NODES_AGAIN + once

        graphs = graphs_of(node)
        if (function := CONTROL_FLOW.get(op.type)) is not None:
            try:
                return function(Frame(op, node, dict(graphs), scope, enter, may_repeat))
            except (UnresolvedShape, IndexError, KeyError):
                # attributes that contradict the inputs: the bodies are read without their inputs' shapes
                pass
        return tuple(enter(graph, name, self.inputs(graph), {})[0] for name, graph in graphs), []

    def _body(
        self, graph: onnx.GraphProto, name: str, inputs: Sequence[Tensor], values: Mapping[str, Array], path: str,
        outer: Scope,
    ) -> tuple[Body, Scope]:  # fmt: skip
        """Read a body with what it sees: inputs that are not handed to it are taken as the file declares them."""
        constants = self.constants(graph)
        declared = self.inputs(graph)[len(inputs) :]
        handed = [*inputs, *declared]
        scope = self.scope(
            graph.node, [*handed, *constants.values()], graph=graph, outer=outer, prefix=f"{path}/", is_certain=False
        )
        for tensor, value in values.items():
            scope.values.learn(tensor, value)
        order = require_order(
            graph.node,
            scope.tensors,
            given=scope.tensors.keys(),
            outputs=[value.name for value in graph.output],
            where=f"{self._where} {path}",
        )
        ops = self.ops(graph.node, scope, positions=order or range(len(graph.node)))
        outputs = tuple(scope.tensors[value.name] for value in graph.output)
        used = read_by(ops) | {value.name for value in graph.output}
        kept = tuple(tensor for constant_name, tensor in constants.items() if constant_name in used)
        return Body(name, ops, tuple(scope.tensors[tensor.name] for tensor in handed), outputs, kept), scope

    def _call(self, op: Op, node: onnx.NodeProto, function: onnx.FunctionProto, outer: Scope) -> Outcome:
        """The body of a local function for the shapes, integers and attributes of this call; equal calls share it."""
        known = [
            outer.values.get(tensor.name) if tensor is not None and _decides_shapes(tensor) else None
            for tensor in op.inputs
        ]
        key = (
            key_of(node),
            tuple(
                (None if tensor is None else _anonymous(tensor), None if value is None else value.tobytes())
                for tensor, value in zip(op.inputs, known, strict=True)
            ),
            op.attributes,
            outer.is_certain,
        )
        if key not in self._calls:
            self._calls[key] = self._function_body(op, node, function, known, outer)
        body, scope = self._calls[key]
        for output, name in zip(node.output, function.output, strict=False):
            if output:
                outer.values.link(output, lambda name=name: scope.values.get(name))
        return (body,), list(body.outputs)

    def _function_body(
        self, op: Op, node: onnx.NodeProto, function: onnx.FunctionProto, known: Sequence[Array | None], outer: Scope
    ) -> tuple[Body, Scope]:
        copy = instantiate(function, node)
        handed = [
            Tensor(formal, None, "float32") if tensor is None else replace(_anonymous(tensor), name=formal)
            for formal, tensor in zip(copy.input, op.inputs, strict=False)
        ]
        opsets = {"" if entry.domain == "ai.onnx" else entry.domain: entry.version for entry in copy.opset_import}
        path = f"{op.id}/{FUNCTION}"
        scope = self.scope(
            copy.node, handed, opsets=opsets or outer.opsets, prefix=f"{path}/", is_certain=outer.is_certain
        )
        for tensor, value in zip(handed, known, strict=False):
            if value is not None:
                scope.values.learn(tensor.name, value)
        order = require_order(
            copy.node, scope.tensors, given=scope.tensors.keys(), outputs=copy.output, where=f"{self._where} {path}"
        )
        ops = self.ops(copy.node, scope, positions=order or range(len(copy.node)))
        outputs = tuple(scope.tensors[name] for name in copy.output)
        return Body(FUNCTION, ops, tuple(handed), outputs), scope

    def _activation(self, name: str, type: onnx.TypeProto | None) -> Tensor:
        """The record of an output that is no constant; equal types are converted once."""
        key = type.SerializeToString() if type is not None else b""
        if (known := self._types.get(key)) is None:
            known = self._types[key] = activation(name, type, self._shapes)
        return Tensor(name, known.shape, known.dtype, container=known.container)


def _anonymous(tensor: Tensor) -> Tensor:
    """The tensor without its name, and without elements that decide no shape."""
    return replace(tensor, name="", value=tensor.value if _decides_shapes(tensor) else None)


def _decides_shapes(tensor: Tensor) -> bool:
    return tensor.dtype in ("int64", "int32", "bool") and tensor.shape is not None and tensor.elements <= LARGEST_VALUE


def _named(tensor: Tensor, name: str) -> Tensor:
    return Tensor(name, tensor.shape, tensor.dtype, container=tensor.container, parts=tensor.parts)


def _with_values(op: Op, node: onnx.NodeProto, scope: Scope) -> tuple[Tensor | None, ...]:
    """The inputs of an If or a Loop, those with their elements that tell which branch runs or how often."""
    count = _DECIDING_INPUTS.get(op.type, 0)
    inputs = list(op.inputs)
    for index, tensor in enumerate(inputs[:count]):
        value = scope.values.get(node.input[index]) if tensor is not None else None
        if tensor is not None and value is not None and value.size == 1:
            inputs[index] = replace(tensor, value=(value.item(),))
    return tuple(inputs)


_DECIDING_INPUTS = {"If": 1, "Loop": 2}


def read_by(ops: Iterable[Op]) -> set[str]:
    """Names of the tensors that ops read and that bodies in them read or return; a function sees its arguments only."""
    names: set[str] = set()
    pending = [ops]
    while pending:
        for op in pending.pop():
            names.update([tensor.name for tensor in op.inputs if tensor is not None])
            for body in op.bodies:
                if body.name != FUNCTION:
                    names.update(tensor.name for tensor in body.outputs)
                    pending.append(body.ops)
    return names


def _attribute_name(pair: tuple[str, AttributeValue]) -> str:
    return pair[0]


def _scope(name: str, node: onnx.NodeProto) -> str:
    """The module path: from the exporter's metadata, else the folders of a name such as ``/layer1/conv/Conv``."""
    for entry in node.metadata_props:
        if entry.key == "namespace":
            return entry.value
    return name.rpartition("/")[0].lstrip("/") if name.startswith("/") else ""
