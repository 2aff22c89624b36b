"""Gives the inputs of a described network their shapes: the file's, a flag's, or a request for one."""

from collections.abc import Sequence

import onnx
from onnx import helper

from attainable.workload.onnx.bind import Binding, bind_dimensions
from attainable.workload.shapes import Bindings

BATCH = "batch"
"""Name of the first axis of every input."""


def described_input(name: str, axes: Sequence[int | None] | None) -> onnx.ValueInfoProto:
    """An input with a free batch axis.

    Args:
        name: of the input.
        axes: the further axes, None for one that is not fixed; None where the file tells not even the rank.
    """
    dimensions = None if axes is None else [BATCH, *axes]
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, dimensions)


def bind_inputs(
    inputs: Sequence[onnx.ValueInfoProto], shapes: Bindings, *, batch: int | None, where: str,
    defaults: dict[str, int],
) -> Binding:  # fmt: skip
    """Write numbers into the free axes of the inputs, in place.

    Args:
        inputs: made by ``described_input``.
        shapes: the user's numbers and shapes.
        batch: number for the batch; 1, which a note says, where nobody gives one.
        where: the file, for messages.
        defaults: the file's own numbers for free axes, as ``input[2]``; a flag for the axis or its input wins.

    Raises:
        UnboundDimensions, InvalidQuantity: an axis has no number, or a wrong one.
    """
    filled = dict(shapes)
    for axis, extent in defaults.items():
        if axis.rpartition("[")[0] not in shapes:
            filled.setdefault(axis, extent)
    binding = bind_dimensions(inputs, filled, batch=batch, where=where)
    pairs = tuple((name, bound) for name, bound in binding.pairs if name in shapes or name not in defaults)
    return Binding(pairs, binding.notes)
