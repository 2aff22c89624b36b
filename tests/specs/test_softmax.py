"""Softmax: maximum, subtract, exponential, sum, divide."""

import math

import numpy as np
import pytest
from counting import Tally, largest, listed, total, values
from ops import activation, evaluate, make_op, work_of

from attainable.workload.graph import Op


@pytest.mark.parametrize(
    ("op", "operations"),
    [
        # 24 rows of 5: 4 comparisons, 5 differences, 5 exponentials, 4 additions, 5 divisions
        (make_op("Softmax", [activation(2, 4, 3, 5)]), 24 * 23),
        # the last two are 1 logarithm and 5 differences
        (make_op("LogSoftmax", [activation(2, 4, 3, 5)]), 24 * 24),
        (make_op("Hardmax", [activation(2, 4, 3, 5)]), 24 * 4),
        (make_op("Softmax", [activation(2, 4, 3, 5)], attributes={"axis": 1}), 30 * 18),
        # before opset 13 a row is the axis and all after it: 2 rows of 60, 8 rows of 15
        (make_op("Softmax", [activation(2, 4, 3, 5)], opset=11), 2 * 298),
        (make_op("Softmax", [activation(2, 4, 3, 5)], attributes={"axis": 2}, opset=12), 8 * 73),
        (make_op("Softmax", [activation(2, 4, 3, 5)], attributes={"axis": 2}, opset=13), 40 * 13),
        (make_op("Softmax", [activation(2, 4, 3, 5)], attributes={"axis": -1}, opset=11), 24 * 23),
        # the scores of a transformer: 12 heads, 128 rows of 128
        (make_op("Softmax", [activation(1, 12, 128, 128)]), 1536 * (5 * 128 - 2)),
        (make_op("Softmax", [activation(2, 0)]), 0),
    ],
)
def test_operations(op: Op, operations: int) -> None:
    assert work_of(op).total_operations == operations


def test_traffic() -> None:
    assert work_of(make_op("Softmax", [activation(1, 1000)])).bytes_moved == 8000  # 1 read + 1 write


def test_naive_loop() -> None:
    tally = Tally()
    x = tally.numbers(3, 6)
    op = make_op("Softmax", [activation(3, 6)])
    y: list[object] = []
    for row in x:
        numbers = listed(row)
        top = largest(numbers)
        exponentials = [(number - top).apply(math.exp) for number in numbers]
        below = total(exponentials)
        y.append([exponential / below for exponential in exponentials])
    np.testing.assert_allclose(values(np.array(y, dtype=object)), evaluate(op, [values(x)]), rtol=1e-5)
    assert work_of(op).total_operations == tally.operations


def test_logarithm_naive_loop() -> None:
    tally = Tally()
    x = tally.numbers(3, 6)
    op = make_op("LogSoftmax", [activation(3, 6)])
    y: list[object] = []
    for row in x:
        numbers = listed(row)
        top = largest(numbers)
        differences = [number - top for number in numbers]
        logarithm = total(difference.apply(math.exp) for difference in differences).apply(math.log)
        y.append([difference - logarithm for difference in differences])
    np.testing.assert_allclose(values(np.array(y, dtype=object)), evaluate(op, [values(x)]), rtol=1e-5)
    assert work_of(op).total_operations == tally.operations
