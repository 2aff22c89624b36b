"""Quantised operators of ONNX Runtime cost what DequantizeLinear, the operator and QuantizeLinear cost."""

from collections.abc import Sequence

import pytest
from ops import Attributes, activation, constant, fused, make_op, work_of

from attainable.workload.graph import Op, Tensor

X = activation(2, 4, 6, 6, dtype="uint8")
SCALE, ZERO = constant(), constant(dtype="uint8")


def operations(*ops: Op) -> int:
    return sum(work_of(op).total_operations for op in ops)


def dequantize(x: Tensor) -> Op:
    return make_op("DequantizeLinear", [x, SCALE, ZERO])


def quantize(*shape: int) -> Op:
    return make_op("QuantizeLinear", [activation(*shape), SCALE, ZERO])


def real(kind: str, *inputs: Tensor, attributes: Attributes | None = None, opset: int = 22) -> Op:
    return make_op(kind, [activation(*tensor.dims) for tensor in inputs], attributes=attributes, opset=opset)


@pytest.mark.parametrize(
    ("kind", "default", "attributes"),
    [
        ("QLinearSigmoid", "Sigmoid", {}),
        ("QLinearLeakyRelu", "LeakyRelu", {"alpha": 0.1}),
        ("QLinearSoftmax", "Softmax", {"axis": -1}),
        ("QLinearAveragePool", "AveragePool", {"kernel_shape": (3, 3)}),
        ("QLinearGlobalAveragePool", "GlobalAveragePool", {}),
    ],
)
def test_one_operand(kind: str, default: str, attributes: Attributes) -> None:
    alone = real(default, X, attributes=attributes)
    y = activation(*alone.output.dims, dtype="uint8")
    more = {"opset": 13} if kind == "QLinearSoftmax" else {}
    op = fused(kind, [X, SCALE, ZERO, SCALE, ZERO], y, attributes={**attributes, **more})
    assert operations(op) == operations(dequantize(X), alone, quantize(*y.dims))
    # all in real numbers, while single bytes move
    assert [row[:2] for row in work_of(op).operations] == [("vector", "float32")]
    assert work_of(op).bytes_activation_in == X.elements
    assert work_of(op).bytes_activation_out == y.elements


def test_rows_of_softmax_before_opset_13() -> None:
    y = activation(*X.dims, dtype="uint8")
    op = fused("QLinearSoftmax", [X, SCALE, ZERO, SCALE, ZERO], y, attributes={"axis": 1, "opset": 11})
    alone = real("Softmax", X, attributes={"axis": 1}, opset=11)
    assert operations(op) == operations(dequantize(X), alone, quantize(*y.dims))


def test_mean() -> None:
    alone = make_op("ReduceMean", [activation(*X.dims), constant(2, dtype="int64", value=(2, 3))])
    op = fused("QLinearReduceMean", [X, SCALE, ZERO, SCALE, ZERO], activation(2, 4, 1, 1, dtype="uint8"),
               attributes={"axes": (2, 3)})  # fmt: skip
    assert operations(op) == operations(dequantize(X), alone, quantize(2, 4, 1, 1))


@pytest.mark.parametrize(("kind", "default"), [("QLinearAdd", "Add"), ("QLinearMul", "Mul")])
def test_two_operands(kind: str, default: str) -> None:
    row, y = activation(6, dtype="uint8"), activation(*X.dims, dtype="uint8")
    alone = real(default, X, row)
    op = fused(kind, [X, SCALE, ZERO, row, SCALE, ZERO, SCALE, ZERO], y)
    assert operations(op) == operations(dequantize(X), dequantize(row), alone, quantize(*X.dims))
    # 144 x 2 to make real numbers of one operand, 6 x 2 of the other, 288 results, 5 each to quantise them
    assert operations(op) == X.elements * (2 + 1 + 5) + 6 * 2
    known = fused(kind, [X, SCALE, ZERO, constant(6, dtype="uint8"), SCALE, ZERO, SCALE, ZERO], y)
    assert operations(known) == X.elements * (2 + 1 + 5)
    symmetric = fused(kind, [X, SCALE, None, row, SCALE, None, SCALE, None], y)
    assert operations(symmetric) == X.elements * (1 + 1 + 4) + 6


def test_selections() -> None:
    other, y = activation(2, 4, 6, 6, dtype="uint8"), activation(2, 8, 6, 6, dtype="uint8")
    op = fused("QLinearConcat", [SCALE, ZERO, X, SCALE, ZERO, other, SCALE, ZERO], y, attributes={"axis": 1})
    assert operations(op) == operations(dequantize(X), dequantize(other), quantize(*y.dims))
    condition = activation(2, 4, 6, 6, dtype="bool")
    inputs: Sequence[Tensor] = [condition, X, SCALE, ZERO, other, SCALE, ZERO, SCALE, ZERO]
    op = fused("QLinearWhere", inputs, activation(*X.dims, dtype="uint8"))
    assert operations(op) == operations(dequantize(X), dequantize(other), quantize(*X.dims))


def test_ordered_layouts_are_symmetric() -> None:
    x, features = activation(2, 5, 8, dtype="int8"), constant(8)
    y = activation(2, 5, 8, dtype="int8")
    to_real = make_op("DequantizeLinear", [x, SCALE])
    to_integer = make_op("QuantizeLinear", [activation(2, 5, 8), SCALE])
    gelu = make_op("Gelu", [activation(2, 5, 8)])
    assert operations(fused("QOrderedGelu", [x, SCALE, SCALE], y)) == operations(to_real, gelu, to_integer)
    norm = make_op("LayerNormalization", [activation(2, 5, 8), features, features])
    op = fused("QOrderedLayerNormalization", [x, SCALE, features, features, SCALE], y)
    assert operations(op) == operations(to_real, norm, to_integer)
    real_x = activation(2, 5, 8)
    assert operations(fused("QuantizeWithOrder", [real_x, SCALE], y)) == operations(to_integer)
    assert operations(fused("DequantizeWithOrder", [x, SCALE], real_x)) == operations(to_real)


def test_quantize_and_dequantize_are_those_of_the_default_domain() -> None:
    real_x = activation(*X.dims)
    assert operations(fused("QuantizeLinear", [real_x, SCALE, ZERO], X)) == operations(quantize(*X.dims))
    assert operations(fused("DequantizeLinear", [X, SCALE, ZERO], real_x)) == operations(dequantize(X))


def test_block_floating_point() -> None:
    real_x, stored = activation(4, 16), activation(80, dtype="uint8")
    # absolute value, comparison with the largest of the block, division, rounding
    assert operations(fused("QuantizeBFP", [real_x], stored)) == 4 * 64
    shape = activation(2, dtype="int64")
    assert operations(fused("DequantizeBFP", [stored, shape, shape], real_x)) == 64


def test_products_and_sums_of_integers() -> None:
    zero = constant(dtype="uint8")
    op = fused("MulInteger", [X, zero, activation(6, dtype="uint8"), zero], activation(*X.dims, dtype="int32"))
    # two differences and a product
    assert work_of(op).operations == (("vector", "uint8", X.elements + 6 + X.elements),)
    op = fused("MulInteger", [X, None, constant(6, dtype="uint8"), zero], activation(*X.dims, dtype="int32"))
    assert work_of(op).operations == (("vector", "uint8", X.elements),)
    op = fused("ReduceSumInteger", [X], activation(2, 4, dtype="int32"), attributes={"axes": (2, 3)})
    assert work_of(op).operations == (("vector", "int32", 8 * 35),)
