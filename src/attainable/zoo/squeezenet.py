"""SqueezeNet, an image network of 1.2 million parameters made of squeeze and expand layers.

Source: Iandola et al., SqueezeNet, arXiv:1602.07360; layer names as in torchvision/models/squeezenet.py.
"""

from dataclasses import dataclass
from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value


@dataclass(frozen=True, slots=True)
class Version:
    """What the versions differ in.

    Attributes:
        channels: of the first convolution.
        kernel: of the first convolution.
        fires: squeeze channels and channels of each of the two expansions, by position in ``features``.
        pools: positions of the max pools in ``features``.
    """

    channels: int
    kernel: int
    fires: dict[int, tuple[int, int]]
    pools: tuple[int, ...]


FIRES: Final = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
"""Squeeze and expansion channels, the same in both versions. Source: arXiv:1602.07360, table 1."""

VERSIONS: Final = {
    "squeezenet1_0": Version(96, 7, dict(zip((3, 4, 5, 7, 8, 9, 10, 12), FIRES, strict=True)), (2, 6, 11)),
    "squeezenet1_1": Version(64, 3, dict(zip((3, 4, 6, 7, 9, 10, 11, 12), FIRES, strict=True)), (2, 5, 8)),
}
"""Source: arXiv:1602.07360, table 1; torchvision/models/squeezenet.py for 1.1."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """SqueezeNet: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32, none below zero.

    Source: arXiv:1602.07360; torchvision/models/squeezenet.py.
    """
    version = VERSIONS[name]
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = builder.conv(
        "features.0", x, channels=version.channels, kernel=version.kernel, stride=2, bias=True, after_relu=False
    )
    x = builder.relu("features.1", x)
    for index in sorted([*version.pools, *version.fires]):
        layer = f"features.{index}"
        if index in version.fires:
            squeeze, expand = version.fires[index]
            x = _fire(builder, layer, x, squeeze=squeeze, expand=expand)
        else:
            x = builder.max_pool(layer, x, kernel=3, stride=2, ceil_mode=True)
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
