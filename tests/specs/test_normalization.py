"""Normalisation: what the function bodies of ONNX spell out, and the same for the operators without one."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from counting import Number, Numbers, Tally, listed, padded, root, total, values
from hypothesis import given, settings
from hypothesis import strategies as st
from ops import activation, constant, evaluate, make_op, with_outputs, work_of

from attainable.workload.graph import AttributeValue, Op, Tensor

X = (2, 4, 3, 5)
ELEMENTS = 120

SCALE_AND_BIAS = [constant(4), constant(4)]
STATISTICS = [constant(4), constant(4)]


def group_normalization(groups: int) -> Op:
    """ONNX infers no shape for it."""
    op = make_op("GroupNormalization", [activation(*X), *SCALE_AND_BIAS], attributes={"num_groups": groups}, opset=21)
    return with_outputs(op, [(X, "float32")])


def simplified(outputs: int) -> Op:
    """ONNX Runtime's form in the default domain."""
    made = (Tensor("y", X, "float32"), Tensor("inverse_root", (2, 4, 3, 1), "float32"))
    return Op("0", "", "SimplifiedLayerNormalization", "", 17, (activation(*X), constant(5)), made[:outputs])


def per_element_of_an_image() -> Op:
    """Before opset 9 each element of an image could have statistics of its own."""
    made = (Tensor("y", X, "float32"),)
    inputs = (activation(*X), *(constant(4, 3, 5) for _ in range(4)))
    return Op("0", "", "BatchNormalization", "", 7, inputs, made, (("spatial", 0),))


@pytest.mark.parametrize(
    ("op", "operations"),
    [
        # - mean, / root, * scale, + bias for each element; + epsilon, root for each of 4 channels
        (make_op("BatchNormalization", [activation(*X), *SCALE_AND_BIAS, *STATISTICS]), 4 * ELEMENTS + 2 * 4),
        # the 112 x 112 x 64 of ResNet's first layer
        (
            make_op("BatchNormalization", [activation(1, 64, 112, 112), *[constant(64)] * 4]),
            4 * 802_816 + 2 * 64,
        ),
        # mean, squares, mean, - mean, / root, * scale, + bias; 4 for each of the 2 x 4 x 3 rows
        (make_op("LayerNormalization", [activation(*X), constant(5), constant(5)]), 7 * ELEMENTS + 4 * 24),
        (make_op("LayerNormalization", [activation(*X), constant(5)]), 6 * ELEMENTS + 4 * 24),
        # the 128 rows of 768 of a transformer
        (
            make_op("LayerNormalization", [activation(1, 128, 768), constant(768), constant(768)]),
            7 * 98_304 + 4 * 128,
        ),
        # squares, mean, / root, * scale; + epsilon and root for each row
        (make_op("RMSNormalization", [activation(*X), constant(5)], opset=23), 4 * ELEMENTS + 2 * 24),
        (simplified(1), 4 * ELEMENTS + 2 * 24),
        (simplified(2), 4 * ELEMENTS + 3 * 24),  # and 1 / root
        (per_element_of_an_image(), 4 * ELEMENTS + 2 * 60),
        (group_normalization(2), 7 * ELEMENTS + 4 * 2 * 2),  # as a row, for 2 groups of 2 images
        (make_op("InstanceNormalization", [activation(*X), *SCALE_AND_BIAS]), 7 * ELEMENTS + 4 * 2 * 4),
        # mean, squares, mean, - mean, / deviation; 4 for each of the 4 channels (axes 0, 2, 3)
        (make_op("MeanVarianceNormalization", [activation(*X)], attributes={"axes": (0, 2, 3)}), 5 * ELEMENTS + 4 * 4),
        # 5 squares, 4 additions, 1 root, 5 divisions in each of the 24 rows
        (make_op("LpNormalization", [activation(*X)]), 15 * 24),
        # 5 absolute values, 4 additions, 5 divisions
        (make_op("LpNormalization", [activation(*X)], attributes={"p": 1}), 14 * 24),
        # 1 square, 5 - 1 additions, * alpha / size, + bias, power, divide
        (make_op("LRN", [activation(*X)], attributes={"size": 5}), 9 * ELEMENTS),
    ],
)
def test_operations(op: Op, operations: int) -> None:
    assert work_of(op).operations == (("vector", "float32", operations),)


def test_the_default_axes_are_all_but_the_channels() -> None:
    with_axes = make_op("MeanVarianceNormalization", [activation(*X)], attributes={"axes": (0, 2, 3)})
    by_default = Op("0", "", with_axes.kind, "", 22, with_axes.inputs, with_axes.outputs)
    assert work_of(by_default) == work_of(with_axes)


def test_groups_of_one_channel_are_instances() -> None:
    instances = make_op("InstanceNormalization", [activation(*X), *SCALE_AND_BIAS])
    assert work_of(group_normalization(4)) == work_of(instances)


def test_batch_normalization_in_training() -> None:
    inputs = [activation(*X), *SCALE_AND_BIAS, *STATISTICS]
    # mean, squares, mean, - mean, / root, * scale, + bias; 4 per channel; 2 products and 1 sum for each statistic
    training = make_op("BatchNormalization", inputs, attributes={"training_mode": 1}, outputs=3, opset=15)
    assert work_of(training).total_operations == 7 * ELEMENTS + (4 + 2 * 3) * 4
    before_opset_14 = make_op("BatchNormalization", inputs, outputs=5, opset=9)
    before_opset_14 = with_outputs(before_opset_14, [(X, "float32"), *[((4,), "float32")] * 4])
    assert work_of(before_opset_14).total_operations == 7 * ELEMENTS + (4 + 2 * 3) * 4
    inference = make_op("BatchNormalization", inputs, opset=9)
    assert work_of(inference).total_operations == 4 * ELEMENTS + 2 * 4


def test_traffic() -> None:
    work = work_of(make_op("BatchNormalization", [activation(*X), *SCALE_AND_BIAS, *STATISTICS]))
    assert work.bytes_activation_in == 4 * ELEMENTS
    assert work.bytes_weight == 4 * 4 * 4  # scale, bias, mean, variance of 4 channels
    assert work.bytes_activation_out == 4 * ELEMENTS


EPSILON = 1e-5


def by_statistics(x: list[Number], scale: list[Number], bias: list[Number]) -> list[Number]:
    """A set of n elements: 7n + 4."""
    mean = total(x) / float(len(x))
    mean_of_squares = total(value * value for value in x) / float(len(x))
    deviation = root(mean_of_squares - mean * mean + EPSILON)
    return [(value - mean) / deviation * a + b for value, a, b in zip(x, scale, bias, strict=True)]


def test_layer_normalization_naive_loop() -> None:
    tally = Tally()
    x, scale, bias = tally.numbers(3, 8), tally.numbers(8), tally.numbers(8)
    op = make_op("LayerNormalization", [activation(3, 8), constant(8), constant(8)])
    y: Numbers = np.array([by_statistics(listed(row), listed(scale), listed(bias)) for row in x])
    np.testing.assert_allclose(values(y), evaluate(op, [values(x), values(scale), values(bias)]), rtol=1e-3)
    assert work_of(op).total_operations == tally.operations


def test_instance_normalization_naive_loop() -> None:
    tally = Tally()
    x, scale, bias = tally.numbers(2, 3, 8), tally.numbers(3), tally.numbers(3)
    op = make_op("InstanceNormalization", [activation(2, 3, 8), constant(3), constant(3)])
    y: Numbers = np.empty((2, 3, 8), dtype=object)
    for n, c in np.ndindex(2, 3):
        y[n, c] = by_statistics(listed(x[n, c]), listed(scale[[c] * 8]), listed(bias[[c] * 8]))
    np.testing.assert_allclose(values(y), evaluate(op, [values(x), values(scale), values(bias)]), rtol=1e-3)
    assert work_of(op).total_operations == tally.operations


def test_batch_normalization_naive_loop() -> None:
    tally = Tally()
    x = tally.numbers(2, 3, 4)
    scale, bias, mean, variance = (tally.numbers(3) for _ in range(4))
    op = make_op("BatchNormalization", [activation(2, 3, 4), *[constant(3) for _ in range(4)]])
    y: Numbers = np.empty((2, 3, 4), dtype=object)
    for c in range(3):
        deviation = root(variance[c] + EPSILON)
        for n, i in np.ndindex(2, 4):
            y[n, c, i] = (x[n, c, i] - mean[c]) / deviation * scale[c] + bias[c]
    arrays = [values(array) for array in (x, scale, bias, mean, variance)]
    np.testing.assert_allclose(values(y), evaluate(op, arrays), rtol=1e-4)
    assert work_of(op).total_operations == tally.operations


@pytest.mark.parametrize("power", [1, 2])
def test_norm_naive_loop(power: int) -> None:
    tally = Tally()
    x = tally.numbers(3, 8)
    op = make_op("LpNormalization", [activation(3, 8)], attributes={"p": power})
    norms: dict[int, Callable[[list[Number]], Number]] = {
        1: lambda row: total(value.apply(abs) for value in row),
        2: lambda row: root(total(value * value for value in row)),
    }
    rows: list[list[Number]] = []
    for row in x:
        norm = norms[power](listed(row))
        rows.append([value / norm for value in listed(row)])
    np.testing.assert_allclose(values(np.array(rows)), evaluate(op, [values(x)]), rtol=1e-4)
    assert work_of(op).total_operations == tally.operations


def test_local_response_naive_loop() -> None:
    """The window slides over the channels; positions outside count, as in pooling."""
    tally = Tally()
    x = tally.numbers(1, 6, 1, 2)
    attributes: dict[str, AttributeValue] = {"size": 3, "alpha": 0.3, "beta": 0.75, "bias": 2.0}
    op = make_op("LRN", [activation(1, 6, 1, 2)], attributes=attributes)
    squares = padded(x * x, [(0, 0), (1, 1), (0, 0), (0, 0)], tally)
    y: Numbers = np.empty(x.shape, dtype=object)
    for _, c, _, i in np.ndindex(*x.shape):
        window = total(listed(squares[0, c : c + 3, 0, i]))
        y[0, c, 0, i] = x[0, c, 0, i] / (window * (0.3 / 3) + 2.0).apply(lambda value: value**0.75)
    np.testing.assert_allclose(values(y), evaluate(op, [values(x)]), rtol=1e-4)
    assert work_of(op).total_operations == tally.operations


@settings(max_examples=25, deadline=None)
@given(batch=st.integers(1, 4), rows=st.integers(1, 6), size=st.integers(1, 9))
def test_twice_the_batch_is_twice_the_work(batch: int, rows: int, size: int) -> None:
    scale = constant(size)
    once, twice = (
        work_of(make_op("LayerNormalization", [activation(n, rows, size), scale, scale])) for n in (batch, 2 * batch)
    )
    assert twice.total_operations == 2 * once.total_operations
    assert twice.bytes_weight == once.bytes_weight == 4 * size  # one tensor, given twice, read once


@pytest.mark.parametrize("axis", [2, -3, 50])
def test_an_axis_that_is_not_there_is_refused(axis: int) -> None:
    """Shape inference lets it pass; the counter calls the op malformed."""
    op = make_op("LayerNormalization", [activation(2, 3), constant(3)])
    with pytest.raises(IndexError):
        work_of(replace(op, attributes=(("axis", axis),)))
