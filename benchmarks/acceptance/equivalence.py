"""Two forms of one computation, run side by side in onnxruntime."""

import importlib
import tempfile
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from attainable import zoo
from attainable.transforms import Options, transform
from attainable.zoo.builder import GraphBuilder
from benchmarks.acceptance.counting import counted

Array = NDArray[np.float32]
Weights = dict[str, Array]


def run(content: bytes, x: Array) -> Array:
    """The output of a model with one input and one output, optimised as little as possible."""
    runtime = cast(Any, importlib.import_module("onnxruntime"))
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def weights(model: onnx.ModelProto) -> Weights:
    """The stored tensors by name."""
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def with_weights(model: onnx.ModelProto, values: Weights) -> bytes:
    """The model with some of its tensors replaced by others of the same shape."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for tensor in changed.graph.initializer:
        if tensor.name in values:
            tensor.CopyFrom(numpy_helper.from_array(values[tensor.name].astype(np.float32), tensor.name))
    return changed.SerializeToString()


def noise(*shape: int) -> Array:
    """A normal input."""
    return np.random.default_rng(1).standard_normal(shape, np.float32)


def largest_difference(first: Array, second: Array) -> float:
    """Over all elements."""
    return float(np.abs(first - second).max())


# --- RepVGG ---


def _folded(stored: Weights, branch: str, kernel: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """A kernel and a bias that do what a kernel and the normalisation after it do."""
    scale, bias, mean, variance = (
        stored[f"{branch}.{role}"].astype(np.float64) for role in ("weight", "bias", "running_mean", "running_var")
    )
    factor = scale / np.sqrt(variance + 1e-5)
    return kernel * factor[:, None, None, None], bias - mean * factor


def _merged(stored: Weights, layer: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The one 3x3 convolution of a layer. Source: arXiv:2101.03697, section 3.3."""
    dense = stored[f"{layer}.rbr_dense.conv.weight"].astype(np.float64)
    small = stored[f"{layer}.rbr_1x1.conv.weight"].astype(np.float64)
    parts = [
        _folded(stored, f"{layer}.rbr_dense.bn", dense),
        _folded(stored, f"{layer}.rbr_1x1.bn", np.pad(small, ((0, 0), (0, 0), (1, 1), (1, 1)))),
    ]
    if f"{layer}.rbr_identity.weight" in stored:
        identity = np.zeros_like(dense)
        identity[np.arange(len(dense)), np.arange(len(dense)), 1, 1] = 1
        parts.append(_folded(stored, f"{layer}.rbr_identity", identity))
    kernels, biases = zip(*parts, strict=True)
    return sum(kernels, np.zeros_like(dense)), sum(biases, np.zeros(len(dense)))


def reparameterised() -> float:
    """Largest difference of the logits of RepVGG-A0 as it is trained and as it is deployed."""
    trained, deployed = zoo.build("repvgg_a0"), zoo.build("repvgg_a0_deploy")
    stored = weights(trained)
    values = {name: stored[name] for name in weights(deployed) if name in stored}
    suffix = ".rbr_reparam.weight"
    for name in weights(deployed):
        if name.endswith(suffix):
            layer = name.removesuffix(suffix)
            kernel, bias = _merged(stored, layer)
            values[name], values[f"{layer}.rbr_reparam.bias"] = kernel.astype(np.float32), bias.astype(np.float32)
    x = noise(1, 3, 224, 224)
    return largest_difference(run(trained.SerializeToString(), x), run(with_weights(deployed, values), x))


# --- Winograd ---

WINOGRAD = {
    2: (
        [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
        [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]],
        [[1, 1, 1, 0], [0, 1, -1, -1]],
    ),
    4: (
        [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
         [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]],
        [[1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6],
         [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6], [0, 0, 1]],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    ),
}  # fmt: skip
"""Transforms of the input, the filter and the output by outputs a tile. Source: arXiv:1509.09308, section 4."""


def winograd(tile: int, dtype: str) -> float:
    """Largest difference of a 3x3 convolution by Winograd's algorithm and of a direct one, over the largest output.

    Args:
        tile: outputs a tile, in both directions.
        dtype: of all arithmetic; the direct one runs in onnxruntime in float32.
    """
    builder = GraphBuilder("direct", seed=0)
    x = builder.conv("conv", builder.input("input", (1, 16, 26, 26)), channels=16, kernel=3)
    model = builder.finish(x, name="output")
    image, filters = noise(1, 16, 26, 26), weights(model)["conv.weight"]
    windows = np.lib.stride_tricks.sliding_window_view
    if dtype == "float32":
        direct = run(model.SerializeToString(), image)[0]
    else:
        taps = windows(image[0].astype(dtype), (3, 3), axis=(1, 2))
        direct = np.einsum("oiuv,ihwuv->ohw", filters.astype(dtype), taps, optimize=True)
    b, g, a = (np.array(matrix, dtype) for matrix in WINOGRAD[tile])
    size = tile + 2
    tiles = windows(image[0].astype(dtype), (size, size), axis=(1, 2))[:, ::tile, ::tile]
    products = np.einsum("oiab,iyxab->oyxab", g @ filters.astype(dtype) @ g.T, b @ tiles @ b.T, optimize=True)
    fast = (a @ products @ a.T).transpose(0, 1, 3, 2, 4).reshape(direct.shape)
    return float(np.abs(fast - direct).max() / np.abs(direct).max())


# --- pruning ---


def _pair(filters: int) -> onnx.ModelProto:
    builder = GraphBuilder("pair", seed=0)
    x = builder.input("input", (1, 3, 16, 16))
    x = builder.relu("relu", builder.conv("first", x, channels=filters, kernel=3, padding=1, bias=True))
    return builder.finish(builder.conv("second", x, channels=8, kernel=3, padding=1), name="output")


def filters_pruned() -> float:
    """Largest difference of a network with half of its filters zero and of the one without them."""
    dense, small = _pair(16), _pair(8)
    stored = weights(dense)
    first, bias, second = (stored[name] for name in ("first.weight", "first.bias", "second.weight"))
    size = np.abs(first).sum(axis=(1, 2, 3))
    dropped, kept = np.sort(np.argsort(size)[:8]), np.sort(np.argsort(size)[8:])
    zeroed, silenced = first.copy(), bias.copy()
    zeroed[dropped], silenced[dropped] = 0, 0
    x = noise(1, 3, 16, 16)
    left = {"first.weight": first[kept], "first.bias": bias[kept], "second.weight": second[:, kept]}
    return largest_difference(
        run(with_weights(dense, {"first.weight": zeroed, "first.bias": silenced}), x), run(with_weights(small, left), x)
    )


def _product(rows: int, columns: int) -> onnx.ModelProto:
    """What im2col makes of a convolution: filters [columns, rows] times patches, here transposed."""
    builder = GraphBuilder("product", seed=0)
    x = builder.input("input", (49, columns))
    weight = builder.learned("filters", (columns, rows), deviation=1.0)
    return builder.finish(builder.matmul("product", (x, weight)), name="output")


def gemm_pruned() -> tuple[bool, float]:
    """Whether a product without its zero rows and columns is identical, and its MACs over those of the whole."""
    rows, columns = 16, 72
    generator = np.random.default_rng(0)
    patches = generator.integers(-8, 8, (49, columns)).astype(np.float32)
    filters = generator.integers(-8, 8, (columns, rows)).astype(np.float32)
    rows_left, columns_left = np.arange(rows) % 4 > 0, np.arange(columns) % 2 > 0
    filters[~columns_left], filters[:, ~rows_left] = 0, 0
    whole, part = _product(rows, columns), _product(int(rows_left.sum()), int(columns_left.sum()))
    name = "filters.weight"
    dense = run(with_weights(whole, {name: filters}), patches)
    reduced = run(with_weights(part, {name: filters[columns_left][:, rows_left]}), patches[:, columns_left])
    restored = np.zeros_like(dense)
    restored[:, rows_left] = reduced
    return bool(np.array_equal(dense, restored)), counted(part).totals.macs / counted(whole).totals.macs


# --- folding ---


def folding(*, relu_first: bool) -> tuple[list[str], float]:
    """Operators that ``bn-fold`` leaves of a convolution with normalisation and Relu, and the largest difference."""
    builder = GraphBuilder("layer", seed=0)
    x = builder.conv("conv", builder.input("input", (1, 8, 14, 14)), channels=16, kernel=3, padding=1)
    x = (
        builder.batch_norm("norm", builder.relu("relu", x))
        if relu_first
        else builder.relu("relu", builder.batch_norm("norm", x))
    )
    content = builder.finish(x, name="output").SerializeToString()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.onnx"
        path.write_bytes(content)
        changed = transform("bn-fold").apply(path, Options()).content or content
    kinds = [node.op_type for node in onnx.load_from_string(changed).graph.node]
    x = noise(1, 8, 14, 14)
    return kinds, largest_difference(run(content, x), run(changed, x))
