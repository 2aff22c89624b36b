"""The graph of a network with every shape a number, and the readers that make it."""

from collections.abc import Callable
from pathlib import Path

from attainable.errors import ModelFileError
from attainable.garbage import collector_paused
from attainable.workload.graph import Body, Op, Provenance, Tensor, UnresolvedShape, Workload
from attainable.workload.kernel import Group, Kernel
from attainable.workload.shapes import Bindings

__all__ = ["READERS", "Body", "Group", "Kernel", "Op", "Provenance", "Tensor", "UnresolvedShape", "Workload", "load"]

Reader = Callable[[Path, Bindings, int | None], Workload]


def _read_onnx(path: Path, shapes: Bindings, batch: int | None) -> Workload:
    # onnx takes 0.1 s to import, and not every command reads a model
    from attainable.workload.onnx.read import read_onnx

    return read_onnx(path, shapes=shapes, batch=batch)


READERS: dict[str, Reader] = {".onnx": _read_onnx}
"""The reader of each file name extension. A new format is one file and one line here."""


def load(path: str | Path, shapes: Bindings | None = None, *, batch: int | None = None) -> Workload:
    """Read a model file into a Workload with every dimension bound.

    Args:
        path: an ONNX file; its weights are not read and external data is not opened.
        shapes: numbers for symbolic dimensions (``{"N": 8}``) or shapes for inputs (``{"x": (1, 3, 224, 224)}``).
        batch: number for the batch dimension. Without it a lone batch dimension becomes 1, which a note says.

    Raises:
        ModelFileError: not a model that we read.
        ModelGraphError: the file parses, its graph is broken.
        UnboundDimensions: a symbolic dimension has no number; the message has the ``--shape`` line to complete.
        InvalidQuantity: a shape that does not fit the model.
    """
    file = Path(path)
    # A file without a known extension is tried as ONNX, the format that says least about itself.
    reader = READERS.get(file.suffix.lower(), _read_onnx)
    try:
        with collector_paused():
            return reader(file, shapes or {}, batch)
    except MemoryError:
        raise ModelFileError("does not fit into memory", where=str(path), help="try on a larger machine") from None
