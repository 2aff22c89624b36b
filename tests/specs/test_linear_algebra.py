"""The determinant by elimination, against a loop that eliminates."""

import numpy as np
import pytest
from counting import Number, Numbers, Tally, values
from ops import activation, evaluate, make_op, work_of


def determinant(matrix: Numbers) -> Number:
    """Eliminate below the largest pivot of each column, then multiply the diagonal."""
    rows, sign = [list(row) for row in matrix], 1
    size = len(rows)
    for column in range(size):
        best = column
        for row in range(column + 1, size):
            if rows[row][column] > rows[best][column]:
                best = row
        sign = sign if best == column else -sign
        rows[column], rows[best] = rows[best], rows[column]
        for row in range(column + 1, size):
            factor = rows[row][column] / rows[column][column]
            for behind in range(column + 1, size):
                rows[row][behind] = rows[row][behind] - factor * rows[column][behind]
    product: Number = rows[0][0]
    for position in range(1, size):
        product = product * rows[position][position]
    return Number(sign * product.value, product.tally)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_naive_loop(size: int) -> None:
    tally = Tally()
    matrices = tally.numbers(2, size, size)
    op = make_op("Det", [activation(2, size, size)])
    found = [determinant(matrix).value for matrix in matrices]
    np.testing.assert_allclose(found, evaluate(op, [values(matrices)]), rtol=1e-3, atol=1e-6)
    assert work_of(op).total_operations == tally.operations
