"""VGG, plain 3x3 convolutions and three large linear layers: up to 144 million parameters, 575 MB.

Source: Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, arXiv:1409.1556,
table 1; layer names as in torchvision/models/vgg.py.
"""

from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder

CHANNELS: Final = (64, 128, 256, 512, 512)
"""Of the convolutions of each stage. Source: arXiv:1409.1556, table 1."""

REPEATS: Final = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
"""Convolutions in each stage. Source: arXiv:1409.1556, table 1, columns A, B, D and E."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """VGG without BatchNorm: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    torchvision's adaptive pooling to 7x7 is left out: at 224 pixels its input is 7x7 already. Its dropout does
    nothing at inference.

    Source: arXiv:1409.1556, table 1; torchvision/models/vgg.py.
    """
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    index = 0
    for channels, repeats in zip(CHANNELS, REPEATS[name], strict=True):
        for _ in range(repeats):
            x = builder.conv(
                f"features.{index}", x, channels=channels, kernel=3, padding=1, bias=True, after_relu=index > 0
            )
            x = builder.relu(f"features.{index + 1}", x)
            index += 2
        x = builder.max_pool(f"features.{index}", x, kernel=2, stride=2)
        index += 1
    x = builder.flatten("flatten", x)
    x = builder.relu("classifier.1", builder.linear("classifier.0", x, features=4096, after_relu=True))
    x = builder.relu("classifier.4", builder.linear("classifier.3", x, features=4096, after_relu=True))
    return builder.finish(builder.linear("classifier.6", x, features=1000, after_relu=True), name="logits")
