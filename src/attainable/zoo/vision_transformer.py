"""The vision transformer ViT-B/16: a transformer encoder on patches of 16x16 pixels.

Source: Dosovitskiy et al., An Image is Worth 16x16 Words, arXiv:2010.11929; names of the layers as in
torchvision/models/vision_transformer.py.
"""

import math

import onnx

from attainable.zoo.attention import feed_forward, self_attention
from attainable.zoo.builder import GraphBuilder

LAYERS, FEATURES, HEADS, FEED_FORWARD, PATCH = 12, 768, 12, 3072, 16
"""Source: arXiv:2010.11929, table 1, ViT-Base."""

EPSILON = 1e-6
"""Of the layer normalisations. Source: torchvision/models/vision_transformer.py."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """ViT-B/16: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    Source: arXiv:2010.11929, equations 1 to 4; torchvision/models/vision_transformer.py.
    """
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = builder.conv("conv_proj", x, channels=FEATURES, kernel=PATCH, stride=PATCH, bias=True, after_relu=False)
    patches = math.prod(x.shape[2:])
    x = builder.reshape("patches", x, shape=(batch, FEATURES, patches))
    x = builder.transpose("tokens", x, order=(0, 2, 1))
    token = builder.learned("class_token", (1, 1, FEATURES), deviation=0.02)
    token = builder.expand("class_token.expand", token, shape=(batch, 1, FEATURES))
    x = builder.concat("with_class_token", (token, x), axis=1)
    positions = builder.learned("encoder.pos_embedding", (1, patches + 1, FEATURES), deviation=0.02)
    x = builder.add("encoder.add", (x, positions))
    for index in range(LAYERS):
        layer = f"encoder.layers.{index}"
        normed = builder.layer_norm(f"{layer}.ln_1", x, epsilon=EPSILON)
        attended = self_attention(builder, f"{layer}.self_attention", normed, heads=HEADS)
        x = builder.add(f"{layer}.add_1", (attended, x))
        normed = builder.layer_norm(f"{layer}.ln_2", x, epsilon=EPSILON)
        x = builder.add(f"{layer}.add_2", (x, feed_forward(builder, f"{layer}.mlp", normed, hidden=FEED_FORWARD)))
    x = builder.layer_norm("encoder.ln", x, epsilon=EPSILON)
    x = builder.flatten("class", builder.slice("class.slice", x, bounds={1: (0, 1)}))
    return builder.finish(builder.linear("heads.head", x, features=1000), name="logits")
