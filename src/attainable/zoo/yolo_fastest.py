"""YOLO-Fastest, detectors of 0.25 billion operations made of narrow inverted residuals.

Source: structure as in ModelZoo/yolo-fastest-*_coco/*.cfg of dog-qiuqiu/Yolo-Fastest.
"""

from dataclasses import dataclass
from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import BRANCH_SCALE, conv_norm, depthwise_norm, leaky
from attainable.zoo.graph import Value
from attainable.zoo.yolo import detect

Row = tuple[int, int, int, int]
"""Hidden channels, output channels, repeats and first stride of inverted residuals."""

SHALLOW: Final[tuple[Row, ...]] = (
    (8, 4, 2, 1),
    (24, 8, 1, 2),
    (32, 8, 2, 1),
    (32, 8, 1, 2),
    (48, 8, 2, 1),
    (48, 16, 1, 1),
    (96, 16, 4, 1),
    (96, 24, 1, 2),
    (136, 24, 4, 1),
)
"""Up to 24 channels at a sixteenth of the image."""

DEEP: Final[tuple[Row, ...]] = ((224, 48, 5, 1),)
"""After the block that goes to a thirty-second of the image."""

NECK: Final = 96


@dataclass(frozen=True, slots=True)
class Version:
    """What the versions differ in.

    Attributes:
        width: factor of all channels of the backbone.
        pyramid: whether pools of three sizes come before the heads, and the heads are those of 1.1.
    """

    width: int
    pyramid: bool


VERSIONS: Final = {
    "yolo_fastest": Version(width=1, pyramid=False),
    "yolo_fastest_xl": Version(width=2, pyramid=False),
    "yolo_fastest_1_1": Version(width=1, pyramid=True),
    "yolo_fastest_1_1_xl": Version(width=2, pyramid=True),
}


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """A detector: ``input`` [batch, 3, 320, 320] -> ``coarse`` [batch, 255, 10, 10], ``fine`` [batch, 255, 20, 20].

    The outputs are those of the last convolutions: decoding boxes from them is not part of the network.

    Source: yolo-fastest.cfg, yolo-fastest-1.1.cfg and their -xl forms of dog-qiuqiu/Yolo-Fastest.
    """
    version = VERSIONS[name]
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 320, 320))
    x = leaky(builder, "stem", x, channels=8 * version.width, kernel=3, stride=2, after_relu=False)
    x = _residuals(builder, "shallow", x, SHALLOW, version.width)
    middle, x = _descend(builder, x, version)
    x = _residuals(builder, "deep", x, DEEP, version.width)
    if version.pyramid:
        pooled = [
            builder.max_pool(f"pyramid.{size}", x, kernel=size, stride=1, padding=size // 2) for size in (9, 5, 3)
        ]
        x = builder.concat_channels("pyramid", (*pooled, x))
    neck = leaky(builder, "neck", x, channels=NECK, kernel=1, after_relu=version.pyramid)
    joined = builder.concat_channels("join", (builder.upsample("upsample", neck), middle))
    if version.pyramid:
        coarse = _separable_pairs(builder, "coarse", neck, channels=(NECK, NECK))
        _, channels, *_ = joined.shape
        fine = _separable_pairs(builder, "fine", joined, channels=(channels, channels))
    else:
        coarse = _separable_pairs(builder, "coarse", neck, channels=(128, 128))
        lateral = leaky(builder, "lateral", joined, channels=NECK, kernel=1)
        fine = _separable_pairs(builder, "fine", lateral, channels=(NECK, NECK))
    heads = {"coarse": coarse, "fine": fine}
    return builder.finish_as({name: detect(builder, name, x, after_relu=False) for name, x in heads.items()})


def _residuals(builder: GraphBuilder, name: str, x: Value, rows: tuple[Row, ...], width: int) -> Value:
    for index, (hidden, channels, repeats, first_stride) in enumerate(rows):
        for repeat in range(repeats):
            block = f"{name}.{index}.{repeat}"
            stride = first_stride if repeat == 0 else 1
            branch = leaky(builder, f"{block}.expand", x, channels=hidden * width, kernel=1, after_relu=False)
            branch = depthwise_norm(
                builder, f"{block}.depthwise", branch, kernel=3, stride=stride, activation="leaky_relu"
            )
            _, channels_in, *_ = x.shape
            residual = stride == 1 and channels_in == channels * width
            scale = BRANCH_SCALE if residual else 1.0
            branch = conv_norm(builder, f"{block}.project", branch, channels=channels * width, kernel=1, scale=scale)
            x = builder.add(f"{block}.add", (branch, x)) if residual else branch
    return x


def _descend(builder: GraphBuilder, x: Value, version: Version) -> tuple[Value, Value]:
    # The fine head of 1.1 reads what this block reads, that of the others what its first layer makes.
    expanded = leaky(builder, "descend.expand", x, channels=136 * version.width, kernel=1, after_relu=False)
    deep = depthwise_norm(builder, "descend.depthwise", expanded, kernel=3, stride=2, activation="leaky_relu")
    deep = conv_norm(builder, "descend.project", deep, channels=48 * version.width, kernel=1)
    return x if version.pyramid else expanded, deep


def _separable_pairs(builder: GraphBuilder, name: str, x: Value, *, channels: tuple[int, ...]) -> Value:
    for index, width in enumerate(channels):
        x = depthwise_norm(
            builder, f"{name}.{index}.depthwise", x, kernel=5, activation="leaky_relu", after_relu=index == 0
        )
        x = conv_norm(builder, f"{name}.{index}.project", x, channels=width, kernel=1)
    return x
