"""Activation functions and sums of ONNX Runtime cost what the operators cost that they stand for."""

from ops import activation, constant, fused, make_op, scalar, work_of

from attainable.workload.graph import Op

X = activation(2, 5, 8)
FEATURES = constant(8)


def operations(*ops: Op) -> int:
    return sum(work_of(op).total_operations for op in ops)


def test_scaled_sigmoid_linear_unit() -> None:
    swish = make_op("Swish", [X], attributes={"alpha": 0.5}, opset=24)
    assert operations(fused("ScaledSiLU", [X], X, attributes={"alpha": 0.5})) == operations(swish)
    assert operations(fused("ScaledSiLU", [X, constant()], X)) == operations(swish)


def test_split_gelu() -> None:
    half = activation(2, 5, 4)
    steps = [make_op("Add", [X, FEATURES]), make_op("Gelu", [half]), make_op("Mul", [half, half])]
    assert operations(fused("BiasSplitGelu", [X, FEATURES], half)) == operations(*steps)


def test_sums() -> None:
    add = make_op("Add", [X, X])
    assert operations(fused("BiasAdd", [X, FEATURES, activation(2, 5, 8)], X)) == 2 * operations(add)
    multiply = make_op("Mul", [X, activation(2, 5, 1)])
    gated = fused("GatedAdd", [X, activation(2, 5, 8), activation(2, 5, 1)], X)
    assert operations(gated) == operations(multiply, add)


def test_dropout() -> None:
    """Nothing in inference but the sums around it."""
    add, ratio = make_op("Add", [X, FEATURES]), scalar(0.5)
    assert operations(fused("BiasDropout", [X, FEATURES], X)) == operations(add)
    assert operations(fused("BiasDropout", [X, FEATURES, X], X)) == 2 * operations(add)
    training = make_op("Dropout", [X, ratio, scalar(True)])
    op = fused("BitmaskBiasDropout", [X, FEATURES, None, ratio, scalar(True)], X)
    assert operations(op) == operations(add, training)
    assert operations(fused("BitmaskDropout", [X], X)) == 0
    assert operations(fused("BitmaskDropout", [X, ratio, scalar(True)], X)) == operations(training)


def test_softmax_of_sum() -> None:
    """A row is the axis and all after it: 2 x 5 rows of 8, or 2 rows of 40."""
    add = make_op("Add", [X, activation(1, 1, 8)])
    last = make_op("Softmax", [X])
    op = fused("BiasSoftmax", [X, activation(1, 1, 8)], X, attributes={"axis": 2, "is_inner_broadcast": 0})
    assert operations(op) == operations(add, last)
    both = make_op("Softmax", [X], attributes={"axis": 1}, opset=11)
    op = fused("BiasSoftmax", [X, activation(1, 1, 8)], X, attributes={"axis": 1, "is_inner_broadcast": 0})
    assert operations(op) == operations(add, both)
