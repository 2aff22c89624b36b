"""Makes a Workload or a runnable model of a network that a file describes without its weights."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from attainable.errors import ModelFileError
from attainable.workload.file import open_model_file
from attainable.workload.graph import Provenance, Workload
from attainable.workload.onnx.read import workload_of
from attainable.workload.shapes import Bindings
from attainable.workload.weightless.writer import NetworkWriter

LARGEST_FILE = 8 * 2**20
"""Bytes of a description; the largest networks of the field take 100 KiB."""

MOST_LAYERS = 10_000
"""Layers of a description; the largest networks of the field have some thousand."""

Description = Callable[[str, NetworkWriter, Bindings, int | None, str], "Described"]
"""Writes the network of a text: text, writer, the user's shapes and batch, and the file for messages."""


@dataclass(frozen=True, slots=True)
class Described:
    """A network as its file describes it.

    Attributes:
        model: the network as ONNX.
        bindings: ``(dimension or input, number or shape)`` that the user or a default gave.
        notes: what was assumed, one sentence each.
    """

    model: onnx.ModelProto
    bindings: tuple[tuple[str, int | tuple[int, ...]], ...]
    notes: tuple[str, ...]


def read_description(
    path: Path, description: Description, *, format: str, shapes: Bindings, batch: int | None
) -> Workload:
    """Read a description into a Workload; the weights, which are in another file, are not needed.

    Raises:
        ModelFileError: not a description that we read.
        ModelGraphError: the layers contradict each other.
        UnboundDimensions, InvalidQuantity: an input has no shape, or a wrong one.
    """
    text, source = _text(path, format)
    described = description(text, NetworkWriter(path.stem, seed=None), shapes, batch, str(path))
    workload = workload_of(described.model, source, shapes={}, batch=None)
    return replace(workload, bindings=described.bindings, notes=(*described.notes, *workload.notes))


def runnable(path: Path, description: Description, *, shapes: Bindings, batch: int | None, seed: int) -> Described:
    """The network as an ONNX model that runs, its weights drawn from a seed.

    Raises:
        ModelFileError, ModelGraphError, UnboundDimensions, InvalidQuantity: as for ``read_description``.
    """
    text, _ = _text(path, "")
    return description(text, NetworkWriter(path.stem, seed=seed), shapes, batch, str(path))


def _text(path: Path, format: str) -> tuple[str, Provenance]:
    where = str(path)
    with open_model_file(path) as file:
        if file.bytes > LARGEST_FILE:
            raise ModelFileError(
                f"has {file.bytes} bytes, a network description at most {LARGEST_FILE}",
                where=where,
                help="give the text file that describes the layers, not the weights",
            )
        content = file.content[:]
        source = Provenance(where, file.sha256(), format, 0, file.bytes, 0)
    try:
        return content.decode("utf-8"), source
    except UnicodeDecodeError:
        raise ModelFileError(
            "is not a text file", where=where, help="give the text file that describes the layers, not the weights"
        ) from None
