"""What the elements of a tensor are expected to be: mean and variance, followed from layer to layer.

Weights drawn by them keep the activations of a network of any depth near unit size, whatever its sums, products and
concatenations do. The figures are estimates for scaling, not results.

Source: He et al., Delving Deep into Rectifiers, arXiv:1502.01852, equation 10 (scale by fan-in and second moment);
Gauss-Hermite quadrature for the moments of f(x) with x normal.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

SMALLEST_VARIANCE = 1e-6
"""Below it a tensor counts as constant, and weights that divide by its deviation would explode."""

_POINTS, _UNSCALED = hermegauss(32)
_WEIGHTS = _UNSCALED / _UNSCALED.sum()


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and variance over the elements of a tensor."""

    mean: float = 0.0
    variance: float = 1.0

    @property
    def second(self) -> float:
        """Mean of the squares."""
        return max(self.variance + self.mean**2, SMALLEST_VARIANCE)

    @property
    def deviation(self) -> float:
        """Square root of the variance, never quite zero."""
        return float(max(self.variance, SMALLEST_VARIANCE) ** 0.5)

    def through(self, function: Callable[[Floats], Floats]) -> "Moments":
        """The moments of ``function(x)``, x normal with these moments."""
        with np.errstate(all="ignore"):
            values = function(self.mean + self.deviation * _POINTS)
            mean = float((_WEIGHTS * values).sum())
            return bounded(mean, float((_WEIGHTS * (values - mean) ** 2).sum()))

    def largest(self) -> "Moments":
        """The moments of the largest of a few neighbours: about one deviation higher, and spread as they are."""
        return bounded(self.mean + self.deviation, self.variance)

    def __add__(self, other: "Moments") -> "Moments":
        return bounded(self.mean + other.mean, self.variance + other.variance)

    def __mul__(self, other: "Moments") -> "Moments":
        return bounded(self.mean * other.mean, self.second * other.second - (self.mean * other.mean) ** 2)


UNIT = Moments()
"""Mean zero and variance one."""

_LARGEST = 1e9
"""Of a mean and of a deviation: a file can ask for any factor, and the squares must stay finite."""


def bounded(mean: float, variance: float) -> Moments:
    """Moments that can be computed with: finite, and of a size whose square is."""
    if not (math.isfinite(mean) and math.isfinite(variance)):
        return UNIT
    return Moments(max(-_LARGEST, min(mean, _LARGEST)), max(0.0, min(variance, _LARGEST**2)))


def mixture(parts: Sequence[tuple[int, Moments]]) -> Moments:
    """The moments of tensors put together; each with its number of elements."""
    total = max(sum(elements for elements, _ in parts), 1)
    mean = sum(elements / total * moments.mean for elements, moments in parts)
    second = sum(elements / total * (moments.variance + moments.mean**2) for elements, moments in parts)
    return bounded(mean, second - mean**2)
