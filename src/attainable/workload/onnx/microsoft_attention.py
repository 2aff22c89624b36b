"""Shapes of ONNX Runtime's attention operators.

N batch, S query positions, L key positions, P past positions, H heads, D elements of a head.

Source: ONNX Runtime, docs/ContribOperators.md (1.23).
"""

from attainable.workload.graph import Op, Shape, Tensor, UnresolvedShape
from attainable.workload.onnx.shape_rules import Operands, Outputs, ShapeFunction, integer, like, result


def _projected(past_input: int, dtype_input: int) -> ShapeFunction:
    """Attention with its projection: x (N, S, I), weights (I, Q + K + V); present is (2, N, H, P + S, D)."""

    def outputs(op: Op, operands: Operands) -> Outputs:
        del operands
        *rest, length, _ = op.input(0).dims
        sizes = op.integers("qkv_hidden_sizes")
        wide = op.input(1).dims[1]
        values = sizes[2] if len(sizes) == 3 else wide // 3
        dtype = op.input(dtype_input).dtype
        past, heads = op.optional_input(past_input), op.integer("num_heads", 0)
        present = None
        if rest and heads:
            before = past.dims[3] if past is not None else 0
            before = 0 if op.integer("past_present_share_buffer", 0) else before
            total = past.dims[3] if past is not None and op.integer("past_present_share_buffer", 0) else before + length
            present = result((2, rest[0], heads, total, values // heads), dtype)
        return [result((*rest, length, values), dtype), present]

    return outputs


def _multi_head(op: Op, operands: Operands) -> Outputs:
    """Query (N, S, H D) or packed (N, S, H, 3, D); keys and values (N, L, H D), (N, H, L, D) or (N, L, H, 2, D)."""
    del operands
    query, heads = op.input(0), op.integer("num_heads", 1)
    key, value = op.optional_input(1), op.optional_input(2)
    batch, length = query.dims[:2]
    past = op.optional_input(6)
    if query.rank == 5:
        width, keys = query.dims[2] * query.dims[4], length
    elif key is not None and key.rank == 5:
        width, keys = key.dims[2] * key.dims[4], key.dims[1]
    elif value is not None:
        width = value.dims[2] if value.rank == 3 else value.dims[1] * value.dims[3]
        keys = value.dims[1] if value.rank == 3 else value.dims[2]
    else:
        raise UnresolvedShape("value")
    total = keys + (past.dims[2] if past is not None else 0)
    key_width = query.dims[-1] // heads if query.rank == 3 else query.dims[4]
    return [
        result((batch, length, width), query.dtype),
        result((batch, heads, total, key_width), query.dtype),
        result((batch, heads, total, width // heads), query.dtype),
    ]


def _grouped(op: Op, operands: Operands) -> Outputs:
    """Query (N, S, H D), or packed with keys and values (N, S, (H + 2 G) D) where G heads are shared by groups.

    Present is (N, G, max(P, total), D); the total is an input.
    """
    query, key = op.input(0), op.optional_input(1)
    heads, shared = op.integer("num_heads", 1), op.integer("kv_num_heads", 1)
    width = query.dims[2] if key is not None else query.dims[2] * heads // (heads + 2 * shared)
    attended = result((*query.dims[:2], width), query.dtype)
    past = op.optional_input(3)
    present = None
    if (total := operands(6)) is not None:
        longest = max(past.dims[2] if past is not None else 0, int(total.item()))
        dtype = past.dtype if past is not None else query.dtype
        present = result((query.dims[0], shared, longest, width // heads), dtype)
    return [attended, present, present]


def _masked_decoder(op: Op, operands: Operands) -> Outputs:
    """One new position: query (N, 1, H D); the caches keep their shape, because they are shared buffers."""
    del operands
    query = op.input(0)
    caches = [op.optional_input(position) for position in (5, 6)]
    return [result(query.dims, query.dtype), *(_like(cache) for cache in caches)]


def _like(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else result(tensor.dims, tensor.dtype)


def _sparse(op: Op, operands: Operands) -> Outputs:
    """As GroupQueryAttention; the caches are shared buffers."""
    del operands
    query, key = op.input(0), op.optional_input(1)
    heads, shared = op.integer("num_heads", 1), op.integer("kv_num_heads", 1)
    width = query.dims[2] if key is not None else query.dims[2] * heads // (heads + 2 * shared)
    return [result((*query.dims[:2], width), query.dtype), _like(op.optional_input(3)), _like(op.optional_input(4))]


def _packed(op: Op, operands: Operands) -> Outputs:
    """Tokens (T, I) without padding and weights (I, Q + K + V)."""
    del operands
    sizes = op.integers("qkv_hidden_sizes")
    values = sizes[2] if len(sizes) == 3 else op.input(1).dims[1] // 3
    return [result((op.input(0).dims[0], values), op.input(0).dtype)]


def _packed_multi_head(op: Op, operands: Operands) -> Outputs:
    """Query (T, H D) and value (T, V), or packed (T, H, 3, D)."""
    del operands
    query, value = op.input(0), op.optional_input(2)
    width = query.dims[1] * query.dims[3] if query.rank == 4 else (value or query).dims[1]
    return [result((query.dims[0], width), query.dtype)]


def _paged(op: Op, operands: Operands) -> Outputs:
    """Tokens (T, H D), or packed with keys and values; the caches are updated in place."""
    del operands
    query, key = op.input(0), op.optional_input(1)
    heads, shared = op.integer("num_heads", 1), op.integer("kv_num_heads", 1)
    width = query.dims[1] if key is not None else query.dims[1] * heads // (heads + 2 * shared)
    return [result((query.dims[0], width), query.dtype), _like(op.optional_input(3)), _like(op.optional_input(4))]


def _position_bias(op: Op, operands: Operands) -> Outputs:
    """A table (buckets, H) gives (1, H, query length, key length)."""
    table: Shape = op.input(0).dims
    return [result((1, table[1], integer(operands, 1), integer(operands, 2)), op.input(0).dtype)]


def _gated_position_bias(op: Op, operands: Operands) -> Outputs:
    """Query (N, S, H D) gives (N, H, S, S)."""
    del operands
    batch, length, *_ = op.input(0).dims
    return [result((batch, op.integer("num_heads", -1), length, length), op.input(0).dtype)]


ATTENTION: dict[str, ShapeFunction] = {
    "Attention": _projected(4, 0),
    "QAttention": _projected(8, 3),
    "MultiHeadAttention": _multi_head,
    "GroupQueryAttention": _grouped,
    "SparseAttention": _sparse,
    "DecoderMaskedMultiHeadAttention": _masked_decoder,
    "DecoderAttention": like(0),
    "PackedAttention": _packed,
    "PackedMultiHeadAttention": _packed_multi_head,
    "PagedAttention": _paged,
    "RelativePositionBias": _position_bias,
    "GatedRelativePositionBias": _gated_position_bias,
}
"""By operator."""
