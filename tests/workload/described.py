"""Where the networks of ../shared/data lie, and what tests of their readers share."""

import importlib
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from attainable.cost.count import Count, count
from attainable.workload import load
from attainable.workload.shapes import Bindings

Array = NDArray[np.float32]

SHARED = Path(__file__).parents[3] / "shared" / "data"
DARKNET = SHARED / "darknet"
NCNN = SHARED / "ncnn-benchmark" / "models"


def shared(path: Path) -> Path:
    """The file, or a skipped test where ../shared is absent."""
    if not path.exists():
        pytest.skip(f"../shared/data/{path.relative_to(SHARED)} is absent")
    return path


def counted(path: Path, shapes: Bindings | None = None, *, batch: int | None = None) -> Count:
    """The count of a file."""
    return count(load(path, shapes, batch=batch))


def require_same_counts(result: Count, twin: Path) -> None:
    """Check that a network counts like its ONNX twin, op by op."""
    other = counted(twin)
    assert [entry.op.type for entry in other.ops] == [entry.op.type for entry in result.ops]
    assert [entry.work for entry in other.ops] == [entry.work for entry in result.ops]
    assert [entry.parameters for entry in other.ops] == [entry.parameters for entry in result.ops]
    assert other.totals.buffer_bytes == result.totals.buffer_bytes
    assert other.totals.memory == result.totals.memory


def require_lively(content: bytes) -> None:
    """Check a model, run it on two inputs of normal noise, and see that its outputs are near unit size and differ."""
    cast(Any, onnx.checker).check_model(onnx.load_from_string(content), full_check=True)
    for first, second in zip(_run(content, seed=0), _run(content, seed=1), strict=True):
        assert 1e-3 < _spread(first) < 1e3
        assert np.abs(_logits(first) - _logits(second)).mean() > 0.01 * _spread(first)


def _run(content: bytes, *, seed: int) -> list[Array]:
    runtime = cast(Any, importlib.import_module("onnxruntime"))
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(content, options)
    generator = np.random.default_rng(seed)
    feeds = {node.name: generator.standard_normal(tuple(node.shape), np.float32) for node in session.get_inputs()}
    return session.run(None, feeds)


def _spread(output: Array) -> float:
    return float(_logits(output).std())


def _logits(output: Array) -> Array:
    """The logarithms of what a softmax made, other outputs as they are."""
    is_share = output.ndim == 2 and output.min() >= 0 and abs(output.sum() - len(output)) < 1e-3
    return np.log(np.maximum(output, 1e-30)) if is_share else output
