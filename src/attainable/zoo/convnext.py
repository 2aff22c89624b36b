"""ConvNeXt-T: a convolutional network with the proportions of a transformer.

Source: Liu et al., A ConvNet for the 2020s, arXiv:2201.03545; names of the layers as in torchvision/models/convnext.py.
"""

from typing import Final

import onnx

from attainable.zoo.attention import feed_forward
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value

STAGES: Final = {"convnext_tiny": ((3, 96), (3, 192), (9, 384), (3, 768))}
"""Blocks and channels of each stage. Source: arXiv:2201.03545, section 3, ConvNeXt-T."""

EXPANSION: Final = 4
EPSILON: Final = 1e-6
CHANNELS_LAST, CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)

LAYER_SCALE: Final = 0.5
"""Mean of the factors of a block's channels, which start at 1e-6 and are trained."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """ConvNeXt: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    Source: arXiv:2201.03545, figure 4 and table 9; torchvision/models/convnext.py.
    """
    stages = STAGES[name]
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    _, first = stages[0]
    x = builder.conv("features.0.0", x, channels=first, kernel=4, stride=4, bias=True, after_relu=False)
    x = _norm(builder, "features.0.1", x)
    for stage, (blocks, channels) in enumerate(stages):
        if stage > 0:
            layer = f"features.{2 * stage}"
            x = _norm(builder, f"{layer}.0", x)
            x = builder.conv(f"{layer}.1", x, channels=channels, kernel=2, stride=2, bias=True, after_relu=False)
        for index in range(blocks):
            x = _block(builder, f"features.{2 * stage + 1}.{index}", x)
    x = _norm(builder, "classifier.0", builder.global_average_pool("avgpool", x))
    return builder.finish(builder.linear("classifier.2", builder.flatten("flatten", x), features=1000), name="logits")


def _block(builder: GraphBuilder, name: str, x: Value) -> Value:
    _, channels, *_ = x.shape
    branch = builder.conv(
        f"{name}.block.0", x, channels=channels, kernel=7, padding=3, groups=channels, bias=True, after_relu=False
    )
    branch = builder.transpose(f"{name}.block.1", branch, order=CHANNELS_LAST)
    branch = builder.layer_norm(f"{name}.block.2", branch, epsilon=EPSILON)
    branch = feed_forward(builder, f"{name}.block.mlp", branch, hidden=EXPANSION * channels)
    branch = builder.transpose(f"{name}.block.6", branch, order=CHANNELS_FIRST)
    factors = builder.learned(f"{name}.layer_scale", (channels, 1, 1), mean=LAYER_SCALE, deviation=0.1 * LAYER_SCALE)
    branch = builder.multiply(f"{name}.scale", (branch, factors))
    return builder.add(f"{name}.add", (branch, x))


def _norm(builder: GraphBuilder, name: str, x: Value) -> Value:
    x = builder.transpose(f"{name}.to_last", x, order=CHANNELS_LAST)
    return builder.transpose(f"{name}.to_first", builder.layer_norm(name, x, epsilon=EPSILON), order=CHANNELS_FIRST)
