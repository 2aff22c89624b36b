"""Gives every symbolic dimension of the graph's inputs a number."""

from collections.abc import Sequence
from dataclasses import dataclass

import onnx

from attainable.errors import InvalidQuantity, UnboundDimensions
from attainable.workload.graph import Shape
from attainable.workload.shapes import Bindings


@dataclass(frozen=True, slots=True)
class Binding:
    """What was bound: ``(name, number or shape)`` pairs, and a sentence for each assumption."""

    pairs: tuple[tuple[str, int | Shape], ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Axis:
    """One symbolic axis of one input."""

    dimension: onnx.TensorShapeProto.Dimension
    input_name: str
    index: int

    @property
    def symbol(self) -> str:
        """The dimension's own name, or ``input[axis]`` where it has none."""
        return self.dimension.dim_param or f"{self.input_name}[{self.index}]"


def bind_dimensions(
    inputs: Sequence[onnx.ValueInfoProto], shapes: Bindings, *, batch: int | None, where: str
) -> Binding:
    """Write numbers into the symbolic dimensions of ``inputs``, in place.

    Args:
        inputs: the graph's inputs without its initialisers.
        shapes: numbers by dimension name, shapes by input name.
        batch: number for the batch dimension: the one symbol that stands only on first axes.
        where: the file, for messages.

    Returns:
        The bindings made. A lone batch dimension that nothing binds becomes 1, which a note says.

    Raises:
        UnboundDimensions: some dimension has no number; the help is the ``--shape`` line to complete.
        InvalidQuantity: a name that the model does not have, or a shape that contradicts the file.
    """
    faults: list[str] = []
    bound: dict[str, int | Shape] = {}
    by_name = {value.name: value for value in inputs}
    numbers: dict[str, int] = {}
    for name, shape in shapes.items():
        if name in by_name:
            extents = (shape,) if isinstance(shape, int) else tuple(shape)
            faults += _bind_input(by_name[name], extents, numbers)
            bound[name] = extents
        elif isinstance(shape, int):
            numbers[name] = shape
            bound[name] = shape
        else:
            faults.append(f"no input has this name @ {name}")
    axes = [axis for value in inputs for axis in _symbolic_axes(value)]
    symbols = {axis.symbol for axis in axes}
    faults += [
        f"no dimension or input has this name @ {name}"
        for name in shapes
        if name in numbers and name in bound and name not in by_name and name not in symbols
    ]
    if faults:
        known = ", ".join([*by_name, *sorted(symbols)]) or "none"
        raise InvalidQuantity(
            "does not fit the model",
            where=f"{where} --shape",
            faults=faults,
            help=f"inputs and dimensions are: {known}",
        )
    notes: list[str] = []
    if batch is not None:
        _bind_batch(batch, axes, numbers, bound, inputs, where)
    else:
        for symbol in _lone_batch(axes, numbers):
            numbers[symbol] = bound[symbol] = 1
            notes.append(f"batch dimension {symbol!r} set to 1; choose another with --batch or --shape")
    unbound = list(dict.fromkeys(axis.symbol for axis in axes if axis.symbol not in numbers))
    unbound += [value.name for value in _without_shape(inputs)]
    if unbound:
        raise UnboundDimensions(
            f"has dimensions without a number: {', '.join(unbound)}",
            where=where,
            help=_completion(inputs, numbers),
            dimensions=unbound,
        )
    for axis in axes:
        axis.dimension.dim_value = numbers[axis.symbol]
    return Binding(tuple(bound.items()), tuple(notes))


def _without_shape(inputs: Sequence[onnx.ValueInfoProto]) -> list[onnx.ValueInfoProto]:
    """The tensor inputs of which the file tells no rank."""
    return [
        value for value in inputs if value.type.HasField("tensor_type") and not value.type.tensor_type.HasField("shape")
    ]


def _bind_input(value: onnx.ValueInfoProto, extents: Shape, numbers: dict[str, int]) -> list[str]:
    """Collect the numbers that a whole shape gives to the symbols of an input; return what contradicts the file."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        for extent in extents:
            tensor.shape.dim.add().dim_value = extent
        return []
    dimensions = list(tensor.shape.dim)
    if len(dimensions) != len(extents):
        return [f"the file has {len(dimensions)} axes, the flag {len(extents)} @ {value.name}"]
    faults: list[str] = []
    for index, (dimension, extent) in enumerate(zip(dimensions, extents, strict=True)):
        if _is_symbolic(dimension):
            symbol = _Axis(dimension, value.name, index).symbol
            if numbers.setdefault(symbol, extent) != extent:
                faults.append(f"{symbol} is {numbers[symbol]} elsewhere, not {extent} @ {value.name}[{index}]")
        elif dimension.dim_value != extent:
            faults.append(f"the file fixes this axis at {dimension.dim_value}, not {extent} @ {value.name}[{index}]")
    return faults


def _is_symbolic(dimension: onnx.TensorShapeProto.Dimension) -> bool:
    return not dimension.HasField("dim_value") or dimension.dim_value < 0


def _symbolic_axes(value: onnx.ValueInfoProto) -> list[_Axis]:
    dimensions = enumerate(value.type.tensor_type.shape.dim)
    return [_Axis(dimension, value.name, index) for index, dimension in dimensions if _is_symbolic(dimension)]


def _lone_batch(axes: list[_Axis], numbers: dict[str, int]) -> list[str]:
    """The symbols of the batch dimension, when it is all that has no number: one name, or first axes without a name."""
    unbound = [axis for axis in axes if axis.symbol not in numbers]
    names = {axis.dimension.dim_param for axis in unbound}
    if len(names) != 1 or any(axis.index != 0 for axis in unbound):
        return []
    return list(dict.fromkeys(axis.symbol for axis in unbound))


def _bind_batch(
    batch: int, axes: list[_Axis], numbers: dict[str, int], bound: dict[str, int | Shape],
    inputs: Sequence[onnx.ValueInfoProto], where: str,
) -> None:  # fmt: skip
    """Bind every symbol that stands on a first axis only to ``batch``."""
    elsewhere = {axis.symbol for axis in axes if axis.index != 0}
    first = {axis.symbol for axis in axes if axis.index == 0} - elsewhere
    if not first:
        fixed = {value.type.tensor_type.shape.dim[0].dim_value for value in inputs if value.type.tensor_type.shape.dim}
        if fixed != {batch}:
            raise InvalidQuantity(
                f"the file fixes the batch at {', '.join(map(str, sorted(fixed))) or 'nothing'}",
                where=f"{where} --batch {batch}",
                help="export the model with a dynamic first axis",
            )
    for symbol in first:
        if numbers.setdefault(symbol, batch) != batch:
            raise InvalidQuantity(f"{symbol} is {numbers[symbol]} by --shape", where=f"{where} --batch {batch}")
        bound[symbol] = batch


def _completion(inputs: Sequence[onnx.ValueInfoProto], numbers: dict[str, int]) -> str:
    """The ``--shape`` flags that would bind everything, with ``?`` where the user must write a number."""
    flags: list[str] = []
    named: set[str] = set()
    for value in inputs:
        axes = _symbolic_axes(value)
        open_axes = [axis for axis in axes if axis.symbol not in numbers]
        if any(not axis.dimension.dim_param for axis in open_axes):
            extents = [
                str(dimension.dim_value) if not _is_symbolic(dimension) else "?"
                for dimension in value.type.tensor_type.shape.dim
            ]
            flags.append(f"--shape {value.name}={'x'.join(extents)}")
        else:
            named.update(axis.symbol for axis in open_axes)
    flags += [f"--shape {value.name}=?x?" for value in _without_shape(inputs)]
    flags += [f"--shape {symbol}=?" for symbol in sorted(named)]
    return "complete: " + " ".join(flags)
