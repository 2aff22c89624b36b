"""Einstein summation: one MAC for every combination of the letters of two operands."""

from itertools import product

import numpy as np
import pytest
from counting import Number, Numbers, Tally, values
from hypothesis import given, settings
from hypothesis import strategies as st
from ops import activation, evaluate, make_op, work_of

EXTENTS = {"b": 2, "h": 3, "q": 4, "k": 5, "d": 6, "i": 2, "j": 3}


def shapes(equation: str) -> list[tuple[int, ...]]:
    operands, _, _ = equation.partition("->")
    return [tuple(EXTENTS[letter] for letter in operand) for operand in operands.split(",")]


@pytest.mark.parametrize(
    ("equation", "macs", "others"),
    [
        ("bhqd,bhkd->bhqk", 2 * 3 * 4 * 5 * 6, 0),  # attention scores
        ("bhqk,bhkd->bhqd", 2 * 3 * 4 * 5 * 6, 0),  # weighted values
        ("bqd,hd->bqh", 2 * 4 * 6 * 3, 0),  # a linear layer
        ("bq,bq->b", 2 * 4, 0),  # a dot product per row
        ("bq,bq->bq", 0, 2 * 4),  # nothing is summed: one product per element
        ("b,q->bq", 0, 2 * 4),  # an outer product
        ("bq->b", 0, 2 * 4 - 2),  # 4 - 1 additions a row
        ("bq->qb", 0, 0),  # a transposition
        ("bq", 0, 0),  # without an arrow the letters stay, in alphabetical order
        ("ii->i", 0, 0),  # a diagonal
        ("ii->", 0, 1),  # a trace: 2 - 1 additions
        # pairs from left to right: bq,qd->bd is 2 x 4 x 6, then bd,dk->bk is 2 x 6 x 5
        ("bq,qd,dk->bk", 48 + 60, 0),
        # q is still needed after the first pair: an outer product of 2 x 4, then bq,qd->bd
        ("b,q,qd->bd", 48, 8),
        ("bq,qd", 48, 0),  # without an arrow the repeated letter is summed
    ],
)
def test_counts(equation: str, macs: int, others: int) -> None:
    work = work_of(
        make_op("Einsum", [activation(*shape) for shape in shapes(equation)], attributes={"equation": equation})
    )
    assert work.macs == macs
    assert work.total_operations == 2 * macs + others


@pytest.mark.parametrize(
    ("equation", "inputs", "macs"),
    [
        ("...qd,...kd->...qk", [(2, 3, 4, 6), (2, 3, 5, 6)], 2 * 3 * 4 * 5 * 6),
        ("...qd,dk->...qk", [(2, 3, 4, 6), (6, 5)], 2 * 3 * 4 * 5 * 6),  # an ellipsis may hide nothing
        ("...qd,...dk", [(2, 1, 4, 6), (1, 3, 6, 5)], 2 * 3 * 4 * 5 * 6),  # and broadcasts
        ("...d,d->...", [(2, 3, 4, 5, 6), (6,)], 2 * 3 * 4 * 5 * 6),
        (" b q , q d -> b d ", [(2, 4), (4, 6)], 48),  # spaces mean nothing
    ],
)
def test_ellipsis(equation: str, inputs: list[tuple[int, ...]], macs: int) -> None:
    work = work_of(make_op("Einsum", [activation(*shape) for shape in inputs], attributes={"equation": equation}))
    assert work.operations == (("matrix", "float32", 2 * macs),)


@pytest.mark.parametrize("equation", ["bhqd,bhkd->bhqk", "bqd,hd->bqh", "bq,bq->b", "bq,qd->db"])
def test_naive_loop(equation: str) -> None:
    tally = Tally()
    operands, _, output = equation.partition("->")
    left_letters, right_letters = operands.split(",")
    left, right = (tally.numbers(*shape) for shape in shapes(equation))
    y: Numbers = np.empty([EXTENTS[letter] for letter in output], dtype=object)
    for index in np.ndindex(*y.shape):
        y[index] = tally.number(0.0)
    letters = sorted({*left_letters, *right_letters})
    for combination in product(*(range(EXTENTS[letter]) for letter in letters)):
        at = dict(zip(letters, combination, strict=True))
        target = tuple(at[letter] for letter in output)
        factors: list[Number] = [
            left[tuple(at[letter] for letter in left_letters)],
            right[tuple(at[letter] for letter in right_letters)],
        ]
        y[target] = y[target] + factors[0] * factors[1]
    op = make_op("Einsum", [activation(*left.shape), activation(*right.shape)], attributes={"equation": equation})
    np.testing.assert_allclose(values(y), evaluate(op, [values(left), values(right)]), rtol=1e-5)
    assert work_of(op).total_operations == tally.operations


@settings(max_examples=25, deadline=None)
@given(batch=st.integers(1, 4), rows=st.integers(1, 6), contracted=st.integers(1, 6), columns=st.integers(1, 6))
def test_equals_matmul(batch: int, rows: int, contracted: int, columns: int) -> None:
    inputs = [activation(batch, rows, contracted), activation(batch, contracted, columns)]
    by_letters = work_of(make_op("Einsum", inputs, attributes={"equation": "bik,bkj->bij"}))
    assert by_letters == work_of(make_op("MatMul", inputs))
