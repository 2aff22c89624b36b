"""MobileNet v1 and v2, networks of depthwise and 1x1 convolutions for phones.

Source: Howard et al., MobileNets, arXiv:1704.04861; Sandler et al., MobileNetV2: Inverted Residuals and Linear
Bottlenecks, arXiv:1801.04381.
"""

from collections.abc import Callable
from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import BRANCH_SCALE, classify
from attainable.zoo.graph import Value

SEPARABLE_LAYERS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)),
    *((512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1)),
    *((1024, 2), (1024, 1)),
)
"""Output channels and stride of the 13 separable layers of v1.

The paper prints stride 2 in the last one, which would end at 4x4; its own cost, 569 million MACs, needs 7x7.

Source: arXiv:1704.04861, tables 1 and 8.
"""

INVERTED_RESIDUALS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, output channels, repeats and first stride of v2. Source: arXiv:1801.04381, table 2."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """MobileNet v1 or v2, width 1.0: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    The activation of v1 is ReLU, as the paper says; the TensorFlow code of its authors clips it at 6.

    Source: arXiv:1704.04861, table 1 and figure 3 (torchvision has no v1); arXiv:1801.04381, table 2, and
    torchvision/models/mobilenetv2.py.
    """
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    return _VERSIONS[name](builder, x)


def _version_1(builder: GraphBuilder, x: Value) -> onnx.ModelProto:
    x = builder.conv("features.0.conv", x, channels=32, kernel=3, stride=2, padding=1, after_relu=False)
    x = builder.relu("features.0.relu", builder.batch_norm("features.0.bn", x))
    for index, (channels, stride) in enumerate(SEPARABLE_LAYERS, start=1):
        x = _separable(builder, f"features.{index}", x, channels=channels, stride=stride)
    return classify(builder, "classifier", x)


def _separable(builder: GraphBuilder, name: str, x: Value, *, channels: int, stride: int) -> Value:
    depthwise, pointwise = f"{name}.depthwise", f"{name}.pointwise"
    _, groups, *_ = x.shape
    x = builder.conv(f"{depthwise}.conv", x, channels=groups, kernel=3, stride=stride, padding=1, groups=groups)
    x = builder.relu(f"{depthwise}.relu", builder.batch_norm(f"{depthwise}.bn", x))
    x = builder.conv(f"{pointwise}.conv", x, channels=channels, kernel=1)
    return builder.relu(f"{pointwise}.relu", builder.batch_norm(f"{pointwise}.bn", x))


def _version_2(builder: GraphBuilder, x: Value) -> onnx.ModelProto:
    x = _conv_bn_relu6(builder, "features.0", x, channels=32, kernel=3, stride=2)
    index = 1
    for expansion, channels, repeats, first_stride in INVERTED_RESIDUALS:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            name = f"features.{index}"
            x = _inverted_residual(builder, name, x, expansion=expansion, channels=channels, stride=stride)
            index += 1
    x = _conv_bn_relu6(builder, f"features.{index}", x, channels=1280, kernel=1)
    return classify(builder, "classifier.1", x)


def _inverted_residual(
    builder: GraphBuilder, name: str, x: Value, *, expansion: int, channels: int, stride: int
) -> Value:
    _, channels_in, *_ = x.shape
    hidden = expansion * channels_in
    branch = x
    layer = 0
    if expansion > 1:
        branch = _conv_bn_relu6(builder, f"{name}.conv.{layer}", branch, channels=hidden, kernel=1)
        layer += 1
    depthwise = f"{name}.conv.{layer}"
    branch = _conv_bn_relu6(builder, depthwise, branch, channels=hidden, kernel=3, stride=stride, groups=hidden)
    branch = builder.conv(f"{name}.conv.{layer + 1}", branch, channels=channels, kernel=1)
    residual = stride == 1 and channels == channels_in
    branch = builder.batch_norm(f"{name}.conv.{layer + 2}", branch, scale=BRANCH_SCALE if residual else 1.0)
    return builder.add(f"{name}.add", (x, branch)) if residual else branch


def _conv_bn_relu6(
    builder: GraphBuilder, name: str, x: Value, *, channels: int, kernel: int, stride: int = 1, groups: int = 1
) -> Value:
    x = builder.conv(
        f"{name}.0",
        x,
        channels=channels,
        kernel=kernel,
        stride=stride,
        padding=kernel // 2,
        groups=groups,
        # Only the depthwise layers read a ReLU: the bottlenecks end without one, and the image has none.
        after_relu=groups > 1,
    )
    return builder.relu6(f"{name}.2", builder.batch_norm(f"{name}.1", x))


_VERSIONS: Final[dict[str, Callable[[GraphBuilder, Value], onnx.ModelProto]]] = {
    "mobilenet_v1": _version_1,
    "mobilenet_v2": _version_2,
}
