"""G-Ghost RegNet: in each long stage half of the channels skip the blocks between the first and the last one.

Source: Han et al., GhostNets on Heterogeneous Devices via Cheap Operations, arXiv:2201.03297; sizes as in the authors'
g_ghost_pytorch/g_ghost_regnet.py.
"""

from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import BRANCH_SCALE, classify, conv_norm
from attainable.zoo.graph import Value
from attainable.zoo.regnet import Sizes, bottleneck

SIZES: Final = {"g_ghost_regnet_x_400mf": Sizes((1, 2, 7, 12), (32, 64, 160, 384), group_width=16)}
"""Source: g_ghost_regnetx_004 of the authors' code."""

SHORTEST_GHOST_STAGE: Final = 3
"""Stages of fewer blocks have no block between the first and the last one."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """G-Ghost RegNet: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    Source: arXiv:2201.03297, figure 4; g_ghost_pytorch/g_ghost_regnet.py.
    """
    sizes = SIZES[name]
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = conv_norm(builder, "conv1", x, channels=32, kernel=3, stride=2, activation="relu", after_relu=False)
    for stage, (repeats, width) in enumerate(zip(sizes.repeats, sizes.widths, strict=True), start=1):
        layer = f"layer{stage}"
        if repeats >= SHORTEST_GHOST_STAGE:
            x = _ghost_stage(builder, layer, x, width=width, group_width=sizes.group_width, repeats=repeats)
            continue
        for index in range(repeats):
            stride = 2 if index == 0 else 1
            groups = width // min(width, sizes.group_width)
            x = bottleneck(builder, f"{layer}.{index}", x, width=width, groups=groups, stride=stride)
    return classify(builder, "fc", x)


def _ghost_stage(builder: GraphBuilder, name: str, x: Value, *, width: int, group_width: int, repeats: int) -> Value:
    groups = width // group_width
    base = bottleneck(builder, f"{name}.base", x, width=width, groups=groups, stride=2)
    narrow_group = group_width * 3 // 4
    # The channels that pass through all blocks fill whole groups of three quarters the width.
    raw = width // 2 // narrow_group * narrow_group
    cheap = builder.slice(f"{name}.cheap_part", base, bounds={1: (raw, width)})
    made = [builder.slice(f"{name}.raw_part", base, bounds={1: (0, raw)})]
    for index in range(repeats - 2):
        made.append(
            bottleneck(builder, f"{name}.layers.{index}", made[-1], width=raw, groups=raw // narrow_group, stride=1)
        )
    mixed = builder.concat_channels(f"{name}.mix", [base, *made[1:]])
    cheap = _ghost(builder, name, cheap, mixed)
    joined = builder.concat_channels(f"{name}.concat", (made[-1], cheap))
    return bottleneck(builder, f"{name}.end", joined, width=width, groups=groups, stride=1)


def _ghost(builder: GraphBuilder, name: str, cheap: Value, mixed: Value) -> Value:
    _, channels, *_ = cheap.shape
    means = builder.global_average_pool(f"{name}.merge.pool", mixed)
    means = conv_norm(builder, f"{name}.merge.0", means, channels=channels, kernel=1, activation="relu")
    means = conv_norm(builder, f"{name}.merge.1", means, channels=channels, kernel=1, scale=BRANCH_SCALE)
    cheap = conv_norm(builder, f"{name}.cheap", cheap, channels=channels, kernel=1)
    return builder.relu(f"{name}.cheap.relu", builder.add(f"{name}.cheap.add", (cheap, means)))
