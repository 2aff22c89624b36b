"""Matrix products: 2 x output elements x contracted extent."""

import numpy as np
import pytest
from counting import Numbers, Tally, values
from hypothesis import given, settings
from hypothesis import strategies as st
from ops import activation, constant, evaluate, make_op, work_of

from attainable.workload.graph import Tensor


@pytest.mark.parametrize(
    ("left", "right", "macs"),
    [
        ((2, 3), (3, 5), 2 * 3 * 5),
        ((7, 2, 3), (7, 3, 5), 7 * 2 * 3 * 5),
        ((7, 2, 3), (3, 5), 7 * 2 * 3 * 5),  # the right side is broadcast over the batch
        ((4, 1, 2, 3), (6, 3, 5), 4 * 6 * 2 * 3 * 5),  # both are
        ((3,), (3, 5), 3 * 5),
        ((7, 2, 3), (3,), 7 * 2 * 3),
        ((3,), (3,), 3),
        ((2, 0), (0, 5), 0),
        # one layer of a transformer with 768 features, 12 heads and 128 tokens:
        ((1, 128, 768), (768, 768), 75_497_472),  # query, key, value or output projection
        ((1, 12, 128, 64), (1, 12, 64, 128), 12_582_912),  # scores: 12 x 128 x 128 x 64
        ((1, 12, 128, 128), (1, 12, 128, 64), 12_582_912),  # weighted values
        ((1, 128, 768), (768, 3072), 301_989_888),  # first half of the feed-forward network
    ],
)
def test_macs(left: tuple[int, ...], right: tuple[int, ...], macs: int) -> None:
    work = work_of(make_op("MatMul", [activation(*left), activation(*right)]))
    assert work.macs == macs
    assert work.total_operations == 2 * macs


def test_traffic() -> None:
    work = work_of(make_op("MatMul", [activation(2, 3), constant(3, 5)]))
    assert work.bytes_activation_in == 24  # 2 x 3 x 4
    assert work.bytes_weight == 60  # 3 x 5 x 4
    assert work.bytes_activation_out == 40  # 2 x 5 x 4
    same = activation(4, 4)
    assert work_of(make_op("MatMul", [same, same])).bytes_read == 64  # read once


def naive_product(left: Numbers, right: Numbers, start: Numbers | None = None) -> Numbers:
    rows, contracted = left.shape
    _, columns = right.shape
    y: Numbers = np.empty((rows, columns), dtype=object)
    for i, j in np.ndindex(rows, columns):
        accumulator = start[i, j] if start is not None else left[0, 0].tally.number(0.0)
        for k in range(contracted):
            accumulator = accumulator + left[i, k] * right[k, j]
        y[i, j] = accumulator
    return y


def test_naive_loop() -> None:
    tally = Tally()
    left, right = tally.numbers(4, 3), tally.numbers(3, 5)
    op = make_op("MatMul", [activation(4, 3), activation(3, 5)])
    y = naive_product(left, right)
    np.testing.assert_allclose(values(y), evaluate(op, [values(left), values(right)]), rtol=1e-5)
    assert work_of(op).total_operations == tally.operations


@pytest.mark.parametrize(("left_transposed", "right_transposed"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_gemm_naive_loop(left_transposed: int, right_transposed: int) -> None:
    """The accumulator starts with C, which is read once however it is broadcast."""
    tally = Tally()
    left, right, bias = tally.numbers(4, 3), tally.numbers(3, 5), tally.numbers(5)
    left_shape = (3, 4) if left_transposed else (4, 3)
    right_shape = (5, 3) if right_transposed else (3, 5)
    attributes = {"transA": left_transposed, "transB": right_transposed}
    op = make_op("Gemm", [activation(*left_shape), constant(*right_shape), constant(5)], attributes=attributes)
    y = naive_product(left, right, np.broadcast_to(bias, (4, 5)))
    arrays = [
        values(left.T if left_transposed else left),
        values(right.T if right_transposed else right),
        values(bias),
    ]
    np.testing.assert_allclose(values(y), evaluate(op, arrays), rtol=1e-5)
    assert work_of(op).total_operations == tally.operations
    assert work_of(op).bytes_weight == 4 * (15 + 5)


@pytest.mark.parametrize(
    ("alpha", "beta", "bias", "scaling"),
    [
        (1.0, 1.0, activation(5), 0),
        (0.5, 1.0, activation(5), 20),  # one per output
        (1.0, 0.5, activation(5), 5),  # one per element of C
        (1.0, 0.0, activation(5), 0),
        (1.0, 0.5, constant(5), 0),  # beta x C is known before the run
    ],
)
def test_gemm_scales(alpha: float, beta: float, bias: Tensor, scaling: int) -> None:
    op = make_op("Gemm", [activation(4, 3), constant(3, 5), bias], attributes={"alpha": alpha, "beta": beta})
    assert work_of(op).total_operations == 2 * 4 * 3 * 5 + scaling


def test_integer_products() -> None:
    left, right = activation(4, 3, dtype="uint8"), constant(3, 5, dtype="int8")
    left_zero, right_zero = constant(dtype="uint8"), constant(dtype="int8")
    plain = work_of(make_op("MatMulInteger", [left, right]))
    assert plain.operations == (("matrix", "uint8", 120),)
    # 12 subtractions of the left zero point; the right one is subtracted before the run
    shifted = work_of(make_op("MatMulInteger", [left, right, left_zero, right_zero]))
    assert shifted.operations == (("matrix", "uint8", 120), ("vector", "uint8", 12))
    # a right side that is computed has 15 elements to shift, where it has a zero point
    computed = activation(3, 5, dtype="int8")
    assert work_of(make_op("MatMulInteger", [left, computed, left_zero, right_zero])).total_operations == 120 + 27
    assert work_of(make_op("MatMulInteger", [left, computed, left_zero])).total_operations == 120 + 12
    # 12 subtractions, and scale, round, add and two comparisons for each of the 20 outputs
    scale = constant()
    inputs = [left, scale, left_zero, right, scale, right_zero, scale, left_zero]
    quantised = work_of(make_op("QLinearMatMul", inputs, opset=21))
    assert quantised.operations == (("matrix", "uint8", 120), ("vector", "uint8", 12 + 100))
    inputs[3] = computed
    assert work_of(make_op("QLinearMatMul", inputs, opset=21)).total_operations == 120 + 12 + 15 + 100


@settings(max_examples=25, deadline=None)
@given(batch=st.integers(1, 5), rows=st.integers(1, 9), contracted=st.integers(1, 9), columns=st.integers(1, 9))
def test_twice_the_batch_is_twice_the_work(batch: int, rows: int, contracted: int, columns: int) -> None:
    once, twice = (
        work_of(make_op("MatMul", [activation(n, rows, contracted), constant(contracted, columns)]))
        for n in (batch, 2 * batch)
    )
    assert twice.total_operations == 2 * once.total_operations
    assert twice.bytes_activation_out == 2 * once.bytes_activation_out
    assert twice.bytes_weight == once.bytes_weight
