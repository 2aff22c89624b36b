"""Stacks of equal blocks with about equal MACs, as ShuffleNet V2 compares them, at 56 x 56.

Source: Ma et al., ShuffleNet V2, arXiv:1807.11164, section 2 and tables 1 to 4. The channels at 1:12 are ours: those
of the paper, 36 and 432, are 5 % short of MACs. So is the sum of parallel fragments, which the paper does not spell
out.
"""

from collections.abc import Callable

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value

BLOCKS = 10
EXTENT = 56

RATIOS = {"1:1": (128, 128), "1:2": (90, 180), "1:6": (52, 312), "1:12": (37, 444)}
"""Channels of a block's input and between its two convolutions."""

ALIGNED_RATIOS = {"1:1": (128, 128), "1:4": (64, 256), "1:16": (32, 512)}
"""The same, all in whole blocks of 16 channels, which ONNX Runtime computes in."""

GROUPS = {"1 group": (1, 128), "2 groups": (2, 180), "4 groups": (4, 256), "8 groups": (8, 360)}
"""Groups and channels."""

BOTTLENECK_BLOCKS = 4
OUTER, INNER = 256, 64
"""Channels of a bottleneck."""

Block = Callable[[GraphBuilder, str, Value], Value]


def stack(channels: int, block: Block, *, blocks: int = BLOCKS, seed: int | None = 0) -> onnx.ModelProto:
    """``blocks`` times a block, on an image of so many channels."""
    builder = GraphBuilder("stack", seed=seed)
    x = builder.input("input", (1, channels, EXTENT, EXTENT))
    for number in range(blocks):
        x = block(builder, f"block{number}", x)
    return builder.finish(x, name="output")


def by_ratio(ratios: dict[str, tuple[int, int]], *, seed: int | None = 0) -> dict[str, onnx.ModelProto]:
    """Two 1x1 convolutions a block, the first to other channels, the second back (G1)."""

    def block(between: int) -> Block:
        def add(builder: GraphBuilder, name: str, x: Value) -> Value:
            wide = _pointwise(builder, f"{name}.there", x, channels=between)
            return _pointwise(builder, f"{name}.back", wide, channels=x.shape[1])

        return add

    return {name: stack(outer, block(inner), seed=seed) for name, (outer, inner) in ratios.items()}


def by_groups(*, seed: int | None = 0) -> dict[str, onnx.ModelProto]:
    """One 1x1 convolution a block, in groups (G2)."""

    def block(groups: int) -> Block:
        return lambda builder, name, x: _pointwise(builder, name, x, channels=x.shape[1], groups=groups)

    return {name: stack(channels, block(groups), seed=seed) for name, (groups, channels) in GROUPS.items()}


def by_fragments(*, seed: int | None = 0) -> dict[str, onnx.ModelProto]:
    """One 1x1 convolution a block; four of half the channels, in a row; and the same side by side, summed (G3)."""
    return {
        "1 fragment": stack(128, _in_a_row(1), seed=seed),
        "4 in a row": stack(64, _in_a_row(4), seed=seed),
        "4 side by side": stack(64, _side_by_side, seed=seed),
    }


def by_elementwise(*, seed: int | None = 0) -> dict[str, onnx.ModelProto]:
    """Bottlenecks with and without ReLU and shortcut (G4)."""
    kinds = {"both": (True, True), "no ReLU": (False, True), "no shortcut": (True, False), "neither": (False, False)}
    return {
        name: stack(OUTER, _bottleneck(relu=relu, shortcut=shortcut), blocks=BOTTLENECK_BLOCKS, seed=seed)
        for name, (relu, shortcut) in kinds.items()
    }


def _pointwise(builder: GraphBuilder, name: str, x: Value, *, channels: int, groups: int = 1) -> Value:
    x = builder.conv(name, x, channels=channels, kernel=1, groups=groups, bias=True)
    return builder.relu(f"{name}.relu", x)


def _in_a_row(fragments: int) -> Block:
    def add(builder: GraphBuilder, name: str, x: Value) -> Value:
        for number in range(fragments):
            x = _pointwise(builder, f"{name}.{number}", x, channels=x.shape[1])
        return x

    return add


def _side_by_side(builder: GraphBuilder, name: str, x: Value) -> Value:
    total, *others = [_pointwise(builder, f"{name}.{number}", x, channels=x.shape[1]) for number in range(4)]
    for number, other in enumerate(others):
        total = builder.add(f"{name}.sum{number}", (total, other))
    # Grows some fourfold a block, a million in ten blocks, which float32 holds.
    return total


def _bottleneck(*, relu: bool, shortcut: bool) -> Block:
    def activated(builder: GraphBuilder, name: str, x: Value) -> Value:
        return builder.relu(name, x) if relu else x

    def add(builder: GraphBuilder, name: str, x: Value) -> Value:
        layers = ((INNER, 1), (INNER, 3))
        y = x
        for number, (channels, kernel) in enumerate(layers):
            y = builder.conv(
                f"{name}.{number}", y, channels=channels, kernel=kernel, padding=kernel // 2, bias=True, after_relu=relu
            )
            y = activated(builder, f"{name}.{number}.relu", y)
        y = builder.conv(f"{name}.2", y, channels=OUTER, kernel=1, bias=True, after_relu=relu)
        if shortcut:
            y = builder.add(f"{name}.sum", (x, y))
        return activated(builder, f"{name}.relu", y)

    return add
