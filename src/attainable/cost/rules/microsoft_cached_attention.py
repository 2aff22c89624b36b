"""Attention of ONNX Runtime for generating text: few heads of keys and values, and a cache that the op itself fills.

::

    y[h, q] = sum over t of  softmax over t (scale * query[h, q] . key[g, t] + mask[q, t]) * value[g, t]

h head of the queries, g the head of keys and values that it shares; q query; t key, those of the cache first. How many
keys there are is known from the lengths where these are constants; else from the shapes: all that the cache can hold,
when past and present are one buffer, and past and new ones otherwise. Causal masks and windows skip nothing, as in
Attention of the default domain; a buffer that holds no more than a window, and a list of selected keys, do. Of a buffer
that is shared the keys are read and the new ones written. A cache of integers is read with one product per element and
written with four operations.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), the operators by name.
"""

from dataclasses import dataclass
from itertools import pairwise

from attainable.cost.attention_products import Scores, length_mask_operations
from attainable.cost.composites import known_integers, root_mean_square_normalization, rotation
from attainable.cost.work import Rule, Rules, Work, contraction, partly_read, partly_written
from attainable.workload.dtypes import is_integer
from attainable.workload.graph import Op, Tensor


@dataclass(frozen=True, slots=True)
class _Heads:
    """Heads of an op and the elements of one.

    Attributes:
        queries, keys: how many heads.
        size, value_size: elements of a head of queries and keys, and of values.
        packed: whether queries, keys and values are one tensor.
    """

    queries: int
    keys: int
    size: int
    value_size: int
    packed: bool


def _heads(op: Op) -> _Heads:
    queries = op.integer("num_heads", 1)
    keys = op.integer("kv_num_heads", queries)
    hidden = op.input(0).dims[-1]
    packed = op.optional_input(1) is None
    size = hidden // (queries + 2 * keys if packed else queries)
    return _Heads(queries, keys, size, op.integer("v_head_size", size) or size, packed)


def grouped_query_attention(op: Op) -> Work:
    """Turn and normalise queries and new keys where asked for, then attention over cache and new keys."""
    heads, (batch, rows, *_) = _heads(op), op.input(0).dims
    key, past = op.optional_input(1), op.optional_input(3)
    new = rows if key is None else key.dims[1]
    keys, longest = _total_lengths(op, batch=batch, new=new)
    scores = Scores(heads.queries, batch * rows, keys, rows * keys, heads.size, heads.value_size)
    window = op.integer("local_window_size", -1) > 0
    mask = length_mask_operations(
        batch=batch, rows=rows, columns=longest, bias=op.optional_input(10),
        lengths=op.optional_input(5), causal=bool(op.integer("causal", 1)), window=window,
    )  # fmt: skip
    sink = op.optional_input(11) is not None or bool(op.integer("smooth_softmax", 0))
    softcap = op.attribute("softcap") not in (None, 0, 0.0)
    prepared = _prepared(op, heads, queries=batch * rows, keys=batch * new, rotary=7, norm=14)
    cache = _converted(past, heads, read=keys - batch * new, written=batch * new)
    operations = prepared + cache + scores.operations(mask=mask, softcap=softcap, sink=sink)
    work = contraction(op, macs=scores.macs, operations=operations)
    return _shared(op, work, ((3, 1), (4, 2)), axis=2, read=longest - new, written=new)


def _total_lengths(op: Op, *, batch: int, new: int) -> tuple[int, int]:
    """Keys of the whole batch and of its longest entry, cache and new ones together."""
    last, total = known_integers(op.optional_input(5)), known_integers(op.optional_input(6))
    past = op.optional_input(3)
    capacity = past.dims[2] if past is not None and op.integer("sliding_window_cache", 0) else None
    if last and len(last) == batch:
        lengths = [position + 1 for position in last]
        if capacity is not None:
            lengths = [min(length, capacity) for length in lengths]
        return sum(lengths), max(lengths)
    if total:
        longest = total[0]
    else:
        cached = past.dims[2] if past is not None else 0
        longest = cached if _is_shared(op, 3, 1) else cached + new
    longest = longest if capacity is None else min(longest, capacity)
    return batch * longest, longest


def _is_shared(op: Op, position: int, result: int) -> bool:
    """Whether past and present are one buffer: what was appended took no more room."""
    past = op.optional_input(position)
    present = op.outputs[result] if result < len(op.outputs) else None
    return past is not None and present is not None and past.shape is not None and past.shape == present.shape


def _prepared(op: Op, heads: _Heads, *, queries: int, keys: int, rotary: int, norm: int) -> int:
    """Operations that turn and normalise queries and new keys, each only where the op has what it takes."""
    vectors = queries * heads.queries + keys * heads.keys
    operations = 0
    cosines = op.optional_input(rotary)
    if op.integer("do_rotary", 0):
        turned = heads.size if cosines is None else min(2 * cosines.dims[-1], heads.size)
        operations += rotation(vectors * turned)
    if op.optional_input(norm) is not None:
        operations += root_mean_square_normalization(vectors * heads.size, vectors)
    return operations


def _converted(cache: Tensor | None, heads: _Heads, *, read: int, written: int) -> int:
    """Operations that turn cached keys and values into real numbers and new ones into integers."""
    if cache is None or not (is_integer(cache.dtype) or cache.dtype.startswith("float8")):
        return 0
    elements = heads.keys * (heads.size + heads.value_size)
    return elements * (max(read, 0) + (4 if is_integer(cache.dtype) else 1) * written)


def _shared(op: Op, work: Work, pairs: tuple[tuple[int, int], ...], *, axis: int, read: int, written: int) -> Work:
    """The work where past and present are one buffer of which ``read`` positions are read, ``written`` written."""
    for position, result in pairs:
        past = op.optional_input(position)
        if past is None or not _is_shared(op, position, result) or not past.dims[axis]:
            continue
        work = partly_read(work, past, past.bytes * max(read, 0) // past.dims[axis])
        work = partly_written(work, op.outputs[result], past.bytes * max(written, 0) // past.dims[axis])
    return work


def paged_attention(op: Op) -> Work:
    """Attention of sequences one after the other, whose caches lie in blocks of one buffer.

    Where lengths are not constants, each token meets as many keys as the blocks of a sequence can hold.
    """
    heads = _heads(op)
    tokens, _ = op.input(0).dims
    batch, blocks = op.input(7).dims
    block_size = op.input(3).dims[1]
    ends, past = known_integers(op.input(5)), known_integers(op.input(6))
    if ends and past and len(past) == batch and len(ends) == batch + 1:
        new = [end - start for start, end in pairwise(ends)]
        totals = [length + fresh for length, fresh in zip(past, new, strict=True)]
        keys, pairs = sum(totals), sum(fresh * total for fresh, total in zip(new, totals, strict=True))
    else:
        keys, pairs = batch * blocks * block_size, tokens * blocks * block_size
    scores = Scores(heads.queries, tokens, keys, pairs, heads.size, heads.value_size)
    cache = op.input(3)
    operations = _prepared(op, heads, queries=tokens, keys=tokens, rotary=8, norm=12)
    operations += _converted(cache, heads, read=keys - tokens, written=tokens)
    softcap = op.attribute("softcap") not in (None, 0, 0.0)
    operations += scores.operations(softcap=softcap, sink=op.optional_input(11) is not None)
    return _paged_traffic(op, contraction(op, macs=scores.macs, operations=operations), keys - tokens, tokens)


def _paged_traffic(op: Op, work: Work, read: int, written: int) -> Work:
    """Of the blocks the cached positions are read and the new ones written; the outputs are the inputs' memory."""
    for position, result in ((3, 1), (4, 2)):
        cache = op.optional_input(position)
        if cache is None or not cache.elements:
            continue
        blocks, size, *_ = cache.dims
        each = cache.bytes // (blocks * size)
        work = partly_read(work, cache, each * max(read, 0))
        if result < len(op.outputs):
            work = partly_written(work, op.outputs[result], each * written)
    return work


def block_sparse_attention(op: Op) -> Work:
    """Attention of the blocks that a sparse layout has, and never more scores than queries times keys.

    The layout lists the blocks of the longest sequence; which of them a query meets is known at run time, so that a
    query that is not at the start is counted with all keys.
    """
    heads, (batch, rows, *_) = _heads(op), op.input(0).dims
    past, total = op.input(3), known_integers(op.input(7))
    columns = total[0] if total else past.dims[2]
    _, listed = op.input(6).dims
    layout = known_integers(op.input(6))
    if layout:
        listed = max(
            sum(block >= 0 for block in layout[start : start + listed]) for start in range(0, len(layout), listed)
        )
    block = op.integer("sparse_block_size", 1)
    pairs = batch * min(rows * columns, listed * block * block)
    scores = Scores(heads.queries, batch * rows, batch * columns, pairs, heads.size, heads.value_size)
    operations = _prepared(op, heads, queries=batch * rows, keys=batch * rows, rotary=9, norm=len(op.inputs))
    work = contraction(op, macs=scores.macs, operations=operations + scores.operations())
    return _shared(op, work, ((3, 1), (4, 2)), axis=2, read=columns - rows, written=rows)


def selected_attention(op: Op) -> Work:
    """Attention of the keys that a list selects for each query, and of those in a window where the mode adds one."""
    heads, (batch, rows, *_) = _heads(op), op.input(0).dims
    return _selected(op, heads, tokens=batch * rows, selection=7, rotary=11, norm=14, sink=16, new=batch * rows)


def selected_paged_attention(op: Op) -> Work:
    """The same for sequences one after the other, whose caches lie in blocks; of those only what is taken is read."""
    heads, (tokens, _) = _heads(op), op.input(0).dims
    work = _selected(op, heads, tokens=tokens, selection=9, rotary=14, norm=17, sink=16, new=tokens)
    taken = tokens * _keys_per_query(op, 9)
    return _paged_traffic(op, work, taken, tokens)


def _keys_per_query(op: Op, selection: int) -> int:
    _, selected = op.input(selection).dims
    window = op.integer("local_window_size", 0) if op.text("attention_mode", "selected_only") != "selected_only" else 0
    return selected + max(window, 0)


def _selected(
    op: Op, heads: _Heads, *, tokens: int, selection: int, rotary: int, norm: int, sink: int, new: int
) -> Work:
    """Scores of as many keys as a query's list and window have room for; the masked ones are known from the counts."""
    per_query = _keys_per_query(op, selection)
    scores = Scores(heads.queries, tokens, tokens * per_query, tokens * per_query, heads.size, heads.value_size)
    operations = _prepared(op, heads, queries=tokens, keys=new, rotary=rotary, norm=norm)
    cache = _converted(op.optional_input(3), heads, read=tokens * per_query, written=new)
    has_sink = op.optional_input(sink) is not None or bool(op.integer("smooth_softmax", 0))
    softcap = op.attribute("softcap") not in (None, 0, 0.0)
    operations += cache + scores.operations(softcap=softcap, sink=has_sink)
    return contraction(op, macs=scores.macs, operations=operations)


RULES: Rules = {
    "com.microsoft:GroupQueryAttention": Rule(grouped_query_attention, parameters=(11, 14, 15)),
    "com.microsoft:PagedAttention": Rule(paged_attention, parameters=(11, 12, 13)),
    "com.microsoft:SparseAttention": Rule(block_sparse_attention, parameters=()),
    "com.microsoft:DynamicSparseAttention": Rule(selected_attention, parameters=(14, 15, 16)),
    "com.microsoft:SparsePagedAttention": Rule(selected_paged_attention, parameters=(16, 17, 18)),
}
"""Attention with a cache by type; cosines and sines are buffers, as in RotaryEmbedding."""
