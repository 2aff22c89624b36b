"""RegNet, residual networks of grouped bottlenecks whose widths follow a line; and G-Ghost RegNet.

Source: Radosavovic et al., Designing Network Design Spaces, arXiv:2003.13678; sizes as in torchvision/models/regnet.py.
"""

from dataclasses import dataclass
from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import GATE_MEAN, classify, conv_norm, squeeze_excite
from attainable.zoo.graph import Value

BRANCH_SCALE = 0.4
"""Scale of the last normalisation in a branch, so that the sums of 12 equal blocks do not grow with depth."""

SQUEEZE_RATIO: Final = 4
"""Channels into a block over channels inside its gate. Source: arXiv:2003.13678, section 5.2."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the four stages.

    Attributes:
        repeats: blocks in each.
        widths: channels of each.
        group_width: channels in a group of the 3x3 convolutions.
        gated: whether a gate follows the 3x3 convolutions.
    """

    repeats: tuple[int, ...]
    widths: tuple[int, ...]
    group_width: int
    gated: bool = False


SIZES: Final = {
    "regnet_x_400mf": Sizes((1, 2, 7, 12), (32, 64, 160, 400), group_width=16),
    "regnet_y_400mf": Sizes((1, 3, 6, 6), (48, 104, 208, 440), group_width=8, gated=True),
}
"""Source: what the widths' rule gives in torchvision/models/regnet.py for depth 22, w_0 24, w_a 24.48, w_m 2.54 (x) and
depth 16, w_0 48, w_a 27.89, w_m 2.09 (y)."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """RegNet: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    Source: arXiv:2003.13678, figure 4 and appendix; torchvision/models/regnet.py.
    """
    sizes = SIZES[name]
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = conv_norm(builder, "stem", x, channels=32, kernel=3, stride=2, activation="relu", after_relu=False)
    for stage, (repeats, width) in enumerate(zip(sizes.repeats, sizes.widths, strict=True), start=1):
        for index in range(repeats):
            x = bottleneck(
                builder,
                f"trunk_output.block{stage}-{index}",
                x,
                width=width,
                groups=width // sizes.group_width,
                stride=2 if index == 0 else 1,
                gated=sizes.gated,
            )
    return classify(builder, "fc", x)


def bottleneck(
    builder: GraphBuilder, name: str, x: Value, *, width: int, groups: int, stride: int, gated: bool = False
) -> Value:
    """1x1, grouped 3x3 and 1x1 convolutions of equal width, and a shortcut around them.

    Source: arXiv:2003.13678, figure 4; arXiv:1709.01507 for the gate.
    """
    _, channels_in, *_ = x.shape
    branch = conv_norm(builder, f"{name}.a", x, channels=width, kernel=1, activation="relu")
    branch = conv_norm(
        builder, f"{name}.b", branch, channels=width, kernel=3, stride=stride, groups=groups, activation="relu"
    )
    scale = BRANCH_SCALE
    if gated:
        squeezed = round(channels_in / SQUEEZE_RATIO)
        branch = squeeze_excite(builder, f"{name}.se", branch, squeezed=squeezed, activation="relu", gate="sigmoid")
        scale /= GATE_MEAN
    branch = conv_norm(builder, f"{name}.c", branch, channels=width, kernel=1, scale=scale)
    shortcut = x
    if branch.shape != x.shape:
        shortcut = conv_norm(builder, f"{name}.proj", x, channels=width, kernel=1, stride=stride)
    return builder.relu(f"{name}.relu", builder.add(f"{name}.add", (branch, shortcut)))
