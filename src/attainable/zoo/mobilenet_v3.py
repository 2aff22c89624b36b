"""MobileNet v3, inverted residuals with gates and the hard swish, found by search for phones.

Source: Howard et al., Searching for MobileNetV3, arXiv:1905.02244; sizes as in torchvision/models/mobilenetv3.py.
"""

from dataclasses import dataclass
from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import conv_norm, inverted_residual
from attainable.zoo.elementwise import Activation

Row = tuple[int, int, int, bool, Activation, int]
"""Kernel, hidden channels, output channels, gate, activation, stride."""

LARGE: Final[tuple[Row, ...]] = (
    (3, 16, 16, False, "relu", 1),
    (3, 64, 24, False, "relu", 2),
    (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2),
    (5, 120, 40, True, "relu", 1),
    (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hard_swish", 2),
    (3, 200, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 480, 112, True, "hard_swish", 1),
    (3, 672, 112, True, "hard_swish", 1),
    (5, 672, 160, True, "hard_swish", 2),
    (5, 960, 160, True, "hard_swish", 1),
    (5, 960, 160, True, "hard_swish", 1),
)
"""Source: arXiv:1905.02244, table 1."""

SMALL: Final[tuple[Row, ...]] = (
    (3, 16, 16, True, "relu", 2),
    (3, 72, 24, False, "relu", 2),
    (3, 88, 24, False, "relu", 1),
    (5, 96, 40, True, "hard_swish", 2),
    (5, 240, 40, True, "hard_swish", 1),
    (5, 240, 40, True, "hard_swish", 1),
    (5, 120, 48, True, "hard_swish", 1),
    (5, 144, 48, True, "hard_swish", 1),
    (5, 288, 96, True, "hard_swish", 2),
    (5, 576, 96, True, "hard_swish", 1),
    (5, 576, 96, True, "hard_swish", 1),
)
"""Source: arXiv:1905.02244, table 2."""


@dataclass(frozen=True, slots=True)
class Size:
    """Blocks, channels of the last convolution and features of the layer before the classifier."""

    blocks: tuple[Row, ...]
    last_channels: int
    features: int


SIZES: Final = {"mobilenet_v3_small": Size(SMALL, 576, 1024), "mobilenet_v3_large": Size(LARGE, 960, 1280)}
"""Source: arXiv:1905.02244, tables 1 and 2."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """MobileNet v3, width 1.0: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    The gates squeeze to a quarter of the hidden channels, rounded to a multiple of eight.

    Source: arXiv:1905.02244, tables 1 and 2, section 5.3 (gates); torchvision/models/mobilenetv3.py.
    """
    size = SIZES[name]
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = conv_norm(builder, "features.0", x, channels=16, kernel=3, stride=2, activation="hard_swish", after_relu=False)
    for index, (kernel, hidden, channels, gated, activation, stride) in enumerate(size.blocks, start=1):
        x = inverted_residual(
            builder,
            f"features.{index}",
            x,
            hidden=hidden,
            channels=channels,
            kernel=kernel,
            stride=stride,
            activation=activation,
            squeezed=multiple_of_eight(hidden / 4) if gated else None,
            gate="hard_sigmoid",
        )
    last = f"features.{len(size.blocks) + 1}"
    x = conv_norm(builder, last, x, channels=size.last_channels, kernel=1, activation="hard_swish", after_relu=False)
    x = builder.flatten("flatten", builder.global_average_pool("avgpool", x))
    x = builder.hard_swish("classifier.1", builder.linear("classifier.0", x, features=size.features))
    return builder.finish(builder.linear("classifier.3", x, features=1000, after_relu=True), name="logits")


def multiple_of_eight(channels: float) -> int:
    """The multiple of 8 closest to ``channels``, at least 8; never below nine tenths of it.

    Source: _make_divisible of tensorflow/models, research/slim/nets/mobilenet/mobilenet.py.
    """
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded
