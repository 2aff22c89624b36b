"""Convolutions: 2 x output elements x kernel positions x input channels of the group; the bias is free."""

import numpy as np
import pytest
from counting import Numbers, Tally, padded, values
from hypothesis import given, settings
from hypothesis import strategies as st
from ops import activation, constant, evaluate, make_op, work_of

from attainable.workload.graph import Op

PAD_1 = (1, 1, 1, 1)


def conv(batch: int, channels: int, size: int, *, out: int, kernel: int, group: int = 1, bias: bool = False) -> Op:
    """A convolution that keeps the image's size."""
    inputs = [activation(batch, channels, size, size), constant(out, channels // group, kernel, kernel)]
    if bias:
        inputs.append(constant(out))
    return make_op("Conv", inputs, attributes={"group": group, "pads": (kernel // 2,) * 4})


@pytest.mark.parametrize(
    ("op", "operations"),
    [
        # 2 x 56 x 56 outputs x 128 channels x 64 input channels x 3 x 3
        (conv(1, 64, 56, out=128, kernel=3), 462_422_016),
        # the bias is free: the accumulator starts with it
        (conv(1, 64, 56, out=128, kernel=3, bias=True), 462_422_016),
        # 2 x 56 x 56 x 64 x 64 x 1 x 1
        (conv(1, 64, 56, out=64, kernel=1), 25_690_112),
        # depthwise: 2 x 28 x 28 x 512 x 1 x 3 x 3
        (conv(1, 512, 28, out=512, kernel=3, group=512), 7_225_344),
    ],
)
def test_operations(op: Op, operations: int) -> None:
    work = work_of(op)
    assert work.total_operations == operations
    assert work.macs * 2 == operations
    assert work.operations == (("matrix", "float32", operations),)


def test_traffic() -> None:
    work = work_of(conv(1, 64, 56, out=64, kernel=3))
    assert work.bytes_activation_in == 802_816  # 64 x 56 x 56 x 4
    assert work.bytes_weight == 147_456  # 64 x 64 x 3 x 3 x 4
    assert work.bytes_activation_out == 802_816
    assert work.bytes_moved == 1_753_088


def test_depthwise_intensity() -> None:
    # per channel: 2 x 784 x 9 operations; 784 + 9 + 784 elements of 4 bytes: 14112 / 6308
    work = work_of(conv(1, 32, 28, out=32, kernel=3, group=32))
    assert work.operational_intensity == pytest.approx(2.23716, abs=5e-6)


@pytest.mark.parametrize(
    ("group", "intensity"), [(1, 131.89), (2, 68.84), (4, 35.19), (8, 17.80), (16, 8.95), (32, 4.49), (64, 2.25)]
)
def test_grouped_intensity(group: int, intensity: float) -> None:
    # 2 x 56^2 x 64 x 64/g x 9 operations over 4 x (2 x 64 x 56^2 + 64 x 64/g x 9) bytes
    work = work_of(conv(1, 64, 56, out=64, kernel=3, group=group))
    assert work.operational_intensity == pytest.approx(intensity, abs=5e-3)


def naive_convolution(x: Numbers, weight: Numbers, *, stride: int, dilation: int, group: int) -> Numbers:
    batch, channels, height, width = x.shape
    out, per_group, rows, columns = weight.shape
    out_height = (height - dilation * (rows - 1) - 1) // stride + 1
    out_width = (width - dilation * (columns - 1) - 1) // stride + 1
    y: Numbers = np.empty((batch, out, out_height, out_width), dtype=object)
    for n, m, i, j in np.ndindex(*y.shape):
        first_channel = m // (out // group) * (channels // group)
        accumulator = x[0, 0, 0, 0].tally.number(0.0)
        for c, u, v in np.ndindex(per_group, rows, columns):
            tap = x[n, first_channel + c, i * stride + u * dilation, j * stride + v * dilation]
            accumulator = accumulator + tap * weight[m, c, u, v]
        y[n, m, i, j] = accumulator
    return y


@pytest.mark.parametrize(
    ("stride", "dilation", "group", "pad"), [(1, 1, 1, 0), (2, 1, 1, 1), (1, 2, 2, 2), (1, 1, 4, 1)]
)
def test_naive_loop(stride: int, dilation: int, group: int, pad: int) -> None:
    tally = Tally()
    x, weight = tally.numbers(2, 4, 6, 5), tally.numbers(8, 4 // group, 3, 2)
    attributes = {
        "strides": (stride, stride), "dilations": (dilation, dilation), "group": group, "pads": (pad,) * 4,
    }  # fmt: skip
    op = make_op("Conv", [activation(*x.shape), constant(*weight.shape)], attributes=attributes)
    around = padded(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)], tally)
    y = naive_convolution(around, weight, stride=stride, dilation=dilation, group=group)
    np.testing.assert_allclose(values(y), evaluate(op, [values(x), values(weight)]), rtol=1e-5)
    assert work_of(op).total_operations == tally.operations


@pytest.mark.parametrize(("stride", "group"), [(1, 1), (2, 1), (2, 2)])
def test_transposed_naive_loop(stride: int, group: int) -> None:
    """Every input element is multiplied with every weight of its channel and added to an output."""
    tally = Tally()
    x, weight = tally.numbers(2, 4, 3, 4), tally.numbers(4, 3, 3, 3)
    op = make_op(
        "ConvTranspose",
        [activation(*x.shape), constant(*weight.shape)],
        attributes={"strides": (stride, stride), "group": group},
    )
    y: Numbers = np.empty(op.output.dims, dtype=object)
    for index in np.ndindex(*y.shape):
        y[index] = tally.number(0.0)
    for (n, c, i, j), (m, u, v) in ((a, b) for a in np.ndindex(*x.shape) for b in np.ndindex(3, 3, 3)):
        target = (n, c // (4 // group) * 3 + m, i * stride + u, j * stride + v)
        y[target] = y[target] + x[n, c, i, j] * weight[c, m, u, v]
    np.testing.assert_allclose(values(y), evaluate(op, [values(x), values(weight)]), rtol=1e-5)
    assert work_of(op).total_operations == tally.operations


def test_transposed_counts_the_input_volume() -> None:
    # 2 x (8 x 7 x 7 inputs) x (4 output channels x 4 x 4 kernel), whatever the stride
    for stride in (1, 2):
        op = make_op(
            "ConvTranspose", [activation(1, 8, 7, 7), constant(8, 4, 4, 4)], attributes={"strides": (stride, stride)}
        )
        assert work_of(op).total_operations == 2 * 392 * 64


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_any_number_of_spatial_axes(axes: int) -> None:
    # 2 x (4 outputs a spatial axis)^axes x 5 x 3 x 3^axes
    op = make_op("Conv", [activation(1, 3, *(6,) * axes), constant(5, 3, *(3,) * axes)])
    assert work_of(op).total_operations == 2 * 4**axes * 5 * 3 * 3**axes


def test_integer_convolutions() -> None:
    x, weight = activation(1, 3, 6, 6, dtype="uint8"), constant(5, 3, 3, 3, dtype="uint8")
    zero = constant(dtype="uint8")
    macs = 5 * 4 * 4 * 27
    plain = work_of(make_op("ConvInteger", [x, weight]))
    assert plain.operations == (("matrix", "uint8", 2 * macs),)
    # 108 subtractions of the input's zero point; the weight's is subtracted before the run
    shifted = work_of(make_op("ConvInteger", [x, weight, zero, zero]))
    assert shifted.operations == (("matrix", "uint8", 2 * macs), ("vector", "uint8", 108))
    # a weight that is computed has 135 elements to shift, where it has a zero point
    computed = activation(5, 3, 3, 3, dtype="uint8")
    assert work_of(make_op("ConvInteger", [x, computed, zero, zero])).total_operations == 2 * macs + 108 + 135
    assert work_of(make_op("ConvInteger", [x, computed, zero])).total_operations == 2 * macs + 108
    # 108 subtractions, and scale, round, add and two comparisons for each of the 80 outputs
    scale = constant()
    quantised = work_of(make_op("QLinearConv", [x, scale, zero, weight, scale, zero, scale, zero]))
    assert quantised.operations == (("matrix", "uint8", 2 * macs), ("vector", "uint8", 108 + 5 * 80))
    quantised = work_of(make_op("QLinearConv", [x, scale, zero, computed, scale, zero, scale, zero]))
    assert quantised.total_operations == 2 * macs + 108 + 135 + 5 * 80


def test_causal_convolution() -> None:
    # 2 x (2 x 8 x 5 outputs) x 3 taps; sigmoid and product for each output
    inputs = [activation(2, 8, 5), constant(8, 1, 3)]
    plain = make_op("CausalConvWithState", inputs, outputs=2, opset=27)
    assert work_of(plain).total_operations == 2 * 80 * 3
    for activated in ("silu", "swish"):
        op = make_op("CausalConvWithState", inputs, attributes={"activation": activated}, outputs=2, opset=27)
        assert work_of(op).total_operations == 2 * 80 * 3 + 2 * 80


@settings(max_examples=25, deadline=None)
@given(
    batch=st.integers(1, 3), channels=st.integers(1, 4), size=st.integers(3, 9), out=st.integers(1, 4),
    kernel=st.sampled_from([1, 3]), kind=st.sampled_from(["Conv", "ConvTranspose"]),
)  # fmt: skip
def test_twice_the_batch_is_twice_the_work(
    batch: int, channels: int, size: int, out: int, kernel: int, kind: str
) -> None:
    once, twice = (
        work_of(make_op(kind, [activation(n, channels, size, size), constant(*weight, kernel, kernel)]))
        for n, weight in ((n, (out, channels) if kind == "Conv" else (channels, out)) for n in (batch, 2 * batch))
    )
    assert twice.operations == tuple((engine, dtype, 2 * operations) for engine, dtype, operations in once.operations)
    assert twice.bytes_activation_in == 2 * once.bytes_activation_in
    assert twice.bytes_weight == once.bytes_weight
