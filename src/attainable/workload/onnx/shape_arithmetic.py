"""The operators that exporters compute shapes with, on numpy arrays.

onnx's reference implementation takes a quarter of a millisecond for a node and lacks old versions of some of them.
"""

import operator
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

Array = NDArray[np.generic]
Integers = NDArray[np.int64]
Arithmetic = Callable[[onnx.NodeProto, Sequence[Array]], Array | None]
"""From a node and its inputs, none of them omitted, to its first output."""


def _binary(function: Callable[[Integers, Integers], Integers]) -> Arithmetic:
    def result(node: onnx.NodeProto, inputs: Sequence[Array]) -> Array | None:
        del node
        first, second = inputs
        return function(cast("Integers", first), cast("Integers", second))

    return result


def _div(node: onnx.NodeProto, inputs: Sequence[Array]) -> Array | None:
    """Integers are cut off towards zero, as in C."""
    del node
    first, second = cast("list[Integers]", list(inputs))
    if first.dtype.kind not in "iu":
        return first / second
    if not second.all():
        return None
    quotient = np.abs(first) // np.abs(second)
    return (np.sign(first) * np.sign(second) * quotient).astype(first.dtype)


def _gather(node: onnx.NodeProto, inputs: Sequence[Array]) -> Array | None:
    table, indices = inputs
    return np.take(table, cast("Integers", indices), axis=_attribute(node, "axis", 0))


def _concat(node: onnx.NodeProto, inputs: Sequence[Array]) -> Array | None:
    return np.concatenate(inputs, axis=_attribute(node, "axis", 1))


def _unsqueeze(node: onnx.NodeProto, inputs: Sequence[Array]) -> Array | None:
    axes = _axes(node, inputs)
    return None if axes is None else np.expand_dims(inputs[0], axes)


def _squeeze(node: onnx.NodeProto, inputs: Sequence[Array]) -> Array | None:
    return np.squeeze(inputs[0], _axes(node, inputs))


def _cast(node: onnx.NodeProto, inputs: Sequence[Array]) -> Array | None:
    return inputs[0].astype(helper.tensor_dtype_to_np_dtype(_attribute(node, "to", 1)))


def _identity(node: onnx.NodeProto, inputs: Sequence[Array]) -> Array | None:
    del node
    return inputs[0]


def _axes(node: onnx.NodeProto, inputs: Sequence[Array]) -> tuple[int, ...] | None:
    """Axes are an input since opset 13, an attribute before."""
    if len(inputs) > 1:
        return tuple(int(axis) for axis in cast("Integers", inputs[1]).reshape(-1))
    return next((tuple(attribute.ints) for attribute in node.attribute if attribute.name == "axes"), None)


def _attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == name), default)


ARITHMETIC: dict[str, Arithmetic] = {
    "Add": _binary(operator.add),
    "Sub": _binary(operator.sub),
    "Mul": _binary(operator.mul),
    "Div": _div,
    "Gather": _gather,
    "Concat": _concat,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Cast": _cast,
    "Identity": _identity,
}
"""By operator."""
