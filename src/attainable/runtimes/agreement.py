"""How well a runtime's outputs agree with the reference: largest error, cosine, and the same first choice.

An error is small or large beside the values around it. An output often holds several quantities, such as boxes of
hundreds of pixels and scores below one; each element is therefore measured by the largest magnitude in its own slice of
every axis, and not by that of the whole output.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from attainable.runtimes import Tolerance

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from attainable.runtimes import Array

__all__ = ["Agreement", "agreements"]

_LEAST_COSINE = 0.9
"""Outputs that point elsewhere are wrong at any tolerance."""
_FEWEST_IN_A_SLICE = 64
"""A slice of fewer elements may be small by chance."""
_LEAST_SHARE = 0.01
"""Of the largest magnitude of the output: sums that cancel leave small values with the error of large ones."""
_LEAST_MAGNITUDE = 1e-6
_LARGEST = 1e30
"""What is beyond stands for minus infinity in a mask, and is compared by its sign."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One output against the reference.

    Attributes:
        output: its name.
        fault: why elements cannot be compared, ``""`` where they can: it is missing, or has another shape or type.
        absolute_error: largest difference of an element; infinite where only one of the two is not a finite number.
        magnitude: largest finite magnitude in the reference.
        cosine: of the angle between the two as vectors; 1 where both are zero, 0 where one is.
        same_top: share of the rows (along the last axis) whose largest element is at the same place, 0 to 1.
        relative_error: largest difference by the largest magnitude around it; of integers and truth values the share
            of elements that differ.
    """

    output: str
    fault: str = ""
    absolute_error: float = 0.0
    magnitude: float = 0.0
    cosine: float = 1.0
    same_top: float = 1.0
    relative_error: float = 0.0

    def is_within(self, tolerance: Tolerance) -> bool:
        """Whether no element is further away than a tolerance allows, and the whole points the same way."""
        if self.fault or self.cosine < _LEAST_COSINE:
            return False
        return self.relative_error <= tolerance.relative or self.absolute_error <= tolerance.absolute


def agreements(reference: "Mapping[str, Array]", outputs: "Mapping[str, Array]") -> tuple[Agreement, ...]:
    """Compare every output of the reference, and name those that it does not have."""
    found = [_agreement(name, right, outputs.get(name)) for name, right in reference.items()]
    surplus = [Agreement(name, fault="the reference has no such output") for name in outputs if name not in reference]
    return (*found, *surplus)


def _agreement(name: str, reference: "Array", given: "Array | None") -> Agreement:
    import numpy

    if given is None:
        return Agreement(name, fault="is missing")
    if given.shape != reference.shape:
        return Agreement(name, fault=f"has shape {_extents(given.shape)}, the reference {_extents(reference.shape)}")
    if given.dtype != reference.dtype:
        return Agreement(name, fault=f"is {given.dtype}, the reference {reference.dtype}")
    if not reference.size:
        return Agreement(name)
    right, ours = (_numbers(array) for array in (reference, given))
    # A comparison with what is no number is false, without a warning.
    plain = (numpy.abs(right) < _LARGEST) & (numpy.abs(ours) < _LARGEST)
    masked = (numpy.abs(right) >= _LARGEST) & (numpy.abs(ours) >= _LARGEST) & (numpy.sign(right) == numpy.sign(ours))
    alike = plain | masked | (numpy.isnan(right) & numpy.isnan(ours))
    right, ours = (numpy.where(plain, array, 0.0) for array in (right, ours))
    errors = numpy.abs(right - ours)
    relative = float((right != ours).mean()) if reference.dtype.kind in "biu" else float((errors / _scale(right)).max())
    return Agreement(
        output=name,
        absolute_error=float(errors.max()) if alike.all() else float("inf"),
        magnitude=float(numpy.abs(right).max()),
        cosine=_cosine(right, ours),
        same_top=float((_top(right) == _top(ours)).mean()),
        relative_error=relative if alike.all() else float("inf"),
    )


def _scale(right: "NDArray[numpy.float64]") -> "NDArray[numpy.float64]":
    """What the error of each element is measured by: the smallest of the largest magnitudes in its slices."""
    import numpy

    magnitudes = numpy.abs(right)
    largest = magnitudes.max()
    scale = numpy.full(right.shape, largest)
    for axis, extent in enumerate(right.shape):
        if extent > 1 and right.size // extent >= _FEWEST_IN_A_SLICE:
            others = tuple(other for other in range(right.ndim) if other != axis)
            scale = numpy.minimum(scale, magnitudes.max(axis=others, keepdims=True))
    return numpy.maximum(scale, max(_LEAST_SHARE * largest, _LEAST_MAGNITUDE))


def _numbers(array: "Array") -> "NDArray[numpy.float64]":
    import numpy

    if numpy.iscomplexobj(array):
        parts = [cast("NDArray[numpy.float64]", part) for part in (array.real, array.imag)]
        return numpy.stack(parts, axis=-1).astype(numpy.float64)
    return array.astype(numpy.float64)


def _cosine(first: "NDArray[numpy.float64]", second: "NDArray[numpy.float64]") -> float:
    import numpy

    norms = float(numpy.linalg.norm(first.ravel())), float(numpy.linalg.norm(second.ravel()))
    if not all(norms):
        return float(norms[0] == norms[1])
    return float(first.ravel() @ second.ravel()) / (norms[0] * norms[1])


def _top(array: "NDArray[numpy.float64]") -> "NDArray[numpy.intp]":
    import numpy

    return numpy.atleast_1d(numpy.atleast_1d(array).argmax(axis=-1))


def _extents(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "a scalar's"
