"""AlexNet as one tower, five convolutions and three large linear layers.

Source: Krizhevsky, One weird trick for parallelizing convolutional neural networks, arXiv:1404.5997; layer names as in
torchvision/models/alexnet.py.
"""

from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder

CONVOLUTIONS: Final = {0: (64, 11, 4, 2), 3: (192, 5, 1, 2), 6: (384, 3, 1, 1), 8: (256, 3, 1, 1), 10: (256, 3, 1, 1)}
"""Channels, kernel, stride and padding, by position in ``features``. Source: torchvision/models/alexnet.py."""

POOLS: Final = (2, 5, 12)
"""Positions of the max pools in ``features``."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """AlexNet: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    torchvision's adaptive pooling to 6x6 is left out: at 224 pixels its input is 6x6 already.

    Source: arXiv:1404.5997, section 5; torchvision/models/alexnet.py.
    """
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    for index in sorted([*CONVOLUTIONS, *POOLS]):
        layer = f"features.{index}"
        if index in POOLS:
            x = builder.max_pool(layer, x, kernel=3, stride=2)
            continue
        channels, kernel, stride, padding = CONVOLUTIONS[index]
        x = builder.conv(
            layer,
            x,
            channels=channels,
            kernel=kernel,
            stride=stride,
            padding=padding,
            bias=True,
            after_relu=index > 0,
        )
        x = builder.relu(f"features.{index + 1}", x)
    x = builder.flatten("flatten", x)
    x = builder.relu("classifier.2", builder.linear("classifier.1", x, features=4096, after_relu=True))
    x = builder.relu("classifier.5", builder.linear("classifier.4", x, features=4096, after_relu=True))
    return builder.finish(builder.linear("classifier.6", x, features=1000, after_relu=True), name="logits")
