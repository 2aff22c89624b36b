"""Reference networks written in PyTorch, for benchmarks that compare with what PyTorch says; weights are random.

The residual networks and MobileNet v2 carry the names and the structure of torchvision's. The encoder exists in three
spellings of the same sums: the module of the library, the fused attention function, and matrix products one by one.

Source: arXiv:1512.03385 and arXiv:1801.04381 with torchvision/models; arXiv:1810.04805 for the encoder's sizes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from attainable.zoo.mobilenet import INVERTED_RESIDUALS

LAYERS, FEATURES, HEADS, FEED_FORWARD, SEQUENCE = 12, 768, 12, 3072, 128


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and the shortcut around them."""

    expansion = 1

    def __init__(self, channels_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(channels_in, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels, height, width] to the same with ``width`` channels, over the stride."""
        branch = self.relu(self.bn1(self.conv1(x)))
        branch = self.bn2(self.conv2(branch))
        return self.relu(branch + self.downsample(x))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions and the shortcut around them; the stride is in the 3x3 one (v1.5)."""

    expansion = 4

    def __init__(self, channels_in: int, width: int, stride: int) -> None:
        super().__init__()
        wide = width * self.expansion
        self.conv1 = nn.Conv2d(channels_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, wide, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wide)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(channels_in, wide, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels, height, width] to the same with four times ``width`` channels, over the stride."""
        branch = self.relu(self.bn1(self.conv1(x)))
        branch = self.relu(self.bn2(self.conv2(branch)))
        branch = self.bn3(self.conv3(branch))
        return self.relu(branch + self.downsample(x))


def _shortcut(channels_in: int, channels: int, stride: int) -> nn.Module:
    if channels_in == channels and stride == 1:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride=stride, bias=False), nn.BatchNorm2d(channels))


class ResNet(nn.Module):
    """A residual network of four stages for 1000 classes."""

    def __init__(self, block: type[BasicBlock] | type[Bottleneck], repeats: Sequence[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        stages: list[nn.Module] = []
        channels = 64
        for stage, count in enumerate(repeats):
            width, blocks = 64 * 2**stage, list[nn.Module]()
            for index in range(count):
                blocks.append(block(channels, width, 2 if stage and not index else 1))
                channels = width * block.expansion
            stages.append(nn.Sequential(*blocks))
        self.layers = nn.Sequential(*stages)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, 3, 224, 224] to logits [batch, 1000]."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(self.layers(x)), 1))


class InvertedResidual(nn.Module):
    """1x1 expansion, depthwise 3x3, 1x1 projection, and the shortcut where the shapes agree."""

    def __init__(self, channels_in: int, channels: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = channels_in * expansion
        expand = [_conv_bn_relu6(channels_in, hidden)] if expansion > 1 else []
        depthwise = _conv_bn_relu6(hidden, hidden, kernel=3, stride=stride, groups=hidden)
        project = (nn.Conv2d(hidden, channels, 1, bias=False), nn.BatchNorm2d(channels))
        self.conv = nn.Sequential(*expand, depthwise, *project)
        self.residual = stride == 1 and channels_in == channels

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels, height, width] to the same with the block's channels, over the stride."""
        return x + self.conv(x) if self.residual else self.conv(x)


def _conv_bn_relu6(channels_in: int, channels: int, *, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Module:
    conv = nn.Conv2d(channels_in, channels, kernel, stride=stride, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels), nn.ReLU6(inplace=True))


class MobileNetV2(nn.Module):
    """MobileNet v2, width 1.0, 1000 classes."""

    def __init__(self) -> None:
        super().__init__()
        layers, channels = [_conv_bn_relu6(3, 32, kernel=3, stride=2)], 32
        for expansion, width, repeats, first_stride in INVERTED_RESIDUALS:
            for index in range(repeats):
                stride = 1 if index else first_stride
                layers.append(InvertedResidual(channels, width, stride=stride, expansion=expansion))
                channels = width
        self.features = nn.Sequential(*layers, _conv_bn_relu6(channels, 1280))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))

    def forward(self, x: Tensor) -> Tensor:
        """[batch, 3, 224, 224] to logits [batch, 1000]."""
        x = functional.adaptive_avg_pool2d(self.features(x), 1)
        return self.classifier(torch.flatten(x, 1))


Attention = Callable[[Tensor, Tensor, Tensor], Tensor]


def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention by the library's one function; [batch, heads, sequence, head size] each."""
    return functional.scaled_dot_product_attention(query, key, value)


def explicit_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention spelled out. Source: arXiv:1706.03762, equation 1."""
    scores = torch.matmul(query, key.transpose(-2, -1)) / math.sqrt(query.shape[-1])
    return torch.matmul(torch.softmax(scores, dim=-1), value)


class EncoderLayer(nn.Module):
    """A post-norm layer: attention and feed-forward, without dropout; the sums of nn.TransformerEncoderLayer."""

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        self.attention = attention
        self.in_proj = nn.Linear(FEATURES, 3 * FEATURES)
        self.out_proj = nn.Linear(FEATURES, FEATURES)
        self.linear1 = nn.Linear(FEATURES, FEED_FORWARD)
        self.linear2 = nn.Linear(FEED_FORWARD, FEATURES)
        self.norm1 = nn.LayerNorm(FEATURES)
        self.norm2 = nn.LayerNorm(FEATURES)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, sequence, features] to the same."""
        batch, sequence, features = x.shape
        split = self.in_proj(x).reshape(batch, sequence, 3, HEADS, features // HEADS)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind()
        context = self.attention(query, key, value).transpose(1, 2).reshape(batch, sequence, features)
        x = self.norm1(x + self.out_proj(context))
        return self.norm2(x + self.linear2(functional.gelu(self.linear1(x))))


def _library_encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(
        FEATURES, HEADS, FEED_FORWARD, dropout=0.0, activation="gelu", batch_first=True, norm_first=False
    )
    return nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)


def _encoder(attention: Attention) -> nn.Module:
    return nn.Sequential(*(EncoderLayer(attention) for _ in range(LAYERS)))


IMAGE, TOKENS = (3, 224, 224), (SEQUENCE, FEATURES)


@dataclass(frozen=True, slots=True)
class TorchNetwork:
    """How to make a module, and the shape of one sample that it reads."""

    make: Callable[[], nn.Module]
    sample: tuple[int, ...]

    def inputs(self, batch: int = 1) -> Tensor:
        """Random samples, [batch, ...]."""
        return torch.randn(batch, *self.sample)


NETWORKS: dict[str, TorchNetwork] = {
    "resnet18": TorchNetwork(lambda: ResNet(BasicBlock, (2, 2, 2, 2)), IMAGE),
    "resnet50": TorchNetwork(lambda: ResNet(Bottleneck, (3, 4, 6, 3)), IMAGE),
    "mobilenet_v2": TorchNetwork(MobileNetV2, IMAGE),
    "encoder_module": TorchNetwork(_library_encoder, TOKENS),
    "encoder_fused": TorchNetwork(lambda: _encoder(fused_attention), TOKENS),
    "encoder_explicit": TorchNetwork(lambda: _encoder(explicit_attention), TOKENS),
}
"""By name; ``encoder_*`` are 12 layers of 768 features, 12 heads and 3072 hidden features on 128 tokens."""
