"""The shapes that onnx's inference of the whole graph leaves open, one node at a time.

In this order: our own table, onnx's inference of the single node with every value that is known, and, where the shape
follows from the elements, the elements themselves.
"""

from collections.abc import Sequence
from dataclasses import replace

import onnx
from onnx import helper, numpy_helper, shape_inference
from onnx.checker import ValidationError

from attainable.workload.graph import Op, Shape, Tensor, UnresolvedShape
from attainable.workload.onnx.containers import CONTAINERS
from attainable.workload.onnx.evaluation import DATA_DEPENDENT
from attainable.workload.onnx.functions import GRAPH_KINDS
from attainable.workload.onnx.microsoft_shapes import DELEGATES, MICROSOFT
from attainable.workload.onnx.scope import Scope
from attainable.workload.onnx.shape_rules import Array, Operands, Outputs, ShapeFunction
from attainable.workload.onnx.standard_shapes import STANDARD
from attainable.workload.onnx.tensors import DTYPES, activation
from attainable.workload.onnx.withheld import WITHHELD, fatal, is_withheld

SHAPE_FUNCTIONS: dict[str, ShapeFunction] = {**STANDARD, **CONTAINERS, **MICROSOFT, **WITHHELD}
"""By operator type: what onnx does not infer, or not well."""

_NUMBERS = {name: number for number, name in DTYPES.items()}

_LARGEST_OPERAND = {"int64": 4096, "int32": 4096, "bool": 4096, "string": 4096}
_LARGEST_OTHER_OPERAND = 64
"""Elements of an input whose elements may decide a shape: integers do, others in Resize, Range and OneHot."""


class Resolver:
    """Resolves single nodes.

    Args:
        ir_version: of the model.
        impossible: gains a sentence for each operator that is impossible for its inputs, where it surely runs.
    """

    def __init__(self, ir_version: int, impossible: list[str]) -> None:
        self._ir_version = ir_version
        self._impossible = impossible
        self._shapes: dict[Shape, Shape] = {}
        self._types: dict[tuple[Shape, str], onnx.TypeProto] = {}
        self._known: dict[object, Outputs] = {}
        self._schemas: dict[tuple[str, str, int], onnx.defs.OpSchema | None] = {}

    def outputs(
        self, op: Op, node: onnx.NodeProto, inferred: Sequence[Tensor | None], scope: Scope
    ) -> list[Tensor | None]:
        """The outputs of a node, as far as they can be told.

        Args:
            op: the node with its inputs; its outputs do not matter.
            node: the same in the file.
            inferred: what is known of the outputs so far.
            scope: where the node stands.
        """

        def operands(position: int) -> Array | None:
            tensor = op.optional_input(position)
            return None if tensor is None else scope.values.get(node.input[position])

        found = list(inferred)
        if (function := SHAPE_FUNCTIONS.get(op.type)) is not None:
            found = _merged(found, _apply(function, op, operands))
        if _is_open(found):
            found = _merged(found, self._by_schema(op, node, operands, scope))
        if _is_open(found) and op.type in DATA_DEPENDENT:
            found = _merged(found, [_of_value(scope, name, old) for name, old in zip(node.output, found, strict=True)])
        return found

    def _by_schema(self, op: Op, node: onnx.NodeProto, operands: Operands, scope: Scope) -> Outputs:
        """What onnx infers for the single node."""
        domain, version = op.domain, op.opset
        if (delegate := DELEGATES.get(op.type)) is not None:
            node, domain, version = delegate.node(node), "", onnx.defs.onnx_opset_version()
        schema = self._schema(node.op_type, domain, version)
        if schema is None or missing_input(schema, list(node.input)) is not None:
            return ()
        if is_withheld(op) or fatal(node) is not None:
            return ()
        if any(attribute.type in GRAPH_KINDS for attribute in node.attribute):
            # onnx does not see what is around the node, and follows null pointers to what its bodies read there
            return ()
        positions = delegate.inputs if delegate is not None else range(len(op.inputs))
        present = [(position, tensor) for position in positions if (tensor := op.optional_input(position)) is not None]
        values = {} if op.type in _SHAPES_ALONE else _small_values(present, operands)
        shaped = all(tensor.shape is not None for _, tensor in present)
        key = (
            op.type, version, op.attributes, len(node.output),
            tuple((position, tensor.shape, tensor.dtype) for position, tensor in present),
            tuple((position, values[tensor.name].tobytes()) for position, tensor in present if tensor.name in values),
        )  # fmt: skip
        if shaped and (known := self._known.get(key)) is not None:
            return known
        types = {tensor.name: self._type(tensor, scope) for _, tensor in present}
        constants = {name: numpy_helper.from_array(value, name) for name, value in values.items()}
        imports = [helper.make_opsetid(name, number) for name, number in {**scope.opsets, domain: version}.items()]
        try:
            inferred = shape_inference.infer_node_outputs(
                schema, node, types, constants, opset_imports=imports, ir_version=self._ir_version
            )
        except shape_inference.InferenceError as error:
            if shaped and scope.is_certain and any(kind in str(error) for kind in _IMPOSSIBLE):
                self._impossible.append(_contradiction(op, str(error)))
            return ()
        except (ValidationError, onnx.defs.SchemaError, RuntimeError, ValueError, KeyError, TypeError):
            # a limitation of onnx, such as a type that this version of the operator does not list
            return ()
        found = [self._inferred(name, inferred.get(name), scope) for name in node.output]
        negative = next((extents for type in inferred.values() if min(extents := _extents(type), default=0) < 0), None)
        if negative is not None and shaped and scope.is_certain:
            self._impossible.append(_contradiction(op, f"would make the shape {negative}"))
        if shaped and not _is_open(found):
            self._known[key] = found
        return found

    def _inferred(self, name: str, type: onnx.TypeProto | None, scope: Scope) -> Tensor | None:
        if not name or type is None:
            return None
        tensor = activation(name, type, self._shapes)
        if tensor.shape is None:
            scope.types[name] = type
        return tensor

    def _schema(self, kind: str, domain: str, version: int) -> onnx.defs.OpSchema | None:
        key = (kind, domain, version)
        if key not in self._schemas:
            try:
                self._schemas[key] = onnx.defs.get_schema(kind, version, domain)
            except (onnx.defs.SchemaError, TypeError):  # TypeError: a version beyond 32 bits
                self._schemas[key] = None
        return self._schemas[key]

    def _type(self, tensor: Tensor, scope: Scope) -> onnx.TypeProto:
        number = _NUMBERS[tensor.dtype]
        if tensor.shape is None:
            known = scope.types.get(tensor.name)
            return known if known is not None else _open_type(tensor, number)
        key = (tensor.shape, tensor.dtype)
        if key not in self._types:
            self._types[key] = helper.make_tensor_type_proto(number, tensor.shape)
        return self._types[key]


_IMPOSSIBLE = ("[ShapeInferenceError]", "Invalid attribute", "must be positive")
"""What onnx's errors say where the shapes are wrong, not the inference."""


def place(op: Op) -> str:
    """Where an op is, for messages: its id, operator and, shortened, its name."""
    name = op.name if len(op.name) <= LONGEST_NAME else f"{op.name[:LONGEST_NAME]}..."
    return f"node {op.id} {op.type} {name!r}"


LONGEST_NAME = 80
"""Characters of a name that a message shows."""


def _contradiction(op: Op, reason: str) -> str:
    shapes = ", ".join(str(list(tensor.dims)) for tensor in op.present_inputs)
    detail = " ".join(reason.replace("[ShapeInferenceError]", "").replace("[TypeInferenceError]", "").split())[:300]
    return f"{detail}; input shapes {shapes} @ {place(op)}"


def _extents(type: onnx.TypeProto) -> list[int]:
    return [dimension.dim_value for dimension in type.tensor_type.shape.dim]


def _small_values(present: Sequence[tuple[int, Tensor]], operands: Operands) -> dict[str, Array]:
    """The known elements of the inputs that are small enough to decide a shape, by name."""
    values: dict[str, Array] = {}
    for position, tensor in present:
        limit = _LARGEST_OPERAND.get(tensor.dtype, _LARGEST_OTHER_OPERAND)
        if tensor.shape is not None and tensor.elements <= limit and (value := operands(position)) is not None:
            values[tensor.name] = value
    return values


_SHAPES_ALONE = frozenset(
    {
        "Add", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Conv", "Div", "Elu", "Erf", "Exp",
        "Gather", "Gelu", "Gemm", "GlobalAveragePool", "Identity", "LeakyRelu", "MatMul", "MaxPool", "Mul", "Neg",
        "Pow", "Relu", "Sigmoid", "Softmax", "Sqrt", "Sub", "Tanh", "Transpose", "Where",
    }
)  # fmt: skip
"""Frequent operators whose output shape does not depend on elements; nobody needs to know those."""


def missing_input(schema: onnx.defs.OpSchema, inputs: Sequence[str]) -> int | None:
    """The position of a required input that a node omits or leaves without a name; None where it has them all."""
    for index, formal in enumerate(schema.inputs):
        required = formal.option == onnx.defs.OpSchema.FormalParameterOption.Single
        if required and (index >= len(inputs) or not inputs[index]):
            return index
    return None


def is_resolvable(domain: str, kind: str) -> bool:
    """Tell whether onnx or our own table knows the operator."""
    name = f"{domain}:{kind}" if domain not in ("", "ai.onnx") else kind
    return name in SHAPE_FUNCTIONS or name in DELEGATES or onnx.defs.has(kind, domain=domain)


def is_open(tensor: Tensor | None) -> bool:
    """Tell whether something about an output could still be found out."""
    return tensor is not None and tensor.shape is None and tensor.parts is None


def _is_open(outputs: Sequence[Tensor | None]) -> bool:
    return any(is_open(tensor) for tensor in outputs)


def _apply(function: ShapeFunction, op: Op, operands: Operands) -> Outputs:
    try:
        return function(op, operands)
    except (UnresolvedShape, ValueError, IndexError, ZeroDivisionError, OverflowError):
        # the shapes have axes that the operator does not allow; whoever counts the op says so
        return ()


def _merged(known: list[Tensor | None], found: Outputs) -> list[Tensor | None]:
    """What is known, with what was found in place of what is open."""
    merged: list[Tensor | None] = []
    for index, tensor in enumerate(known):
        other = found[index] if index < len(found) else None
        merged.append(
            _named(other, tensor.name) if tensor is not None and other is not None and is_open(tensor) else tensor
        )
    return merged


def _named(tensor: Tensor, name: str) -> Tensor:
    return Tensor(name, tensor.shape, tensor.dtype, container=tensor.container, parts=tensor.parts)


def _of_value(scope: Scope, name: str, known: Tensor | None) -> Tensor | None:
    value = scope.values.get(name) if name else None
    return None if value is None or known is None else replace(known, shape=tuple(value.shape))


def _open_type(tensor: Tensor, number: int) -> onnx.TypeProto:
    element = onnx.TypeProto(tensor_type=onnx.TypeProto.Tensor(elem_type=number))
    if tensor.container == "sequence":
        return helper.make_sequence_type_proto(element)
    return helper.make_optional_type_proto(element) if tensor.container == "optional" else element
