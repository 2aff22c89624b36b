"""Attention with a cache: keys from the lengths where they are known, else as many as the cache can hold."""

from dataclasses import replace

from ops import activation, constant, fused, make_op, work_of

from attainable.cost.work import Work
from attainable.workload.graph import Op, Tensor

BATCH, HEADS, SHARED, SIZE = 2, 6, 2, 4


def twin(rows: int, columns: int, *, lengths: Tensor | None, causal: int = 1) -> Work:
    """Attention of the default domain with grouped heads."""
    query = activation(BATCH, rows, HEADS * SIZE)
    key, value = activation(BATCH, columns, SHARED * SIZE), activation(BATCH, columns, SHARED * SIZE)
    inputs = [query, key, value, *((None, None, None, lengths) if lengths is not None else ())]
    attributes = {"q_num_heads": HEADS, "kv_num_heads": SHARED, "is_causal": causal}
    return work_of(make_op("Attention", inputs, attributes=attributes, opset=24))


def grouped(
    rows: int,
    *more: Tensor | None,
    past: int | None = None,
    present: int | None = None,
    last: Tensor | None = None,
    total: Tensor | None = None,
    cache: str = "float32",
    **attributes: int | str | float,
) -> Op:
    query = activation(BATCH, rows, HEADS * SIZE)
    key, value = activation(BATCH, rows, SHARED * SIZE), activation(BATCH, rows, SHARED * SIZE)
    pasts = [None if past is None else activation(BATCH, SHARED, past, SIZE, dtype=cache) for _ in range(2)]
    lengths = [last or activation(BATCH, dtype="int32"), total or activation(1, dtype="int32")]
    heads = {"num_heads": HEADS, "kv_num_heads": SHARED, **attributes}
    y = activation(BATCH, rows, HEADS * SIZE)
    op = fused("GroupQueryAttention", [query, key, value, *pasts, *lengths, *more], y, attributes=heads)
    if present is None:
        return op
    presents = [activation(BATCH, SHARED, present, SIZE, dtype=cache) for _ in range(2)]
    return replace(op, outputs=(*op.outputs, *presents))


def known(*lengths: int) -> Tensor:
    """Constant lengths, given as the last positions."""
    return constant(len(lengths), dtype="int32", value=tuple(length - 1 for length in lengths))


def test_a_prompt_is_attention() -> None:
    for causal in (0, 1):
        default = twin(5, 5, lengths=activation(BATCH, dtype="int64"), causal=causal)
        assert work_of(grouped(5, causal=causal)).operations == default.operations
    assert work_of(grouped(5, last=known(5, 5))).operations == twin(5, 5, lengths=None).operations


def test_past_and_new_keys() -> None:
    assert work_of(grouped(1, past=9, present=10, last=known(10, 10))).macs == twin(1, 10, lengths=None).macs
    # of lengths that are not known, past and new ones, or all that one buffer can hold
    assert work_of(grouped(1, past=9, present=10)).macs == twin(1, 10, lengths=None).macs
    assert work_of(grouped(1, past=32, present=32)).macs == twin(1, 32, lengths=None).macs
    total = constant(1, dtype="int32", value=(10,))
    assert work_of(grouped(1, past=32, present=32, total=total)).macs == twin(1, 10, lengths=None).macs


def test_lengths_that_differ() -> None:
    """One query of each batch entry meets 4 and 10 keys."""
    assert work_of(grouped(1, past=32, present=32, last=known(4, 10))).macs == HEADS * (4 + 10) * 2 * SIZE


def test_a_shared_buffer_is_read_and_written_in_part() -> None:
    work = work_of(grouped(1, past=32, present=32, last=known(10, 10)))
    position = BATCH * SHARED * SIZE * 4
    tokens = BATCH * (HEADS + 2 * SHARED) * SIZE * 4
    total = 4  # the total length is an input
    assert work.bytes_activation_in == tokens + total + 2 * 9 * position
    assert work.bytes_activation_out == BATCH * HEADS * SIZE * 4 + 2 * position
    # apart, all of the past is read and all of the present written
    work = work_of(grouped(1, past=9, present=10, last=known(10, 10)))
    assert work.bytes_activation_in == tokens + total + 2 * 9 * position
    assert work.bytes_activation_out == BATCH * HEADS * SIZE * 4 + 2 * 10 * position


def test_a_window_masks_and_a_window_sized_buffer_skips() -> None:
    assert work_of(grouped(5, last=known(5, 5), local_window_size=2)).macs == twin(5, 5, lengths=None).macs
    windowed = grouped(1, past=8, present=8, last=known(100, 100), local_window_size=8, sliding_window_cache=1)
    assert work_of(windowed).macs == twin(1, 8, lengths=None).macs
    # by length, a window takes the first key of each query, and compares with it and adds for each score
    mask = BATCH * 5 + 2 * BATCH * 5 * 5
    plain = work_of(grouped(5)).total_operations
    assert work_of(grouped(5, local_window_size=2)).total_operations == plain + mask


def test_packed_queries_keys_and_values() -> None:
    op = grouped(5, last=known(5, 5))
    together = activation(BATCH, 5, (HEADS + 2 * SHARED) * SIZE)
    packed = replace(op, inputs=(together, None, None, *op.inputs[3:]))
    assert work_of(packed).operations == work_of(op).operations


def test_what_is_inside() -> None:
    plain = work_of(grouped(5, last=known(5, 5))).total_operations
    vectors = BATCH * 5 * (HEADS + SHARED)
    tables = [constant(32, 1), constant(32, 1)]  # one pair of each head is turned
    turned = grouped(5, *tables, last=known(5, 5), do_rotary=1)
    assert work_of(turned).total_operations - plain == vectors * 6
    scores, rows = BATCH * HEADS * 25, BATCH * HEADS * 5
    assert work_of(grouped(5, last=known(5, 5), softcap=30.0)).total_operations - plain == 3 * scores
    # compare, subtract, exp, add once a row
    assert work_of(grouped(5, last=known(5, 5), smooth_softmax=1)).total_operations - plain == 4 * rows
    norms = [None] * 7 + [constant(SIZE), constant(SIZE)]
    normalized = make_op("RMSNormalization", [activation(vectors, SIZE), constant(SIZE)], opset=23)
    extra = work_of(grouped(5, *norms, last=known(5, 5))).total_operations - plain
    assert extra == work_of(normalized).total_operations


def test_a_cache_of_integers() -> None:
    """A product for each of 9 cached positions, 4 operations for the new one, of keys and values."""
    plain = work_of(grouped(1, past=9, present=10, last=known(10, 10)))
    small = work_of(grouped(1, past=9, present=10, last=known(10, 10), cache="int8"))
    position = BATCH * SHARED * SIZE
    assert small.total_operations - plain.total_operations == 2 * position * (9 + 4)
    assert plain.bytes_activation_in - small.bytes_activation_in == 2 * 9 * position * 3


def paged(ends: Tensor, past: Tensor) -> Op:
    tokens = 5
    inputs = [activation(tokens, HEADS * SIZE), activation(tokens, SHARED * SIZE), activation(tokens, SHARED * SIZE)]
    cache = [activation(12, 8, SHARED, SIZE), activation(12, 8, SHARED, SIZE)]
    op = fused("PagedAttention", [*inputs, *cache, ends, past, activation(BATCH, 4, dtype="int32")],
               activation(tokens, HEADS * SIZE), attributes={"num_heads": HEADS, "kv_num_heads": SHARED})  # fmt: skip
    return replace(op, outputs=(*op.outputs, activation(12, 8, SHARED, SIZE), activation(12, 8, SHARED, SIZE)))


def test_pages() -> None:
    ends, past = constant(3, dtype="int32", value=(0, 1, 5)), constant(2, dtype="int32", value=(9, 0))
    work = work_of(paged(ends, past))
    # one query of 10 keys, four queries of 4 keys
    assert work.macs == HEADS * (10 + 16) * 2 * SIZE
    position = SHARED * SIZE * 4
    assert work.bytes_activation_out == 5 * HEADS * SIZE * 4 + 2 * 5 * position
    blocks = BATCH * 4 * 4
    assert work.bytes_activation_in == 5 * (HEADS + 2 * SHARED) * SIZE * 4 + 2 * 9 * position + blocks
    # of unknown lengths each of 5 tokens meets 4 blocks of 8 positions
    unknown = paged(activation(3, dtype="int32"), activation(2, dtype="int32"))
    assert work_of(unknown).macs == HEADS * 5 * 32 * 2 * SIZE


def sparse(layout: Tensor, rows: int) -> Op:
    tokens = [activation(BATCH, rows, heads * SIZE) for heads in (HEADS, SHARED, SHARED)]
    cache = [activation(BATCH, SHARED, 64, SIZE), activation(BATCH, SHARED, 64, SIZE)]
    rows_of_layout = activation(1, 5, dtype="int32")
    lengths = [constant(1, dtype="int32", value=(64,)), activation(BATCH, dtype="int32")]
    return fused("SparseAttention", [*tokens, *cache, rows_of_layout, layout, *lengths], tokens[0],
                 attributes={"num_heads": HEADS, "kv_num_heads": SHARED, "sparse_block_size": 16})  # fmt: skip


def test_blocks_of_a_layout() -> None:
    """7 of 16 blocks of 16 x 16 scores, whether the padding of the list is known or not."""
    layout = constant(1, 8, dtype="int32", value=(0, 0, 1, 1, 2, 2, 3, -1))
    assert work_of(sparse(layout, 64)).macs == BATCH * HEADS * 7 * 256 * 2 * SIZE
    assert work_of(sparse(activation(1, 8, dtype="int32"), 64)).macs == BATCH * HEADS * 8 * 256 * 2 * SIZE
    # one query meets at most 64 keys
    assert work_of(sparse(layout, 1)).macs == BATCH * HEADS * 64 * 2 * SIZE


def test_selected_keys() -> None:
    """Each query meets the 3 keys of its list, and 4 of a window where the mode adds one."""
    tokens = [activation(BATCH, 5, heads * SIZE) for heads in (HEADS, SHARED, SHARED)]
    cache = [activation(BATCH, SHARED, 64, SIZE), activation(BATCH, SHARED, 64, SIZE)]
    lists = [activation(BATCH * 5, 3, dtype="int32"), activation(BATCH * 5, dtype="int32")]
    inputs = [*tokens, *cache, None, None, *lists]
    attributes = {"num_heads": HEADS, "kv_num_heads": SHARED, "local_window_size": 4}
    op = fused("DynamicSparseAttention", inputs, tokens[0], attributes=attributes)
    assert work_of(op).macs == BATCH * 5 * HEADS * 3 * 2 * SIZE
    both = fused("DynamicSparseAttention", inputs, tokens[0],
                 attributes={**attributes, "attention_mode": "local_plus_selected"})  # fmt: skip
    assert work_of(both).macs == BATCH * 5 * HEADS * 7 * 2 * SIZE


def test_selected_keys_of_pages() -> None:
    tokens = [activation(5, heads * SIZE) for heads in (HEADS, SHARED, SHARED)]
    cache = [activation(12, 8, SHARED, SIZE), activation(12, 8, SHARED, SIZE)]
    integers = [activation(3, dtype="int32"), activation(2, dtype="int32"), activation(BATCH, 4, dtype="int32"), None]
    lists = [activation(5, 3, dtype="int32"), activation(5, dtype="int32")]
    op = fused("SparsePagedAttention", [*tokens, *cache, *integers, *lists], tokens[0],
               attributes={"num_heads": HEADS, "kv_num_heads": SHARED})  # fmt: skip
    work = work_of(op)
    assert work.macs == 5 * HEADS * 3 * 2 * SIZE
    read = 5 * (HEADS + 2 * SHARED) * SIZE * 4 + 2 * 15 * SHARED * SIZE * 4
    assert work.bytes_activation_in == read + 4 * (3 + 2 + BATCH * 4 + 15 + 5)
