"""How well a runtime's outputs agree with the reference: largest error, cosine, and the same first choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from attainable.runtimes import Tolerance

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from attainable.runtimes import Array

__all__ = ["Agreement", "agreements"]


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
    """

    output: str
    fault: str = ""
    absolute_error: float = 0.0
    magnitude: float = 0.0
    cosine: float = 1.0
    same_top: float = 1.0

    @property
    def relative_error(self) -> float:
        """The largest difference by the largest magnitude; 0 for no difference."""
        if not self.absolute_error:
            return 0.0
        return self.absolute_error / self.magnitude if self.magnitude else float("inf")

    def is_within(self, tolerance: Tolerance) -> bool:
        """Whether no element is further away than a tolerance allows."""
        return not self.fault and self.absolute_error <= tolerance.absolute + tolerance.relative * self.magnitude


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
    finite = numpy.isfinite(right) & numpy.isfinite(ours)
    alike = finite | (right == ours) | (numpy.isnan(right) & numpy.isnan(ours))
    right, ours = (numpy.where(finite, array, 0.0) for array in (right, ours))
    return Agreement(
        output=name,
        absolute_error=float(numpy.abs(right - ours).max()) if alike.all() else float("inf"),
        magnitude=float(numpy.abs(right).max()),
        cosine=_cosine(right, ours),
        same_top=float((_top(right) == _top(ours)).mean()),
    )


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
