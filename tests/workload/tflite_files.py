"""Writes small TFLite files with the flatbuffers builder, field by field of the schema."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, cast

from attainable.workload.dtypes import bytes_of
from attainable.workload.tflite.schema import ACTIVATIONS, DTYPES, OPERATORS

_NUMBERS = {name: number for number, name in DTYPES.items()}


@dataclass
class Tensor:
    """A tensor; ``stored`` makes it a constant, of zeros unless bytes are given."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    stored: bool | bytes = False
    signature: tuple[int, ...] = ()


@dataclass
class Operator:
    """An operator by name; options are ``(field, type, value)``, an activation given by its name."""

    kind: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: Sequence[tuple[int, str, int | float | str]] = field(default_factory=tuple)
    custom: str = ""


def write(
    path: Path, tensors: Sequence[Tensor], operators: Sequence[Operator], inputs: Sequence[int], outputs: Sequence[int]
) -> Path:
    """Write a model with one subgraph and return its path."""
    path.write_bytes(serialize(tensors, operators, inputs, outputs))
    return path


def serialize(
    tensors: Sequence[Tensor], operators: Sequence[Operator], inputs: Sequence[int], outputs: Sequence[int]
) -> bytes:
    """The bytes of a model with one subgraph."""
    builder = cast(Any, importlib.import_module("flatbuffers")).Builder(1024)
    buffers = [_table(builder, [])]
    made: list[int] = []
    for tensor in tensors:
        number = 0
        if tensor.stored:
            size = bytes_of(tensor.dtype, prod(tensor.shape))
            content = tensor.stored if isinstance(tensor.stored, bytes) else bytes(size)
            number = len(buffers)
            buffers.append(_table(builder, [(0, "offset", builder.CreateByteVector(content))]))
        fields = [
            (0, "offset", _integers(builder, tensor.shape)),
            (1, "int8", _NUMBERS[tensor.dtype]),
            (2, "uint32", number),
            (3, "offset", builder.CreateString(tensor.name)),
        ]
        if tensor.signature:
            fields.append((7, "offset", _integers(builder, tensor.signature)))
        made.append(_table(builder, fields))
    codes: list[int] = []
    nodes: list[int] = []
    for operator in operators:
        number = OPERATORS.index(operator.kind)
        code: list[tuple[int, str, Any]] = [(0, "int8", min(number, 127)), (2, "int32", 1), (3, "int32", number)]
        if operator.custom:
            code.append((1, "offset", builder.CreateString(operator.custom)))
        codes.append(_table(builder, code))
        options = [
            (number, kind, ACTIVATIONS.index(value) if isinstance(value, str) else value)
            for number, kind, value in operator.options
        ]
        fields: list[tuple[int, str, Any]] = [
            (0, "uint32", len(codes) - 1),
            (1, "offset", _integers(builder, operator.inputs)),
            (2, "offset", _integers(builder, operator.outputs)),
        ]
        if options:
            fields += [(3, "uint8", 1), (4, "offset", _table(builder, options))]
        nodes.append(_table(builder, fields))
    subgraph = _table(
        builder,
        [
            (0, "offset", _offsets(builder, made)),
            (1, "offset", _integers(builder, inputs)),
            (2, "offset", _integers(builder, outputs)),
            (3, "offset", _offsets(builder, nodes)),
        ],
    )
    model = _table(
        builder,
        [
            (0, "uint32", 3),
            (1, "offset", _offsets(builder, codes)),
            (2, "offset", _offsets(builder, [subgraph])),
            (4, "offset", _offsets(builder, buffers)),
        ],
    )
    builder.Finish(model, file_identifier=b"TFL3")
    return bytes(builder.Output())


def _table(builder: Any, fields: Sequence[tuple[int, str, Any]]) -> int:
    prepend: dict[str, Callable[..., None]] = {
        "offset": builder.PrependUOffsetTRelativeSlot,
        "int8": builder.PrependInt8Slot,
        "uint8": builder.PrependUint8Slot,
        "int32": builder.PrependInt32Slot,
        "uint32": builder.PrependUint32Slot,
        "float32": builder.PrependFloat32Slot,
    }
    builder.StartObject(max((number for number, _, _ in fields), default=-1) + 1)
    for number, kind, value in fields:
        prepend[kind](number, value, 0)
    return builder.EndObject()


def _integers(builder: Any, values: Sequence[int]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependInt32(value)
    return builder.EndVector()


def _offsets(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()
