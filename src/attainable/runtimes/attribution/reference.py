"""What the tensors of a model hold when onnxruntime runs it: the reference for blobs without names."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from attainable.errors import RuntimeRefused
from attainable.runtimes.attribution.values import Moments, moments
from attainable.runtimes.faults import one_line
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.workload.dtypes import is_floating
from attainable.workload.graph import Tensor, Workload

if TYPE_CHECKING:
    from attainable.runtimes import Array

_MOST_BYTES = 512 * 2**20
"""Of tensors that are looked at together."""


def reference_moments(
    workload: Workload, inputs: "Mapping[str, Array]", folder: Path, *, deadline_seconds: float
) -> dict[str, Moments]:
    """Run the model in onnxruntime with its tensors as outputs, and describe each.

    Args:
        workload: names the model's file.
        inputs: an array for each graph input.
        folder: for a copy of the model.
        deadline_seconds: for each of a few runs.

    Returns:
        The moments of the results of ops, by name, in the order in which they are computed; integers included.

    Raises:
        RunError: as for ``Runtime.open`` and ``Session.compute``.
    """
    import onnx
    from google.protobuf.message import DecodeError, EncodeError
    from onnx.external_data_helper import load_external_data_for_model

    found: dict[str, Moments] = {}
    copy = folder / "reference.onnx"
    try:
        path = Path(workload.provenance.path)
        model = onnx.ModelProto()
        model.ParseFromString(path.read_bytes())
        load_external_data_for_model(model, str(path.parent))
        for tensors in _portions(workload):
            del model.graph.output[:]
            model.graph.output.extend(onnx.ValueInfoProto(name=tensor.name) for tensor in tensors)
            copy.write_bytes(model.SerializeToString())
            part = replace(
                workload, outputs=tuple(tensors), provenance=replace(workload.provenance, path=str(copy))
            )  # fmt: skip
            with RUNTIME.open(part, inputs, threads=1, deadline_seconds=deadline_seconds) as session:
                arrays = session.compute(inputs, deadline_seconds=deadline_seconds)
            found.update({name: moments(array) for name, array in arrays.items()})
    except (OSError, ValueError, DecodeError, EncodeError) as error:
        raise RuntimeRefused(f"the reference cannot be made: {one_line(str(error))}") from None
    finally:
        copy.unlink(missing_ok=True)
    return found


def _portions(workload: Workload) -> Iterator[Sequence[Tensor]]:
    portion: list[Tensor] = []
    size = 0
    for op in workload.ops:
        for tensor in op.present_outputs:
            if tensor.shape is None or tensor.container or not (is_floating(tensor.dtype) or "int" in tensor.dtype):
                continue
            if portion and size + tensor.bytes > _MOST_BYTES:
                yield portion
                portion, size = [], 0
            portion.append(tensor)
            size += tensor.bytes
    if portion:
        yield portion
