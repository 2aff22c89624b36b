"""Writes one PyTorch network in one form of ONNX; started by ``benchmarks.exactness`` in a process of its own.

Every weight, bias and running statistic is random, because exporters merge constants that are equal and leave out
biases that are zero: ``python -m benchmarks.peers.exported_forms NETWORK FORM FOLDER``.
"""

import importlib
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from benchmarks.networks.in_torch import NETWORKS

FLOAT_FORMS = ("legacy", "dynamo")
QUANTISED_FORMS = ("QDQ", "QOperator", "dynamic int8")


def network(name: str) -> tuple[nn.Module, torch.Tensor]:
    """A network in inference mode with random numbers everywhere, and its input."""
    cast(Any, torch).manual_seed(0)
    entry = NETWORKS[name]
    module = entry.make().eval()
    with torch.no_grad():
        for tensor in (*module.parameters(), *(buffer for buffer in module.buffers() if buffer.is_floating_point())):
            tensor.uniform_(0.01, 0.1)
    return module, entry.inputs()


def write_float(name: str, form: str, folder: Path) -> Path:
    """Export with one of PyTorch's two exporters."""
    module, x = network(name)
    path = folder / f"{form}.onnx"
    cast(Any, torch.onnx).export(module, (x,), str(path), input_names=["x"], dynamo=form == "dynamo")
    return path


class OneSample:
    """The calibration set of one random sample, which is enough for shapes."""

    def __init__(self, x: np.ndarray[Any, Any]) -> None:
        self._left: Iterator[dict[str, np.ndarray[Any, Any]]] = iter([{"x": x}])

    def get_next(self) -> dict[str, np.ndarray[Any, Any]] | None:
        """The next sample, or None."""
        return next(self._left, None)


def write_quantised(name: str, form: str, folder: Path) -> Path:
    """Quantise the legacy export with ONNX Runtime."""
    quantization: Any = importlib.import_module("onnxruntime.quantization")
    source, path = folder / "legacy.onnx", folder / f"{form.replace(' ', '_')}.onnx"
    if form == "dynamic int8":
        quantization.quantize_dynamic(source, path)
        return path
    layout = getattr(quantization.QuantFormat, form)
    samples = OneSample(NETWORKS[name].inputs().numpy())
    quantization.quantize_static(source, path, samples, quant_format=layout)
    return path


FORMS: dict[str, Callable[[str, str, Path], Path]] = {
    **dict.fromkeys(FLOAT_FORMS, write_float),
    **dict.fromkeys(QUANTISED_FORMS, write_quantised),
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    _, wanted, form_name, target = sys.argv
    FORMS[form_name](wanted, form_name, Path(target))
