"""Input values that the user gives: checked against the file, then what they are becomes known."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from attainable.errors import InvalidQuantity
from attainable.workload.graph import Shape, Tensor
from attainable.workload.onnx.evaluation import LARGEST_RESULT
from attainable.workload.onnx.tensors import activation
from attainable.workload.shapes import Bindings

InputValue = NDArray[np.generic] | Sequence["InputValue"] | None
"""An array, the tensors of a sequence, or None for an empty optional."""

InputValues = Mapping[str, InputValue]


def with_given_shapes(
    inputs: Sequence[onnx.ValueInfoProto], shapes: Bindings, values: InputValues, *, where: str
) -> dict[str, int | Sequence[int]]:
    """The bindings with the shapes of the given arrays added.

    Raises:
        InvalidQuantity: lists each value that no input has the name, the type or the shape of.
    """
    by_name = {value.name: value for value in inputs}
    bindings = dict(shapes)
    faults: list[str] = []
    for name, value in values.items():
        declared = by_name.get(name)
        if declared is None:
            faults.append(f"no input has this name @ {name}")
            continue
        tensor = activation(name, declared.type, {})
        faults += _type_faults(tensor, value)
        if not tensor.container and isinstance(value, np.ndarray):
            stated = shapes.get(name)
            if stated is not None and _as_shape(stated) != value.shape:
                faults.append(f"the value has shape {list(value.shape)}, --shape says {stated} @ {name}")
            bindings[name] = value.shape
    if faults:
        known = ", ".join(by_name) or "none"
        raise InvalidQuantity(
            "a given value does not fit the model", where=where, faults=faults, help=f"inputs are: {known}"
        )
    return bindings


def stored_values(values: InputValues) -> list[onnx.TensorProto]:
    """The given integers that may decide shapes, as tensors of a file."""
    return [
        numpy_helper.from_array(value, name)
        for name, value in values.items()
        if isinstance(value, np.ndarray) and value.dtype.kind in "ib" and value.size <= LARGEST_RESULT
    ]


def given_tensor(tensor: Tensor, value: InputValue) -> Tensor:
    """The record of an input whose value is given: what a container holds is known."""
    if not tensor.container:
        return tensor
    if tensor.container == "optional":
        if value is None:
            return replace(tensor, parts=())
        held = Tensor(tensor.name, None, tensor.dtype, container="" if isinstance(value, np.ndarray) else "sequence")
        return replace(tensor, parts=(_part(held, value),))
    return replace(tensor, parts=_parts(tensor, value))


def _part(held: Tensor, value: InputValue) -> Tensor:
    if isinstance(value, np.ndarray):
        return replace(held, shape=tuple(value.shape), container="")
    return replace(held, parts=_parts(held, value))


def _parts(tensor: Tensor, value: InputValue) -> tuple[Tensor, ...]:
    items = () if value is None or isinstance(value, np.ndarray) else value
    return tuple(
        _part(Tensor(f"{tensor.name}[{index}]", None, tensor.dtype, container="sequence"), item)
        for index, item in enumerate(items)
    )


def _type_faults(tensor: Tensor, value: InputValue) -> list[str]:
    if value is None:
        return [] if tensor.container == "optional" else [f"only an optional can be empty @ {tensor.name}"]
    if not isinstance(value, np.ndarray):
        if not tensor.container:
            return [f"is a tensor, not a sequence @ {tensor.name}"]
        return [fault for item in value for fault in _type_faults(replace(tensor, container="optional"), item)]
    if tensor.container not in ("", "optional"):
        return [f"is a {tensor.container}, not a tensor @ {tensor.name}"]
    found = dtype_of(value)
    return [] if found == tensor.dtype else [f"is {tensor.dtype}, the value {found} @ {tensor.name}"]


def dtype_of(value: NDArray[np.generic]) -> str:
    """Our name of an array's element type."""
    if value.dtype.kind in "OUST":
        return "string"
    plain = value.dtype.name.replace("_", "")
    return _ABBREVIATED.get(plain, plain)


_ABBREVIATED = {
    "float4e2m1fn": "float4e2m1",
    "float8e8m0fnu": "float8e8m0",
    "float6e2m3fn": "float6e2m3",
    "float6e3m2fn": "float6e3m2",
}
"""Names of ml_dtypes that say more than ONNX's."""


def _as_shape(stated: int | Sequence[int]) -> Shape:
    return (stated,) if isinstance(stated, int) else tuple(stated)
