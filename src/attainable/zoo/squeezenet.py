"""SqueezeNet 1.1, an image network of 1.2 million parameters made of squeeze and expand layers.

Source: Iandola et al., SqueezeNet, arXiv:1602.07360; version 1.1 and layer names as in
torchvision/models/squeezenet.py.
"""

from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value

FIRES: Final = {
    3: (16, 64),
    4: (16, 64),
    6: (32, 128),
    7: (32, 128),
    9: (48, 192),
    10: (48, 192),
    11: (64, 256),
    12: (64, 256),
}
"""Squeeze channels and channels of each of the two expansions, by position in ``features``."""

POOLS: Final = (2, 5, 8)
"""Positions of the max pools in ``features``."""


def squeezenet1_1(*, batch: int = 1, seed: int = 0) -> onnx.ModelProto:
    """SqueezeNet 1.1: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32, none below zero.

    Source: arXiv:1602.07360; torchvision/models/squeezenet.py, version 1_1.
    """
    builder = GraphBuilder("squeezenet1_1", seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = builder.conv("features.0", x, channels=64, kernel=3, stride=2, bias=True, after_relu=False)
    x = builder.relu("features.1", x)
    for index in sorted([*POOLS, *FIRES]):
        name = f"features.{index}"
        if index in FIRES:
            squeeze, expand = FIRES[index]
            x = _fire(builder, name, x, squeeze=squeeze, expand=expand)
        else:
            x = builder.max_pool(name, x, kernel=3, stride=2, ceil_mode=True)
    x = builder.relu("classifier.2", builder.conv("classifier.1", x, channels=1000, kernel=1, bias=True))
    x = builder.global_average_pool("classifier.3", x)
    return builder.finish(builder.flatten("flatten", x), name="logits")


def _fire(builder: GraphBuilder, name: str, x: Value, *, squeeze: int, expand: int) -> Value:
    x = _conv_relu(builder, f"{name}.squeeze", x, channels=squeeze, kernel=1)
    one = _conv_relu(builder, f"{name}.expand1x1", x, channels=expand, kernel=1)
    three = _conv_relu(builder, f"{name}.expand3x3", x, channels=expand, kernel=3)
    return builder.concat_channels(f"{name}.concat", (one, three))


def _conv_relu(builder: GraphBuilder, name: str, x: Value, *, channels: int, kernel: int) -> Value:
    x = builder.conv(name, x, channels=channels, kernel=kernel, padding=kernel // 2, bias=True)
    return builder.relu(f"{name}_activation", x)
