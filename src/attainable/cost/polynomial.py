"""Exact interpolation: from a figure at a few bindings to the polynomial that it is.

::

    f(x1, ..., xn) = sum over e of  c[e] * x1^e1 * ... * xn^en

Every count is such a polynomial of the dimensions as long as no floor (a stride, a pooling window) and no maximum is in
the way. The degree in each variable is where the finite differences vanish; the coefficients are those of the tensor
product of Lagrange polynomials, in rational numbers, so that nothing is rounded.

Source: de Boor, A Practical Guide to Splines, ch. 1 (divided differences) and ch. 17 (tensor products).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product

HIGHEST_DEGREE = 3
"""Degrees tried for each variable: an attention over n x n positions has at most degree 2, a volume 3."""


@dataclass(frozen=True, slots=True)
class Polynomial:
    """A polynomial with rational coefficients.

    Attributes:
        variables: their names.
        terms: ``(exponents, coefficient)``, the highest total degree first; no coefficient is zero.
    """

    variables: tuple[str, ...]
    terms: tuple[tuple[tuple[int, ...], Fraction], ...]

    def at(self, values: Mapping[str, int]) -> Fraction:
        """The value where each variable has the number that ``values`` gives it."""
        total = Fraction(0)
        for exponents, coefficient in self.terms:
            term = coefficient
            for variable, exponent in zip(self.variables, exponents, strict=True):
                term *= values[variable] ** exponent
            total += term
        return total

    def __str__(self) -> str:
        """As Python and the field write it: ``18432*N*T**2 + 84934656*N*T``; ``0`` without terms."""
        text = ""
        for exponents, coefficient in self.terms:
            factors = [
                variable if exponent == 1 else f"{variable}**{exponent}"
                for variable, exponent in zip(self.variables, exponents, strict=True)
                if exponent
            ]
            size = abs(coefficient)
            if size != 1 or not factors:
                factors.insert(0, str(size) if size.denominator == 1 else f"({size})")
            sign = ("-" if coefficient < 0 else "") if not text else (" - " if coefficient < 0 else " + ")
            text += sign + "*".join(factors)
        return text or "0"


def degree(values: Sequence[int]) -> int | None:
    """Degree of the polynomial that takes ``values`` at equally spaced points.

    Returns:
        The smallest degree up to ``HIGHEST_DEGREE`` whose next finite differences all vanish, at least two of them;
        None where there is none.
    """
    row = list(values)
    for order in range(HIGHEST_DEGREE + 1):
        row = [right - left for left, right in pairwise(row)]
        if len(row) < 2:
            return None
        if not any(row):
            return order
    return None


def interpolate(
    variables: Sequence[str], points: Sequence[Sequence[int]], figure: Callable[[Mapping[str, int]], int]
) -> Polynomial:
    """The polynomial through a grid of values.

    Args:
        variables: their names.
        points: for each variable one point more than its degree, all different.
        figure: the value at a point of the grid.
    """
    coefficients: dict[tuple[int, ...], Fraction] = {}
    bases = [_lagrange(nodes) for nodes in points]
    for corner in product(*(range(len(nodes)) for nodes in points)):
        value = figure(
            {name: points[axis][index] for axis, (name, index) in enumerate(zip(variables, corner, strict=True))}
        )
        chosen = [bases[axis][index] for axis, index in enumerate(corner)]
        for exponents in product(*(range(len(basis)) for basis in chosen)):
            term = Fraction(value)
            for basis, exponent in zip(chosen, exponents, strict=True):
                term *= basis[exponent]
            coefficients[exponents] = coefficients.get(exponents, Fraction(0)) + term
    terms = sorted(
        ((exponents, coefficient) for exponents, coefficient in coefficients.items() if coefficient),
        key=lambda term: (-sum(term[0]), [-exponent for exponent in term[0]]),
    )
    return Polynomial(tuple(variables), tuple(terms))


def _lagrange(nodes: Sequence[int]) -> list[list[Fraction]]:
    """For each node the coefficients, lowest first, of the polynomial that is 1 there and 0 at the other nodes."""
    bases: list[list[Fraction]] = []
    for node in nodes:
        coefficients = [Fraction(1)]
        for other in nodes:
            if other == node:
                continue
            scale = Fraction(1, node - other)
            raised = [Fraction(0), *coefficients]
            lowered = [*coefficients, Fraction(0)]
            coefficients = [scale * (up - other * down) for up, down in zip(raised, lowered, strict=True)]
        bases.append(coefficients)
    return bases
