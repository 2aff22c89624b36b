"""Attention of ONNX Runtime with keys and values of its own: with the projections inside or before it.

::

    query, key, value = x w + bias;   y = softmax(scale * query key' + mask) value

The projections are matrix products, their bias free; a bias that comes after projections of others costs one operation
per element. Earlier keys and values are in front of the new ones: as many as the past has, or, where past and present
share memory, as the past length says; where that is not known before the run, as many as fit. Of shared memory the new
part is written. The products and what is between them cost what they cost in Attention of the default domain; causal
masks skip nothing.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), the operators by name.
"""

from dataclasses import dataclass
from itertools import pairwise

from attainable.cost.attention_products import Scores, dense, mask_operations
from attainable.cost.composites import integer_shift, known_integers, rotation
from attainable.cost.work import Rule, Rules, Work, composite, contraction, partly_read, partly_written
from attainable.workload.graph import Op, Tensor, UnresolvedShape


def attention(op: Op) -> Work:
    """One product for query, key and value together, then attention."""
    x, weight = op.input(0), op.input(1)
    scores, mask = _self_attention(op, x, mask=3, past=4, bias=5, past_length=6)
    work = contraction(
        op,
        macs=x.elements * weight.dims[-1] + scores.macs,
        operations=scores.operations(mask=mask) + _rotated(op, scores),
    )
    return _shared_cache(op, work, (4, 1), past_length=op.optional_input(6))


def quantized_attention(op: Op) -> Work:
    """The projections are products of integers, scaled and biased in real numbers; attention itself is of those."""
    x, weight, y = op.input(0), op.input(1), op.output
    scores, mask = _self_attention(op, x, mask=5, past=8, bias=None, past_length=None)
    features = weight.dims[-1]
    projected = x.elements // (x.dims[-1] or 1) * features
    factors = 0 if op.input(3).is_constant and op.input(4).is_constant else op.input(4).elements
    operations = factors + 2 * projected + scores.operations(mask=mask) + _rotated(op, scores)
    return composite(
        op,
        ("matrix", x.dtype, x.elements * features),
        ("vector", x.dtype, integer_shift(op, (0, 6), (1, 7))),
        ("matrix", y.dtype, scores.macs),
        ("vector", y.dtype, operations),
    )


def _self_attention(
    op: Op, x: Tensor, *, mask: int, past: int, bias: int | None, past_length: int | None
) -> tuple[Scores, int]:
    """The scores of attention whose queries, keys and values stem from one tensor, and what their mask costs."""
    batch, rows, _ = x.dims
    heads = op.integer("num_heads", 1)
    sizes = op.integers("qkv_hidden_sizes")
    third = op.input(1).dims[-1] // 3
    query_hidden, value_hidden = (sizes[0], sizes[2]) if len(sizes) == 3 else (third, third)
    length = None if past_length is None else op.optional_input(past_length)
    columns = rows + _cached(op.optional_input(past), 3, length, rows)
    scores = dense(
        batch=batch, heads=heads, rows=rows, columns=columns, size=query_hidden // heads,
        value_size=value_hidden // heads,
    )  # fmt: skip
    operations = mask_operations(
        batch=batch, rows=rows, columns=columns, bias=None if bias is None else op.optional_input(bias),
        padding=op.optional_input(mask), causal=bool(op.integer("unidirectional", 0)),
    )  # fmt: skip
    return scores, operations


def _rotated(op: Op, scores: Scores) -> int:
    """Operations that turn queries and new keys, of which there are as many."""
    if not op.integer("do_rotary", 0):
        return 0
    return rotation(2 * scores.heads * scores.queries * (op.integer("rotary_embedding_dim", 0) or scores.size))


def _cached(past: Tensor | None, axis: int, length: Tensor | None, new: int) -> int:
    """Positions that are cached: as the past has; in shared memory as its length says, or all that fit."""
    if past is None:
        return 0
    extent = past.dims[axis]
    if length is None:
        return extent
    known = known_integers(length)
    return known[0] if known else max(extent - new, 0)


def _shared_cache(op: Op, work: Work, *pairs: tuple[int, int], past_length: Tensor | None) -> Work:
    """The work where ``(past, present)`` share memory: the cached part is read, the new part written."""
    if past_length is None:
        return work
    _, rows, *_ = op.input(0).dims
    for position, result in pairs:
        past = op.optional_input(position)
        present = op.outputs[result] if result < len(op.outputs) else None
        if past is None or not past.dims[-2]:
            continue
        each = past.bytes // past.dims[-2]
        work = partly_read(work, past, each * _cached(past, past.rank - 2, past_length, rows))
        if present is not None and present.shape == past.shape:
            work = partly_written(work, present, each * rows)
    return work


@dataclass(frozen=True, slots=True)
class _Slots:
    """Positions of the inputs of a multi-head operator."""

    bias: int
    padding: int
    score_bias: int
    past: int
    length: int


_MULTI_HEAD = _Slots(bias=3, padding=4, score_bias=5, past=6, length=8)
_DECODER = _Slots(bias=10, padding=3, score_bias=4, past=5, length=7)


def multi_head_attention(op: Op) -> Work:
    """Add the bias of the projections to queries, new keys and values, then attention."""
    return _multi_head(op, _MULTI_HEAD)


def decoder_multi_head_attention(op: Op) -> Work:
    """The same for one query position, with its inputs in another order."""
    return _multi_head(op, _DECODER)


def _multi_head(op: Op, slots: _Slots) -> Work:
    query, heads = op.input(0), op.integer("num_heads", 1)
    key, value = op.optional_input(1), op.optional_input(2)
    past, length = op.optional_input(slots.past), op.optional_input(slots.length)
    batch, rows, *packed = query.dims
    if key is None:
        value_hidden = op.output.dims[-1]
        size = packed[-1] if len(packed) == 3 else (packed[0] - value_hidden) // 2 // heads
        new, value_size, fresh = rows, value_hidden // heads, True
    else:
        size = packed[-1] // heads
        new, value_size, fresh = _keys(key, value, heads)
    columns = new + _cached(past, 2, length, new)
    scores = dense(batch=batch, heads=heads, rows=rows, columns=columns, size=size, value_size=value_size)
    mask = mask_operations(
        batch=batch, rows=rows, columns=columns, bias=op.optional_input(slots.score_bias),
        padding=op.optional_input(slots.padding), causal=bool(op.integer("unidirectional", 0)),
    )  # fmt: skip
    biased = 0
    if op.optional_input(slots.bias) is not None:
        biased = batch * heads * (rows * size + (new * (size + value_size) if fresh else 0))
    work = contraction(op, macs=scores.macs, operations=biased + scores.operations(mask=mask))
    return _shared_cache(op, work, (slots.past, 1), (slots.past + 1, 2), past_length=length)


def _keys(key: Tensor, value: Tensor | None, heads: int) -> tuple[int, int, bool]:
    """Key positions, elements of a head of values, and whether they are new or come from a cache by heads."""
    if key.rank == 5:
        _, positions, _, _, size = key.dims
        return positions, size, True
    if value is None:
        raise ValueError("keys without values are not packed")
    if key.rank == 4:
        _, _, positions, _ = key.dims
        return positions, value.dims[-1], False
    _, positions, _ = key.dims
    return positions, value.dims[-1] // heads, True


def switched_attention(op: Op) -> Work:
    """Projections of queries and of what the switches say, then attention over a batch that comes second.

    A cache of another sequence is used as it is; otherwise keys and values are projected, from the query's own tokens
    or from the other sequence, and follow those of the cache.

    Raises:
        UnresolvedShape: a switch is computed at run time.
    """
    query, key, heads = op.input(0), op.input(1), op.integer("num_heads", 1)
    other, cached, padded = _switch(op, 8), _switch(op, 9), _switch(op, 11)
    rows, batch, hidden = query.dims
    past = op.input(6).dims[2] if cached else 0
    new = 0 if other and cached else (key.dims[0] if other else rows)
    columns = past + new
    scores = dense(
        batch=batch, heads=heads, rows=rows, columns=columns, size=hidden // heads, value_size=hidden // heads
    )
    mask = mask_operations(
        batch=batch, rows=rows, columns=columns, bias=None, padding=op.optional_input(5) if padded else None,
        causal=False,
    )  # fmt: skip
    projected = (rows + 2 * new) * batch * hidden * hidden
    return contraction(op, macs=projected + scores.macs, operations=scores.operations(mask=mask))


def _switch(op: Op, position: int) -> bool:
    value = op.input(position).value
    if not value:
        raise UnresolvedShape(f"input {position} of {op.kind}")
    return bool(value[0])


def packed_attention(op: Op) -> Work:
    """Projections and attention of sequences without padding, one after the other."""
    x, weight = op.input(0), op.input(1)
    tokens, _ = x.dims
    sizes, third = op.integers("qkv_hidden_sizes"), weight.dims[-1] // 3
    query_hidden, value_hidden = (sizes[0], sizes[2]) if len(sizes) == 3 else (third, third)
    scores = _ragged(op, tokens, query_hidden=query_hidden, value_hidden=value_hidden, first=3)
    macs = x.elements * weight.dims[-1] + scores.macs
    return contraction(op, macs=macs, operations=scores.operations(mask=_ragged_mask(op, scores, 5)))


def packed_multi_head_attention(op: Op) -> Work:
    """Add the bias of the projections, then attention of sequences without padding, one after the other."""
    query, value, heads = op.input(0), op.optional_input(2), op.integer("num_heads", 1)
    tokens, *packed = query.dims
    query_hidden = packed[-1] * heads if len(packed) == 3 else packed[-1]
    value_hidden = query_hidden if value is None else value.dims[-1]
    scores = _ragged(op, tokens, query_hidden=query_hidden, value_hidden=value_hidden, first=4)
    biased = tokens * (2 * query_hidden + value_hidden) if op.optional_input(3) is not None else 0
    operations = biased + scores.operations(mask=_ragged_mask(op, scores, 6))
    return contraction(op, macs=scores.macs, operations=operations)


def _ragged(op: Op, tokens: int, *, query_hidden: int, value_hidden: int, first: int) -> Scores:
    """Scores of each sequence with itself; where lengths are not known, of each token with the longest sequence."""
    heads = op.integer("num_heads", 1)
    _, longest = op.input(first).dims
    ends = known_integers(op.input(first + 1))
    pairs = tokens * longest
    if ends:
        pairs = sum((end - start) ** 2 for start, end in pairwise(ends))
    return Scores(heads, tokens, tokens, pairs, query_hidden // heads, value_hidden // heads)


def _ragged_mask(op: Op, scores: Scores, position: int) -> int:
    """One operation per score for what is added to it, beside the addition itself."""
    bias = op.optional_input(position)
    return 0 if bias is None or bias.is_constant else scores.pairs * bias.dims[-3]


def ordered_attention(op: Op) -> Work:
    """Projections and both products of integers, each quantised anew (4 per result); softmax of real numbers.

    Scales take the place of scaling; a score is multiplied by its scale before softmax and quantised after it. The bias
    of the projections is one of real numbers, 1 per result.
    """
    x, heads = op.input(0), op.integer("num_heads", 1)
    batch, rows, inputs = x.dims
    hidden = op.input(5).dims[-1]
    scores = dense(batch=batch, heads=heads, rows=rows, columns=rows, size=hidden // heads, value_size=hidden // heads)
    mask = mask_operations(
        batch=batch, rows=rows, columns=rows, bias=op.optional_input(19), padding=op.optional_input(17),
        causal=bool(op.integer("unidirectional", 0)),
    )  # fmt: skip
    scaling = heads * scores.size * (scores.queries + scores.keys)
    real = scores.operations(mask=mask) - scaling + heads * scores.pairs
    projected = 3 * batch * rows * hidden
    quantised = 4 * (projected + 2 * heads * scores.pairs + batch * rows * hidden)
    return composite(
        op,
        ("matrix", x.dtype, projected * inputs + scores.macs),
        ("vector", "float32", projected + quantised + real),
    )


RULES: Rules = {
    "com.microsoft:Attention": Rule(attention, parameters=(1, 2)),
    "com.microsoft:QAttention": Rule(quantized_attention, parameters=(1, 2)),
    "com.microsoft:DecoderMaskedSelfAttention": Rule(attention, parameters=(1, 2)),
    "com.microsoft:MultiHeadAttention": Rule(multi_head_attention, parameters=(3,)),
    "com.microsoft:DecoderMaskedMultiHeadAttention": Rule(decoder_multi_head_attention, parameters=(10,)),
    "com.microsoft:DecoderAttention": Rule(switched_attention, parameters=(2, 3, 4)),
    "com.microsoft:PackedAttention": Rule(packed_attention, parameters=(1, 2)),
    "com.microsoft:PackedMultiHeadAttention": Rule(packed_multi_head_attention, parameters=(3,)),
    "com.microsoft:QOrderedAttention": Rule(ordered_attention, parameters=(5, 6, 7, 11, 12, 13)),
}
"""Attention by type."""
