"""Positions in ONNX Runtime: pairs of elements that are turned, and biases that depend on a distance.

::

    y[2i] = cos * x[2i] - sin * x[2i + 1],   y[2i + 1] = sin * x[2i] + cos * x[2i + 1]
    bias[h, q, t] = table[bucket(t - q), h]

Turning a pair takes 4 products, a difference and a sum, 3 per element; cosines and sines come from tables of which the
rows of the positions are read. A bucket is found by arithmetic that all heads share.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), the operators by name; C. Raffel et al., "Exploring
the Limits of Transfer Learning" (2020), section 2.1, and the buckets of its published code.
"""

from attainable.cost.composites import rotation
from attainable.cost.work import Rule, Rules, Work, composite, contraction, partly_read, scalar_results
from attainable.workload.dtypes import bytes_of
from attainable.workload.graph import Op, Tensor

_BUCKET = 8
"""Distance, not below 0, compare; divide, logarithm, multiply, add, not above the last bucket."""

_BUCKET_OF_BOTH_SIDES = 10
"""The same with an absolute value in place of the lower bound, and compare the sign and add the half for it."""


def rotary_embedding(op: Op) -> Work:
    """3 per turned element; as many rows of the tables are read as there are positions, at most all."""
    x, positions, cosines, sines = op.input(0), op.input(1), op.input(2), op.input(3)
    heads, turned = op.integer("num_heads", 0), op.integer("rotary_embedding_dim", 0)
    half = cosines.dims[-1]
    size = x.dims[-1] if x.rank == 4 else (x.dims[-1] // heads if heads else 2 * half)
    vectors = x.elements // size if size else 0
    scaled = vectors * (turned or size) if op.attribute("scale") not in (None, 1, 1.0) else 0
    work = scalar_results(op, rotation(vectors * (turned or size)) + scaled)
    taken = _positions(x, positions) * half
    for table in (cosines, sines):
        work = partly_read(work, table, bytes_of(table.dtype, taken))
    return work


def _positions(x: Tensor, positions: Tensor) -> int:
    """Positions that are looked up: as listed, or as many as tokens where only the first is given."""
    if positions.elements != 1:
        return positions.elements
    return x.dims[2] if x.rank == 4 else x.dims[-2]


def gemma_rotary_embedding(op: Op) -> Work:
    """A sine and a cosine per angle, then two products and a sum per element of queries and of keys."""
    angles, queries, keys = op.input(0), op.input(1), op.input(3)
    return composite(
        op,
        ("vector", angles.dtype, 2 * angles.elements),
        ("vector", queries.dtype, 3 * (queries.elements + keys.elements)),
    )


def relative_position_bias(op: Op) -> Work:
    """Find the bucket of each pair of positions; looking it up for each head is a selection."""
    table, y = op.input(0), op.output
    *_, rows, columns = y.dims
    per_pair = _BUCKET_OF_BOTH_SIDES if op.integer("is_bidirectional", 0) else _BUCKET
    return scalar_results(op, per_pair * rows * columns, dtype=table.dtype)


def gated_relative_position_bias(op: Op) -> Work:
    """Two gates for each query from its product with D columns, then a product with each relative position.

    Add the bias of the queries; multiply (the bias of that product is free); add each half of the D results, D - 2;
    two sigmoids; multiply, subtract, multiply and add.
    """
    queries, weight, y = op.input(0), op.input(3), op.output
    size, columns = weight.dims
    batch, heads, rows, _ = y.dims
    vectors = batch * heads * rows
    gates = vectors * (columns - 2 + 2 + 4)
    return contraction(op, macs=vectors * size * columns, operations=queries.elements + gates + y.elements)


RULES: Rules = {
    "com.microsoft:RotaryEmbedding": Rule(rotary_embedding, parameters=()),
    "com.microsoft:MRotaryEmbedding": Rule(rotary_embedding, parameters=()),
    "com.microsoft:GemmaRotaryEmbedding": Rule(gemma_rotary_embedding, parameters=()),
    "com.microsoft:RelativePositionBias": Rule(relative_position_bias, parameters=(0,)),
    "com.microsoft:GatedRelativePositionBias": Rule(gated_relative_position_bias, parameters=(1, 3, 4, 5)),
}
"""Positions by type."""
