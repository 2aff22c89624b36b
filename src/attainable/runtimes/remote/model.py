"""What belongs to a model file: the files beside it that hold its weights."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from attainable.errors import RuntimeRefused
from attainable.workload.file import open_model_file
from attainable.workload.onnx.wire import STRIPPED, MalformedProtobuf, strip_weights

if TYPE_CHECKING:
    import onnx

__all__ = ["files_beside"]

_MOST_FILES = 10_000


def files_beside(path: Path, format: str) -> tuple[str, ...]:
    """The files that a model says its weights are in, relative to its folder, in order, each once.

    A model is a stranger's: a name that leads out of its folder, by itself or by a link, is refused.

    Args:
        path: of the model file, without links.
        format: as ``Provenance.format`` names it; other formats than ONNX are one file.

    Raises:
        RuntimeRefused: such a file is missing, or is none that may be sent.
        ModelFileError: the model cannot be read.
    """
    if format != "onnx":
        return ()
    names = tuple(dict.fromkeys(_locations(path)))
    if len(names) > _MOST_FILES:
        raise RuntimeRefused(f"its weights are in {len(names)} files, too many to send", where=str(path))
    for name in names:
        parts = PurePosixPath(name).parts
        inside = parts and not PurePosixPath(name).is_absolute() and ".." not in parts and name.isprintable()
        if not inside or "\\" in name or not (path.parent / name).resolve().is_relative_to(path.parent):
            raise RuntimeRefused(
                f"says that weights are in {name!r}, which is not below its folder", where=str(path),
                help="store the weights beside the model",
            )  # fmt: skip
        if not (path.parent / name).is_file():
            raise RuntimeRefused(f"its weights in {name!r} are missing", where=str(path), help="put the file beside it")
    return tuple(str(PurePosixPath(name)) for name in names)


def _locations(path: Path) -> Iterator[str]:
    """Where the weights are, of all tensors of the model, those of bodies and functions included."""
    import onnx
    from google.protobuf.message import DecodeError

    model = onnx.ModelProto()
    try:
        with open_model_file(path) as file:
            model.ParseFromString(strip_weights(file.content))
    except (DecodeError, MalformedProtobuf) as error:
        raise RuntimeRefused(f"is no ONNX model: {error}", where=str(path)) from None
    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            for entry in tensor.external_data:
                if entry.key == "location" and entry.value != STRIPPED:
                    yield entry.value


def _tensors(model: "onnx.ModelProto") -> "Iterator[onnx.TensorProto]":
    graphs: list[onnx.GraphProto] = [model.graph]
    attributes = [each for function in model.functions for each in function.attribute_proto]
    nodes = [node for function in model.functions for node in function.node]
    while graphs or nodes or attributes:
        for graph in graphs:
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
            nodes += graph.node
        attributes += [attribute for node in nodes for attribute in node.attribute]
        graphs, nodes = [], []
        for attribute in attributes:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            graphs += attribute.graphs
            if attribute.HasField("g"):
                graphs.append(attribute.g)
        attributes = []
