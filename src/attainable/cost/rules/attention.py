"""Attention and rotary position embedding.

::

    s[b, h, q, t] = sum over d of (scale * query[b, h, q, d]) * (scale * key[b, h', t, d]) + mask[b, h, q, t]
    y[b, h, q, e] = sum over t of  softmax over t (s)[b, h, q, t] * value[b, h', t, e]

b batch; h head of the queries, h' the head of keys and values it shares; q query position; t key position, those of the
cache first; d and e element of a head. Causal masks skip nothing: the function body computes all products.

Source: ONNX operator specification, function bodies of Attention 23, 24 and 25, of FlexAttention 1 and of
RotaryEmbedding 23.
"""

from math import prod

from attainable.cost.composites import rotation
from attainable.cost.work import Rule, Rules, Work, contraction, partly_read, scalar_results
from attainable.workload.dtypes import bytes_of
from attainable.workload.graph import Op, Tensor, UnresolvedShape


def attention(op: Op) -> Work:
    """Two products per score element; per score 1 for the mask, softmax, and 3 where a soft cap is asked for.

    Scaling costs one operation for each element of the queries, and of the keys of every query head.
    """
    query, key, value = op.input(0), op.input(1), op.input(2)
    batch, heads, rows, size = _by_heads(query, op.integer("q_num_heads", 0))
    shared_heads = op.integer("kv_num_heads", 0)
    _, _, columns, _ = _by_heads(key, shared_heads)
    _, _, _, value_size = _by_heads(value, shared_heads)
    past = op.optional_input(4)
    if past is not None:
        _, _, cached, _ = past.dims
        columns += cached
    score_rows = batch * heads * rows
    scores = score_rows * columns
    scaling = query.elements + batch * heads * columns * size
    cap = 0 if op.attribute("softcap") in (None, 0) else 3 * scores
    softmax = 5 * scores - 2 * score_rows
    mask = scores + _mask_operations(op, batch=batch, rows=rows, columns=columns)
    return contraction(op, macs=scores * (size + value_size), operations=scaling + cap + mask + softmax)


def flexible_attention(op: Op) -> Work:
    """Attention without a mask, on heads of rank 4: scaling, two products and softmax.

    Raises:
        UnresolvedShape: sub-graphs change the scores; they are not counted.
    """
    if op.bodies:
        raise UnresolvedShape(f"sub-graphs of {op.kind}")
    query, key, value = op.input(0), op.input(1), op.input(2)
    batch, heads, rows, size = query.dims
    _, _, columns, _ = key.dims
    *_, value_size = value.dims
    score_rows = batch * heads * rows
    scores = score_rows * columns
    scaling = query.elements + batch * heads * columns * size
    return contraction(op, macs=scores * (size + value_size), operations=scaling + 5 * scores - 2 * score_rows)


def _by_heads(tensor: Tensor, heads: int) -> tuple[int, int, int, int]:
    """Batch, heads, positions and elements of a head; a tensor of rank 3 holds its heads side by side."""
    if tensor.rank == 4:
        batch, heads, positions, size = tensor.dims
        return batch, heads, positions, size
    batch, positions, hidden = tensor.dims
    return batch, heads, positions, hidden // heads


def _mask_operations(op: Op, *, batch: int, rows: int, columns: int) -> int:
    """Operations that make the mask: none unless it depends on activations, as causality and windows are known.

    Adding each known part to an activation costs one per element. Where the length of the keys is an input, so are the
    positions, and the padding mask compares them. Rows that are masked entirely are found by a maximum and a comparison
    with minus infinity: one operation per element of the mask in all.

    Raises:
        UnresolvedShape: a window slides over keys whose length is an input.
    """
    mask, lengths = op.optional_input(3), op.optional_input(6)
    by_length = lengths is not None and not lengths.is_constant
    if not by_length and (mask is None or mask.is_constant):
        return 0
    shape = (1, 1, rows, columns)
    if mask is not None:
        *leading, _ = (1, 1, 1, *(mask.dims or (1,)))
        shape = (*leading[-3:], columns)
    window = any(op.integer(side, -1) >= 0 for side in ("left_window_size", "right_window_size"))
    causal = op.integer("is_causal", 0)
    operations = 0
    if by_length:
        if window:
            raise UnresolvedShape("window over nonpad_kv_seqlen")
        if causal:
            shape = _broadcast(shape, (batch, 1, rows, columns))
            operations += batch + batch * rows + batch * rows * columns + prod(shape)
        shape = _broadcast(shape, (batch, 1, 1, columns))
        return operations + batch * columns + 2 * prod(shape)
    if causal or window:
        shape = _broadcast(shape, (1, 1, rows, columns))
    return (causal + window + 1) * prod(shape)


def _broadcast(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of two tensors of equal rank together."""
    return tuple(max(pair) for pair in zip(left, right, strict=True))


def rotary_embedding(op: Op) -> Work:
    """Turn pairs of elements: 4 products, a difference and a sum a pair; of the tables only the rows taken are read."""
    x, cosines = op.input(0), op.input(1)
    if x.rank == 4:
        _, _, _, size = x.dims
    else:
        _, _, hidden = x.dims
        size = hidden // op.integer("num_heads", 1)
    rotated = op.integer("rotary_embedding_dim", 0) or size
    work = scalar_results(op, rotation(x.elements // size * rotated))
    positions = op.optional_input(3)
    if positions is None:
        return work
    *_, half = cosines.dims
    for table in (cosines, op.input(2)):
        work = partly_read(work, table, bytes_of(table.dtype, positions.elements * half))
    return work


RULES: Rules = {
    "Attention": Rule(attention, parameters=(0, 1, 2)),
    "ai.onnx.preview:FlexAttention": Rule(flexible_attention, parameters=(0, 1, 2)),
    "RotaryEmbedding": Rule(rotary_embedding, parameters=()),
}
"""Attention by operator."""
