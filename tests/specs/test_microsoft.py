"""Fused operators of ONNX Runtime cost what the operators cost that they stand for."""

import pytest
from ops import Attributes, activation, constant, fused, make_op, scalar, work_of

from attainable.workload.graph import Op, Tensor

ROW = activation(2, 5, 8)
FEATURES = constant(8)
IMAGE = activation(1, 4, 6, 6)


def operations(*ops: Op) -> int:
    return sum(work_of(op).total_operations for op in ops)


@pytest.mark.parametrize(
    ("kind", "opset"),
    [
        ("Relu", 14), ("Sigmoid", 13), ("Tanh", 13), ("LeakyRelu", 16), ("Softplus", 22), ("Softsign", 22), ("Elu", 22),
        ("HardSigmoid", 22), ("HardSwish", 22), ("Gelu", 20), ("Selu", 22),
    ],
)  # fmt: skip
def test_fused_activations(kind: str, opset: int) -> None:
    """A fused activation costs what it costs on its own."""
    inputs: list[Tensor | None] = [IMAGE, constant(3, 4, 3, 3), constant(3)]
    conv = make_op("Conv", inputs)
    alone = make_op(kind, [activation(*conv.output.dims)], opset=opset)
    assert operations(fused("FusedConv", inputs, conv.output, attributes={"activation": kind})) == operations(
        conv, alone
    )


def test_fused_clip_has_both_bounds() -> None:
    inputs: list[Tensor | None] = [IMAGE, constant(3, 4, 3, 3)]
    conv = make_op("Conv", inputs)
    clip = make_op("Clip", [activation(*conv.output.dims), scalar(0.0), scalar(6.0)])
    assert operations(fused("FusedConv", inputs, conv.output, attributes={"activation": "Clip"})) == operations(
        conv, clip
    )


def test_fused_sum() -> None:
    inputs: list[Tensor | None] = [IMAGE, constant(3, 4, 3, 3), constant(3)]
    conv = make_op("Conv", inputs)
    other = activation(*conv.output.dims)
    add = make_op("Add", [activation(*conv.output.dims), other])
    relu = make_op("Relu", [activation(*conv.output.dims)])
    with_sum = fused("FusedConv", [*inputs, other], conv.output, attributes={"activation": "Relu"})
    assert operations(with_sum) == operations(conv, add, relu)
    # the sum is never written: input, other input and output move once
    assert work_of(with_sum).bytes_activation_in == IMAGE.bytes + other.bytes
    assert work_of(with_sum).bytes_activation_out == conv.output.bytes


def test_an_unknown_activation_is_not_counted() -> None:
    with pytest.raises(ValueError, match="Secret"):
        operations(fused("FusedConv", [IMAGE, constant(3, 4, 3, 3)], IMAGE, attributes={"activation": "Secret"}))


@pytest.mark.parametrize(
    ("left", "right", "attributes", "output", "count"),
    [
        ((7, 2, 3), (7, 3, 5), {}, (7, 2, 5), 2 * 7 * 2 * 3 * 5),
        ((7, 3, 2), (7, 3, 5), {"transA": 1}, (7, 2, 5), 2 * 7 * 2 * 3 * 5),
        ((7, 2, 3), (7, 5, 3), {"transB": 1, "alpha": 0.125}, (7, 2, 5), 2 * 7 * 2 * 3 * 5 + 70),
        ((2, 7, 3), (7, 3, 5), {"transBatchA": 1}, (7, 2, 5), 2 * 7 * 2 * 3 * 5),
        ((3, 7, 2), (7, 3, 5), {"transBatchA": 1, "transA": 1}, (7, 2, 5), 2 * 7 * 2 * 3 * 5),
    ],
)
def test_fused_matmul(
    left: tuple[int, ...], right: tuple[int, ...], attributes: Attributes, output: tuple[int, ...], count: int
) -> None:
    op = fused("FusedMatMul", [activation(*left), activation(*right)], activation(*output), attributes=attributes)
    assert operations(op) == count


def test_fused_gemm() -> None:
    inputs: list[Tensor | None] = [activation(4, 3), constant(3, 5), constant(5)]
    gemm = make_op("Gemm", inputs, attributes={"alpha": 0.5})
    relu = make_op("Relu", [activation(4, 5)])
    attributes: Attributes = {"alpha": 0.5, "activation": "Relu"}
    assert operations(fused("FusedGemm", inputs, gemm.output, attributes=attributes)) == operations(gemm, relu)


def test_skip_layer_normalization() -> None:
    add = make_op("Add", [ROW, activation(2, 5, 8)])
    add_bias = make_op("Add", [ROW, FEATURES])
    whole = make_op("LayerNormalization", [ROW, FEATURES, constant(8)])
    skip = activation(2, 5, 8)
    without_bias = fused("SkipLayerNormalization", [ROW, skip, FEATURES, constant(8)], ROW)
    assert operations(without_bias) == operations(add, whole)
    with_bias = fused("SkipLayerNormalization", [ROW, skip, FEATURES, constant(8), constant(8)], ROW)
    assert operations(with_bias) == operations(add, add_bias, whole)
    without_beta = fused("SkipLayerNormalization", [ROW, skip, FEATURES], ROW)
    assert operations(without_beta) == operations(add, make_op("LayerNormalization", [ROW, FEATURES]))


def test_skip_root_mean_square_normalization() -> None:
    add, skip = make_op("Add", [ROW, activation(2, 5, 8)]), activation(2, 5, 8)
    whole = make_op("RMSNormalization", [ROW, FEATURES], opset=23)
    assert operations(fused("SkipSimplifiedLayerNormalization", [ROW, skip, FEATURES], ROW)) == operations(add, whole)
    with_bias = fused("SkipSimplifiedLayerNormalization", [ROW, skip, FEATURES, constant(8)], ROW)
    assert operations(with_bias) == operations(add, make_op("Add", [ROW, FEATURES]), whole)


def test_gelus() -> None:
    add = make_op("Add", [ROW, FEATURES])
    gelu, approximated = make_op("Gelu", [ROW]), make_op("Gelu", [ROW], attributes={"approximate": "tanh"})
    assert operations(fused("Gelu", [ROW], ROW)) == operations(gelu)
    assert operations(fused("BiasGelu", [ROW, FEATURES], ROW)) == operations(add, gelu)
    assert operations(fused("FastGelu", [ROW], ROW)) == operations(approximated)
    assert operations(fused("FastGelu", [ROW, FEATURES], ROW)) == operations(add, approximated)
    swish = make_op("Swish", [ROW], attributes={"alpha": 1.702}, opset=24)
    assert operations(fused("QuickGelu", [ROW], ROW)) == operations(swish)


def test_product_with_activation() -> None:
    left, right, y = activation(7, 2, 3), activation(7, 3, 5), activation(7, 2, 5)
    product, relu = make_op("MatMul", [left, right]), make_op("Relu", [y])
    op = fused("FusedMatMulActivation", [left, right], y, attributes={"activation": "Relu"})
    assert operations(op) == operations(product, relu)
    assert operations(fused("TransposeMatMul", [left, right], y)) == operations(product)
    gelu = fused("FastGelu", [y, constant(5)], y)
    assert operations(fused("GemmFastGelu", [left, right, constant(5)], y)) == operations(product, gelu)


def test_sparse_product_is_counted_as_dense() -> None:
    op = fused("SparseToDenseMatMul", [activation(4, 3), activation(3, 5)], activation(4, 5), attributes={"alpha": 0.5})
    assert operations(op) == 2 * 4 * 3 * 5 + 20


def test_float8_product() -> None:
    a, b = activation(4, 3, dtype="float8e4m3fn"), constant(5, 3, dtype="float8e4m3fn")
    y = activation(4, 5, dtype="float16")
    plain = fused("GemmFloat8", [a, b], y, attributes={"transB": 1})
    assert work_of(plain).operations == (("matrix", "float8e4m3fn", 2 * 4 * 3 * 5),)
    # one factor for both operands, one for the result, and the comparison of Relu
    scaled = fused("GemmFloat8", [a, b, None, constant(), constant(), constant()], y,
                   attributes={"transB": 1, "activation": "RELU"})  # fmt: skip
    assert operations(scaled) - operations(plain) == 3 * 20


def test_fused_gemm_with_a_scaled_activation() -> None:
    """beta times an activation is one operation per element of it, as in Gemm."""
    inputs: list[Tensor | None] = [activation(4, 3), constant(3, 5), activation(5)]
    gemm = make_op("Gemm", inputs, attributes={"alpha": 0.5, "beta": 0.5})
    op = fused("FusedGemm", inputs, gemm.output, attributes={"alpha": 0.5, "beta": 0.5})
    assert operations(op) == operations(gemm) == 2 * 4 * 3 * 5 + 4 * 5 + 5


def test_alpha_and_the_scales_of_both_operands_are_one_factor() -> None:
    a, b = activation(4, 3, dtype="float8e4m3fn"), constant(5, 3, dtype="float8e4m3fn")
    attributes: Attributes = {"transB": 1, "alpha": 0.5}
    op = fused("GemmFloat8", [a, b, None, constant(), constant()], activation(4, 5), attributes=attributes)
    assert operations(op) == 2 * 4 * 3 * 5 + 4 * 5
