"""Normalisation of ONNX Runtime costs its sums, its look-ups and the normalisation of the default domain."""

from dataclasses import replace

from ops import Attributes, activation, constant, fused, make_op, with_outputs, work_of

from attainable.workload.graph import Op, Tensor

ROW = activation(2, 5, 8)
FEATURES = constant(8)


def operations(*ops: Op) -> int:
    return sum(work_of(op).total_operations for op in ops)


def layer(x: Tensor = ROW) -> Op:
    return make_op("LayerNormalization", [x, FEATURES, FEATURES])


def root_mean_square(*shape: int) -> Op:
    return make_op("RMSNormalization", [activation(*shape), constant(shape[-1])], opset=23)


def test_groups_of_channels() -> None:
    x = activation(2, 6, 6, 8)
    first = activation(2, 8, 6, 6)
    default = make_op("GroupNormalization", [first, FEATURES, FEATURES], attributes={"num_groups": 4})
    default = with_outputs(default, [(first.dims, "float32")])
    op = fused("GroupNorm", [x, FEATURES, FEATURES], x, attributes={"groups": 4, "channels_last": 1})
    assert operations(op) == operations(default)
    sigmoid, product = make_op("Sigmoid", [x]), make_op("Mul", [x, x])
    op = fused("GroupNorm", [x, FEATURES, FEATURES], x, attributes={"groups": 4, "activation": 1})
    assert operations(op) == operations(default, sigmoid, product)
    add, add_bias = make_op("Add", [x, activation(2, 1, 1, 8)]), make_op("Add", [x, FEATURES])
    inputs = [x, FEATURES, FEATURES, activation(2, 1, 1, 8), FEATURES]
    op = fused("SkipGroupNorm", inputs, x, attributes={"groups": 4})
    assert operations(op) == operations(default, add, add_bias)


def test_embedding() -> None:
    """Three vectors are added, two of them to the first, then layer normalisation."""
    ids, tables = activation(2, 5, dtype="int32"), [constant(100, 8), constant(64, 8), constant(2, 8)]
    inputs: list[Tensor | None] = [ids, activation(2, 5, dtype="int32"), *tables, FEATURES, FEATURES]
    op = fused("EmbedLayerNormalization", inputs, ROW)
    assert operations(op) == operations(make_op("Add", [ROW, ROW]), make_op("Add", [ROW, ROW]), layer())
    # 10 rows for 10 words, 5 for the positions, both segments; scale and shift are one tensor
    assert work_of(op).bytes_weight == (10 + 5 + 2 + 1) * 8 * 4
    masked = fused("EmbedLayerNormalization", [*inputs, activation(2, 5, dtype="int32")], ROW)
    # counting the words of a sentence takes one addition fewer than there are
    assert work_of(masked).operations == (("vector", "float32", operations(op)), ("vector", "int32", 2 * 4))
    without_segments = fused("EmbedLayerNormalization", [ids, None, *tables[:2], None, FEATURES, FEATURES], ROW)
    assert operations(op) - operations(without_segments) == ROW.elements


def test_quantized_embedding() -> None:
    """Each element that is looked up is shifted and scaled."""
    ids = activation(2, 5, dtype="int32")
    tables = [constant(rows, 8, dtype="uint8") for rows in (100, 64, 2)]
    scale, zero = constant(), constant(dtype="uint8")
    features = constant(8, dtype="uint8")
    inputs = [ids, ids, *tables, features, features, None, *[scale] * 5, *[zero] * 5]
    op = fused("QEmbedLayerNormalization", inputs, ROW)
    plain = fused("EmbedLayerNormalization", [ids, ids, *tables, FEATURES, FEATURES], ROW)
    assert operations(op) == operations(plain) + 3 * 2 * ROW.elements


def test_branches() -> None:
    grouped = activation(2, 5, 4, 8)
    default = root_mean_square(2, 5, 4, 8)
    assert operations(fused("BranchwiseRMSNorm", [grouped, FEATURES], grouped)) == operations(default)
    flat = activation(2, 5, 32)
    op = fused("BranchwiseRMSNorm", [flat, FEATURES], flat, attributes={"num_branches": 4})
    assert operations(op) == operations(default)
    unscaled = fused("BranchwiseRMSNorm", [grouped], grouped)
    assert operations(unscaled) == operations(default) - grouped.elements


def test_gated_normalization() -> None:
    """Groups of 8 of 32 elements; the gate takes a sigmoid, for silu a product, and the product with the result."""
    x = activation(2, 5, 32)
    default = root_mean_square(2, 5, 4, 8)
    sigmoid, product = make_op("Sigmoid", [x]), make_op("Mul", [x, x])
    attributes: Attributes = {"activation": "sigmoid"}
    op = fused("GatedRMSNorm", [x, FEATURES, activation(2, 5, 32)], x, attributes=attributes)
    assert operations(op) == operations(default, sigmoid, product)
    silu = fused("GatedRMSNorm", [x, FEATURES, activation(2, 5, 32)], x)
    assert operations(silu) == operations(default, sigmoid, product, product)


def test_engram_gate() -> None:
    """``gate = sigmoid(sign(dot) * sqrt(max(abs(dot), tiny)))``, with all steps spelled out."""
    key, value = activation(2, 5, 3, 8), activation(2, 5, 8)
    dots = activation(2, 5, 3)
    normalized = root_mean_square(2, 5, 3, 8)
    axes = constant(1, dtype="int64", value=(-1,))
    steps = [
        normalized, normalized,
        make_op("Mul", [key, key]), make_op("ReduceSum", [key, axes]), make_op("Div", [dots, constant()]),
        make_op("Abs", [dots]), make_op("Max", [dots, constant()]), make_op("Sqrt", [dots]),
        make_op("Sign", [dots]), make_op("Mul", [dots, dots]), make_op("Sigmoid", [dots]),
        make_op("Mul", [activation(2, 5, 3, 1), activation(2, 5, 1, 8)]),
    ]  # fmt: skip
    scales = constant(3, 8)
    op = fused("EngramGate", [key, key, value, scales, scales], key)
    assert operations(op) == operations(*steps)
    both = replace(op, outputs=(key, activation(2, 5, 3, 8)))
    assert operations(both) == operations(*steps, normalized)
