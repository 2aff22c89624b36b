"""Random numbers: one operation for each; a tensor that lends its shape is not read."""

from math import ceil, log2

import pytest
from ops import activation, make_op, work_of

from attainable.cost.work import Work


@pytest.mark.parametrize("kind", ["RandomNormal", "RandomUniform"])
def test_of_a_shape(kind: str) -> None:
    work = work_of(make_op(kind, [], attributes={"shape": (3, 5)}))
    assert work == Work(operations=(("vector", "float32", 15),), bytes_activation_out=60)


@pytest.mark.parametrize("kind", ["RandomNormalLike", "RandomUniformLike"])
def test_of_the_shape_of_a_tensor(kind: str) -> None:
    work = work_of(make_op(kind, [activation(3, 5)]))
    assert work == Work(operations=(("vector", "float32", 15),), bytes_activation_out=60)
    double = work_of(make_op(kind, [activation(3, 5, dtype="int64")], attributes={"dtype": 11}))
    assert double == Work(operations=(("vector", "float64", 15),), bytes_activation_out=120)


def test_bernoulli() -> None:
    work = work_of(make_op("Bernoulli", [activation(3, 5)]))
    assert work.total_operations == 2 * 15  # draw, compare
    assert work.bytes_activation_in == 60


def test_multinomial() -> None:
    # a row of 10: maximum 9, difference 10, exponential 10, running sum 9; a sample: draw, scale, 4 of bisection
    work = work_of(make_op("Multinomial", [activation(3, 10)], attributes={"sample_size": 7}))
    assert work.total_operations == 3 * 38 + 21 * (2 + ceil(log2(10)))
    assert work.bytes_activation_out == 21 * 4
