"""Packed weights: the MACs and parameters of the product of real numbers, the bytes as stored."""

from math import ceil

import pytest
from ops import Attributes, activation, constant, fused, make_op, work_of

from attainable.cost.count import count
from attainable.workload.graph import Op, Provenance, Tensor, Workload

X = activation(2, 5, 64)
FEATURES = 24


def packed(bits: int, block: int = 32) -> Tensor:
    return constant(FEATURES, ceil(64 / block), block * bits // 8, dtype="uint8")


def parameters_of(op: Op) -> tuple[int, int, int]:
    """Parameters, their bytes and the bytes of buffers of a network of one op."""
    constants = tuple(tensor for tensor in op.present_inputs if tensor.is_constant)
    inputs = tuple(tensor for tensor in op.present_inputs if not tensor.is_constant)
    provenance = Provenance("", "", "onnx", 22, 0, 0)
    totals = count(Workload("one", (op,), inputs, op.present_outputs, constants, (), provenance)).totals
    return totals.parameters, totals.parameter_bytes, totals.buffer_bytes


def n_bits(bits: int, *more: Tensor | None, features: int = 64) -> Op:
    attributes: Attributes = {"K": features, "N": FEATURES, "bits": bits, "block_size": 32}
    inputs = [X, packed(bits), constant(FEATURES, 2), *more]
    return fused("MatMulNBits", inputs, activation(2, 5, FEATURES), attributes=attributes)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_n_bits(bits: int) -> None:
    work = work_of(n_bits(bits))
    product = work_of(make_op("MatMul", [X, constant(64, FEATURES)]))
    assert work.operations == product.operations
    assert work.bytes_weight == 64 * FEATURES * bits // 8 + FEATURES * 2 * 4
    # 64 x 24 parameters in whatever bytes; scales are buffers
    assert parameters_of(n_bits(bits)) == (64 * FEATURES, 64 * FEATURES * bits // 8, FEATURES * 2 * 4)


def test_a_bias_is_free_and_a_parameter() -> None:
    op = n_bits(4, None, None, constant(FEATURES))
    assert work_of(op).operations == work_of(n_bits(4)).operations
    assert parameters_of(op)[0] == (64 + 1) * FEATURES


def test_padding_of_the_last_block_holds_no_parameters() -> None:
    """K = 40 in blocks of 32: 64 places a row, 40 of them used."""
    x = activation(5, 40)
    attributes: Attributes = {"K": 40, "N": FEATURES, "bits": 4, "block_size": 32}
    op = fused("MatMulNBits", [x, packed(4), constant(FEATURES, 2)], activation(5, FEATURES), attributes=attributes)
    assert work_of(op).macs == 5 * 40 * FEATURES
    assert parameters_of(op)[:2] == (40 * FEATURES, 64 * FEATURES // 2)


def test_attributes_that_contradict_the_shapes() -> None:
    with pytest.raises(ValueError, match="contracts 63"):
        work_of(n_bits(4, features=63))
    # a blob of 768 bytes does not hold ten thousand times more numbers
    attributes: Attributes = {"K": 64, "N": 10**9, "bits": 4, "block_size": 32}
    op = fused("MatMulNBits", [X, packed(4), constant(FEATURES, 2)], activation(2, 5, FEATURES), attributes=attributes)
    assert parameters_of(op)[0] == packed(4).elements


def test_four_bits_of_floats() -> None:
    blob, scales = constant(64 * FEATURES // 2, dtype="uint8"), constant(64 * FEATURES // 64)
    attributes: Attributes = {"K": 64, "N": FEATURES, "block_size": 64, "quant_type": 1}
    op = fused("MatMulBnb4", [X, blob, scales], activation(2, 5, FEATURES), attributes=attributes)
    assert work_of(op).macs == 2 * 5 * 64 * FEATURES
    assert parameters_of(op)[:2] == (64 * FEATURES, 64 * FEATURES // 2)
    back = fused("MatMulBnb4", [activation(2, 5, FEATURES), blob, scales], X, attributes={**attributes, "transB": 0})
    assert work_of(back).macs == 2 * 5 * 64 * FEATURES


def test_blob_with_scales_inside() -> None:
    blob = constant(FEATURES * 2 * (16 + 4), dtype="uint8")
    shape = constant(2, dtype="int64", value=(64, FEATURES))
    op = fused("MatMulFpQ4", [X, blob, shape], activation(2, 5, FEATURES), attributes={"blk_quant_type": 0})
    assert work_of(op).macs == 2 * 5 * 64 * FEATURES
    assert parameters_of(op)[:2] == (64 * FEATURES, blob.elements)


def test_blocks_of_float8_and_float4() -> None:
    half = activation(2, 5, 64, dtype="float16")
    y = activation(2, 5, FEATURES, dtype="float16")
    weights = constant(FEATURES, 64, dtype="float8e4m3fn")
    op = fused("MatMulBlockQuantizedFp8Weight", [half, weights, constant(FEATURES, 1)], y)
    assert work_of(op).operations == (("matrix", "float16", 2 * 10 * 64 * FEATURES),)
    scaled = fused("MatMulBlockQuantizedFp8Weight", [half, weights, constant(FEATURES, 1), constant()], y)
    assert work_of(scaled).total_operations - work_of(op).total_operations == 2 * half.elements
    assert parameters_of(op)[0] == 64 * FEATURES
    weights = constant(FEATURES, 32, dtype="uint8")
    scales = [constant(FEATURES, 4, dtype="uint8"), constant()]
    op = fused("MatMulBlockQuantizedFp4Weight", [half, weights, *scales], y)
    assert work_of(op).macs == 10 * 64 * FEATURES
    assert parameters_of(op)[:2] == (64 * FEATURES, 32 * FEATURES)


def test_three_products_after_normalisation() -> None:
    weights: list[Tensor | None] = []
    for features in (24, 8, 8):
        weights += [constant(features, 2, 16, dtype="uint8"), constant(features, 2), constant(features)]
    attributes: Attributes = {"K": 64, "Nq": 24, "Nkv": 8, "bits": 4, "block_size": 32}
    op = fused("MatMulNBitsQkv", [X, None, constant(64), *weights], activation(2, 5, 24), attributes=attributes)
    norm = make_op("RMSNormalization", [X, constant(64)], opset=23)
    products = 2 * X.elements * (24 + 8 + 8)
    assert work_of(op).total_operations == products + work_of(norm).total_operations
    assert parameters_of(op)[0] == 64 + (64 + 1) * (24 + 8 + 8)
    skip = fused("MatMulNBitsQkv", [X, activation(2, 5, 64), constant(64), *weights], activation(2, 5, 24),
                 attributes=attributes)  # fmt: skip
    assert work_of(skip).total_operations - work_of(op).total_operations == X.elements


def test_two_gated_products() -> None:
    weights: list[Tensor | None] = []
    for _ in range(2):
        weights += [packed(4), constant(FEATURES, 2), None]
    attributes: Attributes = {"K": 64, "N": FEATURES, "bits": 4, "block_size": 32, "activation": "silu"}
    y = activation(2, 5, FEATURES)
    op = fused("MatMulNBitsMlp", [X, None, None, *weights], y, attributes=attributes)
    # sigmoid, product, product with the other
    assert work_of(op).total_operations == 2 * 2 * X.elements * FEATURES + 3 * y.elements
    assert parameters_of(op)[0] == 2 * 64 * FEATURES
    norm = make_op("RMSNormalization", [X, constant(64)], opset=23)
    normalized = fused("MatMulNBitsMlp", [X, None, constant(64), *weights], y, attributes=attributes)
    assert work_of(normalized).total_operations - work_of(op).total_operations == work_of(norm).total_operations


def test_rows_of_a_packed_table() -> None:
    """6 of 100 rows of 64 elements in 32 bytes, with 2 scales a row; each element is shifted and scaled."""
    table, scales = constant(100, 32, dtype="uint8"), constant(100, 2)
    y = activation(6, 64)
    op = fused("GatherBlockQuantized", [table, activation(6, dtype="int64"), scales], y,
               attributes={"bits": 4, "block_size": 32, "quantize_axis": 1})  # fmt: skip
    assert work_of(op).operations == (("vector", "float32", 2 * 6 * 64),)
    assert work_of(op).bytes_weight == 6 * 32 + 6 * 2 * 4
    assert parameters_of(op) == (100 * 64, 100 * 32, 100 * 2 * 4)
    signed = fused("GatherBlockQuantized", [constant(100, 64, dtype="int4"), activation(6, dtype="int64"), scales], y)
    assert work_of(signed).operations == (("vector", "float32", 6 * 64),)
    assert parameters_of(signed)[:2] == (100 * 64, 100 * 32)
