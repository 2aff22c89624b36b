"""A transformer encoder of BERT's base size, with the attention spelled out in matrix products.

Source: Devlin et al., BERT, arXiv:1810.04805; Vaswani et al., Attention Is All You Need, arXiv:1706.03762; layer names
as in BertModel of Hugging Face transformers.
"""

import math

import onnx

from attainable.errors import InvalidQuantity
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value

LAYERS = 12
FEATURES = 768
HEADS = 12
FEED_FORWARD = 3072
VOCABULARY = 30522
POSITIONS = 512


def transformer_encoder(*, batch: int = 1, sequence: int = 128, seed: int = 0) -> onnx.ModelProto:
    """A BERT-base encoder: ``input_ids`` [batch, sequence], int64 -> ``last_hidden_state`` [batch, sequence, 768].

    Post-norm blocks, learned positions, the exact Gelu. Without token types, attention mask, pooler and language
    model head.

    Args:
        batch: sequences at once.
        sequence: tokens in each, 1 to 512; ids lie in 0 to 30521.
        seed: of the weights.

    Raises:
        InvalidQuantity: batch, sequence or seed is out of range.

    Source: arXiv:1810.04805, section 3 (sizes) and appendix A.2 (Gelu); arXiv:1706.03762, equation 1 (attention).
    """
    if not 1 <= sequence <= POSITIONS:
        raise InvalidQuantity(
            f"the sequence is {sequence} tokens long",
            where="sequence",
            help=f"give 1 to {POSITIONS}, the rows of the position table",
        )
    builder = GraphBuilder("transformer_encoder", seed=seed)
    input_ids = builder.input("input_ids", (batch, sequence), dtype=onnx.TensorProto.INT64)
    x = _embeddings(builder, "embeddings", input_ids)
    for index in range(LAYERS):
        name = f"encoder.layer.{index}"
        x = _attention(builder, f"{name}.attention", x)
        x = _feed_forward(builder, name, x)
    return builder.finish(x, name="last_hidden_state")


def _embeddings(builder: GraphBuilder, name: str, input_ids: Value) -> Value:
    _, sequence = input_ids.shape
    words, positions = f"{name}.word_embeddings", f"{name}.position_embeddings"
    word = builder.gather(words, builder.table(words, rows=VOCABULARY, features=FEATURES), indices=input_ids)
    table = builder.table(positions, rows=POSITIONS, features=FEATURES)
    position = builder.first_rows(positions, table, count=sequence)
    return builder.layer_norm(f"{name}.LayerNorm", builder.add(f"{name}.add", (word, position)))


def _attention(builder: GraphBuilder, name: str, x: Value) -> Value:
    head_size = FEATURES // HEADS
    query = _heads(builder, f"{name}.self.query", x, order=(0, 2, 1, 3))
    # The keys are transposed for the product in the same step as the heads move forward.
    key = _heads(builder, f"{name}.self.key", x, order=(0, 2, 3, 1))
    value = _heads(builder, f"{name}.self.value", x, order=(0, 2, 1, 3))
    scores = builder.matmul(f"{name}.self.scores", (query, key))
    scores = builder.scale(f"{name}.self.scale", scores, factor=1 / math.sqrt(head_size))
    context = builder.matmul(f"{name}.self.context", (builder.softmax(f"{name}.self.softmax", scores), value))
    context = builder.transpose(f"{name}.self.transpose", context, order=(0, 2, 1, 3))
    context = builder.reshape(f"{name}.self.merge", context, shape=x.shape)
    dense = builder.projection(f"{name}.output.dense", context, features=FEATURES)
    return _add_and_norm(builder, f"{name}.output", dense, x)


def _heads(builder: GraphBuilder, name: str, x: Value, *, order: tuple[int, ...]) -> Value:
    batch, sequence, _ = x.shape
    projected = builder.projection(name, x, features=FEATURES)
    split = builder.reshape(f"{name}.split", projected, shape=(batch, sequence, HEADS, FEATURES // HEADS))
    return builder.transpose(f"{name}.transpose", split, order=order)


def _feed_forward(builder: GraphBuilder, name: str, x: Value) -> Value:
    hidden = builder.projection(f"{name}.intermediate.dense", x, features=FEED_FORWARD)
    hidden = builder.gelu(f"{name}.intermediate.gelu", hidden)
    dense = builder.projection(f"{name}.output.dense", hidden, features=FEATURES, after_relu=True)
    return _add_and_norm(builder, f"{name}.output", dense, x)


def _add_and_norm(builder: GraphBuilder, name: str, branch: Value, x: Value) -> Value:
    return builder.layer_norm(f"{name}.LayerNorm", builder.add(f"{name}.add", (branch, x)))
