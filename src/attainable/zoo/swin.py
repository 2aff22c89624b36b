"""Swin-T: attention inside windows of 7x7 patches, which shift by half a window in every second block.

Source: Liu et al., Swin Transformer: Hierarchical Vision Transformer using Shifted Windows, arXiv:2103.14030; names of
the layers as in torchvision/models/swin_transformer.py.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray

from attainable.zoo.attention import feed_forward, self_attention
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value

STAGES: Final = {"swin_t": ((2, 3), (2, 6), (6, 12), (2, 24))}
"""Blocks and heads of each stage. Source: arXiv:2103.14030, section 3.3, Swin-T."""

FEATURES, PATCH, WINDOW, SHIFT, EXPANSION = 96, 4, 7, 3, 4
"""Source: arXiv:2103.14030, section 3.3."""

EPSILON = 1e-5
MASKED = -100.0
"""Added to the scores of patches that only the shift brought into one window. Source: torchvision."""


def build(name: str, *, batch: int = 1, seed: int | None = 0) -> onnx.ModelProto:
    """Swin: ``input`` [batch, 3, 224, 224] -> ``logits`` [batch, 1000], float32.

    Source: arXiv:2103.14030, figure 3 and section 3; torchvision/models/swin_transformer.py.
    """
    builder = GraphBuilder(name, seed=seed)
    x = builder.input("input", (batch, 3, 224, 224))
    x = builder.conv("features.0.0", x, channels=FEATURES, kernel=PATCH, stride=PATCH, bias=True, after_relu=False)
    x = builder.transpose("features.0.1", x, order=(0, 2, 3, 1))
    x = builder.layer_norm("features.0.2", x, epsilon=EPSILON)
    for stage, (blocks, heads) in enumerate(STAGES[name]):
        if stage > 0:
            x = _merge_patches(builder, f"features.{2 * stage}", x)
        for index in range(blocks):
            # One window that covers everything has nowhere to shift to.
            shift = SHIFT if index % 2 == 1 and x.shape[1] > WINDOW else 0
            x = _block(builder, f"features.{2 * stage + 1}.{index}", x, heads=heads, shift=shift)
    x = builder.layer_norm("norm", x, epsilon=EPSILON)
    x = builder.mean("avgpool", x, axes=(1, 2))
    return builder.finish(builder.linear("head", x, features=1000), name="logits")


def _merge_patches(builder: GraphBuilder, name: str, x: Value) -> Value:
    _, height, width, features = x.shape
    quarters = [
        builder.slice(f"{name}.quarter.{row}{column}", x, bounds={1: (row, height), 2: (column, width)}, step=2)
        for column in range(2)
        for row in range(2)
    ]
    joined = builder.layer_norm(f"{name}.norm", builder.concat(f"{name}.concat", quarters, axis=3), epsilon=EPSILON)
    return builder.projection(f"{name}.reduction", joined, features=2 * features, bias=False)


def _block(builder: GraphBuilder, name: str, x: Value, *, heads: int, shift: int) -> Value:
    *_, features = x.shape
    normed = builder.layer_norm(f"{name}.norm1", x, epsilon=EPSILON)
    attended = _window_attention(builder, f"{name}.attn", normed, heads=heads, shift=shift)
    x = builder.add(f"{name}.add1", (x, attended))
    normed = builder.layer_norm(f"{name}.norm2", x, epsilon=EPSILON)
    return builder.add(f"{name}.add2", (x, feed_forward(builder, f"{name}.mlp", normed, hidden=EXPANSION * features)))


def _window_attention(builder: GraphBuilder, name: str, x: Value, *, heads: int, shift: int) -> Value:
    batch, height, width, features = x.shape
    rows, columns = height // WINDOW, width // WINDOW
    if shift:
        x = builder.roll(f"{name}.shift_rows", x, axis=1, offset=shift)
        x = builder.roll(f"{name}.shift_columns", x, axis=2, offset=shift)
    x = builder.reshape(f"{name}.grid", x, shape=(batch, rows, WINDOW, columns, WINDOW, features))
    x = builder.transpose(f"{name}.gather", x, order=(0, 1, 3, 2, 4, 5))
    x = builder.reshape(f"{name}.windows", x, shape=(batch * rows * columns, WINDOW * WINDOW, features))
    adjust = _adjustment(builder, name, heads=heads, shift=shift, rows=rows, columns=columns)
    x = self_attention(builder, name, x, heads=heads, adjust=adjust)
    x = builder.reshape(f"{name}.ungrid", x, shape=(batch, rows, columns, WINDOW, WINDOW, features))
    x = builder.transpose(f"{name}.scatter", x, order=(0, 1, 3, 2, 4, 5))
    x = builder.reshape(f"{name}.image", x, shape=(batch, height, width, features))
    if shift:
        x = builder.roll(f"{name}.unshift_rows", x, axis=1, offset=-shift)
        x = builder.roll(f"{name}.unshift_columns", x, axis=2, offset=-shift)
    return x


def _adjustment(
    builder: GraphBuilder, name: str, *, heads: int, shift: int, rows: int, columns: int
) -> Callable[[Value], Value]:
    area, windows = WINDOW * WINDOW, rows * columns
    offsets = (2 * WINDOW - 1) ** 2
    table = builder.table(f"{name}.relative_position_bias_table", rows=offsets, features=heads)
    index = builder.integers(f"{name}.relative_position_index", _relative_positions().ravel().tolist())
    bias = builder.gather(f"{name}.bias", table, indices=index)
    bias = builder.reshape(f"{name}.bias.square", bias, shape=(area, area, heads))
    bias = builder.transpose(f"{name}.bias.heads", bias, order=(2, 0, 1))

    def adjust(scores: Value) -> Value:
        scores = builder.add(f"{name}.add_bias", (scores, bias))
        if not shift:
            return scores
        masked = builder.initializer(f"{name}.masked", _apart(rows, columns, shift)[None, :, None])
        penalty = builder.where(
            f"{name}.penalty", masked, (builder.scalar("masked", MASKED), builder.scalar("unmasked", 0.0))
        )
        apart = (scores.shape[0] // windows, windows, heads, area, area)
        shaped = builder.reshape(f"{name}.by_window", scores, shape=apart)
        added = builder.add(f"{name}.add_mask", (shaped, penalty))
        return builder.reshape(f"{name}.all_windows", added, shape=scores.shape)

    return adjust


def _relative_positions() -> NDArray[np.int64]:
    """Row of the bias table for each pair of patches in a window: [area, area]."""
    place = np.stack(np.meshgrid(np.arange(WINDOW), np.arange(WINDOW), indexing="ij")).reshape(2, -1)
    down, right = place[:, :, None] - place[:, None, :] + WINDOW - 1
    return down * (2 * WINDOW - 1) + right


def _apart(rows: int, columns: int, shift: int) -> NDArray[np.bool_]:
    """Which pairs of patches the shift brought together from opposite edges: [windows, area, area]."""
    regions = np.zeros((rows * WINDOW, columns * WINDOW), np.int64)
    cuts = (slice(0, -WINDOW), slice(-WINDOW, -shift), slice(-shift, None))
    for number, (down, right) in enumerate((down, right) for down in cuts for right in cuts):
        regions[down, right] = number
    windows = regions.reshape(rows, WINDOW, columns, WINDOW).transpose(0, 2, 1, 3).reshape(rows * columns, -1)
    return windows[:, :, None] != windows[:, None, :]
