"""Gives the free batch axis of a TFLite file a number.

The file stores a shape for every tensor, and beside it a signature in which -1 marks an axis that the caller may
choose. Where -1 stands on first axes alone, the batch can be chosen here too; any other free axis decides shapes in
ways that only the runtime follows.
"""

from collections.abc import Sequence
from dataclasses import replace

from attainable.errors import InvalidQuantity, UnboundDimensions
from attainable.workload.graph import Shape
from attainable.workload.shapes import Bindings, format_shape
from attainable.workload.tflite.ops import TensorLayout

BATCH = "batch"
"""Name of the free first axis for ``--shape``."""

_HELP = "convert the model with this shape"

Pairs = tuple[tuple[str, int | Shape], ...]


def rebound(
    layouts: list[TensorLayout], inputs: Sequence[int], shapes: Bindings, *, batch: int | None, where: str
) -> tuple[list[TensorLayout], Pairs, tuple[str, ...]]:
    """The tensors with the wanted batch.

    Args:
        layouts: the tensors as stored.
        inputs: positions of the graph's inputs.
        shapes: numbers and shapes that the user gave.
        batch: number for the batch, or None.
        where: the file, for messages.

    Returns:
        The tensors, the bindings made, and a note where the stored batch was taken without anybody asking for it.

    Raises:
        UnboundDimensions: an input has a free axis besides the batch, for which the file stores no extent.
        InvalidQuantity: a name the model does not have, or a shape that the stored ones do not allow.
    """
    given = {layouts[index].name: layouts[index] for index in inputs if 0 <= index < len(layouts)}
    for tensor in given.values():
        if -1 in tensor.signature[1:]:
            raise UnboundDimensions(
                f"the shape of its input {tensor.name} is {list(tensor.signature)}: free axes besides the batch",
                where=where,
                help="convert the model with fixed shapes",
            )
    free = any(-1 in tensor.signature for tensor in given.values())
    wanted = {batch} if batch is not None else set[int]()
    faults: list[str] = []
    for name, shape in shapes.items():
        tensor = given.get(name)
        extents = (shape,) if isinstance(shape, int) else tuple(shape)
        if tensor is None and name == BATCH and isinstance(shape, int):
            wanted.add(shape)
        elif tensor is None:
            faults.append(f"no input has this name @ {name}")
        elif extents[1:] != tensor.shape[1:] or len(extents) != len(tensor.shape):
            faults.append(f"the file stores {format_shape(tensor.shape)} @ {name}")
        elif extents != tensor.shape or tensor.signature[:1] == (-1,):
            wanted.add(extents[0])
    stored = {tensor.shape[0] for tensor in given.values() if tensor.shape}
    if len(wanted) > 1:
        faults.append(f"the batch is asked to be {' and '.join(map(str, sorted(wanted)))} @ {BATCH}")
    if faults:
        known = ", ".join([*given, BATCH] if free else given) or "none"
        raise InvalidQuantity(
            "does not fit the model",
            where=f"{where} --shape",
            faults=faults,
            help=f"inputs and dimensions are: {known}",
        )
    bindings: Pairs = tuple((name, shape if isinstance(shape, int) else tuple(shape)) for name, shape in shapes.items())
    if not wanted:
        notes = (f"batch dimension '{BATCH}' is {min(stored)} as stored; choose another with --batch",) if free else ()
        return layouts, bindings, notes
    (number,) = wanted
    if batch is not None:
        bindings = (*bindings, (BATCH, batch))
    if stored == {number}:
        return layouts, bindings, ()
    return _with_batch(layouts, number, free=free, stored=stored, where=where), bindings, ()


def _with_batch(
    layouts: list[TensorLayout], batch: int, *, free: bool, stored: set[int], where: str
) -> list[TensorLayout]:
    if batch < 1:
        raise InvalidQuantity(f"the batch is {batch}", where=where, help="give a whole number from 1 up")
    if not free:
        raise InvalidQuantity(
            f"the file fixes the batch at {', '.join(map(str, sorted(stored))) or 'nothing'}", where=where, help=_HELP
        )
    fixed = next((tensor for tensor in layouts if -1 in tensor.signature[1:]), None)
    if fixed is not None:
        raise InvalidQuantity(
            f"the batch decides more than first axes: {fixed.name} is {list(fixed.signature)}", where=where, help=_HELP
        )
    return [
        replace(tensor, shape=(batch, *tensor.shape[1:])) if tensor.signature[:1] == (-1,) else tensor
        for tensor in layouts
    ]
