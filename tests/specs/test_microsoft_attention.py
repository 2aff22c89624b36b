"""Attention of ONNX Runtime costs its projections and what Attention of the default domain costs."""

from dataclasses import replace

import pytest
from ops import activation, constant, fused, make_op, work_of

from attainable.cost.work import Work
from attainable.workload.graph import Op, Tensor, UnresolvedShape

BATCH, ROWS, HEADS, SIZE, INPUTS = 2, 5, 3, 4, 7
HIDDEN = HEADS * SIZE


def twin(
    rows: int, columns: int, *, mask: Tensor | None = None, causal: int = 0, lengths: Tensor | None = None
) -> Work:
    """Attention of the default domain on queries, keys and values of three axes."""
    query, key = activation(BATCH, rows, HIDDEN), activation(BATCH, columns, HIDDEN)
    inputs = [query, key, activation(BATCH, columns, HIDDEN), mask, None, None, lengths]
    attributes = {"q_num_heads": HEADS, "kv_num_heads": HEADS, "is_causal": causal}
    while inputs[-1] is None:
        inputs.pop()
    return work_of(make_op("Attention", inputs, attributes=attributes, opset=24))


def projected(features: int) -> Work:
    """The product that makes queries, keys and values."""
    return work_of(make_op("MatMul", [activation(BATCH, ROWS, INPUTS), constant(INPUTS, features)]))


def with_outputs(op: Op, *shapes: tuple[int, ...]) -> Op:
    return replace(op, outputs=(*op.outputs, *(activation(*shape) for shape in shapes)))


def self_attention(*more: Tensor | None, **attributes: int) -> Op:
    inputs = [activation(BATCH, ROWS, INPUTS), constant(INPUTS, 3 * HIDDEN), constant(3 * HIDDEN), *more]
    return fused("Attention", inputs, activation(BATCH, ROWS, HIDDEN), attributes={"num_heads": HEADS, **attributes})


def multi_head(*more: Tensor | None, columns: int = ROWS, **attributes: int) -> Op:
    key, value = activation(BATCH, columns, HIDDEN), activation(BATCH, columns, HIDDEN)
    inputs = [activation(BATCH, ROWS, HIDDEN), key, value, *more]
    return fused(
        "MultiHeadAttention", inputs, activation(BATCH, ROWS, HIDDEN), attributes={"num_heads": HEADS, **attributes}
    )


def test_multi_head_attention_is_attention() -> None:
    ours, default = work_of(multi_head(columns=6)), twin(ROWS, 6)
    assert ours == default
    # two products of 6 keys and 4 elements for each of 2 x 3 heads and 5 queries
    assert ours.macs == 2 * 3 * 5 * 6 * (4 + 4)


@pytest.mark.parametrize("causal", [0, 1])
def test_masks_are_those_of_attention(causal: int) -> None:
    bias = activation(1, HEADS, ROWS, ROWS)
    default = twin(ROWS, ROWS, mask=bias, causal=causal)
    assert work_of(multi_head(None, None, bias, unidirectional=causal)).operations == default.operations
    # a mask of 0 and 1 per key says what a mask of the scores says
    padding = activation(BATCH, ROWS, dtype="int32")
    default = twin(ROWS, ROWS, mask=activation(BATCH, 1, 1, ROWS, dtype="bool"), causal=causal)
    assert work_of(multi_head(None, padding, unidirectional=causal)).operations == default.operations
    known = constant(BATCH, ROWS, dtype="int32")
    assert work_of(multi_head(None, known, unidirectional=causal)).operations == twin(ROWS, ROWS).operations


def test_lengths_of_keys() -> None:
    lengths = activation(BATCH, dtype="int32")
    default = twin(ROWS, ROWS, lengths=activation(BATCH, dtype="int64"))
    assert work_of(multi_head(None, lengths)).operations == default.operations


def test_bias_of_projections_made_elsewhere() -> None:
    """One addition per element of queries, keys and values."""
    extra = work_of(multi_head(constant(3 * HIDDEN))).total_operations - twin(ROWS, ROWS).total_operations
    assert extra == 3 * BATCH * ROWS * HIDDEN


def test_packed_queries_keys_and_values() -> None:
    together = activation(BATCH, ROWS, HEADS, 3, SIZE)
    op = fused("MultiHeadAttention", [together], activation(BATCH, ROWS, HIDDEN), attributes={"num_heads": HEADS})
    assert work_of(op).operations == twin(ROWS, ROWS).operations
    query, keys = activation(BATCH, ROWS, HIDDEN), activation(BATCH, 6, HEADS, 2, SIZE)
    op = fused("MultiHeadAttention", [query, keys], activation(BATCH, ROWS, HIDDEN), attributes={"num_heads": HEADS})
    assert work_of(op).operations == twin(ROWS, 6).operations


def test_keys_from_another_cache() -> None:
    key, value = activation(BATCH, HEADS, 6, SIZE), activation(BATCH, HEADS, 6, SIZE)
    inputs = [activation(BATCH, ROWS, HIDDEN), key, value]
    op = fused("MultiHeadAttention", inputs, activation(BATCH, ROWS, HIDDEN), attributes={"num_heads": HEADS})
    assert work_of(op).operations == twin(ROWS, 6).operations


def test_past_keys_come_first() -> None:
    past = [activation(BATCH, HEADS, 8, SIZE), activation(BATCH, HEADS, 8, SIZE)]
    op = multi_head(None, None, None, *past)
    assert work_of(op).operations == twin(ROWS, ROWS + 8).operations


def test_a_shared_cache_is_read_as_far_as_it_is_filled() -> None:
    cache = [activation(BATCH, HEADS, 16, SIZE), activation(BATCH, HEADS, 16, SIZE)]
    known = constant(1, dtype="int32", value=(3,))
    op = with_outputs(multi_head(None, None, None, *cache, known), (BATCH, HEADS, 16, SIZE), (BATCH, HEADS, 16, SIZE))
    work = work_of(op)
    assert work.macs == twin(ROWS, ROWS + 3).macs
    each = BATCH * HEADS * SIZE * 4  # bytes of one position
    tokens = 3 * BATCH * ROWS * HIDDEN * 4
    assert work.bytes_activation_in == tokens + 2 * 3 * each
    assert work.bytes_activation_out == BATCH * ROWS * HIDDEN * 4 + 2 * ROWS * each
    # of an unknown length there are as many keys as fit
    unknown = replace(op, inputs=(*op.inputs[:8], activation(1, dtype="int32")))
    assert work_of(unknown).macs == twin(ROWS, 16).macs


def test_attention_with_its_projections() -> None:
    """One product with 3 x 12 columns, its bias free, and attention."""
    assert work_of(self_attention()).operations == (twin(ROWS, ROWS) + projected(3 * HIDDEN)).operations
    past = activation(2, BATCH, HEADS, 8, SIZE)
    with_past = self_attention(None, past)
    assert work_of(with_past).operations == (twin(ROWS, ROWS + 8) + projected(3 * HIDDEN)).operations
    assert work_of(with_past).bytes_activation_in == BATCH * ROWS * INPUTS * 4 + past.bytes
    assert work_of(self_attention()).bytes_weight == (INPUTS + 1) * 3 * HIDDEN * 4


def test_rotation_of_queries_and_keys() -> None:
    """4 products, a difference and a sum a pair, of 4 elements or of the 2 that are asked for."""
    plain = work_of(self_attention()).total_operations
    vectors = 2 * BATCH * ROWS * HEADS
    assert work_of(self_attention(do_rotary=1)).total_operations - plain == vectors * 2 * 6
    partly = self_attention(do_rotary=1, rotary_embedding_dim=2)
    assert work_of(partly).total_operations - plain == vectors * 6


def test_values_of_another_size() -> None:
    inputs = [activation(BATCH, ROWS, INPUTS), constant(INPUTS, 12 + 12 + 6), constant(30)]
    attributes = {"num_heads": HEADS, "qkv_hidden_sizes": (12, 12, 6)}
    work = work_of(fused("Attention", inputs, activation(BATCH, ROWS, 6), attributes=attributes))
    assert work.macs == BATCH * ROWS * INPUTS * 30 + BATCH * HEADS * ROWS * ROWS * (4 + 2)


def test_quantized_attention() -> None:
    """Projections of integers, scaled and biased in real numbers; the products of attention are real."""
    x, weight = activation(BATCH, ROWS, INPUTS, dtype="uint8"), constant(INPUTS, 3 * HIDDEN, dtype="int8")
    zero = constant(dtype="uint8")
    inputs = [x, weight, constant(3 * HIDDEN), constant(), constant(), None, zero, constant(dtype="int8")]
    work = work_of(fused("QAttention", inputs, activation(BATCH, ROWS, HIDDEN), attributes={"num_heads": HEADS}))
    default, product = twin(ROWS, ROWS), projected(3 * HIDDEN)
    (_, _, real_products), (_, _, real_results) = default.operations
    results = BATCH * ROWS * 3 * HIDDEN
    assert work.operations == (
        ("matrix", "float32", real_products),
        ("matrix", "uint8", 2 * product.macs),
        ("vector", "float32", real_results + 2 * results),
        ("vector", "uint8", x.elements),
    )
    assert work.macs == work_of(self_attention()).macs


def test_decoder_attention() -> None:
    cache = [activation(BATCH, HEADS, 16, SIZE), activation(BATCH, HEADS, 16, SIZE)]
    step = activation(BATCH, 1, HIDDEN)
    inputs = [step, activation(BATCH, 1, HIDDEN), activation(BATCH, 1, HIDDEN), None, None, *cache]
    inputs.append(constant(1, dtype="int32", value=(9,)))
    op = fused("DecoderMaskedMultiHeadAttention", inputs, step, attributes={"num_heads": HEADS})
    assert work_of(op).operations == twin(1, 10).operations
    weights = [constant(INPUTS, 3 * HIDDEN), constant(3 * HIDDEN)]
    inputs = [activation(BATCH, 1, INPUTS), *weights, None, activation(2, BATCH, HEADS, 16, SIZE), None]
    op = fused("DecoderMaskedSelfAttention", [*inputs, constant(1, dtype="int32", value=(9,))], step,
               attributes={"num_heads": HEADS})  # fmt: skip
    assert work_of(op).macs == twin(1, 10).macs + BATCH * INPUTS * 3 * HIDDEN


@pytest.mark.parametrize(
    ("other", "cached", "columns", "projections"),
    [
        (False, False, 5, 3 * 5),  # queries, keys and values of 5 own tokens
        (False, True, 4 + 5, 3 * 5),  # the same after 4 cached keys
        (True, False, 6, 5 + 2 * 6),  # keys and values of 6 tokens of the other sequence
        (True, True, 4, 5),  # keys and values are all cached
    ],
)
def test_switched_attention(other: bool, cached: bool, columns: int, projections: int) -> None:
    def switch(on: bool) -> Tensor:
        return constant(1, dtype="bool", value=(on,))

    tokens, more = activation(ROWS, BATCH, HIDDEN), activation(6, BATCH, HIDDEN)
    weights = [constant(HIDDEN, HIDDEN), constant(HIDDEN, 2 * HIDDEN), constant(3 * HIDDEN)]
    cache = [activation(BATCH, HEADS, 4, SIZE), activation(BATCH, HEADS, 4, SIZE)]
    switches = [switch(other), switch(cached), switch(cached), switch(False)]
    op = fused("DecoderAttention", [tokens, more, *weights, None, *cache, *switches], tokens,
               attributes={"num_heads": HEADS})  # fmt: skip
    assert work_of(op).macs == twin(ROWS, columns).macs + projections * BATCH * HIDDEN * HIDDEN
    with pytest.raises(UnresolvedShape):
        work_of(replace(op, inputs=(*op.inputs[:8], activation(1, dtype="bool"), *op.inputs[9:])))


def test_sequences_one_after_the_other() -> None:
    """Sequences of 2 and 5 tokens: 4 + 25 scores a head; of unknown lengths each of 7 tokens meets the longest."""
    tokens, offsets = activation(7, HIDDEN), activation(BATCH, ROWS, dtype="int32")
    ends = constant(3, dtype="int32", value=(0, 2, 7))
    inputs = [tokens, activation(7, HIDDEN), activation(7, HIDDEN), None, offsets, ends]
    op = fused("PackedMultiHeadAttention", inputs, tokens, attributes={"num_heads": HEADS})
    assert work_of(op).macs == HEADS * (4 + 25) * 2 * SIZE
    unknown = replace(op, inputs=(*op.inputs[:5], activation(3, dtype="int32")))
    assert work_of(unknown).macs == HEADS * 7 * 5 * 2 * SIZE
    # equal lengths are a batch
    inputs = [activation(10, HIDDEN) for _ in range(3)]
    even = constant(3, dtype="int32", value=(0, 5, 10))
    op = fused("PackedMultiHeadAttention", [*inputs, None, offsets, even], inputs[0], attributes={"num_heads": HEADS})
    assert work_of(op).operations == twin(ROWS, ROWS).operations
    x, weights = activation(10, INPUTS), [constant(INPUTS, 3 * HIDDEN), constant(3 * HIDDEN)]
    op = fused("PackedAttention", [x, *weights, offsets, even], activation(10, HIDDEN), attributes={"num_heads": HEADS})
    assert work_of(op).operations == work_of(self_attention()).operations


def test_ordered_attention() -> None:
    """All products of integers; 1 for the bias, 4 to quantise each result, softmax between scale and quantising."""
    x, scale = activation(BATCH, ROWS, INPUTS, dtype="int8"), constant()
    weights = [constant(INPUTS, HIDDEN, dtype="int8") for _ in range(3)]
    biases = [constant(HIDDEN) for _ in range(3)]
    inputs = [x, scale, scale, scale, scale, *weights, scale, scale, scale, *biases, scale, scale, scale]
    output = activation(BATCH, ROWS, HIDDEN, dtype="int8")
    work = work_of(fused("QOrderedAttention", inputs, output, attributes={"num_heads": HEADS}))
    assert work.macs == work_of(self_attention()).macs
    results, scores, rows = 3 * BATCH * ROWS * HIDDEN, BATCH * HEADS * ROWS * ROWS, BATCH * HEADS * ROWS
    # bias and quantise; quantise, scale, mask, softmax, quantise; quantise
    expected = results * 5 + scores * (4 + 1 + 1 + 5 + 4) - 2 * rows + output.elements * 4
    assert work.operations == (("matrix", "int8", 2 * work.macs), ("vector", "float32", expected))


def test_local_attention() -> None:
    """8 tokens, 2 neighbours to each side, 1 global token: 7 queries of 5 + 1 keys and 1 query of 8."""
    x, flags = activation(1, 8, HIDDEN), constant(1, 8, dtype="int32", value=(0, 0, 1, 0, 0, 0, 0, 0))
    weights = [constant(HIDDEN, 3 * HIDDEN), constant(3 * HIDDEN)]
    inputs = [x, *weights, activation(1, 8), *weights, flags]
    op = fused("LongformerAttention", inputs, x, attributes={"num_heads": HEADS, "window": 2})
    pairs = 7 * 6 + 8
    # own projections of 8 tokens; keys and values again and one query
    projections = (3 * 8 + 2 * 8 + 1) * HIDDEN * HIDDEN
    assert work_of(op).macs == projections + HEADS * pairs * 2 * SIZE
    with pytest.raises(UnresolvedShape):
        work_of(replace(op, inputs=(*inputs[:6], activation(1, 8, dtype="int32"))))
    none = constant(1, 8, dtype="int32", value=(0,) * 8)
    assert work_of(replace(op, inputs=(*inputs[:6], none))).macs == 3 * 8 * HIDDEN**2 + HEADS * 8 * 5 * 2 * SIZE
    scale = constant()
    quantised = [activation(1, 8, HIDDEN, dtype="int8"), scale, constant(HIDDEN, 36, dtype="int8"), scale, weights[1],
                 scale, scale, activation(1, 8), constant(HIDDEN, 36, dtype="int8"), scale, weights[1], scale, none,
                 scale]  # fmt: skip
    op = fused("QOrderedLongformerAttention", quantised, x, attributes={"num_heads": HEADS, "window": 2})
    assert work_of(op).operations[:2] == (
        ("matrix", "float32", 2 * HEADS * 8 * 5 * 2 * SIZE),
        ("matrix", "int8", 2 * 3 * 8 * HIDDEN**2),
    )
