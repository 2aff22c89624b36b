"""Outputs against a reference: each number worked out by hand."""

import numpy as np
import pytest

from attainable.runtimes import Tolerance
from attainable.runtimes.agreement import Agreement, agreements


def compared(reference: object, given: object) -> Agreement:
    (found,) = agreements({"y": np.array(reference, "float32")}, {"y": np.array(given, "float32")})
    return found


def test_errors_cosine_and_first_choice_of_two_rows() -> None:
    found = compared([[3, 4], [0, 0]], [[4, 3], [0, 0]])
    # |3 - 4| = 1 of 4; (3 * 4 + 4 * 3) / (5 * 5); the first row's largest moved, in the second both are first
    assert (found.absolute_error, found.magnitude, found.relative_error) == (1.0, 4.0, 0.25)
    assert found.cosine == pytest.approx(24 / 25)
    assert found.same_top == 0.5
    assert found.is_within(Tolerance(relative=0.25))
    assert not found.is_within(Tolerance(relative=0.24))
    assert found.is_within(Tolerance(relative=0.0, absolute=1.0))


def test_equal_outputs_have_no_error() -> None:
    found = compared([1, -2, 0], [1, -2, 0])
    assert (found.relative_error, found.same_top) == (0.0, 1.0)
    assert found.cosine == pytest.approx(1.0)
    assert found.is_within(Tolerance(relative=0.0))


def test_zeros_agree_with_zeros_only() -> None:
    assert compared([0, 0], [0, 0]).cosine == 1.0
    wrong = compared([0, 0], [0, 1])
    # 1 by the least magnitude, 1e-6
    assert (wrong.cosine, wrong.relative_error) == (0.0, pytest.approx(1e6))
    assert not wrong.is_within(Tolerance(relative=1.0))
    assert compared([0, 0], [0, 0]).is_within(Tolerance(relative=0.0))


def test_each_quantity_of_an_output_is_measured_by_itself() -> None:
    boxes, scores = np.full((64, 1), 600.0), np.full((64, 1), 8.0)
    reference = np.hstack([boxes, scores])
    given = np.hstack([boxes, scores + 2.0])
    # 2 of 8, the largest in its column, not of 600; both rows and columns are slices, rows have only two elements
    assert compared(reference, given).relative_error == pytest.approx(0.25)
    # a column below a hundredth of the largest is measured by that: 0.3 of 6
    assert compared(np.hstack([boxes, 0 * scores]), np.hstack([boxes, 0 * scores + 0.3])).relative_error == (
        pytest.approx(0.05)
    )


def test_what_stands_for_minus_infinity_is_no_magnitude() -> None:
    masked = [-3.4e38, 4.0, 2.0]
    assert compared(masked, [-3.3e38, 4.0, 2.0]).is_within(Tolerance(relative=0.0))
    assert compared(masked, [-3.4e38, 4.0, 1.0]).relative_error == pytest.approx(0.25)
    assert not compared(masked, [0.0, 4.0, 2.0]).is_within(Tolerance(relative=1e9))


def test_integers_are_alike_or_not() -> None:
    (found,) = agreements({"y": np.array([50256, 7, 8, 9])}, {"y": np.array([50252, 7, 8, 9])})
    assert found.relative_error == 0.25
    assert not found.is_within(Tolerance(relative=1e-2))


def test_what_points_elsewhere_is_wrong_at_any_tolerance() -> None:
    assert not compared([1.0, 0.0], [0.0, 1.0]).is_within(Tolerance(relative=10.0))


@pytest.mark.parametrize("given", [[np.nan, 1.0], [np.inf, 1.0], [-np.inf, 1.0]])
def test_what_is_no_number_agrees_with_itself_only(given: list[float]) -> None:
    assert compared(given, given).is_within(Tolerance(relative=0.0))
    assert not compared([2.0, 1.0], given).is_within(Tolerance(relative=1e9))
    assert not compared(given, [2.0, 1.0]).is_within(Tolerance(relative=1e9))


def test_outputs_that_cannot_be_compared_say_why() -> None:
    reference = {name: np.zeros((2, 3), "float32") for name in ("gone", "shape", "type")}
    given = {"shape": np.zeros(6, "float32"), "type": np.zeros((2, 3), "float64"), "more": np.zeros(1)}
    faults = {found.output: found.fault for found in agreements(reference, given)}
    assert faults == {
        "gone": "is missing",
        "shape": "has shape 6, the reference 2x3",
        "type": "is float64, the reference float32",
        "more": "the reference has no such output",
    }
    assert not any(found.is_within(Tolerance(relative=1.0)) for found in agreements(reference, given))


def test_integers_scalars_complex_and_empty_outputs_are_compared() -> None:
    outputs = {
        "integers": np.array([1, 2**40]), "scalar": np.array(2.0), "complex": np.array([1 + 1j]),
        "empty": np.zeros((0, 3)), "truth": np.array([True, False]),
    }  # fmt: skip
    for found in agreements(outputs, outputs):
        assert found.is_within(Tolerance(relative=0.0)), found
    (found,) = agreements({"z": np.array([3 + 4j])}, {"z": np.array([3 + 1j])})
    assert found.absolute_error == 3.0
