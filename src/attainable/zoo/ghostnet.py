"""GhostNet: half of the channels of each layer made from the other half by cheap depthwise filters.

Source: Han et al., GhostNet: More Features from Cheap Operations, arXiv:1911.11907; sizes as in
timm/models/ghostnet.py, which follows the authors' ghostnet_pytorch.
"""

from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import BRANCH_SCALE, GATE_MEAN, conv_norm, depthwise_norm, squeeze_excite
from attainable.zoo.elementwise import Activation
from attainable.zoo.graph import Value

BOTTLENECKS: Final = (
    (3, 16, 16, None, 1),
    (3, 48, 24, None, 2),
    (3, 72, 24, None, 1),
    (5, 72, 40, 20, 2),
    (5, 120, 40, 32, 1),
    (3, 240, 80, None, 2),
    (3, 200, 80, None, 1),
    (3, 184, 80, None, 1),
    (3, 184, 80, None, 1),
    (3, 480, 112, 120, 1),
    (3, 672, 112, 168, 1),
    (5, 672, 160, 168, 2),
    (5, 960, 160, None, 1),
    (5, 960, 160, 240, 1),
    (5, 960, 160, None, 1),
    (5, 960, 160, 240, 1),
)
"""Kernel, hidden channels, output channels, channels inside the gate and stride.

A gate squeezes to a quarter, rounded to a multiple of four (72 / 4 = 18 -> 20, 120 / 4 = 30 -> 32).

Source: arXiv:1911.11907, table 1; timm/models/ghostnet.py.
"""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """GhostNet, width 1.0: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    Source: arXiv:1911.11907, table 1; timm/models/ghostnet.py.
    """
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = conv_norm(builder, "conv_stem", x, channels=16, kernel=3, stride=2, activation="relu", after_relu=False)
    for index, (kernel, hidden, channels, squeezed, stride) in enumerate(BOTTLENECKS):
        x = _bottleneck(
            builder,
            f"blocks.{index}",
            x,
            kernel=kernel,
            hidden=hidden,
            channels=channels,
            squeezed=squeezed,
            stride=stride,
        )
    last = f"blocks.{len(BOTTLENECKS)}"
    x = conv_norm(builder, last, x, channels=960, kernel=1, activation="relu", after_relu=False)
    x = builder.conv("conv_head", builder.global_average_pool("global_pool", x), channels=1280, kernel=1, bias=True)
    x = builder.flatten("flatten", builder.relu("act2", x))
    return builder.finish(builder.linear("classifier", x, features=1000, after_relu=True), name="logits")


def _bottleneck(
    builder: GraphBuilder,
    name: str,
    x: Value,
    *,
    kernel: int,
    hidden: int,
    channels: int,
    squeezed: int | None,
    stride: int,
) -> Value:
    branch = _ghost(builder, f"{name}.ghost1", x, channels=hidden, activation="relu", after_relu=False)
    if stride > 1:
        branch = depthwise_norm(builder, f"{name}.dw", branch, kernel=kernel, stride=stride)
    scale = BRANCH_SCALE
    if squeezed is not None:
        branch = squeeze_excite(
            builder, f"{name}.se", branch, squeezed=squeezed, activation="relu", gate="hard_sigmoid"
        )
        scale /= GATE_MEAN
    branch = _ghost(
        builder, f"{name}.ghost2", branch, channels=channels, activation=None, after_relu=stride == 1, scale=scale
    )
    shortcut = x
    if branch.shape != x.shape:
        shortcut = depthwise_norm(builder, f"{name}.shortcut.0", x, kernel=kernel, stride=stride, after_relu=False)
        shortcut = conv_norm(builder, f"{name}.shortcut.1", shortcut, channels=channels, kernel=1, after_relu=False)
    return builder.add(f"{name}.add", (branch, shortcut))


def _ghost(
    builder: GraphBuilder,
    name: str,
    x: Value,
    *,
    channels: int,
    activation: Activation | None,
    after_relu: bool,
    scale: float = 1.0,
) -> Value:
    primary = conv_norm(
        builder,
        f"{name}.primary",
        x,
        channels=channels // 2,
        kernel=1,
        activation=activation,
        after_relu=after_relu,
        scale=scale,
    )
    cheap = depthwise_norm(
        builder, f"{name}.cheap", primary, kernel=3, activation=activation, after_relu=activation is not None
    )
    return builder.concat_channels(f"{name}.concat", (primary, cheap))
