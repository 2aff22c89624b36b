"""From ONNX attributes to values, equal ones shared."""

from collections.abc import Sequence

import onnx

from attainable.workload.dtypes import bytes_of
from attainable.workload.graph import AttributeValue, Shape, Tensor, Value
from attainable.workload.onnx.tensors import LARGEST_VALUE, BrokenTensor, constant, dtype_name, sparse_constant

Attributes = Sequence[tuple[str, AttributeValue]]


class AttributeReader:
    """Reads attributes that hold no graphs.

    Args:
        shapes: interns equal shapes.
        faults: gains what is broken.
    """

    def __init__(self, shapes: dict[Shape, Shape], faults: list[str]) -> None:
        self._shapes = shapes
        self._faults = faults
        self._known: dict[bytes, tuple[str, AttributeValue]] = {}

    def read(self, proto: onnx.AttributeProto, id: str) -> tuple[str, AttributeValue]:
        """Name and value of an attribute of the node ``id``."""
        key = proto.SerializeToString()
        if key not in self._known:
            try:
                self._known[key] = (proto.name, self._value(proto))
            except BrokenTensor as error:
                self._faults.append(f"{error} @ node {id} attribute {proto.name}")
                return (proto.name, "")
        return self._known[key]

    def _value(self, proto: onnx.AttributeProto) -> AttributeValue:
        kinds = onnx.AttributeProto
        match proto.type:
            case kinds.INT:
                return proto.i
            case kinds.FLOAT:
                return proto.f
            case kinds.STRING:
                return _decode(proto.s)
            case kinds.INTS:
                if proto.name in _STEPS and max(proto.ints, default=0) > LARGEST_STEP:
                    raise BrokenTensor(f"is {list(proto.ints)[:8]}, at most {LARGEST_STEP} is read")
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


def stored_constant(attributes: Attributes) -> Tensor | None:
    """The tensor of a Constant, whichever attribute holds it."""
    for name, value in attributes:
        if isinstance(value, Tensor):
            return value
        if (dtype := _CONSTANT_ATTRIBUTES.get(name)) is not None:
            items = value if isinstance(value, tuple) else (value,)
            shape = (len(items),) if isinstance(value, tuple) else ()
            elements: Value = tuple(item for item in items if isinstance(item, int | float))  # pyright: ignore[reportAssignmentType]  # one type per attribute
            kept = elements if dtype != "string" and len(items) <= LARGEST_VALUE else None
            return Tensor("", shape, dtype, True, kept, bytes_of(dtype, len(items)))
    return None


_CONSTANT_ATTRIBUTES = {
    "value_int": "int64", "value_ints": "int64", "value_float": "float32", "value_floats": "float32",
    "value_string": "string", "value_strings": "string",
}  # fmt: skip


LARGEST_STEP = 1 << 24
"""Elements by which the window of a convolution or pooling may be padded, moved or spread."""

_STEPS = frozenset({"kernel_shape", "strides", "pads", "dilations"})


def _decode(text: bytes) -> str:
    return text.decode("utf-8", errors="replace")
