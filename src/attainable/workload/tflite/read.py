"""Reads a TFLite file into a Workload: the main subgraph, with the shapes that the file stores.

Source: TensorFlow, tensorflow/compiler/mlir/lite/schema/schema.fbs.
"""

from math import prod
from pathlib import Path

from attainable.errors import ModelFileError, ModelGraphError
from attainable.workload.file import ModelFile, open_model_file
from attainable.workload.graph import Provenance, Workload
from attainable.workload.shapes import LARGEST_DIMENSION, Bindings
from attainable.workload.tflite.batch import rebound
from attainable.workload.tflite.flatbuffer import Flatbuffer, MalformedFlatbuffer, Table
from attainable.workload.tflite.ops import Graph, TensorLayout, graph_of
from attainable.workload.tflite.schema import (
    DTYPES,
    IDENTIFIER,
    BufferField,
    ModelField,
    SubgraphField,
    TensorField,
)

LARGEST_RANK = 64
_MOST_FAULTS = 5
_HELP = "check the download, or convert the model again"


def read_tflite(path: Path, *, shapes: Bindings, batch: int | None) -> Workload:
    """Read a TFLite model; its weights are not read.

    Args:
        path: the ``.tflite`` file.
        shapes: the stored shapes of its inputs, or others that differ in a free batch axis alone.
        batch: number for the batch, where the file leaves it free.

    Raises:
        ModelFileError: the file is no TFLite flatbuffer.
        ModelGraphError: the file parses, its graph is broken.
        InvalidQuantity: a shape that the file cannot take.
    """
    where = str(path)
    with open_model_file(path, allow=IDENTIFIER) as file:
        if file.content[4:8] != IDENTIFIER:
            raise ModelFileError(
                f"is not a TFLite model: bytes 4 to 7 are not {IDENTIFIER.decode()}", where=where, help=_HELP
            )
        try:
            model = Flatbuffer(file.content).root()
            layouts, subgraph, subgraphs = _tensors(model, file, where)
            layouts, bindings, notes = rebound(
                layouts, subgraph.integers(SubgraphField.INPUTS), shapes, batch=batch, where=where
            )
            graph: Graph = graph_of(model, subgraph, layouts, where)
        except MalformedFlatbuffer as error:
            raise ModelFileError(
                f"is not a valid TFLite flatbuffer (byte {error.position})", where=where, help=_HELP
            ) from None
        provenance = Provenance(where, file.sha256(), "tflite", graph.version, file.bytes, 0)
    if subgraphs > 1:
        notes = (*notes, f"the first of {subgraphs} subgraphs is counted; the others run inside of its control flow")
    return Workload(
        name=path.stem,
        ops=graph.ops,
        inputs=graph.inputs,
        outputs=graph.outputs,
        constants=graph.constants,
        bindings=bindings,
        provenance=provenance,
        notes=notes,
    )


def _tensors(model: Table, file: ModelFile, where: str) -> tuple[list[TensorLayout], Table, int]:
    """The tensors of the main subgraph, that subgraph, and how many there are."""
    subgraphs = list(model.tables(ModelField.SUBGRAPHS))
    if not subgraphs:
        raise ModelGraphError("has no subgraph", where=where, help=_HELP)
    sizes: list[tuple[int, Table]] = []
    for buffer in model.tables(ModelField.BUFFERS):
        length = buffer.length(BufferField.CONTENT) or buffer.integer(BufferField.SIZE, "Q")
        if length > file.bytes:
            raise ModelFileError(f"buffer {len(sizes)} says {length} bytes", where=where, help=_HELP)
        sizes.append((length, buffer))
    layouts: list[TensorLayout] = []
    faults: list[str] = []
    names: set[str] = set()
    for index, table in enumerate(subgraphs[0].tables(SubgraphField.TENSORS)):
        shape = table.integers(TensorField.SHAPE)
        signature = table.integers(TensorField.SHAPE_SIGNATURE) or shape
        number = table.integer(TensorField.BUFFER, "I")
        type_number = table.integer(TensorField.TYPE, "b")
        if number >= len(sizes) and number:
            faults.append(f"has the buffer {number} of {len(sizes)} @ tensor {index}")
        elif len(shape) > LARGEST_RANK or any(not 0 <= extent <= LARGEST_DIMENSION for extent in shape):
            faults.append(f"has the impossible shape {list(shape[:8])} @ tensor {index}")
        elif prod(shape) >= 2**62 or len(signature) != len(shape):
            faults.append(f"has more elements than can be counted, or two ranks @ tensor {index}")
        if len(faults) == _MOST_FAULTS:
            break
        name = table.text(TensorField.NAME) or f"tensor {index}"
        # the file may name two tensors alike; ops tell tensors apart by their names
        while name in names:
            name = f"{name}#{index}"
        names.add(name)
        length, buffer = sizes[number] if number < len(sizes) else (0, None)
        layouts.append(
            TensorLayout(name, shape, signature, DTYPES.get(type_number, ""), length, buffer if length else None)
        )
    if faults:
        raise ModelGraphError("has broken tensors", where=where, faults=faults, help=_HELP)
    return layouts, subgraphs[0], len(subgraphs)
