"""GPT-2 small: reading a prompt (prefill), and writing one token with keys and values kept (decode).

Source: Radford et al., Language Models are Unsupervised Multitask Learners (2019); layer names and sizes as in
GPT2LMHeadModel of Hugging Face transformers.
"""

from typing import Final

import numpy as np
import onnx

from attainable.zoo.attention import FORWARD, attend, split_heads
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value
from attainable.zoo.transformer import require_positions

LAYERS, FEATURES, HEADS, FEED_FORWARD = 12, 768, 12, 3072
VOCABULARY, POSITIONS = 50257, 1024
EPSILON = 1e-5
MASKED = -3.4028234663852886e38
"""Score of a later token: the lowest float32. Source: GPT2Attention of Hugging Face transformers."""

DECODING: Final = {"gpt2_small_prefill": False, "gpt2_small_decode": True}
"""Whether the form reads one token after those in the cache."""


def build(name: str, *, batch: int = 1, sequence: int = 128, seed: int | None = 0) -> onnx.ModelProto:
    """GPT-2 small with its language model head, whose weight is the word table's.

    ``gpt2_small_prefill``: ``input_ids`` [batch, sequence], int64 -> ``logits`` [batch, sequence, 50257] and, for each
    layer i, ``present.i.key`` and ``present.i.value`` [batch, 12, sequence, 64].

    ``gpt2_small_decode``: ``input_ids`` [batch, 1] and ``past_key_values.i.key`` and ``.value`` [batch, 12, sequence,
    64] -> ``logits`` [batch, 1, 50257] and the same ``present`` with one position more.

    Args:
        name: of the form.
        batch: sequences at once.
        sequence: tokens of the prompt, or in the cache; up to 1024 with the new one; ids lie in 0 to 50256.
        seed: of the weights; None leaves them out.

    Raises:
        InvalidQuantity: batch, sequence or seed is out of range.

    Source: GPT2LMHeadModel of Hugging Face transformers.
    """
    past, tokens = (sequence, 1) if DECODING[name] else (0, sequence)
    require_positions(sequence, POSITIONS - tokens if past else POSITIONS)
    builder = GraphBuilder(name, seed=seed)
    input_ids = builder.input("input_ids", (batch, tokens), dtype=onnx.TensorProto.INT64)
    caches = [_cache(builder, index, batch=batch, past=past) for index in range(LAYERS)]
    words = builder.table("wte", rows=VOCABULARY, features=FEATURES)
    x = builder.gather("wte", words, indices=input_ids)
    places = builder.table("wpe", rows=POSITIONS, features=FEATURES)
    x = builder.add("embedding", (x, builder.slice("wpe", places, bounds={0: (past, past + tokens)})))
    outputs: dict[str, Value] = {}
    for index, cache in enumerate(caches):
        layer = f"h.{index}"
        normed = builder.layer_norm(f"{layer}.ln_1", x, epsilon=EPSILON)
        attended, present = _attention(builder, f"{layer}.attn", normed, cache)
        outputs |= {f"present.{index}.{role}": value for role, value in zip(("key", "value"), present, strict=True)}
        x = builder.add(f"{layer}.add_1", (attended, x))
        normed = builder.layer_norm(f"{layer}.ln_2", x, epsilon=EPSILON)
        x = builder.add(f"{layer}.add_2", (x, _feed_forward(builder, f"{layer}.mlp", normed)))
    x = builder.layer_norm("ln_f", x, epsilon=EPSILON)
    rows = builder.reshape("lm_head.rows", x, shape=(batch * tokens, FEATURES))
    logits = builder.product_with_table("lm_head", rows, table=words)
    logits = builder.reshape("lm_head.tokens", logits, shape=(batch, tokens, VOCABULARY))
    return builder.finish_as({"logits": logits, **outputs})


def _cache(builder: GraphBuilder, layer: int, *, batch: int, past: int) -> tuple[Value, ...]:
    # Keys and values of the tokens before; none at the start.
    if not past:
        return ()
    shape = (batch, HEADS, past, FEATURES // HEADS)
    return tuple(builder.input(f"past_key_values.{layer}.{role}", shape) for role in ("key", "value"))


def _attention(
    builder: GraphBuilder, name: str, x: Value, cache: tuple[Value, ...]
) -> tuple[Value, tuple[Value, Value]]:
    joined = builder.projection(f"{name}.c_attn", x, features=3 * FEATURES)
    parts = builder.split(f"{name}.split", joined, axis=2, parts=3)
    query, key, value = (
        split_heads(builder, f"{name}.{role}", part, heads=HEADS, order=FORWARD)
        for role, part in zip(("query", "key", "value"), parts, strict=True)
    )
    if cache:
        key = builder.concat(f"{name}.key.all", (cache[0], key), axis=2)
        value = builder.concat(f"{name}.value.all", (cache[1], value), axis=2)
    context = attend(
        builder,
        name,
        query=query,
        key=builder.transpose(f"{name}.key.turn", key, order=(0, 1, 3, 2)),
        value=value,
        adjust=lambda scores: _hide_later_tokens(builder, name, scores),
    )
    return builder.projection(f"{name}.c_proj", context, features=FEATURES), (key, value)


def _hide_later_tokens(builder: GraphBuilder, name: str, scores: Value) -> Value:
    *_, tokens, positions = scores.shape
    if tokens == 1:
        return scores  # the last token sees all others
    visible = builder.initializer(f"{name}.visible", np.tri(tokens, positions, dtype=np.bool_))
    return builder.where(f"{name}.mask", visible, (scores, builder.scalar("masked", MASKED)))


def _feed_forward(builder: GraphBuilder, name: str, x: Value) -> Value:
    hidden = builder.projection(f"{name}.c_fc", x, features=FEED_FORWARD)
    hidden = builder.gelu(f"{name}.act", hidden, approximate="tanh")
    return builder.projection(f"{name}.c_proj", hidden, features=FEATURES, after_relu=True)
