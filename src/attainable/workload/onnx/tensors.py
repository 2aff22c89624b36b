"""From ONNX tensors and types to Tensor records."""

from collections.abc import Sequence
from math import prod

import onnx
from onnx import numpy_helper

from attainable.workload.dtypes import bytes_of, is_floating, is_integer
from attainable.workload.graph import Container, Shape, Tensor, Value
from attainable.workload.onnx.wire import DEEPEST, STRIPPED
from attainable.workload.shapes import LARGEST_DIMENSION

LARGEST_VALUE = 64
"""Elements of a constant that are kept as ``Tensor.value``."""

LARGEST_RANK = 64
"""Axes of a tensor."""

DTYPES: dict[int, str] = {
    **{number: name.lower() for name, number in onnx.TensorProto.DataType.items() if name != "UNDEFINED"},
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.DOUBLE: "float64",
}
"""Our names of ONNX's element types."""


class BrokenTensor(Exception):
    """A tensor in the file contradicts itself; the message says how."""


def constant(proto: onnx.TensorProto, shapes: dict[Shape, Shape]) -> Tensor:
    """Make the record of an initialiser or a Constant's value; large values stay unread.

    Args:
        proto: the tensor, its payload possibly stripped.
        shapes: interns equal shapes, so that a large graph holds each once.

    Raises:
        BrokenTensor: unknown dtype, negative axes, or a payload that is too short or too long for the shape.
    """
    dtype = dtype_name(proto.data_type)
    shape = intern(tuple(proto.dims), shapes)
    if any(extent < 0 for extent in shape):
        raise BrokenTensor(f"has a negative axis in {list(shape)}")
    elements = prod(shape)
    needed = bytes_of(dtype, elements)
    stored = _stored_bytes(proto, needed, dtype)
    value = _value(proto, dtype) if elements <= LARGEST_VALUE and proto.data_location == 0 else None
    return Tensor(proto.name, shape, dtype, True, value, stored)


def sparse_constant(proto: onnx.SparseTensorProto, shapes: dict[Shape, Shape]) -> Tensor:
    """Make the record of a sparse initialiser, which counts the bytes of its values and its indices as stored."""
    values = constant(proto.values, shapes)
    indices = constant(proto.indices, shapes)
    shape = intern(tuple(proto.dims), shapes)
    if len(shape) > LARGEST_RANK or any(extent > LARGEST_DIMENSION for extent in shape) or prod(shape) >= 2**62:
        raise BrokenTensor(f"has the impossible shape {list(shape)[:8]}")
    if any(extent < 0 for extent in shape):
        raise BrokenTensor(f"has a negative axis in {list(shape)}")
    _require_indices_inside(indices, shape)
    return Tensor(proto.values.name, shape, values.dtype, True, None, values.bytes + indices.bytes)


def _require_indices_inside(indices: Tensor, shape: Shape) -> None:
    """Check the indices that are known: positions in row-major order, or one row of axes for each element."""
    by_axes = len(indices.dims) == 2
    if by_axes and indices.dims[1] != len(shape):
        raise BrokenTensor(f"has indices of {indices.dims[1]} axes, its shape is {list(shape)}")
    extents = shape if by_axes else (prod(shape),)
    for position, index in enumerate(indices.value or ()):
        if not 0 <= index < extents[position % len(extents)]:
            raise BrokenTensor(f"has the index {index}, its shape is {list(shape)}")


def external_bytes(proto: onnx.TensorProto) -> int:
    """Bytes that the model says lie in another file; 0 for a tensor inside the model file."""
    if proto.data_location != onnx.TensorProto.EXTERNAL or _entry(proto, "location") == STRIPPED:
        return 0
    return bytes_of(dtype_name(proto.data_type), prod(proto.dims))


def activation(name: str, proto: onnx.TypeProto | None, shapes: dict[Shape, Shape]) -> Tensor:
    """Make the record of a graph input or of an op's output; the shape is None where an axis has no number."""
    if proto is None:
        return Tensor(name, None, "float32")
    if not proto.HasField("tensor_type"):
        return Tensor(name, None, _element_dtype(proto), container=_CONTAINERS.get(proto.WhichOneof("value") or "", ""))
    tensor = proto.tensor_type
    dtype = DTYPES.get(tensor.elem_type, "float32")
    if not tensor.HasField("shape"):
        return Tensor(name, None, dtype)
    extents: list[int] = []
    for dimension in tensor.shape.dim:
        if not dimension.HasField("dim_value") or dimension.dim_value < 0:
            return Tensor(name, None, dtype)
        extents.append(dimension.dim_value)
    return Tensor(name, intern(tuple(extents), shapes), dtype)


_CONTAINERS: dict[str, Container] = {
    "sequence_type": "sequence",
    "optional_type": "optional",
    "map_type": "map",
}


def _element_dtype(proto: onnx.TypeProto) -> str:
    """Type of the tensors in a container, or in the containers in it."""
    for _ in range(DEEPEST):
        match proto.WhichOneof("value"):
            case "sequence_type":
                proto = proto.sequence_type.elem_type
            case "optional_type":
                proto = proto.optional_type.elem_type
            case "map_type":
                proto = proto.map_type.value_type
            case "sparse_tensor_type":
                return DTYPES.get(proto.sparse_tensor_type.elem_type, "float32")
            case _:
                break
    return DTYPES.get(proto.tensor_type.elem_type, "float32")


def dtype_name(number: int) -> str:
    """Our name of an ONNX element type. Raises BrokenTensor where there is no such type."""
    name = DTYPES.get(number)
    if name is None:
        raise BrokenTensor(f"has the unknown element type {number}")
    return name


def intern(shape: Shape, shapes: dict[Shape, Shape]) -> Shape:
    """The one object for this shape."""
    return shapes.setdefault(shape, shape)


def _stored_bytes(proto: onnx.TensorProto, needed: int, dtype: str) -> int:
    present: int | None = None
    if proto.data_location == onnx.TensorProto.EXTERNAL:
        _require_number(proto, "offset")
        present = _require_number(proto, "length")
    elif proto.HasField("raw_data") and dtype != "string":
        present = len(proto.raw_data)
    elif (field := _TYPED.get(dtype)) is not None and (listed := len(getattr(proto, field))):
        present = bytes_of(dtype, listed)
    if present is not None and present != needed:
        raise BrokenTensor(f"has {present} bytes of data, its shape needs {needed}")
    return needed


def _value(proto: onnx.TensorProto, dtype: str) -> Value | None:
    if not (is_floating(dtype) or is_integer(dtype) or dtype == "bool"):
        return None
    try:
        flat: Sequence[int | float | bool] = numpy_helper.to_array(proto).reshape(-1).tolist()
    except (ValueError, TypeError) as error:
        raise BrokenTensor(f"cannot be read: {error}") from None
    return tuple(flat)  # pyright: ignore[reportReturnType]  # numpy promises one element type per array


_TYPED = {"float32": "float_data", "int64": "int64_data", "float64": "double_data", "uint64": "uint64_data"}
"""Fields with one item an element."""


def _require_number(proto: onnx.TensorProto, key: str) -> int | None:
    """A number about data in another file, where there is one."""
    text = _entry(proto, key)
    if text and not (text.isascii() and text.isdecimal() and len(text) < _DIGITS):
        raise BrokenTensor(f"says that its {key} in another file is {text[:20]!r}")
    return int(text) if text else None


_DIGITS = 19
"""Of 2^63."""


def _entry(proto: onnx.TensorProto, key: str) -> str:
    return next((entry.value for entry in proto.external_data if entry.key == key), "")
