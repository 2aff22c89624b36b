"""The MobileDet backbone for DSPs: inverted bottlenecks, fused (full) convolutions and Tucker blocks in one network.

Source: Xiong et al., MobileDets: Searching for Object Detection Architectures for Mobile Accelerators,
arXiv:2004.14525; sizes as in mobiledet_dsp_backbone of tensorflow/models,
research/object_detection/models/ssd_mobiledet_feature_extractor.py.
"""

from typing import Final, Literal

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import BRANCH_SCALE, conv_norm, depthwise_norm
from attainable.zoo.graph import Value

Kind = Literal["inverted", "fused", "tucker"]
Row = tuple[Kind, int, tuple[float, ...], int, bool]
"""Block, output channels, ratios of the block, stride, shortcut."""

BLOCKS: Final[tuple[Row, ...]] = (
    ("fused", 32, (4,), 2, False),
    ("fused", 32, (4,), 1, True),
    ("inverted", 32, (4,), 1, True),
    ("tucker", 32, (0.25, 0.75), 1, True),
    ("fused", 64, (8,), 2, False),
    ("inverted", 64, (4,), 1, True),
    ("fused", 64, (4,), 1, True),
    ("fused", 64, (4,), 1, True),
    ("fused", 120, (8,), 2, False),
    ("inverted", 120, (4,), 1, True),
    ("inverted", 120, (8,), 1, True),
    ("inverted", 120, (8,), 1, True),
    ("fused", 144, (8,), 1, False),
    ("inverted", 144, (8,), 1, True),
    ("inverted", 144, (8,), 1, True),
    ("inverted", 144, (8,), 1, True),
    ("inverted", 160, (4,), 2, False),
    ("inverted", 160, (4,), 1, True),
    ("fused", 160, (4,), 1, True),
    ("tucker", 160, (0.75, 0.75), 1, True),
    ("inverted", 240, (8,), 1, False),
)
"""The ratio of an inverted or fused block is hidden over input channels; those of a Tucker block are compressed over
input channels and filtered over output channels.

Source: mobiledet_dsp_backbone of tensorflow/models.
"""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """The backbone without detector: ``input`` [batch, 3, 320, 320] -> ``features`` [batch, 240, 10, 10], float32.

    TensorFlow pads a stride of two after the image only, here it is padded on both sides; the work is the same.

    Source: arXiv:2004.14525, section 3 and figure 8; ssd_mobiledet_feature_extractor.py of tensorflow/models.
    """
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 320, 320))
    x = conv_norm(builder, "stem", x, channels=32, kernel=3, stride=2, activation="relu6", after_relu=False)
    x = depthwise_norm(builder, "first.depthwise", x, kernel=3, activation="relu6")
    x = conv_norm(builder, "first.project", x, channels=24, kernel=1)
    for index, (kind, channels, ratios, stride, residual) in enumerate(BLOCKS):
        block = f"blocks.{index}"
        branch = _hidden(builder, block, x, kind=kind, channels=channels, ratios=ratios, stride=stride)
        scale = BRANCH_SCALE if residual else 1.0
        branch = conv_norm(builder, f"{block}.project", branch, channels=channels, kernel=1, scale=scale)
        x = builder.add(f"{block}.add", (branch, x)) if residual else branch
    return builder.finish(x, name="features")


def _hidden(
    builder: GraphBuilder,
    name: str,
    x: Value,
    *,
    kind: Kind,
    channels: int,
    ratios: tuple[float, ...],
    stride: int,
) -> Value:
    _, channels_in, *_ = x.shape
    hidden = _multiple_of_eight(channels_in * ratios[0])
    if kind == "fused":
        return conv_norm(
            builder,
            f"{name}.fused",
            x,
            channels=hidden,
            kernel=3,
            stride=stride,
            activation="relu6",
            after_relu=False,
        )
    x = conv_norm(builder, f"{name}.first", x, channels=hidden, kernel=1, activation="relu6", after_relu=False)
    if kind == "inverted":
        return depthwise_norm(builder, f"{name}.depthwise", x, kernel=3, stride=stride, activation="relu6")
    filtered = _multiple_of_eight(channels * ratios[1])
    return conv_norm(builder, f"{name}.core", x, channels=filtered, kernel=3, stride=stride, activation="relu6")


def _multiple_of_eight(channels: float) -> int:
    return max(8, int(channels / 8 + 0.5) * 8)
