"""Gives every symbol in the dimensions of a program's inputs a number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from attainable.errors import InvalidQuantity, UnboundDimensions
from attainable.workload.graph import Shape
from attainable.workload.shapes import Bindings, format_shape
from attainable.workload.torch.expressions import Expression, MalformedExpression, UnknownSymbol

Dimensions = tuple[int | Expression, ...]
"""Axes of an input: numbers, and expressions over symbols."""


@dataclass(frozen=True, slots=True)
class Binding:
    """What was bound: numbers by symbol, ``(name, number or shape)`` pairs, and a sentence for each assumption."""

    numbers: Mapping[str, int]
    pairs: tuple[tuple[str, int | Shape], ...]
    notes: tuple[str, ...]


def bind_symbols(inputs: Mapping[str, Dimensions], shapes: Bindings, *, batch: int | None, where: str) -> Binding:
    """Choose a number for each symbol.

    Args:
        inputs: dimensions by the name of the input.
        shapes: numbers by symbol, shapes by the name of the input.
        batch: number for the batch dimension: the symbols that stand only on first axes.
        where: the file, for messages.

    Returns:
        The numbers. A lone batch dimension that nothing binds becomes 1, which a note says.

    Raises:
        UnboundDimensions: some symbol has no number; the help is the ``--shape`` line to complete.
        InvalidQuantity: a name that the program does not have, or a shape that contradicts it.
    """
    symbols = list(
        dict.fromkeys(symbol for dimensions in inputs.values() for axis in dimensions for symbol in _symbols(axis))
    )
    first = _first_axes_only(inputs, symbols)
    numbers: dict[str, int] = {}
    bound: dict[str, int | Shape] = {}
    faults: list[str] = []
    for name, shape in shapes.items():
        if name in symbols and isinstance(shape, int):
            numbers[name] = bound[name] = shape
        elif name not in inputs:
            faults.append(f"no dimension or input has this name @ {name}")
    for name, dimensions in inputs.items():
        if name in shapes:
            shape = shapes[name]
            extents = (shape,) if isinstance(shape, int) else tuple(shape)
            bound[name] = extents
            faults += _match(name, dimensions, extents, numbers)
    faults += _contradictions(inputs, shapes, numbers)
    if faults:
        raise InvalidQuantity(
            "does not fit the model",
            where=f"{where} --shape",
            faults=faults,
            help=f"inputs and dimensions are: {', '.join([*inputs, *symbols]) or 'none'}",
        )
    notes: list[str] = []
    if batch is not None:
        _bind_batch(batch, inputs, first, numbers, bound, where)
    elif (open_symbols := [symbol for symbol in symbols if symbol not in numbers]) == first and len(first) == 1:
        numbers[first[0]] = bound[first[0]] = 1
        notes.append(f"batch dimension {open_symbols[0]!r} set to 1; choose another with --batch or --shape")
    unbound = [symbol for symbol in symbols if symbol not in numbers]
    if unbound:
        raise UnboundDimensions(
            f"has dimensions without a number: {', '.join(unbound)}",
            where=where,
            help="complete: " + " ".join(f"--shape {symbol}=?" for symbol in unbound) + f"   ({_described(inputs)})",
            dimensions=unbound,
        )
    return Binding(numbers, tuple(bound.items()), tuple(notes))


def _symbols(axis: int | Expression) -> tuple[str, ...]:
    return () if isinstance(axis, int) else axis.symbols


def _first_axes_only(inputs: Mapping[str, Dimensions], symbols: Sequence[str]) -> list[str]:
    elsewhere = {symbol for dimensions in inputs.values() for axis in dimensions[1:] for symbol in _symbols(axis)}
    return [symbol for symbol in symbols if symbol not in elsewhere]


def _match(name: str, dimensions: Dimensions, extents: Shape, numbers: dict[str, int]) -> list[str]:
    """Take numbers from a whole shape; return what contradicts the program."""
    if len(dimensions) != len(extents):
        return [f"the program has {len(dimensions)} axes, the flag {len(extents)} @ {name}"]
    faults: list[str] = []
    for index, (axis, extent) in enumerate(zip(dimensions, extents, strict=True)):
        if isinstance(axis, int):
            if axis != extent:
                faults.append(f"the program fixes this axis at {axis}, not {extent} @ {name}[{index}]")
        elif axis.symbol and numbers.setdefault(axis.symbol, extent) != extent:
            faults.append(f"{axis.symbol} is {numbers[axis.symbol]} elsewhere, not {extent} @ {name}[{index}]")
    return faults


def _contradictions(inputs: Mapping[str, Dimensions], shapes: Bindings, numbers: Mapping[str, int]) -> list[str]:
    """Axes that are formulas and come out different from what a whole shape says."""
    faults: list[str] = []
    for name, dimensions in inputs.items():
        shape = shapes.get(name)
        if shape is None or isinstance(shape, int) or len(shape) != len(dimensions):
            continue
        for index, (axis, extent) in enumerate(zip(dimensions, shape, strict=True)):
            if isinstance(axis, int) or axis.symbol:
                continue
            try:
                computed = axis.evaluate(numbers)
            except (UnknownSymbol, MalformedExpression):
                continue
            if computed != extent:
                faults.append(f"the program computes {computed} for this axis, not {extent} @ {name}[{index}]")
    return faults


def _bind_batch(
    batch: int, inputs: Mapping[str, Dimensions], first: Sequence[str], numbers: dict[str, int],
    bound: dict[str, int | Shape], where: str,
) -> None:  # fmt: skip
    if not first:
        fixed = {dimensions[0] for dimensions in inputs.values() if dimensions}
        if fixed != {batch}:
            raise InvalidQuantity(
                f"the program fixes the batch at {', '.join(sorted(map(_axis_text, fixed))) or 'nothing'}",
                where=f"{where} --batch {batch}",
                help="export with dynamic_shapes for the first axis",
            )
    for symbol in first:
        if numbers.setdefault(symbol, batch) != batch:
            raise InvalidQuantity(f"{symbol} is {numbers[symbol]} by --shape", where=f"{where} --batch {batch}")
        bound[symbol] = batch


def _axis_text(axis: int | Expression) -> str:
    return str(axis) if isinstance(axis, int) else axis.symbol or axis.text


def _described(inputs: Mapping[str, Dimensions]) -> str:
    """Which axis of which input each symbol is, as the symbols are PyTorch's own."""
    rows: list[str] = []
    for name, dimensions in inputs.items():
        texts = [_axis_text(axis) for axis in dimensions]
        if any(not isinstance(axis, int) for axis in dimensions):
            rows.append(f"{name}: {'x'.join(texts)}" if texts else f"{name}: {format_shape(())}")
    return ", ".join(rows)
