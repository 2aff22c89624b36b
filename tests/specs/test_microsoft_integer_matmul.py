"""Integer products of ONNX Runtime have the MACs of the product of real numbers that they stand for."""

from ops import activation, constant, fused, make_op, work_of

from attainable.workload.graph import Op, Tensor

A, B = activation(2, 5, 8, dtype="uint8"), constant(8, 3, dtype="int8")
SCALE, ZERO = constant(), constant(dtype="uint8")
MACS = 2 * 5 * 8 * 3
OUTPUTS = 2 * 5 * 3


def operations(*ops: Op) -> int:
    return sum(work_of(op).total_operations for op in ops)


def test_sixteen_bits() -> None:
    op = fused("MatMulInteger16", [activation(2, 5, 8, dtype="int16"), constant(8, 3, dtype="int16")],
               activation(2, 5, 3, dtype="int32"))  # fmt: skip
    assert work_of(op).operations == (("matrix", "int16", 2 * MACS),)


def test_product_to_float() -> None:
    """MatMulInteger, the product of the scales, and a product and a sum per output."""
    scale_of_a = activation()
    op = fused("MatMulIntegerToFloat", [A, B, scale_of_a, SCALE, ZERO, None, constant(3)], activation(2, 5, 3))
    integers = make_op("MatMulInteger", [A, B, ZERO])
    scales = make_op("Mul", [scale_of_a, SCALE])
    scaled = make_op("Mul", [activation(2, 5, 3), activation()])
    biased = make_op("Add", [activation(2, 5, 3), constant(3)])
    assert operations(op) == operations(integers, scales, scaled, biased)
    assert work_of(op).operations == (
        ("matrix", "uint8", 2 * MACS),
        ("vector", "float32", 1 + 2 * OUTPUTS),
        ("vector", "uint8", A.elements),
    )
    known = fused("MatMulIntegerToFloat", [A, B, SCALE, SCALE], activation(2, 5, 3))
    assert operations(known) == 2 * MACS + OUTPUTS


def test_dynamically_quantized_product() -> None:
    x = activation(2, 5, 8)
    op = fused("DynamicQuantizeMatMul", [x, B, SCALE, None, constant(3)], activation(2, 5, 3))
    quantised = make_op("DynamicQuantizeLinear", [x], outputs=3)
    integers = fused("MatMulIntegerToFloat", [A, B, activation(), SCALE, ZERO, None, constant(3)], activation(2, 5, 3))
    assert operations(op) == operations(quantised, integers)
    assert work_of(op).macs == MACS
    assert work_of(op).bytes_weight == 24 + 4 + 12


def test_general_product() -> None:
    a, b = activation(5, 8, dtype="uint8"), constant(3, 8, dtype="uint8")
    bias = constant(3, dtype="int32")
    attributes = {"transB": 1}
    inputs: list[Tensor | None] = [a, SCALE, ZERO, b, SCALE, ZERO, bias]
    quantised = fused("QGemm", [*inputs, SCALE, ZERO], activation(5, 3, dtype="uint8"), attributes=attributes)
    # zero points of 40 elements; 15 outputs of 8 MACs, scaled, rounded, shifted and compared twice
    assert work_of(quantised).operations == (("matrix", "uint8", 2 * 120), ("vector", "uint8", 40 + 5 * 15))
    real = fused("QGemm", inputs, activation(5, 3), attributes=attributes)
    assert operations(real) == 2 * 120 + 40 + 15
    product = make_op("QLinearMatMul", [a, SCALE, ZERO, constant(8, 3, dtype="uint8"), SCALE, ZERO, SCALE, ZERO])
    assert operations(quantised) == operations(product)


def test_ordered_product() -> None:
    a, b = activation(2, 5, 8, dtype="int8"), constant(8, 3, dtype="int8")
    y = activation(2, 5, 3, dtype="int8")
    plain = fused("QOrderedMatMul", [a, SCALE, b, SCALE, SCALE], y)
    # scaled, rounded and compared twice
    assert work_of(plain).operations == (("matrix", "int8", 2 * MACS), ("vector", "int8", 4 * OUTPUTS))
    third = activation(2, 5, 3, dtype="int8")
    more = fused("QOrderedMatMul", [a, SCALE, b, SCALE, SCALE, constant(3), third, SCALE], y)
    assert operations(more) - operations(plain) == 3 * OUTPUTS
