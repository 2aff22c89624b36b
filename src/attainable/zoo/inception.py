"""Inception v3: branches of different windows side by side, large windows made of 1x7 and 7x1.

Source: Szegedy et al., Rethinking the Inception Architecture for Computer Vision, arXiv:1512.00567; sizes and names of
the layers as in torchvision/models/inception.py.
"""

from dataclasses import dataclass
from typing import Final, Literal

import onnx

from attainable.zoo.builder import Extents, GraphBuilder
from attainable.zoo.convolution import classify, conv_norm
from attainable.zoo.graph import Value


@dataclass(frozen=True, slots=True)
class Layer:
    """A normalised convolution with ReLU.

    Attributes:
        name: in its block.
        channels: of the output.
        kernel: extents of the window.
        stride: 2 comes without padding, 1 keeps the extents.
    """

    name: str
    channels: int
    kernel: Extents = 1
    stride: int = 1


Pool = Literal["average", "maximum"]
"""3x3: the average with stride 1 keeps the extents, the maximum with stride 2 is without padding."""

Fork = tuple[Layer, Layer]
"""Two layers that read the same; their channels are joined."""

Branch = tuple[Layer | Pool | Fork, ...]


def _block_a(pooled: int) -> tuple[Branch, ...]:
    return (
        (Layer("branch1x1", 64),),
        (Layer("branch5x5_1", 48), Layer("branch5x5_2", 64, 5)),
        (Layer("branch3x3dbl_1", 64), Layer("branch3x3dbl_2", 96, 3), Layer("branch3x3dbl_3", 96, 3)),
        ("average", Layer("branch_pool", pooled)),
    )


def _block_c(width: int) -> tuple[Branch, ...]:
    wide, tall = (1, 7), (7, 1)
    return (
        (Layer("branch1x1", 192),),
        (Layer("branch7x7_1", width), Layer("branch7x7_2", width, wide), Layer("branch7x7_3", 192, tall)),
        (
            Layer("branch7x7dbl_1", width),
            Layer("branch7x7dbl_2", width, tall),
            Layer("branch7x7dbl_3", width, wide),
            Layer("branch7x7dbl_4", width, tall),
            Layer("branch7x7dbl_5", 192, wide),
        ),
        ("average", Layer("branch_pool", 192)),
    )


BLOCK_B: Final[tuple[Branch, ...]] = (
    (Layer("branch3x3", 384, 3, 2),),
    (Layer("branch3x3dbl_1", 64), Layer("branch3x3dbl_2", 96, 3), Layer("branch3x3dbl_3", 96, 3, 2)),
    ("maximum",),
)
BLOCK_D: Final[tuple[Branch, ...]] = (
    (Layer("branch3x3_1", 192), Layer("branch3x3_2", 320, 3, 2)),
    (
        Layer("branch7x7x3_1", 192),
        Layer("branch7x7x3_2", 192, (1, 7)),
        Layer("branch7x7x3_3", 192, (7, 1)),
        Layer("branch7x7x3_4", 192, 3, 2),
    ),
    ("maximum",),
)
BLOCK_E: Final[tuple[Branch, ...]] = (
    (Layer("branch1x1", 320),),
    (
        Layer("branch3x3_1", 384),
        (Layer("branch3x3_2a", 384, (1, 3)), Layer("branch3x3_2b", 384, (3, 1))),
    ),
    (
        Layer("branch3x3dbl_1", 448),
        Layer("branch3x3dbl_2", 384, 3),
        (Layer("branch3x3dbl_3a", 384, (1, 3)), Layer("branch3x3dbl_3b", 384, (3, 1))),
    ),
    ("average", Layer("branch_pool", 192)),
)
BLOCKS: Final[dict[str, tuple[Branch, ...]]] = {
    **{f"Mixed_5{letter}": _block_a(pooled) for letter, pooled in (("b", 32), ("c", 64), ("d", 64))},
    "Mixed_6a": BLOCK_B,
    **{f"Mixed_6{letter}": _block_c(width) for letter, width in (("b", 128), ("c", 160), ("d", 160), ("e", 192))},
    "Mixed_7a": BLOCK_D,
    "Mixed_7b": BLOCK_E,
    "Mixed_7c": BLOCK_E,
}
"""Source: arXiv:1512.00567, figures 5 to 7 and 10; torchvision/models/inception.py."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """Inception v3: ``input`` [batch, 3, 299, 299] -> ``logits`` [batch, 1000], float32.

    Without the auxiliary classifier, which serves training only.

    Source: arXiv:1512.00567, table 1; torchvision/models/inception.py.
    """
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 299, 299))
    x = _convolve(builder, "", x, Layer("Conv2d_1a_3x3", 32, 3, 2), after_relu=False)
    x = _convolve(builder, "", x, Layer("Conv2d_2a_3x3", 32, 3), padding=0)
    x = _convolve(builder, "", x, Layer("Conv2d_2b_3x3", 64, 3))
    x = builder.max_pool("maxpool1", x, kernel=3, stride=2)
    x = _convolve(builder, "", x, Layer("Conv2d_3b_1x1", 80))
    x = _convolve(builder, "", x, Layer("Conv2d_4a_3x3", 192, 3), padding=0)
    x = builder.max_pool("maxpool2", x, kernel=3, stride=2)
    for block, branches in BLOCKS.items():
        x = builder.concat_channels(f"{block}.concat", [_branch(builder, f"{block}.", x, each) for each in branches])
    return classify(builder, "fc", x)


def _branch(builder: GraphBuilder, prefix: str, x: Value, branch: Branch) -> Value:
    for step in branch:
        if step == "average":
            x = builder.average_pool(f"{prefix}average", x, kernel=3, stride=1, padding=1)
        elif step == "maximum":
            x = builder.max_pool(f"{prefix}maximum", x, kernel=3, stride=2)
        elif isinstance(step, Layer):
            x = _convolve(builder, prefix, x, step)
        else:
            sides = [_convolve(builder, prefix, x, side) for side in step]
            x = builder.concat_channels(f"{prefix}{step[0].name}.concat", sides)
    return x


def _convolve(
    builder: GraphBuilder,
    prefix: str,
    x: Value,
    layer: Layer,
    *,
    padding: Literal[0] | None = None,
    after_relu: bool = True,
) -> Value:
    return conv_norm(
        builder,
        f"{prefix}{layer.name}",
        x,
        channels=layer.channels,
        kernel=layer.kernel,
        stride=layer.stride,
        padding=0 if layer.stride == 2 else padding,
        activation="relu",
        after_relu=after_relu,
    )
