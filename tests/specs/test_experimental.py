"""Operators that left ONNX with opset 10."""

import pytest
from ops import activation, integers, work_of

from attainable.cost.work import Work
from attainable.workload.graph import Op, Tensor

X = activation(2, 3, 4, 4)
FULL = Tensor("full", (2, 3, 4, 4), "float32")


def op(kind: str, *inputs: Tensor, output: Tensor = FULL) -> Op:
    return Op("0", "", kind, "", 9, inputs, (output,))


@pytest.mark.parametrize(
    ("kind", "per_element"),
    # alpha x; alpha x + beta; alpha tanh(beta x); alpha log(exp(beta x) + 1)
    [("Scale", 1), ("Affine", 2), ("ImageScaler", 2), ("ScaledTanh", 3), ("ParametricSoftplus", 5)],
)
def test_elementwise(kind: str, per_element: int) -> None:
    assert work_of(op(kind, X)).total_operations == per_element * 96
    assert work_of(op(kind, X)).bytes_moved == 2 * 384


def test_movement() -> None:
    half = Tensor("half", (2, 3, 4, 2), "float32")
    assert work_of(op("Crop", X, output=half)) == Work(bytes_activation_in=192, bytes_activation_out=192)
    sliced = work_of(op("DynamicSlice", X, integers(0), integers(2), output=half))
    assert sliced == Work(bytes_activation_in=192, bytes_weight=16, bytes_activation_out=192)
    assert work_of(op("GivenTensorFill", output=half)) == Work(bytes_activation_out=192)
    for kind in ("MemcpyFromHost", "MemcpyToHost"):
        assert work_of(op(kind, X)) == Work(bytes_activation_in=384, bytes_activation_out=384)
