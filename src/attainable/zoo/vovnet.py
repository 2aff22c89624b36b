"""VoVNet: a block joins the outputs of all its layers once, at its end.

Source: Lee et al., An Energy and GPU-Computation Efficient Backbone Network for Real-Time Object Detection,
arXiv:1904.09730; sizes as in timm/models/vovnet.py (vovnet39a).
"""

from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import classify, conv_norm
from attainable.zoo.graph import Value

Stage = tuple[int, int, int]
"""Blocks, channels of the layers in a block, channels that a block gives."""

STAGES: Final[dict[str, tuple[Stage, ...]]] = {
    "vovnet27_slim": ((1, 64, 128), (1, 80, 256), (1, 96, 384), (1, 112, 512)),
    "vovnet39": ((1, 128, 256), (1, 160, 512), (2, 192, 768), (2, 224, 1024)),
}
"""Source: arXiv:1904.09730, table 1."""

LAYERS: Final = 5
"""3x3 convolutions in a block. Source: arXiv:1904.09730, table 1."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """VoVNet: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    Without shortcuts around blocks, which the second version added.

    Source: arXiv:1904.09730, table 1 and figure 1; timm/models/vovnet.py.
    """
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    for index, (channels, stride) in enumerate(((64, 2), (64, 1), (128, 2))):
        x = conv_norm(
            builder,
            f"stem.{index}",
            x,
            channels=channels,
            kernel=3,
            stride=stride,
            activation="relu",
            after_relu=index > 0,
        )
    for stage, (blocks, width, channels) in enumerate(STAGES[name]):
        if stage > 0:
            x = builder.max_pool(f"stages.{stage}.pool", x, kernel=3, stride=2, ceil_mode=True)
        for block in range(blocks):
            x = _aggregation(builder, f"stages.{stage}.blocks.{block}", x, width=width, channels=channels)
    return classify(builder, "head.fc", x)


def _aggregation(builder: GraphBuilder, name: str, x: Value, *, width: int, channels: int) -> Value:
    outputs = [x]
    for index in range(LAYERS):
        x = conv_norm(builder, f"{name}.conv_mid.{index}", x, channels=width, kernel=3, activation="relu")
        outputs.append(x)
    joined = builder.concat_channels(f"{name}.concat", outputs)
    return conv_norm(builder, f"{name}.conv_concat", joined, channels=channels, kernel=1, activation="relu")
