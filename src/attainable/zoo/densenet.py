"""DenseNet-121: every layer reads the channels of all layers before it in its block.

Source: Huang et al., Densely Connected Convolutional Networks, arXiv:1608.06993; layer names as in
torchvision/models/densenet.py.
"""

from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import classify
from attainable.zoo.graph import Value

LAYERS: Final = {"densenet121": (6, 12, 24, 16)}
"""Layers in each block. Source: arXiv:1608.06993, table 1."""

GROWTH: Final = 32
"""Channels that a layer adds. Source: arXiv:1608.06993, section 4.3."""

BOTTLENECK: Final = 4
"""Channels of a layer's 1x1 convolution over its growth. Source: arXiv:1608.06993, section 3."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """DenseNet-BC: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    Source: arXiv:1608.06993, table 1; torchvision/models/densenet.py.
    """
    layers = LAYERS[name]
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = builder.conv("features.conv0", x, channels=64, kernel=7, stride=2, padding=3, after_relu=False)
    x = builder.relu("features.relu0", builder.batch_norm("features.norm0", x))
    x = builder.max_pool("features.pool0", x, kernel=3, stride=2, padding=1)
    for block, count in enumerate(layers, start=1):
        for layer in range(1, count + 1):
            x = _layer(builder, f"features.denseblock{block}.denselayer{layer}", x)
        if block < len(layers):
            x = _transition(builder, f"features.transition{block}", x)
    x = builder.relu("features.relu5", builder.batch_norm("features.norm5", x))
    return classify(builder, "classifier", x)


def _layer(builder: GraphBuilder, name: str, x: Value) -> Value:
    new = builder.relu(f"{name}.relu1", builder.batch_norm(f"{name}.norm1", x))
    new = builder.conv(f"{name}.conv1", new, channels=BOTTLENECK * GROWTH, kernel=1)
    new = builder.relu(f"{name}.relu2", builder.batch_norm(f"{name}.norm2", new))
    new = builder.conv(f"{name}.conv2", new, channels=GROWTH, kernel=3, padding=1)
    return builder.concat_channels(f"{name}.concat", (x, new))


def _transition(builder: GraphBuilder, name: str, x: Value) -> Value:
    _, channels, *_ = x.shape
    x = builder.relu(f"{name}.relu", builder.batch_norm(f"{name}.norm", x))
    x = builder.conv(f"{name}.conv", x, channels=channels // 2, kernel=1)
    return builder.average_pool(f"{name}.pool", x, kernel=2, stride=2)
