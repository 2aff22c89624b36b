"""ShuffleNet v2, an image network that splits its channels and shuffles them: much data movement, little work.

Source: Ma et al., ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design, arXiv:1807.11164; layer
names as in torchvision/models/shufflenetv2.py.
"""

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value

STAGES = (("stage2", 116, 4), ("stage3", 232, 8), ("stage4", 464, 4))
"""Name, output channels and units of each stage at width 1.0. Source: arXiv:1807.11164, table 5."""


def shufflenet_v2_x1_0(*, batch: int = 1, seed: int = 0) -> onnx.ModelProto:
    """ShuffleNet v2, width 1.0: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    Source: arXiv:1807.11164, table 5; torchvision/models/shufflenetv2.py.
    """
    builder = GraphBuilder("shufflenet_v2_x1_0", seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = builder.conv("conv1.0", x, channels=24, kernel=3, stride=2, padding=1, after_relu=False)
    x = builder.relu("conv1.2", builder.batch_norm("conv1.1", x))
    x = builder.max_pool("maxpool", x, kernel=3, stride=2, padding=1)
    for stage, channels, units in STAGES:
        x = _downsampling_unit(builder, f"{stage}.0", x, width=channels // 2)
        for index in range(1, units):
            x = _basic_unit(builder, f"{stage}.{index}", x)
    x = _pointwise_relu(builder, "conv5", x, first=0, channels=1024)
    return builder.finish(builder.linear("fc", builder.mean("mean", x), features=1000), name="logits")


def _basic_unit(builder: GraphBuilder, name: str, x: Value) -> Value:
    kept, changed = builder.split_channels(f"{name}.split", x, parts=2)
    _, width, *_ = kept.shape
    changed = _branch(builder, f"{name}.branch2", changed, width=width, stride=1)
    return _shuffle(builder, name, builder.concat_channels(f"{name}.concat", (kept, changed)))


def _downsampling_unit(builder: GraphBuilder, name: str, x: Value, *, width: int) -> Value:
    left = _depthwise(builder, f"{name}.branch1", x, first=0, stride=2)
    left = _pointwise_relu(builder, f"{name}.branch1", left, first=2, channels=width)
    right = _branch(builder, f"{name}.branch2", x, width=width, stride=2)
    return _shuffle(builder, name, builder.concat_channels(f"{name}.concat", (left, right)))


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


def _shuffle(builder: GraphBuilder, name: str, x: Value) -> Value:
    # Channel i of group g becomes channel 2 i + g, so that the next split mixes both halves.
    batch, channels, height, width = x.shape
    grouped = builder.reshape(f"{name}.shuffle.group", x, shape=(batch, 2, channels // 2, height, width))
    swapped = builder.transpose(f"{name}.shuffle.swap", grouped, order=(0, 2, 1, 3, 4))
    return builder.reshape(f"{name}.shuffle.ungroup", swapped, shape=x.shape)
