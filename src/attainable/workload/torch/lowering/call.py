"""One call of a PyTorch operator, and the ONNX operators that do the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from attainable.workload.dtypes import bytes_of, is_floating
from attainable.workload.graph import AttributeValue, Shape, Tensor, Value

Argument: TypeAlias = "Tensor | int | float | str | tuple[Argument, ...] | None"
"""An argument with names replaced by what they stand for."""


class NotLowered(Exception):
    """The call has no counterpart among the operators of ONNX; it stays as it is and is listed."""


@dataclass(frozen=True, slots=True)
class Step:
    """One ONNX operator: what becomes an Op once it has an id and a scope."""

    kind: str
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor | None, ...]
    attributes: tuple[tuple[str, AttributeValue], ...] = ()


Lowering = Callable[["Call"], tuple[Step, ...]]
Lowerings = dict[str, Lowering]


def step(
    kind: str, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor | None, ...], **attributes: AttributeValue
) -> Step:
    """A step with its attributes sorted by name. The keywords are the attributes, whatever the operator has."""
    return Step(kind, inputs, outputs, tuple(sorted(attributes.items(), key=_first)))


def _first(pair: tuple[str, AttributeValue]) -> str:
    return pair[0]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operator.

    Attributes:
        name: of the node; new tensors are named after it.
        target: the operator without namespace, overload and the underscore of the in-place form: ``conv2d``.
        arguments: by the name in the operator's schema; what has its default may be missing.
        outputs: tensors that it makes; None for one that is not used or is no tensor.
    """

    name: str
    target: str
    arguments: Mapping[str, Argument]
    outputs: tuple[Tensor | None, ...]

    @property
    def output(self) -> Tensor:
        """The first output. Raises NotLowered where there is none."""
        first = self.outputs[0] if self.outputs else None
        if first is None:
            raise NotLowered(self.target)
        return first

    def given(self, name: str) -> bool:
        """Tell whether an argument is there and not None."""
        return self.arguments.get(name) is not None

    def tensor(self, *names: str) -> Tensor:
        """The tensor of the first of these arguments that is there. Raises NotLowered where none is a tensor."""
        for name in names:
            value = self.arguments.get(name)
            if isinstance(value, Tensor):
                return value
        raise NotLowered(self.target)

    def optional(self, name: str) -> Tensor | None:
        """A tensor that may be missing."""
        value = self.arguments.get(name)
        return value if isinstance(value, Tensor) else None

    def tensors(self, name: str) -> tuple[Tensor, ...]:
        """A list of tensors. Raises NotLowered where something else is in it."""
        value = self.arguments.get(name)
        if not isinstance(value, tuple):
            raise NotLowered(self.target)
        found = tuple(item for item in value if isinstance(item, Tensor))
        if len(found) != len(value):
            raise NotLowered(self.target)
        return found

    def operand(self, name: str) -> Tensor:
        """A tensor, or a constant made of a number, of the element type of the tensor beside it."""
        value = self.arguments.get(name)
        if isinstance(value, Tensor):
            return value
        if isinstance(value, int | float):
            tensors = (item for item in (*self.arguments.values(), *self.outputs) if isinstance(item, Tensor))
            return self.scalar(name, value, dtype=next(tensors).dtype)
        raise NotLowered(self.target)

    def integer(self, name: str, default: int) -> int:
        """An integer. Raises NotLowered where it is not known."""
        value = self.arguments.get(name, default)
        if isinstance(value, int):
            return int(value)
        raise NotLowered(self.target)

    def integers(self, name: str) -> tuple[int, ...]:
        """A list of integers, or a single one; empty where not given. Raises NotLowered where one is not known."""
        value = self.arguments.get(name)
        if value is None:
            return ()
        items = value if isinstance(value, tuple) else (value,)
        found = tuple(int(item) for item in items if isinstance(item, int))
        if len(found) != len(items):
            raise NotLowered(self.target)
        return found

    def number(self, name: str, default: float) -> float:
        """An integer or float. Raises NotLowered where it is not known."""
        value = self.arguments.get(name, default)
        if isinstance(value, int | float):
            return value
        raise NotLowered(self.target)

    def flag(self, name: str, default: bool = False) -> bool:
        """A truth value."""
        value = self.arguments.get(name)
        return default if value is None else bool(value)

    def text(self, name: str, default: str = "") -> str:
        """A text."""
        value = self.arguments.get(name)
        return value if isinstance(value, str) else default

    def axis(self, name: str, rank: int, default: int = 0) -> int:
        """An axis, counted from the front."""
        return self.integer(name, default) % max(rank, 1)

    def axes(self, name: str, rank: int) -> tuple[int, ...]:
        """Axes counted from the front; all of them where none is given."""
        found = self.integers(name)
        return tuple(axis % max(rank, 1) for axis in found) if found else tuple(range(rank))

    def between(self, label: str, shape: Shape | None, dtype: str) -> Tensor:
        """A tensor between two steps."""
        return Tensor(f"{self.name}/{label}", shape, dtype)

    def scalar(self, label: str, value: float, *, dtype: str) -> Tensor:
        """A constant of one element and no axis."""
        stored: Value = (float(value),) if is_floating(dtype) else (int(value),) if abs(value) < 2**63 else ()
        return Tensor(f"{self.name}/{label}", (), dtype, True, stored or None, bytes_of(dtype, 1))

    def integers_constant(self, label: str, values: tuple[int, ...]) -> Tensor:
        """A constant list of integers, such as axes or a shape."""
        known = values if len(values) <= MOST_STORED_ELEMENTS else None
        return Tensor(f"{self.name}/{label}", (len(values),), "int64", True, known, 8 * len(values))


MOST_STORED_ELEMENTS = 64
"""Elements of a constant whose values a Tensor keeps."""
