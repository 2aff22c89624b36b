"""Exact interpolation of counts."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attainable.cost.polynomial import Polynomial, degree, interpolate

Coefficients = dict[tuple[int, int], int]


@given(st.dictionaries(st.tuples(st.integers(0, 2), st.integers(0, 3)), st.integers(-(10**12), 10**12), max_size=6))
def test_any_polynomial_in_two_variables_is_found_again(coefficients: Coefficients) -> None:
    def figure(n: int, t: int) -> int:
        return sum(factor * n**i * t**j for (i, j), factor in coefficients.items())

    found = interpolate(("N", "T"), [[2, 3, 4], [32, 64, 96, 128]], lambda at: figure(at["N"], at["T"]))
    assert dict(found.terms) == {powers: factor for powers, factor in coefficients.items() if factor}
    assert found.at({"N": 7, "T": 1001}) == figure(7, 1001)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5, 5, 5, 5, 5, 5], 0),
        ([2, 4, 6, 8, 10, 12], 1),
        ([4, 9, 16, 25, 36, 49], 2),
        ([8, 27, 64, 125, 216, 343], 3),
        ([16, 81, 256, 625, 1296, 2401], None),  # n^4: beyond what is tried
        ([1, 1, 2, 2, 3, 3], None),  # a floor: a stride of two
    ],
)
def test_the_degree_is_where_the_differences_vanish(values: list[int], expected: int | None) -> None:
    assert degree(values) == expected


def test_a_polynomial_reads_as_the_field_writes_it() -> None:
    terms = (((1, 2), Fraction(18432)), ((1, 1), Fraction(84934656)), ((0, 1), Fraction(-1)), ((0, 0), Fraction(1, 2)))
    assert str(Polynomial(("N", "T"), terms)) == "18432*N*T**2 + 84934656*N*T - T + (1/2)"
    assert str(Polynomial(("N",), ())) == "0"


def test_one_vanishing_difference_proves_no_degree() -> None:
    """Any three points lie on a parabola, four on a cubic: a degree shows when the differences vanish twice."""
    assert degree([1, 2, 4]) is None
    assert degree([8, 27, 64, 125, 217]) is None
    assert degree([8, 27, 64, 125, 216]) is None
    assert degree([8, 27, 64, 125, 216, 343]) == 3


def test_terms_are_sorted_by_their_total_degree_and_then_by_the_first_variable() -> None:
    found = interpolate(("N", "T"), [[2, 3, 4], [2, 3, 4]], lambda at: at["N"] ** 2 + at["N"] * at["T"] + at["T"] ** 2)
    assert str(found) == "N**2 + N*T + T**2"
