"""ResNet, residual networks for images.

Source: He et al., Deep Residual Learning for Image Recognition, arXiv:1512.03385; layer names and the stride in the
3x3 convolution of a bottleneck (v1.5) as in torchvision/models/resnet.py.
"""

from collections.abc import Callable
from typing import Final

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import classify
from attainable.zoo.graph import Value

BRANCH_SCALE = 0.4
"""Scale of the last normalisation in a branch: adding equals 16 times would grow the activations 2^8 times."""

Block = Callable[[GraphBuilder, str, Value, int, int], Value]


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """A residual network: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    Source: arXiv:1512.03385, table 1; torchvision/models/resnet.py.
    """
    block, repeats = RESNETS[name]
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = builder.conv("conv1", x, channels=64, kernel=7, stride=2, padding=3, after_relu=False)
    x = builder.relu("relu", builder.batch_norm("bn1", x))
    x = builder.max_pool("maxpool", x, kernel=3, stride=2, padding=1)
    for stage, count in enumerate(repeats, start=1):
        width = 32 * 2**stage
        for index in range(count):
            stride = 2 if stage > 1 and index == 0 else 1
            x = block(builder, f"layer{stage}.{index}", x, width, stride)
    return classify(builder, "fc", x)


def _basic_block(builder: GraphBuilder, name: str, x: Value, width: int, stride: int) -> Value:
    branch = builder.conv(f"{name}.conv1", x, channels=width, kernel=3, stride=stride, padding=1)
    branch = builder.relu(f"{name}.relu1", builder.batch_norm(f"{name}.bn1", branch))
    branch = builder.conv(f"{name}.conv2", branch, channels=width, kernel=3, padding=1)
    branch = builder.batch_norm(f"{name}.bn2", branch, scale=BRANCH_SCALE)
    shortcut = _shortcut(builder, name, x, branch, stride)
    return builder.relu(f"{name}.relu2", builder.add(f"{name}.add", (branch, shortcut)))


def _bottleneck(builder: GraphBuilder, name: str, x: Value, width: int, stride: int) -> Value:
    branch = builder.conv(f"{name}.conv1", x, channels=width, kernel=1)
    branch = builder.relu(f"{name}.relu1", builder.batch_norm(f"{name}.bn1", branch))
    branch = builder.conv(f"{name}.conv2", branch, channels=width, kernel=3, stride=stride, padding=1)
    branch = builder.relu(f"{name}.relu2", builder.batch_norm(f"{name}.bn2", branch))
    branch = builder.conv(f"{name}.conv3", branch, channels=4 * width, kernel=1)
    branch = builder.batch_norm(f"{name}.bn3", branch, scale=BRANCH_SCALE)
    shortcut = _shortcut(builder, name, x, branch, stride)
    return builder.relu(f"{name}.relu3", builder.add(f"{name}.add", (branch, shortcut)))


def _shortcut(builder: GraphBuilder, name: str, x: Value, branch: Value, stride: int) -> Value:
    # The input itself where it fits, else a 1x1 projection (option B of the paper).
    if x.shape == branch.shape:
        return x
    _, channels, *_ = branch.shape
    projected = builder.conv(f"{name}.downsample.0", x, channels=channels, kernel=1, stride=stride)
    return builder.batch_norm(f"{name}.downsample.1", projected)


RESNETS: Final[dict[str, tuple[Block, tuple[int, ...]]]] = {
    "resnet18": (_basic_block, (2, 2, 2, 2)),
    "resnet34": (_basic_block, (3, 4, 6, 3)),
    "resnet50": (_bottleneck, (3, 4, 6, 3)),
    "resnet101": (_bottleneck, (3, 4, 23, 3)),
    "resnet152": (_bottleneck, (3, 8, 36, 3)),
}
"""The block and its repeats in each of the four stages. Source: arXiv:1512.03385, table 1."""
