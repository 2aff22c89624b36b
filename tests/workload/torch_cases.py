"""One PyTorch module with a sub-module for each way of calling an operator, so that one export serves all of them.

A case's name is the scope of its ops. MACs and operations are derived beside each case; where ``twin`` is set, the ONNX
file that PyTorch writes of the same module must agree.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (the field's name for it)

IMAGE = (2, 4, 6, 6)
"""288 elements."""
STACK = (2, 5, 8)
"""80 elements, 10 rows of 8."""


@dataclass(frozen=True, slots=True)
class Case:
    """A module, which of the two inputs it reads, and what it costs."""

    module: nn.Module
    source: str
    macs: int
    operations: int
    twin: bool = True


class Apply(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Recurrent(nn.Module):
    """The outputs over time of a recurrent layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.layer(x)
        return y


def image(module: nn.Module, macs: int, operations: int, *, twin: bool = True) -> Case:
    return Case(module, "image", macs, operations, twin)


def stack(module: nn.Module, macs: int, operations: int, *, twin: bool = True) -> Case:
    return Case(module, "stack", macs, operations, twin)


def on_image(function: Callable[[Tensor], Tensor], macs: int, operations: int, *, twin: bool = True) -> Case:
    return image(Apply(function), macs, operations, twin=twin)


def on_stack(function: Callable[[Tensor], Tensor], macs: int, operations: int, *, twin: bool = True) -> Case:
    return stack(Apply(function), macs, operations, twin=twin)


def heads(x: Tensor) -> Tensor:
    return x.reshape(2, 5, 2, 4).transpose(1, 2)


def attend(x: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(heads(x), heads(x), heads(x))


def row_norms(x: Tensor) -> Tensor:
    return cast(Any, torch).norm(x, dim=-1)


def last_axes(x: Tensor) -> Tensor:
    return cast(Any, torch).tensordot(x, x, dims=([2], [2]))


CASES: dict[str, Case] = {
    # contractions: 2 x MACs; every output is a full window
    "conv": image(nn.Conv2d(4, 6, 3), 2 * 6 * 16 * 9 * 4, 2 * 6912),
    "grouped": image(nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2), 2 * 8 * 9 * 9 * 2, 2 * 2592),
    "transposed": image(nn.ConvTranspose2d(4, 3, 2, stride=2), 288 * 4 * 3, 2 * 3456),  # each input meets 2 x 2 x 3
    "padded": image(nn.Conv2d(4, 4, 3, padding="same", bias=False), 288 * 9 * 4, 2 * 10368, twin=False),
    "linear": stack(nn.Linear(8, 3), 10 * 8 * 3, 2 * 240 + 30),  # a stack: the bias is an Add
    "row": image(nn.Sequential(nn.Flatten(), nn.Linear(144, 5)), 2 * 144 * 5, 2 * 1440),  # a matrix: Gemm
    "products": on_stack(lambda x: x @ x.transpose(1, 2), 2 * 5 * 5 * 8, 2 * 400),
    "einsum": on_stack(lambda x: torch.einsum("bik,bjk->bij", x, x), 400, 2 * 400, twin=False),
    # scale 80 + 80, scores 2 x 2 x 5 x 5 = 100: mask 100, softmax 5 x 100 - 2 x 20 rows
    "attention": on_stack(attend, 100 * (4 + 4), 1600 + 160 + 100 + 460, twin=False),
    "tensordot": on_stack(last_axes, 10 * 10 * 8, 2 * 800, twin=False),
    "outer": on_stack(lambda x: torch.outer(x[0, 0], x[0, 1]), 0, 64),
    # element by element
    "sum": on_stack(lambda x: x + x, 0, 80),
    "alpha": on_stack(lambda x: torch.add(x, x, alpha=2), 0, 160),
    "minus": on_stack(lambda x: 1 - x, 0, 80),
    "root": on_stack(lambda x: torch.rsqrt(x), 0, 160),
    "power": on_stack(lambda x: x**3, 0, 80),
    "relu": stack(nn.ReLU(), 0, 80),
    "relu6": stack(nn.ReLU6(), 0, 160),  # two comparisons
    "clamp": on_stack(lambda x: x.clamp(min=0.5), 0, 80),
    "leaky": stack(nn.LeakyReLU(0.2), 0, 160),
    "gelu": stack(nn.GELU(), 0, 5 * 80),
    "tanh_gelu": stack(nn.GELU(approximate="tanh"), 0, 8 * 80),
    "silu": stack(nn.SiLU(), 0, 160),
    "hardswish": stack(nn.Hardswish(), 0, 5 * 80),
    "mish": stack(nn.Mish(), 0, 5 * 80),
    "elu": stack(nn.ELU(), 0, 4 * 80),
    "softplus": stack(nn.Softplus(), 0, 3 * 80),
    "glu": stack(nn.GLU(), 0, 80),  # sigmoid and product of 40 each
    "masked": on_stack(lambda x: x.masked_fill(x > 0, float("-inf")), 0, 80),
    "in_place": on_stack(lambda x: (x * 2).relu_(), 0, 160),
    # normalisation: n elements a set, 7 n + 4; inference of batch normalisation 4 n + 2 a channel
    "batch_norm": image(nn.BatchNorm2d(4), 0, 4 * 288 + 2 * 4),
    "plain_batch_norm": image(nn.BatchNorm2d(4, affine=False), 0, 2 * 288, twin=False),
    "layer_norm": stack(nn.LayerNorm(8), 0, 7 * 80 + 4 * 10),
    "plain_layer_norm": stack(nn.LayerNorm(8, elementwise_affine=False), 0, 5 * 80 + 4 * 10, twin=False),
    "group_norm": image(nn.GroupNorm(2, 4), 0, 7 * 288 + 4 * 2 * 2, twin=False),
    "instance_norm": image(nn.InstanceNorm2d(4, affine=True), 0, 7 * 288 + 4 * 8),
    "rms_norm": stack(nn.RMSNorm(8), 0, 4 * 80 + 2 * 10, twin=False),
    "softmax": stack(nn.Softmax(-1), 0, 5 * 80 - 2 * 10),
    "log_softmax": stack(nn.LogSoftmax(-1), 0, 5 * 80 - 10),
    # pooling: K - 1 comparisons an output, K for a mean
    "max_pool": image(nn.MaxPool2d(2), 0, 72 * 3),
    "average_pool": image(nn.AvgPool2d(3, stride=1, padding=1), 0, 288 * 9),
    "global_pool": image(nn.AdaptiveAvgPool2d(1), 0, 288),
    "adaptive_pool": image(nn.AdaptiveAvgPool2d(3), 0, 72 * 4),
    "bilinear": image(nn.Upsample(scale_factor=2, mode="bilinear"), 0, 7 * 1152),  # 4 products, 3 additions
    "nearest": image(nn.Upsample(scale_factor=2), 0, 0),
    # reductions: n - 1 a row, n for a mean
    "total": on_stack(lambda x: x.sum(-1), 0, 70),
    "mean": on_image(lambda x: x.mean((2, 3), keepdim=True), 0, 288),
    "largest": on_stack(lambda x: x.amax(1), 0, 64),
    "position": on_stack(lambda x: x.argmax(-1), 0, 70),
    "norm": on_stack(row_norms, 0, 160),
    # mean 80, difference 80, square 80, sum 70, quotient 10, root 10
    "deviation": on_stack(lambda x: x.std(-1), 0, 330, twin=False),
    "cumulated": on_stack(lambda x: x.cumsum(1), 0, 2 * 8 * 4),
    "noise": on_stack(lambda x: x + torch.rand_like(x), 0, 160, twin=False),  # a number and a sum
    # movement and names
    "windows": on_image(lambda x: F.unfold(x, 3), 0, 0, twin=False),
    "groups": on_image(lambda x: F.channel_shuffle(x, 2), 0, 0, twin=False),
    "picked": on_stack(lambda x: x[:, [0, 2]], 0, 0),
    "selected": on_stack(lambda x: torch.where(x > 1, x, 0.0), 0, 80),
    "turned": on_stack(lambda x: x.permute(2, 0, 1), 0, 0),
    "joined": on_stack(lambda x: torch.cat([x, x.flip(1)], -1), 0, 0),
    "layers": on_stack(lambda x: torch.stack(x.unbind(1)), 0, 0),
    # the exporter computes the extents of the parts in the graph, with 4 operations
    "parts": on_stack(lambda x: torch.cat(x.chunk(2, -1), 1), 0, 0, twin=False),
    "cut": on_stack(lambda x: x[:, 1:3, ::2], 0, 0),
    "rolled": on_stack(lambda x: torch.roll(x, (1, 2), (1, 2)), 0, 0),
    "widened": on_image(lambda x: F.pad(x, (1, 1)), 0, 0),
    "shuffled": image(nn.PixelShuffle(2), 0, 0),
    "dropout": stack(nn.Dropout(), 0, 0),
    # 4 gates of 6 a step: 10 steps x 24 x (8 + 6) and, with the states, element by element what an LSTM step costs
    "lstm": stack(Recurrent(nn.LSTM(8, 6, batch_first=True)), 10 * 24 * 14, -1),
    "two_way_lstm": stack(
        Recurrent(nn.LSTM(8, 6, num_layers=2, bidirectional=True)), 2 * 10 * 24 * (14 + 12 + 6), -1
    ),
    "gru": stack(Recurrent(nn.GRU(8, 6)), 10 * 18 * 14, -1),
}  # fmt: skip
"""By name; -1 operations are left to the twin."""


class Everything(nn.Module):
    """All cases side by side."""

    def __init__(self, cases: dict[str, Case]) -> None:
        super().__init__()
        for name, case in cases.items():
            self.add_module(name, case.module)
        self.sources = {name: case.source for name, case in cases.items()}

    def forward(self, image: Tensor, stack: Tensor) -> tuple[Tensor, ...]:
        given = {"image": image, "stack": stack}
        return tuple(module(given[self.sources[name]]) for name, module in self.named_children())
