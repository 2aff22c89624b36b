"""BERT: a transformer encoder, with the attention spelled out in matrix products.

Source: Devlin et al., BERT, arXiv:1810.04805; Vaswani et al., Attention Is All You Need, arXiv:1706.03762; layer names
as in BertModel of Hugging Face transformers.
"""

from collections.abc import Callable
from typing import Final

import onnx

from attainable.errors import InvalidQuantity
from attainable.zoo.attention import TRANSPOSED, attend, split_heads
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value

LAYERS = 12
FEATURES = 768
HEADS = 12
FEED_FORWARD = 3072
VOCABULARY = 30522
POSITIONS = 512
TOKEN_TYPES = 2

EPSILON = 1e-12
"""Of the layer normalisations. Source: BertConfig of Hugging Face transformers."""

MASKED = -3.4028234663852886e38
"""Added to the scores of padding: the lowest float32. Source: BertModel of Hugging Face transformers."""

Adjust = Callable[[str, Value], Value]


def build(name: str, *, batch: int = 1, sequence: int = 128, seed: int | None = 0) -> onnx.ModelProto:
    """An encoder of BERT's base size: post-norm blocks, learned positions, the exact Gelu.

    ``transformer_encoder``: ``input_ids`` [batch, sequence], int64 -> ``last_hidden_state`` [batch, sequence, 768];
    without token types, attention mask, pooler and language model head.

    ``bert_base``: ``input_ids``, ``token_type_ids`` and ``attention_mask``, each [batch, sequence], int64 ->
    ``last_hidden_state`` and ``pooler_output`` [batch, 768]; all of BertModel.

    Args:
        name: of the network.
        batch: sequences at once.
        sequence: tokens in each, 1 to 512; ids lie in 0 to 30521.
        seed: of the weights; None leaves them out.

    Raises:
        InvalidQuantity: batch, sequence or seed is out of range.

    Source: arXiv:1810.04805, section 3 (sizes) and appendix A.2 (Gelu); arXiv:1706.03762, equation 1 (attention).
    """
    require_positions(sequence, POSITIONS)
    return _NETWORKS[name](GraphBuilder(name, seed=seed), batch, sequence)


def require_positions(sequence: int, positions: int) -> None:
    """Refuse a sequence that the position table has no rows for.

    Raises:
        InvalidQuantity: the sequence is empty or longer than ``positions``.
    """
    if not 1 <= sequence <= positions:
        raise InvalidQuantity(
            f"the sequence is {sequence} tokens long",
            where="sequence",
            help=f"give 1 to {positions}, the rows of the position table",
        )


def _encoder(builder: GraphBuilder, batch: int, sequence: int) -> onnx.ModelProto:
    input_ids = builder.input("input_ids", (batch, sequence), dtype=onnx.TensorProto.INT64)
    x = _embeddings(builder, "embeddings", input_ids, token_type_ids=None)
    return builder.finish(_layers(builder, x, adjust=None), name="last_hidden_state")


def _bert(builder: GraphBuilder, batch: int, sequence: int) -> onnx.ModelProto:
    input_ids, token_type_ids, attention_mask = (
        builder.input(name, (batch, sequence), dtype=onnx.TensorProto.INT64)
        for name in ("input_ids", "token_type_ids", "attention_mask")
    )
    present = builder.reshape("mask.reshape", attention_mask, shape=(batch, 1, 1, sequence))
    present = builder.cast("mask.cast", present, dtype=onnx.TensorProto.FLOAT)
    padding = builder.subtract("mask.invert", (builder.scalar("mask.one", 1.0), present))
    penalty = builder.scale("mask.penalty", padding, factor=MASKED)
    x = _embeddings(builder, "embeddings", input_ids, token_type_ids=token_type_ids)
    x = _layers(builder, x, adjust=lambda name, scores: builder.add(name, (scores, penalty)))
    first = builder.flatten("pooler.flatten", builder.slice("pooler.first", x, bounds={1: (0, 1)}))
    pooled = builder.tanh("pooler.activation", builder.linear("pooler.dense", first, features=FEATURES))
    return builder.finish_as({"last_hidden_state": x, "pooler_output": pooled})


def _embeddings(builder: GraphBuilder, name: str, input_ids: Value, *, token_type_ids: Value | None) -> Value:
    _, sequence = input_ids.shape
    words, positions, types = (f"{name}.{kind}_embeddings" for kind in ("word", "position", "token_type"))
    x = builder.gather(words, builder.table(words, rows=VOCABULARY, features=FEATURES), indices=input_ids)
    if token_type_ids is not None:
        table = builder.table(types, rows=TOKEN_TYPES, features=FEATURES)
        x = builder.add(f"{types}.add", (x, builder.gather(types, table, indices=token_type_ids)))
    table = builder.table(positions, rows=POSITIONS, features=FEATURES)
    position = builder.slice(positions, table, bounds={0: (0, sequence)})
    return builder.layer_norm(f"{name}.LayerNorm", builder.add(f"{name}.add", (x, position)), epsilon=EPSILON)


def _layers(builder: GraphBuilder, x: Value, *, adjust: Adjust | None) -> Value:
    for index in range(LAYERS):
        name = f"encoder.layer.{index}"
        x = _attention(builder, f"{name}.attention", x, adjust=adjust)
        x = _feed_forward(builder, name, x)
    return x


def _attention(builder: GraphBuilder, name: str, x: Value, *, adjust: Adjust | None) -> Value:
    def heads(role: str) -> tuple[str, Value]:
        layer = f"{name}.self.{role}"
        return layer, builder.projection(layer, x, features=FEATURES)

    context = attend(
        builder,
        f"{name}.self",
        query=split_heads(builder, *heads("query"), heads=HEADS),
        key=split_heads(builder, *heads("key"), heads=HEADS, order=TRANSPOSED),
        value=split_heads(builder, *heads("value"), heads=HEADS),
        adjust=None if adjust is None else lambda scores: adjust(f"{name}.self.mask", scores),
    )
    dense = builder.projection(f"{name}.output.dense", context, features=FEATURES)
    return _add_and_norm(builder, f"{name}.output", dense, x)


def _feed_forward(builder: GraphBuilder, name: str, x: Value) -> Value:
    hidden = builder.projection(f"{name}.intermediate.dense", x, features=FEED_FORWARD)
    hidden = builder.gelu(f"{name}.intermediate.gelu", hidden)
    dense = builder.projection(f"{name}.output.dense", hidden, features=FEATURES, after_relu=True)
    return _add_and_norm(builder, f"{name}.output", dense, x)


def _add_and_norm(builder: GraphBuilder, name: str, branch: Value, x: Value) -> Value:
    return builder.layer_norm(f"{name}.LayerNorm", builder.add(f"{name}.add", (branch, x)), epsilon=EPSILON)


_NETWORKS: Final[dict[str, Callable[[GraphBuilder, int, int], onnx.ModelProto]]] = {
    "transformer_encoder": _encoder,
    "bert_base": _bert,
}
