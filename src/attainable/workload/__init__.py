"""The graph of a network with every shape a number, and the readers that make it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast, overload

from attainable.errors import InvalidQuantity, ModelFileError
from attainable.garbage import collector_paused
from attainable.workload.graph import Body, Op, Provenance, Tensor, UnresolvedShape, Workload
from attainable.workload.kernel import Group, Kernel
from attainable.workload.shapes import Bindings

if TYPE_CHECKING:
    from attainable.workload.onnx.given import InputValues
    from attainable.workload.torch.module import ExampleInputs

__all__ = ["READERS", "Body", "Group", "Kernel", "Op", "Provenance", "Tensor", "UnresolvedShape", "Workload", "load"]

Reader = Callable[[Path, Bindings, int | None], Workload]


def _read_onnx(path: Path, shapes: Bindings, batch: int | None) -> Workload:
    # onnx takes 0.1 s to import, and not every command reads a model
    from attainable.workload.onnx.read import read_onnx

    return read_onnx(path, shapes=shapes, batch=batch)


def _read_onnx_with_values(
    path: Path, reader: Reader, shapes: Bindings, batch: int | None, values: "InputValues"
) -> Workload:
    from attainable.workload.onnx.read import read_onnx

    if reader is not _read_onnx:
        raise InvalidQuantity("input values can be given for ONNX models only", where=str(path), help="leave them out")
    return read_onnx(path, shapes=shapes, batch=batch, values=values)


def _read_described(path: Path, shapes: Bindings, batch: int | None) -> Workload:
    from attainable.workload.weightless.formats import read

    return read(path, shapes, batch)


def _read_torch(path: Path, shapes: Bindings, batch: int | None) -> Workload:
    from attainable.workload.torch.read import read_torch

    return read_torch(path, shapes=shapes, batch=batch)


def _read_tflite(path: Path, shapes: Bindings, batch: int | None) -> Workload:
    from attainable.workload.tflite.read import read_tflite

    return read_tflite(path, shapes=shapes, batch=batch)


READERS: dict[str, Reader] = {
    ".onnx": _read_onnx,
    # checkpoints are refused by the reader that can tell them from exported programs
    **dict.fromkeys((".pt2", ".pt", ".pth", ".ckpt"), _read_torch),
    ".cfg": _read_described,
    ".param": _read_described,
    ".tflite": _read_tflite,
}
"""The reader of each file name extension. A new format is one file and one line here."""


_BY_TF2ONNX = "convert it: python -m tf2onnx.convert"
FOREIGN: dict[str, tuple[str, str]] = {
    ".h5": ("a Keras file", _BY_TF2ONNX),
    ".keras": ("a Keras file", _BY_TF2ONNX),
    ".pb": ("a TensorFlow graph", _BY_TF2ONNX),
    ".safetensors": ("a file of weights without a network", "export the network that uses them to ONNX"),
    ".gguf": ("a GGUF file", "give an .onnx file"),
    ".weights": ("a file of darknet weights", "give the .cfg file beside it"),
    ".xml": ("an OpenVINO network", "give the ONNX file that it was made from"),
    ".py": ("Python code", "name what makes the module: attainable count package.module:factory --shape x=1x3x224x224"),
}
"""Formats that people try, by file name extension: what they are, and the way out."""


@overload
def load(
    path: str | Path, shapes: Bindings | None = None, *, batch: int | None = None, values: "InputValues | None" = None
) -> Workload: ...


@overload
def load(path: Callable[..., object], shapes: "ExampleInputs | None", *, batch: int | None = None) -> Workload: ...


def load(
    path: object, shapes: object = None, *, batch: int | None = None, values: "InputValues | None" = None
) -> Workload:
    """Read a model file, or trace a PyTorch module, into a Workload with every dimension bound.

    Args:
        path: an ONNX file or an exported program (``.pt2``), whose weights are not read; or a ``torch.nn.Module``.
        shapes: numbers for symbolic dimensions (``{"N": 8}``) or shapes for inputs (``{"x": (1, 3, 224, 224)}``); for a
            module the example inputs: a tuple of arguments of ``forward``, or a mapping by name.
        batch: number for the batch dimension. Without it a lone batch dimension becomes 1, which a note says.
        values: numpy arrays by input of an ONNX model, for shapes that depend on elements, such as those of NonZero or
            of a Reshape by an input; a list of arrays for a sequence, None for an empty optional. Each binds its own
            shape. Work on them is still counted.

    Raises:
        InputError: a module is given and PyTorch is not installed.
        ModelFileError: not a model that we read.
        ModelGraphError: the file parses, its graph is broken.
        UnboundDimensions: a symbolic dimension has no number; the message has the ``--shape`` line to complete.
        InvalidQuantity: a shape that does not fit the model.
    """
    if not isinstance(path, str | Path):
        from attainable.workload.torch.module import read_module

        return read_module(path, cast("ExampleInputs | None", shapes), batch=batch)
    file = Path(path)
    if (way_out := FOREIGN.get(file.suffix.lower())) is not None and file.is_file():
        what, help = way_out
        raise ModelFileError(f"is {what}, which is not read", where=str(path), help=help)
    # A file without a known extension is tried as ONNX, the format that says least about itself.
    reader = READERS.get(file.suffix.lower(), _read_onnx)
    try:
        with collector_paused():
            if values:
                return _read_onnx_with_values(file, reader, cast("Bindings", shapes or {}), batch, values)
            return reader(file, cast("Bindings", shapes or {}), batch)
    except MemoryError:
        raise ModelFileError("does not fit into memory", where=str(path), help="try on a larger machine") from None
