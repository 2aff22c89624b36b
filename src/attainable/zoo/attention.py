"""Scaled dot-product attention in several heads, spelled out in matrix products.

Source: Vaswani et al., Attention Is All You Need, arXiv:1706.03762, section 3.2.
"""

import math
from collections.abc import Callable

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value

FORWARD, TRANSPOSED = (0, 2, 1, 3), (0, 2, 3, 1)
"""Orders of the axes [batch, sequence, heads, size] that move the heads forward; the second one also turns keys for the
product with queries."""


def split_heads(builder: GraphBuilder, name: str, x: Value, *, heads: int, order: tuple[int, ...] = FORWARD) -> Value:
    """[batch, sequence, features] -> [batch, heads, sequence, features / heads], or another order of these axes."""
    batch, sequence, features = x.shape
    split = builder.reshape(f"{name}.split", x, shape=(batch, sequence, heads, features // heads))
    return builder.transpose(f"{name}.transpose", split, order=order)


def attend(
    builder: GraphBuilder,
    name: str,
    *,
    query: Value,
    key: Value,
    value: Value,
    adjust: Callable[[Value], Value] | None = None,
) -> Value:
    """The values weighted by how well queries and keys agree, heads joined: [batch, sequence, features].

    Args:
        builder: takes the nodes.
        name: of the attention.
        query: [batch, heads, sequence, size].
        key: [batch, heads, size, positions].
        value: [batch, heads, positions, size].
        adjust: changes the scores [batch, heads, sequence, positions] before the softmax: a bias, a mask.

    Source: arXiv:1706.03762, equation 1.
    """
    batch, heads, sequence, size = query.shape
    scores = builder.matmul(f"{name}.scores", (query, key))
    scores = builder.scale(f"{name}.scale", scores, factor=1 / math.sqrt(size))
    if adjust is not None:
        scores = adjust(scores)
    context = builder.matmul(f"{name}.context", (builder.softmax(f"{name}.softmax", scores), value))
    context = builder.transpose(f"{name}.transpose", context, order=FORWARD)
    return builder.reshape(f"{name}.merge", context, shape=(batch, sequence, heads * size))


def self_attention(
    builder: GraphBuilder,
    name: str,
    x: Value,
    *,
    heads: int,
    adjust: Callable[[Value], Value] | None = None,
) -> Value:
    """Queries, keys and values by one projection of x [batch, sequence, features], attention, and a projection back."""
    *_, features = x.shape
    joined = builder.projection(f"{name}.in_proj", x, features=3 * features)
    query, key, value = builder.split(f"{name}.split", joined, axis=2, parts=3)
    context = attend(
        builder,
        name,
        query=split_heads(builder, f"{name}.query", query, heads=heads),
        key=split_heads(builder, f"{name}.key", key, heads=heads, order=TRANSPOSED),
        value=split_heads(builder, f"{name}.value", value, heads=heads),
        adjust=adjust,
    )
    return builder.projection(f"{name}.out_proj", context, features=features)


def feed_forward(builder: GraphBuilder, name: str, x: Value, *, hidden: int) -> Value:
    """A projection to ``hidden`` features, the exact Gelu, and a projection back."""
    *_, features = x.shape
    x = builder.gelu(f"{name}.gelu", builder.projection(f"{name}.0", x, features=hidden))
    return builder.projection(f"{name}.3", x, features=features, after_relu=True)
