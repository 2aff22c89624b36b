"""ShuffleNet v2, an image network that splits its channels and shuffles them: much data movement, little work.

Source: Ma et al., ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design, arXiv:1807.11164; layer
names as in torchvision/models/shufflenetv2.py.
"""

from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import channel_shuffle
from attainable.zoo.graph import Value

UNITS: Final = (4, 8, 4)
"""Units in each stage. Source: arXiv:1807.11164, table 5."""

WIDTHS: Final = {
    "shufflenet_v2_x0_5": (48, 96, 192, 1024),
    "shufflenet_v2_x1_0": (116, 232, 464, 1024),
    "shufflenet_v2_x1_5": (176, 352, 704, 1024),
    "shufflenet_v2_x2_0": (244, 488, 976, 2048),
}
"""Output channels of the three stages and of the last convolution.

Source: arXiv:1807.11164, table 5; torchvision/models/shufflenetv2.py.
"""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """ShuffleNet v2: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    Source: arXiv:1807.11164, table 5; torchvision/models/shufflenetv2.py.
    """
    *stages, last = WIDTHS[name]
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = builder.conv("conv1.0", x, channels=24, kernel=3, stride=2, padding=1, after_relu=False)
    x = builder.relu("conv1.2", builder.batch_norm("conv1.1", x))
    x = builder.max_pool("maxpool", x, kernel=3, stride=2, padding=1)
    for stage, (channels, units) in enumerate(zip(stages, UNITS, strict=True), start=2):
        x = _downsampling_unit(builder, f"stage{stage}.0", x, width=channels // 2)
        for index in range(1, units):
            x = _basic_unit(builder, f"stage{stage}.{index}", x)
    x = _pointwise_relu(builder, "conv5", x, first=0, channels=last)
    return builder.finish(builder.linear("fc", builder.mean("mean", x), features=1000), name="logits")


def _basic_unit(builder: GraphBuilder, name: str, x: Value) -> Value:
    kept, changed = builder.split_channels(f"{name}.split", x, parts=2)
    _, width, *_ = kept.shape
    changed = _branch(builder, f"{name}.branch2", changed, width=width, stride=1)
    joined = builder.concat_channels(f"{name}.concat", (kept, changed))
    return channel_shuffle(builder, f"{name}.shuffle", joined, groups=2)


def _downsampling_unit(builder: GraphBuilder, name: str, x: Value, *, width: int) -> Value:
    left = _depthwise(builder, f"{name}.branch1", x, first=0, stride=2)
    left = _pointwise_relu(builder, f"{name}.branch1", left, first=2, channels=width)
    right = _branch(builder, f"{name}.branch2", x, width=width, stride=2)
    joined = builder.concat_channels(f"{name}.concat", (left, right))
    return channel_shuffle(builder, f"{name}.shuffle", joined, groups=2)


def _branch(builder: GraphBuilder, name: str, x: Value, *, width: int, stride: int) -> Value:
    x = _pointwise_relu(builder, name, x, first=0, channels=width)
    x = _depthwise(builder, name, x, first=3, stride=stride)
    return _pointwise_relu(builder, name, x, first=5, channels=width)


def _pointwise_relu(builder: GraphBuilder, name: str, x: Value, *, first: int, channels: int) -> Value:
    # ``first`` is the position of the convolution in its nn.Sequential; normalisation and ReLU follow it.
    # Later than first it reads a depthwise layer, which has no ReLU.
    x = builder.conv(f"{name}.{first}", x, channels=channels, kernel=1, after_relu=first == 0)
    return builder.relu(f"{name}.{first + 2}", builder.batch_norm(f"{name}.{first + 1}", x))


def _depthwise(builder: GraphBuilder, name: str, x: Value, *, first: int, stride: int) -> Value:
    _, channels, *_ = x.shape
    x = builder.conv(f"{name}.{first}", x, channels=channels, kernel=3, stride=stride, padding=1, groups=channels)
    return builder.batch_norm(f"{name}.{first + 1}", x)
