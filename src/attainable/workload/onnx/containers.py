"""What is in sequences and optionals, as far as the file tells.

Source: ONNX operator specification, Sequence*, SplitToSequence, ConcatFromSequence, Optional*; ai.onnx.ml ZipMap.
"""

from collections.abc import Sequence
from dataclasses import replace

from attainable.workload.graph import Op, Tensor, UnresolvedShape
from attainable.workload.onnx.shape_rules import Operands, Outputs, ShapeFunction, axis_of, integer, integers, result

MOST_PARTS = 4096
"""Tensors in a container that are told apart."""


def sequence(parts: Sequence[Tensor] | None, dtype: str) -> Tensor:
    """A sequence with these tensors in it; None where nobody knows them."""
    if parts is None or len(parts) > MOST_PARTS:
        return Tensor("", None, dtype, container="sequence")
    return Tensor("", None, dtype, container="sequence", parts=tuple(parts))


def alike(first: Tensor, second: Tensor) -> bool:
    """Tell whether two tensors are the same but for their names and elements."""
    if (first.shape, first.dtype, first.container) != (second.shape, second.dtype, second.container):
        return False
    if first.parts is None or second.parts is None:
        return first.parts is second.parts
    return len(first.parts) == len(second.parts) and all(map(alike, first.parts, second.parts))


def _known_parts(tensor: Tensor) -> tuple[Tensor, ...]:
    if tensor.parts is None:
        raise UnresolvedShape(tensor.name)
    return tensor.parts


def _construct(op: Op, operands: Operands) -> Outputs:
    del operands
    return [sequence(op.present_inputs, op.input(0).dtype)]


def _empty(op: Op, operands: Operands) -> Outputs:
    del operands
    dtype = op.attribute("dtype")
    return [sequence((), _DTYPES.get(dtype, "float32") if isinstance(dtype, int) else "float32")]


def _insert(op: Op, operands: Operands) -> Outputs:
    parts, added = _known_parts(op.input(0)), op.input(1)
    position = len(parts)
    if op.optional_input(2) is not None:
        found = operands(2)
        if found is None and not all(alike(part, added) for part in parts):
            raise UnresolvedShape("position")
        position = position if found is None else int(found.item())
    if not -len(parts) <= position <= len(parts):
        raise UnresolvedShape("position")
    position += len(parts) if position < 0 else 0
    return [sequence((*parts[:position], added, *parts[position:]), added.dtype)]


def _chosen(op: Op, operands: Operands, parts: Sequence[Tensor]) -> int:
    """The position that an op names; any position where all tensors are alike."""
    found = operands(1)
    if found is None and parts and all(alike(parts[0], part) for part in parts):
        return 0
    return axis_of(int(found.item()), len(parts)) if found is not None else axis_of(integer(operands, 1), len(parts))


def _erase(op: Op, operands: Operands) -> Outputs:
    parts = _known_parts(op.input(0))
    position = len(parts) - 1 if op.optional_input(1) is None else _chosen(op, operands, parts)
    return [sequence((*parts[:position], *parts[position + 1 :]), op.input(0).dtype)]


def _at(op: Op, operands: Operands) -> Outputs:
    parts = _known_parts(op.input(0))
    return [parts[_chosen(op, operands, parts)]]


def _split(op: Op, operands: Operands) -> Outputs:
    tensor = op.input(0)
    axis = axis_of(op.integer("axis", 0), tensor.rank)
    extent, dims = tensor.dims[axis], tensor.dims
    lengths: tuple[int, ...]
    keeps = True
    if (split := op.optional_input(1)) is None:
        keeps = op.integer("keepdims", 1) != 0
        if extent > MOST_PARTS:
            return [sequence(None, tensor.dtype)]
        lengths = (1,) * extent
    elif split.rank == 0:
        step = integer(operands, 1)
        if step < 1 or extent // step >= MOST_PARTS:
            return [sequence(None, tensor.dtype)]
        lengths = tuple(min(step, extent - start) for start in range(0, extent, step))
    else:
        lengths = integers(operands, 1)
    rest = dims[axis + 1 :]
    return [
        sequence([result((*dims[:axis], *((n,) if keeps else ()), *rest), tensor.dtype) for n in lengths], tensor.dtype)
    ]


def _concat(op: Op, operands: Operands) -> Outputs:
    del operands
    parts = _known_parts(op.input(0))
    if not parts:
        raise UnresolvedShape("an empty sequence")
    first = parts[0]
    if op.integer("new_axis", 0):
        axis = axis_of(op.integer("axis", 0), first.rank + 1)
        return [result((*first.dims[:axis], len(parts), *first.dims[axis:]), first.dtype)]
    axis = axis_of(op.integer("axis", 0), first.rank)
    total = sum(part.dims[axis] for part in parts)
    return [result((*first.dims[:axis], total, *first.dims[axis + 1 :]), first.dtype)]


def _optional(op: Op, operands: Operands) -> Outputs:
    del operands
    part = op.optional_input(0)
    dtype = part.dtype if part is not None else op.text("type", "float32") or "float32"
    return [Tensor("", None, dtype, container="optional", parts=(part,) if part is not None else ())]


def _element(op: Op, operands: Operands) -> Outputs:
    del operands
    held = op.input(0)
    if held.container != "optional":
        return [held]
    parts = _known_parts(held)
    return [parts[0] if parts else None]


def _scalar(dtype: str) -> ShapeFunction:
    def outputs(op: Op, operands: Operands) -> Outputs:
        del op, operands
        return [Tensor("", (), dtype)]

    return outputs


def _same(op: Op, operands: Operands) -> Outputs:
    del operands
    tensor = op.input(0)
    return [replace(tensor, is_constant=False, value=None, bytes_stored=None)]


def _zip_map(op: Op, operands: Operands) -> Outputs:
    del operands
    rows = op.input(0).dims
    one = Tensor("", None, "float32", container="map")
    count = rows[0] if len(rows) > 1 else 1
    return [sequence(None if count > MOST_PARTS else (one,) * count, "float32")]


_DTYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16",
}  # fmt: skip

CONTAINERS: dict[str, ShapeFunction] = {
    "SequenceConstruct": _construct,
    "SequenceEmpty": _empty,
    "SequenceInsert": _insert,
    "SequenceErase": _erase,
    "SequenceAt": _at,
    "SequenceLength": _scalar("int64"),
    "SplitToSequence": _split,
    "ConcatFromSequence": _concat,
    "Optional": _optional,
    "OptionalGetElement": _element,
    "OptionalHasElement": _scalar("bool"),
    "Identity": _same,
    "ai.onnx.ml:ZipMap": _zip_map,
}
"""Operators on containers, by type."""
