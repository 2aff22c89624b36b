"""Positions in ONNX Runtime: rotation as in the default domain, buckets of distances, gates."""

import pytest
from ops import activation, constant, fused, make_op, work_of

from attainable.workload.graph import Op

X = activation(2, 3, 5, 8)
POSITIONS = activation(2, 5, dtype="int64")
TABLES = [constant(64, 4), constant(64, 4)]


def operations(*ops: Op) -> int:
    return sum(work_of(op).total_operations for op in ops)


@pytest.mark.parametrize("turned", [0, 4])
def test_rotation(turned: int) -> None:
    half = (turned or 8) // 2
    tables = [constant(64, half), constant(64, half)]
    default = make_op("RotaryEmbedding", [X, *tables, POSITIONS], attributes={"rotary_embedding_dim": turned}, opset=23)
    attributes = {"num_heads": 3, "rotary_embedding_dim": turned}
    ours = fused("RotaryEmbedding", [X, POSITIONS, *tables], X, attributes=attributes)
    assert work_of(ours) == work_of(default)
    flat = activation(2, 5, 24)
    side_by_side = fused("RotaryEmbedding", [flat, POSITIONS, *tables], flat, attributes=attributes)
    assert work_of(side_by_side).operations == work_of(default).operations


def test_rotation_from_a_first_position() -> None:
    """One position stands for 5 that follow: 5 rows of both tables are read; heads are as wide as the tables."""
    flat = activation(2, 5, 24)
    op = fused("RotaryEmbedding", [flat, activation(1, dtype="int64"), *TABLES], flat)
    assert operations(op) == 3 * flat.elements
    assert work_of(op).bytes_weight == 2 * 5 * 4 * 4
    scaled = fused("RotaryEmbedding", [flat, activation(1, dtype="int64"), *TABLES], flat, attributes={"scale": 0.5})
    assert operations(scaled) == 4 * flat.elements


def test_rotation_by_three_positions() -> None:
    op = fused("MRotaryEmbedding", [X, activation(3, 2, 5, dtype="int64"), *TABLES], X,
               attributes={"num_heads": 3, "mrope_section": (2, 1, 1)})  # fmt: skip
    assert operations(op) == 3 * X.elements
    assert work_of(op).bytes_weight == 2 * 30 * 4 * 4


def test_rotation_by_angles() -> None:
    """The function that the schema gives: sine, cosine, and for queries and keys two products and a sum."""
    angles = activation(2, 5, 8)
    product, add = make_op("Mul", [X, activation(2, 1, 5, 8)]), make_op("Add", [X, X])
    op = fused("GemmaRotaryEmbedding", [angles, X, X, X, X], X)
    assert operations(op) == operations(
        make_op("Sin", [angles]), make_op("Cos", [angles]), product, product, add, product, product, add
    )


@pytest.mark.parametrize("both_sides", [0, 1])
def test_buckets(both_sides: int) -> None:
    """The steps of a bucket, once for each pair of 5 x 7 positions and not for each head."""
    pairs = activation(5, 7)
    known = constant()
    distance = [make_op("Sub", [activation(7), activation(5, 1)])]
    if both_sides:
        # the half of the table by sign, the distance without it
        distance += [make_op("Greater", [pairs, known]), make_op("Add", [pairs, pairs]), make_op("Abs", [pairs])]
    else:
        distance += [make_op("Max", [pairs, known])]
    far = [make_op("Less", [pairs, known]), make_op("Div", [pairs, known]), make_op("Log", [pairs]),
           make_op("Mul", [pairs, known]), make_op("Add", [pairs, known]), make_op("Min", [pairs, known])]  # fmt: skip
    lengths = [activation(1, dtype="int64"), activation(1, dtype="int64")]
    op = fused("RelativePositionBias", [constant(32, 3), *lengths], activation(1, 3, 5, 7),
               attributes={"is_bidirectional": both_sides, "max_distance": 128})  # fmt: skip
    assert operations(op) == operations(*distance, *far)


def test_gated_bias() -> None:
    """The steps that the schema lists: 2 gates from 6 columns, of which 3 each are added."""
    query, wide, gates = activation(2, 5, 24), activation(2, 3, 5, 8), activation(2, 3, 5, 2)
    gate, pairs, weight = activation(2, 3, 5, 1), activation(2, 3, 5, 5), constant(8, 6)
    axes = constant(1, dtype="int64", value=(-1,))
    steps = [
        make_op("Add", [query, constant(24)]), make_op("MatMul", [wide, weight]),
        make_op("ReduceSum", [activation(2, 3, 5, 2, 3), axes]), make_op("Sigmoid", [gates]),
        make_op("Mul", [gate, constant(1, 3, 1, 1)]), make_op("Sub", [gate, constant()]),
        make_op("Mul", [gate, gate]), make_op("Add", [gate, constant()]), make_op("Mul", [gate, pairs]),
    ]  # fmt: skip
    inputs = [query, constant(24), activation(1, 3, 5, 5), weight, constant(6), constant(1, 3, 1, 1)]
    op = fused("GatedRelativePositionBias", inputs, pairs, attributes={"num_heads": 3})
    assert operations(op) == operations(*steps)
