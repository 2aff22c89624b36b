"""From the operators of a TFLite subgraph to Op records of the domain ``tflite``."""

import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from math import prod

from attainable.errors import ModelGraphError
from attainable.workload.graph import AttributeValue, Op, Shape, Tensor, Value
from attainable.workload.tflite.flatbuffer import Table
from attainable.workload.tflite.schema import (
    ACTIVATIONS,
    CUSTOM,
    OPERATORS,
    OPTIONS,
    VALUE_FORMATS,
    BufferField,
    CodeField,
    ModelField,
    OperatorField,
    SubgraphField,
)

DOMAIN = "tflite"
CUSTOM_DOMAIN = "tflite.custom"
"""Operators of others, by their own name."""

LARGEST_VALUE = 64
"""Elements of a constant that are kept as ``Tensor.value``."""

_MOST_FAULTS = 5
_OMITTED = -1

_NOT_DETERMINED = frozenset(
    {
        "IF",
        "WHILE",
        "CALL_ONCE",
        "VAR_HANDLE",
        "READ_VARIABLE",
        "RANDOM_STANDARD_NORMAL",
        "RANDOM_UNIFORM",
        "MULTINOMIAL",
        "HASHTABLE",
    }
)
"""Operators whose outputs are made at run time even from constant inputs."""


@dataclass(frozen=True, slots=True)
class TensorLayout:
    """A tensor as the file describes it.

    Attributes:
        name: unique in the subgraph.
        shape: as stored.
        signature: the same with -1 on axes that the caller may choose.
        dtype: a key of ``dtypes.BITS``, or empty for a resource.
        bytes_stored: of its buffer; 0 for an activation.
        buffer: where its elements are, None for an activation.
    """

    name: str
    shape: Shape
    signature: Shape
    dtype: str
    bytes_stored: int
    buffer: Table | None


@dataclass(frozen=True, slots=True)
class Graph:
    """The records of a subgraph, and the newest version that any of its operators asks for."""

    ops: tuple[Op, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    constants: tuple[Tensor, ...]
    version: int


@dataclass(frozen=True, slots=True)
class _Code:
    kind: str
    domain: str
    version: int


def graph_of(model: Table, subgraph: Table, layouts: list[TensorLayout], where: str) -> Graph:
    """Make the records of a subgraph.

    Args:
        model: the root table, which has the operators' codes.
        subgraph: the main one.
        layouts: its tensors.
        where: the file, for messages.

    Raises:
        MalformedFlatbuffer: a reference leads out of the file.
        ModelGraphError: an operator names a tensor or a code that is not there, or reads what is made later.
    """
    codes = [_code(table) for table in model.tables(ModelField.OPERATOR_CODES)]
    tensors = [_tensor(layout) for layout in layouts]
    inputs, outputs = subgraph.integers(SubgraphField.INPUTS), subgraph.integers(SubgraphField.OUTPUTS)
    faults = [
        f"names tensor {index} of {len(tensors)} @ subgraph"
        for index in (*inputs, *outputs)
        if not 0 <= index < len(tensors)
    ]
    producers: dict[int, int] = {}
    read: dict[int, None] = {}
    ops: list[Op] = []
    for position, table in enumerate(subgraph.tables(SubgraphField.OPERATORS)):
        code_index = table.integer(OperatorField.CODE_INDEX, "I")
        used, made = table.integers(OperatorField.INPUTS), table.integers(OperatorField.OUTPUTS)
        if len(faults) >= _MOST_FAULTS:
            break
        if code_index >= len(codes):
            faults.append(f"has the code {code_index} of {len(codes)} @ operator {position}")
            continue
        wrong = _wrong(used, made, producers, tensors=len(tensors))
        if wrong is not None:
            faults.append(f"names tensor {wrong}, which is not there or made already @ operator {position}")
            continue
        code = codes[code_index]
        operands = tuple(None if index == _OMITTED else tensors[index] for index in used)
        folds = (
            code.kind not in _NOT_DETERMINED
            and bool(operands)
            and all(operand is None or operand.is_constant for operand in operands)
        )
        for index in made:
            if index != _OMITTED:
                producers[index] = position
                tensors[index] = _made(layouts[index], folds=folds)
        results = tuple(None if index == _OMITTED else tensors[index] for index in made)
        read.update(dict.fromkeys(used))
        ops.append(
            Op(
                str(position), results[0].name if results and results[0] else "", code.kind, code.domain,
                code.version, operands, results, _attributes(table, code.kind),
            )
        )  # fmt: skip
    faults += _read_early(ops, producers, layouts)
    if faults:
        raise ModelGraphError("the graph is broken", where=where, faults=faults[:_MOST_FAULTS], help="convert it again")
    stored = (index for index in dict.fromkeys((*read, *outputs)) if index != _OMITTED and index not in producers)
    return Graph(
        ops=tuple(ops), inputs=tuple(tensors[index] for index in inputs),
        outputs=tuple(tensors[index] for index in outputs),
        constants=tuple(tensors[index] for index in stored if tensors[index].is_constant),
        version=max((code.version for code in codes), default=1),
    )  # fmt: skip


def _wrong(used: Shape, made: Shape, producers: Mapping[int, int], *, tensors: int) -> int | None:
    """A tensor that an operator must not name: one that is not there, or one that it makes a second time."""
    absent = (index for index in (*used, *made) if not _OMITTED <= index < tensors)
    again = (index for index, times in Counter(made).items() if index in producers or (times > 1 and index >= 0))
    return next(chain(absent, again), None)


def _read_early(ops: list[Op], producers: dict[int, int], layouts: list[TensorLayout]) -> list[str]:
    """Faults for operators that read what a later one, or they themselves, make."""
    made_by = {layouts[index].name: position for index, position in producers.items()}
    faults: list[str] = []
    for op in ops:
        for tensor in op.present_inputs:
            if made_by.get(tensor.name, -1) >= int(op.id):
                faults.append(f"reads {tensor.name[:40]!r} before it is made @ operator {op.id}")
        if len(faults) >= _MOST_FAULTS:
            break
    return faults


def _code(table: Table) -> _Code:
    number = max(table.integer(CodeField.OLD_CODE, "b"), table.integer(CodeField.CODE, "i"))
    kind = OPERATORS[number] if 0 <= number < len(OPERATORS) else f"BUILTIN_{number}"
    version = table.integer(CodeField.VERSION, "i", 1)
    if kind == CUSTOM:
        return _Code(table.text(CodeField.CUSTOM_CODE, most=100) or CUSTOM, CUSTOM_DOMAIN, version)
    return _Code(kind, DOMAIN, version)


def _attributes(operator: Table, kind: str) -> tuple[tuple[str, AttributeValue], ...]:
    options = operator.table(OperatorField.OPTIONS) if kind in OPTIONS else None
    if options is None:
        return ()
    found: list[tuple[str, AttributeValue]] = []
    for option in OPTIONS[kind]:
        match option.kind:
            case "activation":
                number = options.integer(option.field, "b")
                found.append((option.attribute, ACTIVATIONS[number] if 0 <= number < len(ACTIVATIONS) else str(number)))
            case "integer":
                found.append((option.attribute, options.integer(option.field, "i")))
            case "byte":
                found.append((option.attribute, options.integer(option.field, "b")))
            case "number":
                found.append((option.attribute, options.number(option.field)))
    return tuple(sorted(found, key=lambda pair: pair[0]))


def _tensor(layout: TensorLayout) -> Tensor:
    """An activation, or a constant with its few elements; a resource has no shape."""
    shape = layout.shape if layout.dtype else None
    if layout.buffer is None:
        return Tensor(layout.name, shape, layout.dtype or "float32")
    return Tensor(layout.name, shape, layout.dtype or "float32", True, _value(layout), layout.bytes_stored)


def _made(layout: TensorLayout, *, folds: bool) -> Tensor:
    shape = layout.shape if layout.dtype else None
    return Tensor(layout.name, shape, layout.dtype or "float32", folds)


def _value(layout: TensorLayout) -> Value | None:
    elements, format = prod(layout.shape), VALUE_FORMATS.get(layout.dtype)
    if format is None or elements > LARGEST_VALUE or layout.buffer is None:
        return None
    size = struct.calcsize(f"<{elements}{format}")
    if layout.buffer.length(BufferField.CONTENT) != size:
        return None
    return struct.unpack(f"<{elements}{format}", layout.buffer.raw(BufferField.CONTENT))
