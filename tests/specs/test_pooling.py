"""Pooling: full windows, padding included; the p-norms by their definition."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from counting import Number, Numbers, Tally, largest, listed, padded, root, total, values
from hypothesis import given, settings
from hypothesis import strategies as st
from ops import activation, evaluate, make_op, work_of

from attainable.workload.graph import AttributeValue

Attributes = dict[str, AttributeValue]


@pytest.mark.parametrize(
    ("kind", "attributes", "per_output"),
    [
        ("MaxPool", {}, 8),  # 9 - 1 comparisons
        ("AveragePool", {}, 9),  # 9 - 1 additions, 1 division
        ("AveragePool", {"count_include_pad": 1}, 9),
        ("LpPool", {"p": 1}, 17),  # 9 absolute values, 8 additions
        ("LpPool", {}, 18),  # 9 squares, 8 additions, 1 root
        ("LpPool", {"p": 3}, 27),  # 9 absolute values, 9 powers, 8 additions, 1 root
    ],
)
def test_windows(kind: str, attributes: Attributes, per_output: int) -> None:
    # 56 x 56 windows of 3 x 3 over a padded image of 112 x 112, stride 2: the pooling of ResNet
    window: Attributes = {"kernel_shape": (3, 3), "strides": (2, 2), "pads": (1, 1, 1, 1)}
    work = work_of(make_op(kind, [activation(1, 64, 112, 112)], attributes={**window, **attributes}))
    outputs = 64 * 56 * 56
    assert work.total_operations == outputs * per_output
    assert work.macs == 0
    assert work.bytes_moved == 4 * (64 * 112 * 112 + outputs)  # 1 read + 1 write


@pytest.mark.parametrize(
    ("kind", "attributes", "operations"),
    [
        ("GlobalMaxPool", {}, 64 * 48),  # 49 - 1 comparisons a channel
        ("GlobalAveragePool", {}, 64 * 49),  # 48 additions, 1 division
        ("GlobalLpPool", {}, 64 * 98),  # 49 squares, 48 additions, 1 root
        ("GlobalLpPool", {"p": 1}, 64 * 97),  # 49 absolute values, 48 additions
    ],
)
def test_global(kind: str, attributes: Attributes, operations: int) -> None:
    work = work_of(make_op(kind, [activation(1, 64, 7, 7)], attributes=attributes))
    assert work.total_operations == operations


def test_indices_come_with_the_maximum() -> None:
    attributes: Attributes = {"kernel_shape": (2, 2), "strides": (2, 2)}
    plain = work_of(make_op("MaxPool", [activation(1, 3, 4, 4)], attributes=attributes))
    indexed = work_of(make_op("MaxPool", [activation(1, 3, 4, 4)], attributes=attributes, outputs=2))
    assert indexed.operations == plain.operations
    assert indexed.bytes_activation_out == plain.bytes_activation_out + 12 * 8  # 12 indices of int64


def average(numbers: Sequence[Number]) -> Number:
    return total(numbers) / float(len(numbers))


def norm(numbers: Sequence[Number]) -> Number:
    return root(total(number * number for number in numbers))


@pytest.mark.parametrize(("kind", "reduce"), [("MaxPool", largest), ("AveragePool", average), ("LpPool", norm)])
def test_naive_loop(kind: str, reduce: Callable[[Sequence[Number]], Number]) -> None:
    tally = Tally()
    x = tally.numbers(2, 3, 6, 5)
    attributes: Attributes = {"kernel_shape": (3, 2), "strides": (2, 1), "pads": (1, 1, 1, 1)}
    if kind == "AveragePool":
        attributes["count_include_pad"] = 1
    op = make_op(kind, [activation(*x.shape)], attributes=attributes)
    around = padded(x, [(0, 0), (0, 0), (1, 1), (1, 1)], tally)
    y: Numbers = np.empty(op.output.dims, dtype=object)
    for n, c, i, j in np.ndindex(*y.shape):
        y[n, c, i, j] = reduce(listed(around[n, c, 2 * i : 2 * i + 3, j : j + 2]))
    np.testing.assert_allclose(values(y), evaluate(op, [values(x)]), rtol=1e-5)
    assert work_of(op).total_operations == tally.operations


@settings(max_examples=25, deadline=None)
@given(
    batch=st.integers(1, 3), channels=st.integers(1, 4), size=st.integers(3, 9),
    kind=st.sampled_from(["MaxPool", "AveragePool", "LpPool"]),
)  # fmt: skip
def test_twice_the_batch_is_twice_the_work(batch: int, channels: int, size: int, kind: str) -> None:
    once, twice = (
        work_of(make_op(kind, [activation(n, channels, size, size)], attributes={"kernel_shape": (3, 3)}))
        for n in (batch, 2 * batch)
    )
    assert twice.total_operations == 2 * once.total_operations
    assert twice.bytes_moved == 2 * once.bytes_moved
