"""Normalisation of ONNX Runtime, with the sums, look-ups and gates that its optimiser fuses into it.

::

    y = normalisation(x + skip + bias) * scale + shift,    y = root_mean_square_normalisation(x) * gate(z)

Each costs what its parts cost. Where a set of n elements is normalised, that is 7n + 4 for layers and groups of
channels and 4n + 2 for the root mean square; one less per element where there is no shift or no scale.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), the operators by name.
"""

from math import prod

from attainable.cost.composites import (
    SILU,
    activation,
    dequantization,
    layer_normalization,
    root_mean_square_normalization,
)
from attainable.cost.work import Engine, Rule, Rules, Work, composite, partly_read, scalar_results
from attainable.workload.dtypes import bytes_of
from attainable.workload.graph import Op, Tensor


def skip_layer_normalization(op: Op) -> Work:
    """Add the skip and the bias, then layer normalisation: 7 per element and 4 per row, 6 where there is no beta."""
    x = op.input(0)
    added = 1 + (op.optional_input(4) is not None)
    normalized = layer_normalization(x.elements, _rows(x), shift=op.optional_input(3) is not None)
    return scalar_results(op, added * x.elements + normalized)


def skip_root_mean_square_normalization(op: Op) -> Work:
    """Add the skip and the bias, then root mean square normalisation: 4 per element and 2 per row."""
    x = op.input(0)
    added = 1 + (op.optional_input(3) is not None)
    return scalar_results(op, added * x.elements + root_mean_square_normalization(x.elements, _rows(x)))


def _rows(x: Tensor) -> int:
    *rows, _ = x.dims
    return prod(rows)


def group_normalization(op: Op) -> Work:
    """7 per element and 4 per group of channels, 1 for each tensor that is added before, 2 for SiLU after."""
    x = op.input(0)
    batch, *_ = x.dims
    added = sum(op.optional_input(position) is not None for position in (3, 4))
    silu = SILU if op.integer("activation", 0) else 0
    normalized = layer_normalization(x.elements, batch * op.integer("groups", 1))
    return scalar_results(op, (added + silu) * x.elements + normalized)


def embed_layer_normalization(op: Op) -> Work:
    """Add the vectors of word, position and segment, then layer normalisation; of the tables only these are read."""
    return _embedded(op, gamma=5, tables=(2, 3, 4), mask=7, dequantized=0)


def quantized_embed_layer_normalization(op: Op) -> Work:
    """As for real numbers; each element that is looked up is first shifted and scaled: 2 operations."""
    present = sum(op.optional_input(position) is not None for position in (2, 3, 4))
    scales = dequantization(op, 5, zero_point=16) + dequantization(op, 6, zero_point=17)
    return _embedded(op, gamma=11, tables=(2, 3, 4), mask=7, dequantized=2 * present, more=scales)


def _embedded(op: Op, *, gamma: int, tables: tuple[int, int, int], mask: int, dequantized: int, more: int = 0) -> Work:
    """Look up, add, normalise, and count the words of each sentence where there is a mask."""
    words, y = op.input(0), op.output
    batch, length = words.dims
    *_, size = y.dims
    present = [table for position in tables if (table := op.optional_input(position)) is not None]
    operations = (len(present) - 1 + dequantized) * y.elements + more + layer_normalization(y.elements, batch * length)
    rows: list[tuple[Engine, str, int]] = [("vector", op.input(gamma).dtype, operations)]
    masked = op.optional_input(mask)
    if masked is not None:
        rows.append(("vector", masked.dtype, batch * max(length - 1, 0)))
    work = composite(op, *rows)
    positions = op.optional_input(8) if gamma == 5 else None
    taken = (words.elements, length if positions is None else positions.elements, words.elements)
    for position, vectors in zip(tables, taken, strict=True):
        table = op.optional_input(position)
        if table is not None:
            work = partly_read(work, table, bytes_of(table.dtype, vectors * size))
    return work


def branchwise_normalization(op: Op) -> Work:
    """Root mean square normalisation of each branch: 4n + 2, 3n + 2 without a scale."""
    x = op.input(0)
    *outer, last = x.dims
    branches = op.integer("num_branches", 0)
    rows = prod(outer) * (branches or 1) if last else 0
    scaled = op.optional_input(1) is not None
    return scalar_results(op, root_mean_square_normalization(x.elements, rows, scale=scaled))


def gated_normalization(op: Op) -> Work:
    """Root mean square normalisation of as many elements as there are scales, times the activation of the gate."""
    x, scale = op.input(0), op.input(1)
    normalized = root_mean_square_normalization(x.elements, x.elements // scale.elements)
    return scalar_results(op, normalized + (activation(op.text("activation", "silu")) + 1) * x.elements)


def engram_gate(op: Op) -> Work:
    """``sigmoid(sign(dot) * sqrt(max(abs(dot), tiny))) * value`` of two normalised vectors.

    Two normalisations, a dot product (2n - 1) with its scale, absolute value, maximum, root, sign, product and sigmoid,
    and a product per output; one normalisation more where the second output is asked for.
    """
    key = op.input(0)
    rows = _rows(key)
    normalizations = 2 + (len(op.outputs) > 1 and op.outputs[1] is not None)
    gate = max(2 * key.elements - rows, 0) + 7 * rows
    normalized = normalizations * root_mean_square_normalization(key.elements, rows)
    return scalar_results(op, normalized + gate + key.elements)


RULES: Rules = {
    "com.microsoft:SkipLayerNormalization": Rule(skip_layer_normalization, parameters=(2, 3, 4)),
    "com.microsoft:SkipSimplifiedLayerNormalization": Rule(skip_root_mean_square_normalization, parameters=(2, 3)),
    "com.microsoft:GroupNorm": Rule(group_normalization, parameters=(1, 2)),
    "com.microsoft:SkipGroupNorm": Rule(group_normalization, parameters=(1, 2, 4)),
    "com.microsoft:EmbedLayerNormalization": Rule(embed_layer_normalization, parameters=(2, 3, 4, 5, 6)),
    "com.microsoft:QEmbedLayerNormalization": Rule(quantized_embed_layer_normalization, parameters=(2, 3, 4, 5, 6)),
    "com.microsoft:BranchwiseRMSNorm": Rule(branchwise_normalization, parameters=(1,)),
    "com.microsoft:GatedRMSNorm": Rule(gated_normalization, parameters=(1,)),
    "com.microsoft:EngramGate": Rule(engram_gate, parameters=(3, 4, 5)),
}
"""Normalisation by type."""
