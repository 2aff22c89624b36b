"""The formats that describe a network without its weights, by file name extension: ``FORMATS``."""

from pathlib import Path

from attainable.errors import ModelFileError, ModelGraphError
from attainable.workload.darknet import network as darknet
from attainable.workload.graph import Workload
from attainable.workload.ncnn import network as ncnn
from attainable.workload.shapes import Bindings
from attainable.workload.weightless.read import Described, Description, read_description, runnable

FORMATS: dict[str, tuple[str, Description]] = {
    ".cfg": ("darknet", darknet.write_network),
    ".param": ("ncnn", ncnn.write_network),
}
"""Name of the format, and what writes its networks."""


def read(path: Path, shapes: Bindings, batch: int | None) -> Workload:
    """Read the description of a network; its extension is one of ``FORMATS``.

    Raises:
        ModelFileError, ModelGraphError, UnboundDimensions, InvalidQuantity: see ``read_description``.
    """
    name, description = FORMATS[path.suffix.lower()]
    return read_description(path, description, format=name, shapes=shapes, batch=batch)


def convert(path: Path, shapes: Bindings, batch: int | None, *, seed: int) -> tuple[bytes, tuple[str, ...]]:
    """Turn the description of a network into an ONNX file that runs, with weights from a seed.

    Args:
        path: a file with one of the extensions in ``FORMATS``.
        shapes: shapes for its inputs.
        batch: images a run, 1 unless given.
        seed: of the weights; the same seed gives the same bytes with the same numpy release.

    Returns:
        The content of the ONNX file, and what was assumed or left out, one sentence each.

    Raises:
        ModelFileError: not a format that lacks its weights, or not a file of the format.
        ModelGraphError: the layers contradict each other, or the weights exceed what an ONNX file can hold.
        UnboundDimensions, InvalidQuantity: an input has no shape, or a wrong one; the seed is negative.
    """
    entry = FORMATS.get(path.suffix.lower())
    if entry is None:
        raise ModelFileError(
            "is not a network description without weights",
            where=str(path),
            help=f"give a file with the extension {' or '.join(FORMATS)}",
        )
    described: Described = runnable(path, entry[1], shapes=shapes, batch=batch, seed=seed)
    try:
        content = described.model.SerializeToString(deterministic=True)
    except ValueError:
        raise ModelGraphError("is too large for an ONNX file, which ends at 2 GiB", where=str(path)) from None
    return content, described.notes
