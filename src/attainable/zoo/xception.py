"""Xception: depthwise separable convolutions in residual blocks, at 299 pixels.

Source: Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, arXiv:1610.02357; sizes as in
timm/models/xception.py.
"""

from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import classify, conv_norm
from attainable.zoo.graph import Value

BLOCKS: Final = (
    ((128, 128), 2),
    ((256, 256), 2),
    ((728, 728), 2),
    *(((728, 728, 728), 1),) * 8,
    ((728, 1024), 2),
)
"""Output channels of the separable layers, and stride, of the 12 blocks. Source: arXiv:1610.02357, figure 5."""

BRANCH_SCALE: Final = 0.2
"""Scale of the last normalisation in a branch. Random depthwise filters pass on more of what all images have in common
than of what tells them apart, and here three of them follow each other in a branch."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """Xception: ``input`` [batch, 3, 299, 299] -> ``logits`` [batch, 1000], float32.

    Source: arXiv:1610.02357, figure 5; timm/models/xception.py.
    """
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 299, 299))
    x = conv_norm(builder, "conv1", x, channels=32, kernel=3, stride=2, padding=0, activation="relu", after_relu=False)
    x = conv_norm(builder, "conv2", x, channels=64, kernel=3, padding=0, activation="relu")
    for index, (channels, stride) in enumerate(BLOCKS, start=1):
        # The ReLU before the first block is the one of the stem.
        x = _block(builder, f"block{index}", x, channels=channels, stride=stride, starts_with_relu=index > 1)
    for index, channels in ((3, 1536), (4, 2048)):
        x = builder.relu(f"conv{index}.relu", _separable(builder, f"conv{index}", x, channels=channels))
    return classify(builder, "fc", x)


def _block(
    builder: GraphBuilder, name: str, x: Value, *, channels: tuple[int, ...], stride: int, starts_with_relu: bool
) -> Value:
    branch = x
    last = len(channels) - 1
    for index, width in enumerate(channels):
        if index > 0 or starts_with_relu:
            branch = builder.relu(f"{name}.{index}.relu", branch)
        scale = BRANCH_SCALE if index == last else 1.0
        branch = _separable(builder, f"{name}.{index}", branch, channels=width, scale=scale)
    if stride == 1:
        return builder.add(f"{name}.add", (branch, x))
    branch = builder.max_pool(f"{name}.pool", branch, kernel=3, stride=stride, padding=1)
    shortcut = conv_norm(
        builder, f"{name}.skip", x, channels=channels[-1], kernel=1, stride=stride, after_relu=not starts_with_relu
    )
    return builder.add(f"{name}.add", (branch, shortcut))


def _separable(builder: GraphBuilder, name: str, x: Value, *, channels: int, scale: float = 1.0) -> Value:
    # Nothing between the two convolutions, unlike in MobileNet.
    _, groups, *_ = x.shape
    x = builder.conv(f"{name}.depthwise", x, channels=groups, kernel=3, padding=1, groups=groups)
    return conv_norm(builder, f"{name}.pointwise", x, channels=channels, kernel=1, scale=scale, after_relu=False)
