"""Reductions: n elements to one are n - 1 operations, and what comes before and after them."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from counting import Number, Tally, largest, listed, root, total, values
from hypothesis import given, settings
from hypothesis import strategies as st
from ops import activation, evaluate, integers, make_op, scalar, work_of

from attainable.workload.graph import Op, UnresolvedShape


def reduction(kind: str, shape: tuple[int, ...], axes: tuple[int, ...]) -> Op:
    return make_op(kind, [activation(*shape), integers(*axes)])


@pytest.mark.parametrize(
    ("kind", "operations"),
    [
        # 20 rows of 6 elements
        ("ReduceSum", 20 * 5),
        ("ReduceMax", 20 * 5),
        ("ReduceMin", 20 * 5),
        ("ReduceProd", 20 * 5),
        ("ReduceMean", 20 * 6),  # 5 additions, 1 division
        ("ReduceL1", 20 * 11),  # 6 absolute values, 5 additions
        ("ReduceSumSquare", 20 * 11),  # 6 squares, 5 additions
        ("ReduceL2", 20 * 12),  # 6 squares, 5 additions, 1 root
        ("ReduceLogSum", 20 * 6),  # 5 additions, 1 logarithm
        ("ReduceLogSumExp", 20 * 12),  # 6 exponentials, 5 additions, 1 logarithm
    ],
)
def test_operations(kind: str, operations: int) -> None:
    opset = 13 if kind == "ReduceSum" else 18
    op = make_op(kind, [activation(4, 6, 5), integers(1)], opset=opset)
    assert work_of(op).operations == (("vector", "float32", operations),)
    assert work_of(op).bytes_activation_in == 4 * 120
    assert work_of(op).bytes_activation_out == 4 * 20


@pytest.mark.parametrize(
    ("op", "operations"),
    [
        # axes as an attribute, before opset 18
        (make_op("ReduceMean", [activation(1, 64, 7, 7)], attributes={"axes": (2, 3)}, opset=13), 64 * 49),
        (make_op("ReduceMean", [activation(1, 64, 7, 7), integers(2, 3)]), 64 * 49),
        (make_op("ReduceSum", [activation(4, 6)], opset=11), 23),  # no axes: all of them
        (make_op("ReduceSum", [activation(4, 6)], attributes={"noop_with_empty_axes": 1}), 0),  # or none
        (make_op("ReduceSum", [activation(4, 6), integers(1)], attributes={"keepdims": 0}), 20),
        (make_op("ReduceMax", [activation(4, 0, 5), integers(1)]), 0),  # 20 outputs of nothing
        (make_op("ArgMax", [activation(1, 1000)], attributes={"axis": 1}), 999),
        (make_op("ArgMin", [activation(4, 6)], attributes={"axis": 0, "keepdims": 0}), 18),
        (make_op("CumSum", [activation(4, 6), scalar(1)]), 4 * 5),
        (make_op("CumSum", [activation(4, 6), scalar(-2)]), 6 * 3),
        (make_op("CumSum", [activation(4, 6), scalar(1)], attributes={"exclusive": 1}), 4 * 4),
        (make_op("CumSum", [activation(4, 1), scalar(1)], attributes={"exclusive": 1}), 0),
        (make_op("CumSum", [activation(4, 0), scalar(1)]), 0),
        (make_op("CumProd", [activation(4, 6), scalar(1)], opset=26), 4 * 5),
    ],
)
def test_axes(op: Op, operations: int) -> None:
    assert work_of(op).total_operations == operations


def test_the_axis_of_a_cumulative_sum_must_be_known() -> None:
    with pytest.raises(UnresolvedShape, match="axis of CumSum"):
        work_of(make_op("CumSum", [activation(4, 6), activation(dtype="int64")]))
    assert work_of(make_op("CumSum", [activation(6), activation(dtype="int64")])).total_operations == 5


Reduction = Callable[[list[Number]], Number]

NAIVE: dict[str, Reduction] = {
    "ReduceSum": total,
    "ReduceMax": largest,
    "ReduceMean": lambda row: total(row) / float(len(row)),
    "ReduceL1": lambda row: total(value.apply(abs) for value in row),
    "ReduceL2": lambda row: root(total(value * value for value in row)),
    "ReduceSumSquare": lambda row: total(value * value for value in row),
    "ReduceLogSum": lambda row: total(row).apply(math.log),
    "ReduceLogSumExp": lambda row: total(value.apply(math.exp) for value in row).apply(math.log),
}


@pytest.mark.parametrize("kind", NAIVE)
def test_naive_loop(kind: str) -> None:
    tally = Tally()
    x = tally.numbers(4, 6)
    op = make_op(kind, [activation(4, 6), integers(1)], attributes={"keepdims": 0}, opset=18)
    y = np.array([NAIVE[kind](listed(row)) for row in x], dtype=object)
    np.testing.assert_allclose(values(y), evaluate(op, [values(x)]), rtol=1e-5)
    assert work_of(op).total_operations == tally.operations


def top_k(length: int, selected: int) -> int:
    return work_of(make_op("TopK", [activation(1, length), integers(selected)], outputs=2)).total_operations


@pytest.mark.parametrize(
    ("length", "selected", "comparisons"),
    [
        (1000, 1, 999),  # the largest, as ArgMax
        (8, 2, 9),  # 7, and the 3 that lost to the largest: 2
        (1000, 5, 1000 - 5 + 4 * 10),  # 4 more through a tree of 10 levels
        (5, 5, 0 + 1 + 2 + 2 + 3),  # sorting by binary insertion: ceil(log2 j) for the j-th
        (8400, 300, 8400 - 300 + 8192 * 0 + 208 * 14 + 91 * 13),  # 299 from 8102 to 8400: 208 above 8192
        (6, 0, 0),
    ],
)
def test_top_k(length: int, selected: int, comparisons: int) -> None:
    assert top_k(length, selected) == comparisons


def knockout(players: list[Number | None]) -> list[list[Number | None]]:
    """All rounds of a tournament; a match against nobody is no comparison."""
    rounds = [players]
    while len(rounds[-1]) > 1:
        last = rounds[-1]
        rounds.append([winner(last[i], last[i + 1]) for i in range(0, len(last), 2)])
    return rounds


def winner(left: Number | None, right: Number | None) -> Number | None:
    if left is None or right is None:
        return left or right
    return left if left > right else right


@pytest.mark.parametrize("selected", [1, 2, 3, 4, 5])
def test_top_k_by_tournaments(selected: int) -> None:
    """The dearest of many tournaments among 8: the winner leaves, and only the winner's matches are played again."""
    dearest = 0
    for seed in range(200):
        tally = Tally(seed=np.random.default_rng(seed))
        players: list[Number | None] = [*listed(tally.numbers(8))]
        order = sorted((player.value for player in players if player), reverse=True)
        rounds = knockout(players)
        for place in range(selected):
            champion = rounds[-1][0]
            assert champion is not None
            assert champion.value == order[place]
            if place + 1 < selected:
                position = rounds[0].index(champion)
                rounds[0][position] = None
                for before, after in itertools.pairwise(rounds):
                    position //= 2
                    after[position] = winner(before[2 * position], before[2 * position + 1])
        dearest = max(dearest, tally.operations)
    assert top_k(8, selected) == dearest


@settings(max_examples=50, deadline=None)
@given(length=st.integers(1, 40), selected=st.integers(1, 40))
def test_top_k_is_the_sum_that_it_says(length: int, selected: int) -> None:
    selected = min(selected, length)
    ceilings = sum(math.ceil(math.log2(j)) for j in range(length - selected + 2, length + 1))
    assert top_k(length, selected) == length - selected + ceilings


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(sorted(NAIVE)),
    shape=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    axis=st.integers(1, 3),
)
def test_twice_the_batch_is_twice_the_work(kind: str, shape: list[int], axis: int) -> None:
    batch, *rest = shape
    axis = min(axis, len(rest))
    once, twice = (
        work_of(make_op(kind, [activation(n, *rest), integers(axis)], opset=18)).total_operations
        for n in (batch, 2 * batch)
    )
    assert twice == 2 * once
