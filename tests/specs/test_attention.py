"""Attention: two products, scaling, mask and softmax; rotary embedding: 6 operations a pair."""

import math

import numpy as np
import pytest
from counting import Number, Numbers, Tally, largest, listed, total, values
from hypothesis import given, settings
from hypothesis import strategies as st
from ops import Attributes, activation, constant, evaluate, make_op, scalar, work_of

from attainable.cost.work import Work
from attainable.workload.graph import Body, Op, Tensor, UnresolvedShape


def attention(*inputs: Tensor | None, attributes: Attributes | None = None, outputs: int = 1, opset: int = 23) -> Work:
    return work_of(make_op("Attention", inputs, attributes=attributes, outputs=outputs, opset=opset))


def test_products() -> None:
    # 12 heads, 128 queries and keys of 64 elements: scores 12 x 128 x 128 x 64 MACs, values the same
    queries = activation(1, 12, 128, 64)
    work = attention(queries, activation(1, 12, 128, 64), activation(1, 12, 128, 64))
    assert work.macs == 2 * 12_582_912
    # scale 98,304 elements of the queries and as many of the keys; + mask, softmax (5n - 2 a row)
    assert work.total_operations - 2 * work.macs == 2 * 98_304 + 12 * 128 * 128 + 12 * 128 * (5 * 128 - 2)
    assert work.bytes_activation_in == 3 * 393_216
    assert work.bytes_activation_out == 393_216


def test_heads_side_by_side() -> None:
    """Rank 3 holds the heads side by side; the count is the same."""
    by_heads = attention(activation(2, 4, 5, 6), activation(2, 2, 7, 6), activation(2, 2, 7, 8))
    by_rows = attention(
        activation(2, 5, 24), activation(2, 7, 12), activation(2, 7, 16),
        attributes={"q_num_heads": 4, "kv_num_heads": 2},
    )  # fmt: skip
    assert by_rows == by_heads
    assert by_heads.macs == 2 * 4 * 5 * 7 * (6 + 8)


def test_shared_heads_save_traffic_and_no_products() -> None:
    """Grouped-query attention: 8 query heads, 2 heads of keys and values."""
    queries = activation(1, 8, 16, 32)
    own = attention(queries, activation(1, 8, 16, 32), activation(1, 8, 16, 32))
    shared = attention(queries, activation(1, 2, 16, 32), activation(1, 2, 16, 32))
    assert shared.operations == own.operations
    assert own.bytes_activation_in == 3 * 16_384
    assert shared.bytes_activation_in == 16_384 + 2 * 4_096


def test_cache() -> None:
    """One new token after 99: its query meets 100 keys; the cache is read and written."""
    token = [activation(1, 8, 1, 32) for _ in range(3)]
    past = [activation(1, 8, 99, 32) for _ in range(2)]
    work = attention(*token, None, *past, outputs=3)
    assert work.macs == 8 * 100 * (32 + 32)
    assert work.bytes_activation_in == 4 * 8 * 32 * (3 + 2 * 99)
    assert work.bytes_activation_out == 4 * 8 * 32 * (1 + 2 * 100)


def test_masks() -> None:
    inputs = [activation(2, 4, 5, 6), activation(2, 4, 7, 6), activation(2, 4, 7, 6)]
    plain = attention(*inputs)
    # causality is known before the run, and skips nothing; so is a constant mask
    assert attention(*inputs, attributes={"is_causal": 1}).operations == plain.operations
    assert attention(*inputs, constant(5, 7)).operations == plain.operations
    # rows that are masked entirely: 6 comparisons for the maximum and 1 with minus infinity, in each of 5 rows
    masked = attention(*inputs, activation(5, 7))
    assert masked.total_operations == plain.total_operations + 5 * 7
    # and 35 additions of the causal mask
    both = attention(*inputs, activation(5, 7), attributes={"is_causal": 1})
    assert both.total_operations == masked.total_operations + 35
    # softcap: divide, tanh, multiply each of the 2 x 4 x 5 x 7 scores
    capped = attention(*inputs, attributes={"softcap": 30.0})
    assert capped.total_operations == plain.total_operations + 3 * 280


def test_windows_over_unknown_lengths_are_not_counted() -> None:
    inputs = [activation(2, 4, 5, 6) for _ in range(3)]
    lengths = activation(2, dtype="int64")
    with pytest.raises(UnresolvedShape, match="window over nonpad_kv_seqlen"):
        attention(*inputs, None, None, None, lengths, attributes={"left_window_size": 2}, opset=25)


def test_attention_and_attention_spelled_out_agree() -> None:
    """With a constant mask; the mask's own share, finding rows that are masked entirely, is known then."""
    queries, keys, scores = activation(1, 4, 5, 6), activation(1, 4, 7, 6), activation(1, 4, 5, 7)
    whole = attention(queries, keys, keys, constant(5, 7))
    parts = [
        make_op("Mul", [queries, scalar(0.5)]),
        make_op("Mul", [keys, scalar(0.5)]),
        make_op("MatMul", [queries, activation(1, 4, 6, 7)]),
        make_op("Add", [scores, constant(5, 7)]),
        make_op("Softmax", [scores]),
        make_op("MatMul", [scores, keys]),
    ]
    assert whole.total_operations == sum(work_of(part).total_operations for part in parts)


def flexible(*bodies: Body) -> Op:
    inputs = (activation(2, 4, 5, 6), activation(2, 2, 7, 6), activation(2, 2, 7, 8))
    made = (Tensor("y", (2, 4, 5, 8), "float32"),)
    return Op("0", "", "FlexAttention", "ai.onnx.preview", 1, inputs, made, bodies=bodies)


def test_flexible_attention_is_attention_without_a_mask() -> None:
    plain = attention(*flexible().inputs)
    assert work_of(flexible()).macs == plain.macs
    assert work_of(flexible()).total_operations == plain.total_operations - 2 * 4 * 5 * 7


def test_flexible_attention_with_sub_graphs_is_not_counted() -> None:
    """It would cost more than is said."""
    with pytest.raises(UnresolvedShape, match="sub-graphs of FlexAttention"):
        work_of(flexible(Body("score_mod", (), (), ())))


def test_naive_loop() -> None:
    tally = Tally()
    queries, keys, cached = tally.numbers(2, 3, 4), tally.numbers(2, 5, 4), tally.numbers(2, 5, 6)
    mask = np.zeros((3, 5), dtype=np.float32)
    scale = math.sqrt(1 / math.sqrt(4))
    y: Numbers = np.empty((2, 3, 6), dtype=object)
    for h in range(2):
        scaled_keys = [[element * scale for element in listed(key)] for key in keys[h]]
        for q in range(3):
            query = [element * scale for element in listed(queries[h, q])]
            scores = [dot(query, key, tally) + float(mask[q, t]) for t, key in enumerate(scaled_keys)]
            weights = softmax(scores)
            for e in range(6):
                y[h, q, e] = dot(weights, listed(cached[h, :, e]), tally)
    op = make_op("Attention", [activation(1, *x.shape) for x in (queries, keys, cached)], opset=23)
    arrays = [values(x)[None] for x in (queries, keys, cached)]
    np.testing.assert_allclose(values(y)[None], evaluate(op, arrays), rtol=1e-4)
    assert work_of(op).total_operations == tally.operations


def dot(left: list[Number], right: list[Number], tally: Tally) -> Number:
    accumulator = tally.number(0.0)
    for a, b in zip(left, right, strict=True):
        accumulator = accumulator + a * b
    return accumulator


def softmax(row: list[Number]) -> list[Number]:
    top = largest(row)
    exponentials = [(score - top).apply(math.exp) for score in row]
    below = total(exponentials)
    return [exponential / below for exponential in exponentials]


@pytest.mark.parametrize(
    ("shape", "attributes", "operations"),
    [
        ((2, 4, 5, 6), {}, 2 * 4 * 5 * 3 * 6),  # 3 pairs: 4 products, a difference, a sum
        ((2, 5, 24), {"num_heads": 4}, 2 * 5 * 4 * 3 * 6),
        ((2, 5, 24), {"num_heads": 4, "rotary_embedding_dim": 2}, 2 * 5 * 4 * 1 * 6),
    ],
)
def test_rotary_embedding(shape: tuple[int, ...], attributes: Attributes, operations: int) -> None:
    half = 1 if "rotary_embedding_dim" in attributes else 3
    tables = [activation(2, 5, half), activation(2, 5, half)]
    op = make_op("RotaryEmbedding", [activation(*shape), *tables], attributes=attributes, opset=23)
    assert work_of(op).total_operations == operations


def test_rotary_embedding_reads_the_rows_it_takes() -> None:
    tables, positions = [constant(2048, 3), constant(2048, 3)], activation(2, 5, dtype="int64")
    op = make_op("RotaryEmbedding", [activation(2, 4, 5, 6), *tables, positions], opset=23)
    assert work_of(op).bytes_weight == 2 * 10 * 3 * 4  # 10 rows of 3 from each of two tables
    assert work_of(op).bytes_activation_in == 2 * 4 * 5 * 6 * 4 + 10 * 8
    computed = [activation(2048, 3), activation(2048, 3)]
    op = make_op("RotaryEmbedding", [activation(2, 4, 5, 6), *computed, positions], opset=23)
    assert work_of(op).bytes_activation_in == 2 * 4 * 5 * 6 * 4 + 10 * 8 + 240


@settings(max_examples=25, deadline=None)
@given(batch=st.integers(1, 3), heads=st.integers(1, 4), rows=st.integers(1, 6), keys=st.integers(1, 6))
def test_twice_the_batch_is_twice_the_work(batch: int, heads: int, rows: int, keys: int) -> None:
    once, twice = (
        attention(activation(n, heads, rows, 8), activation(n, heads, keys, 8), activation(n, heads, keys, 8))
        for n in (batch, 2 * batch)
    )
    assert twice.total_operations == 2 * once.total_operations
    assert twice.bytes_moved == 2 * once.bytes_moved
