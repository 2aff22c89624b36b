"""ShuffleNet v1: grouped 1x1 convolutions, and shuffles that mix the groups.

Source: Zhang et al., ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices,
arXiv:1707.01083.
"""

from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import channel_shuffle, classify, conv_norm, depthwise_norm
from attainable.zoo.graph import Value

UNITS: Final = (4, 8, 4)
"""Units in each stage. Source: arXiv:1707.01083, table 1."""

CHANNELS: Final = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
"""Output channels of the first stage by groups; each further stage doubles them. Source: arXiv:1707.01083, table 1."""

GROUPS: Final = {f"shufflenet_v1_g{groups}": groups for groups in CHANNELS}

BOTTLENECK: Final = 4
"""Output channels of a unit over channels inside it. Source: arXiv:1707.01083, section 3.3."""

BRANCH_SCALE: Final = 0.3
"""Scale of the last normalisation in a branch, so that the sums of eight equal units do not grow with depth."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """ShuffleNet v1, width 1.0: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    The first 1x1 convolution of the first stage is not grouped, its input being narrow.

    Source: arXiv:1707.01083, table 1, figure 2 and section 3.3.
    """
    groups = GROUPS[name]
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = conv_norm(builder, "conv1", x, channels=24, kernel=3, stride=2, activation="relu", after_relu=False)
    x = builder.max_pool("maxpool", x, kernel=3, stride=2, padding=1)
    for stage, units in enumerate(UNITS):
        for index in range(units):
            x = _unit(
                builder,
                f"stage{stage + 2}.{index}",
                x,
                channels=CHANNELS[groups] * 2**stage,
                groups=groups,
                first_groups=1 if stage == index == 0 else groups,
                downsample=index == 0,
            )
    return classify(builder, "fc", x)


def _unit(
    builder: GraphBuilder, name: str, x: Value, *, channels: int, groups: int, first_groups: int, downsample: bool
) -> Value:
    _, channels_in, *_ = x.shape
    # Downsampling joins the pooled input to the branch, which gives the remaining channels.
    branch_channels = channels - channels_in if downsample else channels
    branch = conv_norm(
        builder,
        f"{name}.compress",
        x,
        channels=channels // BOTTLENECK,
        kernel=1,
        groups=first_groups,
        activation="relu",
    )
    branch = channel_shuffle(builder, f"{name}.shuffle", branch, groups=groups)
    branch = depthwise_norm(builder, f"{name}.depthwise", branch, kernel=3, stride=2 if downsample else 1)
    branch = conv_norm(
        builder,
        f"{name}.expand",
        branch,
        channels=branch_channels,
        kernel=1,
        groups=groups,
        scale=1.0 if downsample else BRANCH_SCALE,
        after_relu=False,
    )
    if downsample:
        pooled = builder.average_pool(f"{name}.pool", x, kernel=3, stride=2, padding=1)
        joined = builder.concat_channels(f"{name}.concat", (pooled, branch))
    else:
        joined = builder.add(f"{name}.add", (x, branch))
    return builder.relu(f"{name}.relu", joined)
