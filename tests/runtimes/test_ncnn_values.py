"""Blobs are told by what they hold."""

import numpy as np
import pytest

from attainable.runtimes.attribution.values import Moments, match, moments

ONE: Moments = (4.0, 0.5, 1.0, -1.0, 2.0, 0.75)
OTHER: Moments = (4.0, 0.1, 1.5, -2.0, 2.0, 1.0)


def test_moments_are_those_of_the_elements() -> None:
    # Mean (1 - 3 + 2 + 4) / 4 = 1; deviations 0, -4, 1, 3: squares 0 + 16 + 1 + 9 = 26, their mean 6.5.
    array = np.array([[1.0, -3.0], [2.0, 4.0]], np.float32)
    assert moments(array) == pytest.approx((4, 1, 6.5**0.5, -3, 4, 2.5))


def test_moments_do_not_depend_on_the_layout() -> None:
    array = np.random.default_rng(0).standard_normal((2, 3, 4), dtype=np.float32)
    assert moments(array) == pytest.approx(moments(array.transpose(2, 0, 1).reshape(6, 4)))


def test_without_finite_elements_there_is_only_their_number() -> None:
    assert moments(np.array([1.0, np.inf], np.float32)) == (2.0,)
    assert moments(np.zeros((0, 3), np.float32)) == (0.0,)


def test_a_blob_is_the_tensor_that_holds_the_same() -> None:
    assert match({"1": OTHER, "2": ONE}, {"a": ONE, "b": OTHER}) == {"1": "b", "2": "a"}


def test_a_blob_that_holds_what_no_tensor_does_is_none() -> None:
    assert match({"1": ONE}, {"b": OTHER}) == {}


def test_values_may_be_off_by_a_little_of_the_largest() -> None:
    # The largest magnitude is 2: 2e-3 of it is 4e-3.
    near, far = (4.0, 0.503, *ONE[2:]), (4.0, 0.505, *ONE[2:])
    assert match({"near": near}, {"a": ONE}) == {"near": "a"}
    assert match({"far": far}, {"a": ONE}) == {}


def test_the_number_of_elements_is_exact() -> None:
    assert match({"1": (5.0, *ONE[1:])}, {"a": ONE}) == {}


def test_values_that_are_not_finite_are_like_nothing() -> None:
    assert match({"1": (4.0,)}, {"a": (4.0,)}) == {}


def test_as_many_blobs_as_tensors_of_the_same_values_are_taken_in_order() -> None:
    assert match({"1": ONE, "2": OTHER, "3": ONE}, {"a": ONE, "b": ONE, "c": OTHER}) == {"1": "a", "2": "c", "3": "b"}


def test_of_tensors_that_no_blob_was_made_for_the_last_is_the_result() -> None:
    # A product and its reshape, done by one layer.
    assert match({"1": ONE}, {"product": ONE, "reshaped": ONE}) == {"1": "reshaped"}


def test_blobs_that_the_model_has_no_tensor_for_are_the_last() -> None:
    # A layer that reshapes what the model does not.
    assert match({"1": ONE, "2": ONE}, {"a": ONE}) == {"1": "a", "2": "a"}
