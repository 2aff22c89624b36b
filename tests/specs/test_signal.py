"""Signals: the fast Fourier transform by convention, windows by their function bodies."""

from math import log2

import pytest
from ops import activation, constant, make_op, scalar, with_outputs, work_of

from attainable.workload.graph import Op, Tensor, UnresolvedShape


def fourier(x: Tensor, *others: Tensor | None, opset: int = 20, **attributes: int) -> Op:
    return make_op("DFT", [x, *others], attributes=attributes, opset=opset)


def test_complex() -> None:
    # 3 signals of 16 complex samples: 5 * 16 * 4 each
    assert work_of(fourier(activation(3, 16, 2))).total_operations == 3 * 320
    # an inverse divides 2 numbers for each sample
    assert work_of(fourier(activation(3, 16, 2), inverse=1)).total_operations == 3 * (320 + 32)
    assert work_of(fourier(activation(3, 16, 2), opset=17)).total_operations == 3 * 320


def test_real_is_half() -> None:
    whole = work_of(fourier(activation(3, 16, 1)))
    assert whole.total_operations == 3 * 160
    assert whole.bytes_activation_in == 3 * 16 * 4
    assert whole.bytes_activation_out == 3 * 16 * 2 * 4
    one_sided = work_of(fourier(activation(3, 16, 1), onesided=1))
    assert one_sided.total_operations == 3 * 160
    assert one_sided.bytes_activation_out == 3 * 9 * 2 * 4


def test_axes_and_lengths() -> None:
    x = activation(3, 16, 8, 2)
    assert work_of(fourier(x)).total_operations == 48 * 5 * 8 * 3
    assert work_of(fourier(x, None, scalar(1))).total_operations == 24 * 5 * 16 * 4
    assert work_of(fourier(x, opset=17)).total_operations == 24 * 5 * 16 * 4  # the default axis was the first
    assert work_of(fourier(x, scalar(32), scalar(1))).total_operations == 24 * 5 * 32 * 5
    odd = round(5 * 10 * log2(10))
    assert work_of(fourier(activation(1, 10, 2))).total_operations == odd
    assert work_of(fourier(activation(7, 1, 2))).total_operations == 0


def test_a_real_result() -> None:
    """9 of 16 frequencies back to 16 samples; each is divided."""
    op = with_outputs(fourier(activation(1, 9, 2), inverse=1, onesided=1), [((1, 16, 1), "float32")])
    assert work_of(op).total_operations == 160 + 16


def test_a_length_that_is_not_known_is_that_of_the_output() -> None:
    length = activation(dtype="int64")
    op = with_outputs(fourier(activation(1, 10, 2), length), [((1, 16, 2), "float32")])
    assert work_of(op).total_operations == 320
    half = with_outputs(fourier(activation(1, 10, 1), length, onesided=1), [((1, 9, 2), "float32")])
    assert work_of(half).total_operations == 160


def test_an_axis_that_is_not_known() -> None:
    with pytest.raises(UnresolvedShape, match="axis of DFT"):
        work_of(fourier(activation(3, 16, 2), None, activation(dtype="int64")))


def test_frames() -> None:
    # 2 signals of 128 samples in 8 frames of 16, real, one-sided: 2.5 * 16 * 4 and 16 for the window
    x, step = activation(2, 128, 1), scalar(16)
    windowed = make_op("STFT", [x, step, constant(16)], attributes={"onesided": 1}, opset=17)
    assert work_of(windowed).total_operations == 2 * 8 * (160 + 16)
    assert work_of(windowed).bytes_activation_out == 4 * 2 * 8 * 9 * 2
    bare = make_op("STFT", [x, step, None, scalar(16)], opset=17)
    assert work_of(bare).total_operations == 2 * 8 * 160
    both_sides = make_op("STFT", [activation(2, 128, 2), step, None, scalar(16)], attributes={"onesided": 0}, opset=17)
    assert work_of(both_sides).total_operations == 2 * 8 * 320
    unknown = with_outputs(
        make_op("STFT", [x, step, None, activation(dtype="int64")], opset=17), [((2, 8, 9, 2), "float32")]
    )
    assert work_of(unknown).total_operations == work_of(bare).total_operations


def test_windows() -> None:
    # a range of n + 4, the step of the angle 5, then 8 per sample (test_function_bodies)
    op = with_outputs(make_op("HannWindow", [activation(dtype="int64")], opset=17), [((400,), "float32")])
    assert work_of(op).total_operations == 9 * 400 + 9
    assert work_of(op).operations == (("vector", "float32", 3609),)


def test_mel_weights() -> None:
    inputs = [scalar(8), scalar(16), scalar(8192), scalar(0.0), scalar(4096.0)]
    op = with_outputs(make_op("MelWeightMatrix", inputs, opset=17), [((9, 8), "float32")])
    # 72 weights of two slopes (4), a minimum, a maximum; 10 corners of 9; two ends of 4, the step 2
    assert work_of(op).total_operations == 72 * 6 + 10 * 9 + 10
