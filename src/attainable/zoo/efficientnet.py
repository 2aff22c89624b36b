"""EfficientNet B0 and Lite0: inverted residuals whose depth, width and resolution grow together.

Source: Tan and Le, EfficientNet, arXiv:1905.11946; sizes as in torchvision/models/efficientnet.py. Lite0, which is B0
without gates and with ReLU6: models/official/efficientnet/lite of tensorflow/tpu.
"""

from dataclasses import dataclass
from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import classify, conv_norm, inverted_residual
from attainable.zoo.elementwise import Activation

STAGES: Final = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
"""Expansion, kernel, output channels, repeats and first stride. Source: arXiv:1905.11946, table 1."""

SQUEEZE_RATIO: Final = 4
"""Channels into a block over channels inside its gate. Source: arXiv:1905.11946, section 4 (after MnasNet)."""


@dataclass(frozen=True, slots=True)
class Variant:
    """The activation, and whether blocks have gates."""

    activation: Activation
    gated: bool


VARIANTS: Final = {
    "efficientnet_b0": Variant("swish", gated=True),
    "efficientnet_lite0": Variant("relu6", gated=False),
}


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """EfficientNet: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    Source: arXiv:1905.11946, table 1; torchvision/models/efficientnet.py.
    """
    variant = VARIANTS[name]
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = conv_norm(
        builder, "features.0", x, channels=32, kernel=3, stride=2, activation=variant.activation, after_relu=False
    )
    for stage, (expansion, kernel, channels, repeats, first_stride) in enumerate(STAGES, start=1):
        for repeat in range(repeats):
            _, channels_in, *_ = x.shape
            x = inverted_residual(
                builder,
                f"features.{stage}.{repeat}",
                x,
                hidden=expansion * channels_in,
                channels=channels,
                kernel=kernel,
                stride=first_stride if repeat == 0 else 1,
                activation=variant.activation,
                squeezed=channels_in // SQUEEZE_RATIO if variant.gated else None,
                squeeze_activation="swish",
            )
    last = f"features.{len(STAGES) + 1}"
    x = conv_norm(builder, last, x, channels=1280, kernel=1, activation=variant.activation, after_relu=False)
    return classify(builder, "classifier.1", x)
