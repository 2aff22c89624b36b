"""DarkNet-53 and the cross-stage partial networks: half of a stage's channels go around its blocks.

Source: Redmon and Farhadi, YOLOv3, arXiv:1804.02767; Wang et al., CSPNet, arXiv:1911.11929; sizes as in
timm/models/cspnet.py, which widens the first convolution of a stage instead of starting two branches.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import BRANCH_SCALE, classify, conv_norm, leaky
from attainable.zoo.graph import Value

Block = Callable[[GraphBuilder, str, Value, int], Value]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a cross-stage partial network.

    Attributes:
        blocks: repeats of the block.
        channels: of the output.
        downsample: channels of the 3x3 convolution with stride 2 that comes first; None for none.
        expanded: channels that are split in two halves, one around the blocks.
        hidden: channels inside the blocks.
    """

    blocks: int
    channels: int
    downsample: int | None
    expanded: int
    hidden: int


RESNET_STAGES: Final = (
    Stage(3, 128, None, 256, 64),
    Stage(3, 256, 128, 512, 128),
    Stage(5, 512, 256, 1024, 256),
    Stage(2, 1024, 512, 2048, 512),
)
"""Source: cspresnet50 in timm/models/cspnet.py."""

DARKNET_STAGES: Final = (
    Stage(1, 64, 64, 128, 32),
    Stage(2, 128, 128, 128, 64),
    Stage(8, 256, 256, 256, 128),
    Stage(8, 512, 512, 512, 256),
    Stage(4, 1024, 1024, 1024, 512),
)
"""Source: cspdarknet53 in timm/models/cspnet.py."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """A network of 53 or 50 layers: ``input`` [batch, 3, 256, 256] -> ``logits`` [batch, 1000], float32.

    Source: arXiv:1804.02767, table 1 (darknet53); arXiv:1911.11929; timm/models/cspnet.py.
    """
    builder = GraphBuilder(name, seed=seed)
    return classify(builder, "head.fc", _NETWORKS[name](builder, builder.input("input", (batch, 3, 256, 256))))


def _darknet53(builder: GraphBuilder, x: Value) -> Value:
    x = leaky(builder, "stem.conv1", x, channels=32, kernel=3, after_relu=False)
    for index, stage in enumerate(DARKNET_STAGES):
        name = f"stages.{index}"
        x = leaky(builder, f"{name}.conv_down", x, channels=stage.channels, kernel=3, stride=2)
        for block in range(stage.blocks):
            x = _dark_block(builder, f"{name}.blocks.{block}", x, stage.channels // 2)
    return x


def _cspdarknet53(builder: GraphBuilder, x: Value) -> Value:
    x = leaky(builder, "stem.conv1", x, channels=32, kernel=3, after_relu=False)
    for index, stage in enumerate(DARKNET_STAGES):
        x = _cross_stage(builder, f"stages.{index}", x, stage, block=_dark_block, expansion="leaky_relu")
    return x


def _cspresnet50(builder: GraphBuilder, x: Value) -> Value:
    x = leaky(builder, "stem.conv1", x, channels=64, kernel=7, stride=2, after_relu=False)
    x = builder.max_pool("stem.pool", x, kernel=3, stride=2, padding=1)
    for index, stage in enumerate(RESNET_STAGES):
        x = _cross_stage(builder, f"stages.{index}", x, stage, block=_bottleneck, expansion=None)
    return x


def _cross_stage(
    builder: GraphBuilder,
    name: str,
    x: Value,
    stage: Stage,
    *,
    block: Block,
    expansion: Literal["leaky_relu"] | None,
) -> Value:
    if stage.downsample is not None:
        x = leaky(builder, f"{name}.conv_down", x, channels=stage.downsample, kernel=3, stride=2)
    x = conv_norm(builder, f"{name}.conv_exp", x, channels=stage.expanded, kernel=1, activation=expansion)
    around, through = builder.split_channels(f"{name}.split", x, parts=2)
    for index in range(stage.blocks):
        through = block(builder, f"{name}.blocks.{index}", through, stage.hidden)
    through = leaky(builder, f"{name}.conv_transition_b", through, channels=stage.expanded // 2, kernel=1)
    joined = builder.concat_channels(f"{name}.concat", (around, through))
    return leaky(builder, f"{name}.conv_transition", joined, channels=stage.channels, kernel=1)


def _dark_block(builder: GraphBuilder, name: str, x: Value, hidden: int) -> Value:
    _, channels, *_ = x.shape
    branch = leaky(builder, f"{name}.conv1", x, channels=hidden, kernel=1)
    branch = leaky(builder, f"{name}.conv2", branch, channels=channels, kernel=3, scale=BRANCH_SCALE)
    return builder.add(f"{name}.add", (branch, x))


def _bottleneck(builder: GraphBuilder, name: str, x: Value, hidden: int) -> Value:
    _, channels, *_ = x.shape
    branch = leaky(builder, f"{name}.conv1", x, channels=hidden, kernel=1)
    branch = leaky(builder, f"{name}.conv2", branch, channels=hidden, kernel=3)
    branch = conv_norm(builder, f"{name}.conv3", branch, channels=channels, kernel=1, scale=BRANCH_SCALE)
    return builder.leaky_relu(f"{name}.act3", builder.add(f"{name}.add", (branch, x)))


_NETWORKS: Final[dict[str, Callable[[GraphBuilder, Value], Value]]] = {
    "darknet53": _darknet53,
    "cspdarknet53": _cspdarknet53,
    "cspresnet50": _cspresnet50,
}
