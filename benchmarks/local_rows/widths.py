"""One architecture at several widths, all of its channels multiplied by one number.

Source: Howard et al., MobileNets, arXiv:1704.04861, section 3.3; Sandler et al., MobileNetV2, arXiv:1801.04381, table 2
and section 6.1. Channels are rounded to multiples of 8.
"""

from collections.abc import Callable

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import classify, conv_norm, depthwise_norm, inverted_residual
from attainable.zoo.graph import Value
from attainable.zoo.mobilenet import INVERTED_RESIDUALS, SEPARABLE_LAYERS
from attainable.zoo.mobilenet_v3 import multiple_of_eight

WIDTHS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
"""Those that are published for MobileNet v2."""

_STEM, _LAST = 32, 1280


def _version_1(builder: GraphBuilder, x: Value, width: float) -> Value:
    x = conv_norm(builder, "stem", x, channels=multiple_of_eight(_STEM * width), kernel=3, stride=2, activation="relu")
    for number, (channels, stride) in enumerate(SEPARABLE_LAYERS):
        x = depthwise_norm(builder, f"{number}.depthwise", x, kernel=3, stride=stride, activation="relu")
        x = conv_norm(
            builder, f"{number}.pointwise", x, channels=multiple_of_eight(channels * width), kernel=1, activation="relu"
        )  # fmt: skip
    return x


def _version_2(builder: GraphBuilder, x: Value, width: float) -> Value:
    x = conv_norm(builder, "stem", x, channels=multiple_of_eight(_STEM * width), kernel=3, stride=2, activation="relu6")
    number = 0
    for expansion, channels, repeats, first_stride in INVERTED_RESIDUALS:
        for repeat in range(repeats):
            x = inverted_residual(
                builder, f"{number}", x, hidden=expansion * x.shape[1], channels=multiple_of_eight(channels * width),
                kernel=3, stride=1 if repeat else first_stride, activation="relu6",
            )  # fmt: skip
            number += 1
    # Narrow networks keep all channels of the last layer.
    last = multiple_of_eight(_LAST * max(1.0, width))
    return conv_norm(builder, "last", x, channels=last, kernel=1, activation="relu6", after_relu=False)


ARCHITECTURES: dict[str, Callable[[GraphBuilder, Value, float], Value]] = {
    "mobilenet_v1": _version_1,
    "mobilenet_v2": _version_2,
}
"""Layers between the image and the classifier, by name."""


def at_width(network: str, width: float, *, seed: int | None = 0) -> onnx.ModelProto:
    """A network of ``ARCHITECTURES`` on an image of 224 x 224, with 1000 classes."""
    builder = GraphBuilder(network, seed=seed)
    x = builder.input("input", (1, 3, 224, 224))
    return classify(builder, "classifier", ARCHITECTURES[network](builder, x, width))
