"""RepVGG: trained with three branches a layer, run as one plain 3x3 convolution a layer.

Source: Ding et al., RepVGG: Making VGG-style ConvNets Great Again, arXiv:2101.03697; sizes as in the
authors' repvgg.py.
"""

import math
from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import classify, conv_norm
from attainable.zoo.graph import Value

SIZES: Final = {
    "repvgg_a0": ((2, 4, 14, 1), (48, 96, 192, 1280)),
    "repvgg_b0": ((4, 6, 16, 1), (64, 128, 256, 1280)),
}
"""Layers and channels of each of the four stages after the first layer. Source: arXiv:2101.03697, tables 2 and 3."""

DEPLOYED: Final = {f"{name}_deploy": sizes for name, sizes in SIZES.items()}


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """RepVGG in the form of training or of deployment: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000].

    The first layer has as many channels as the first stage (at most 64).

    Source: arXiv:2101.03697, tables 2 and 3, figure 4; DingXiaoH/RepVGG, repvgg.py.
    """
    repeats, channels = (SIZES | DEPLOYED)[name]
    layer = _plain if name in DEPLOYED else _branched
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = layer(builder, "stage0", x, channels[0], 2)
    for stage, (count, width) in enumerate(zip(repeats, channels, strict=True), start=1):
        for index in range(count):
            x = layer(builder, f"stage{stage}.{index}", x, width, 2 if index == 0 else 1)
    return classify(builder, "linear", x)


def _plain(builder: GraphBuilder, name: str, x: Value, channels: int, stride: int) -> Value:
    conv = f"{name}.rbr_reparam"
    x = builder.conv(
        conv, x, channels=channels, kernel=3, stride=stride, padding=1, bias=True, after_relu=name != "stage0"
    )
    return builder.relu(f"{name}.nonlinearity", x)


def _branched(builder: GraphBuilder, name: str, x: Value, channels: int, stride: int) -> Value:
    _, channels_in, *_ = x.shape
    has_identity = channels_in == channels and stride == 1
    # Two or three branches add up to the variance of one.
    scale = 1 / math.sqrt(3 if has_identity else 2)
    total = conv_norm(
        builder,
        f"{name}.rbr_dense",
        x,
        channels=channels,
        kernel=3,
        stride=stride,
        scale=scale,
        after_relu=name != "stage0",
    )
    small = conv_norm(
        builder,
        f"{name}.rbr_1x1",
        x,
        channels=channels,
        kernel=1,
        stride=stride,
        scale=scale,
        after_relu=name != "stage0",
    )
    total = builder.add(f"{name}.add", (total, small))
    if has_identity:
        identity = builder.batch_norm(f"{name}.rbr_identity", x, scale=scale)
        total = builder.add(f"{name}.add_identity", (total, identity))
    return builder.relu(f"{name}.nonlinearity", total)
