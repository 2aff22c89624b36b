"""Numbers that count: a naive loop over them computes, and tells how many operations it took."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.object_]
"""An array of Number."""


@dataclass
class Tally:
    """Counts the operations of the numbers that were made from it."""

    operations: int = 0
    seed: "np.random.Generator" = field(default_factory=lambda: np.random.default_rng(7))

    def number(self, value: float) -> "Number":
        """A number that counts here."""
        return Number(value, self)

    def numbers(self, *shape: int) -> Numbers:
        """Random numbers between 0.1 and 1."""
        drawn = self.seed.uniform(0.1, 1.0, size=shape).astype(np.float32)
        made: Numbers = np.empty(shape, dtype=object)
        for index in np.ndindex(*shape):
            made[index] = self.number(float(drawn[index]))
        return made


@dataclass(frozen=True, slots=True)
class Number:
    """A scalar; each result computed from it is one operation."""

    value: float
    tally: Tally

    def _result(self, value: float) -> "Number":
        self.tally.operations += 1
        return Number(value, self.tally)

    def __add__(self, other: "Number | float") -> "Number":
        return self._result(self.value + _value(other))

    def __sub__(self, other: "Number | float") -> "Number":
        return self._result(self.value - _value(other))

    def __mul__(self, other: "Number | float") -> "Number":
        return self._result(self.value * _value(other))

    def __truediv__(self, other: "Number | float") -> "Number":
        return self._result(self.value / _value(other))

    def __gt__(self, other: "Number | float") -> bool:
        self.tally.operations += 1
        return self.value > _value(other)

    def apply(self, function: Callable[[float], float]) -> "Number":
        """A function of one number: exp, log, a root, an absolute value."""
        return self._result(function(self.value))


def _value(number: Number | float) -> float:
    return number.value if isinstance(number, Number) else number


def total(numbers: Iterable[Number]) -> Number:
    """Sum; n - 1 additions."""
    first, *others = numbers
    for other in others:
        first = first + other
    return first


def largest(numbers: Iterable[Number]) -> Number:
    """Maximum; n - 1 comparisons."""
    first, *others = numbers
    for other in others:
        first = other if other > first else first
    return first


def root(number: Number) -> Number:
    """Square root; one operation."""
    return number.apply(math.sqrt)


def values(numbers: Numbers) -> npt.NDArray[np.float32]:
    """The values alone, for the reference implementation."""
    plain = [number.value for number in listed(numbers)]
    return np.array(plain, dtype=np.float32).reshape(numbers.shape)


def listed(numbers: Numbers) -> list[Number]:
    """The numbers in row-major order."""
    return cast("list[Number]", numbers.ravel().tolist())


def padded(numbers: Numbers, amounts: list[tuple[int, int]], tally: Tally) -> Numbers:
    """Zeros around the numbers; they are multiplied like any other."""
    return np.pad(numbers, amounts, constant_values=np.array(tally.number(0.0), dtype=object))
