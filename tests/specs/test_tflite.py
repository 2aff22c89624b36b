"""TFLite operators: the numbers of the ONNX operators that compute the same, with channels last."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from counting import Tally
from ops import activation, constant, work_of

from attainable.cost.rules import RULES
from attainable.workload.graph import AttributeValue, Op, Tensor, UnresolvedShape


def op(
    kind: str, inputs: Sequence[Tensor | None], output: Tensor, attributes: Mapping[str, AttributeValue] | None = None
) -> Op:
    """An op of the domain; nothing infers its output."""
    return Op("0", "", kind, "tflite", 1, tuple(inputs), (output,), tuple(sorted((attributes or {}).items())))


X = activation(2, 8, 8, 6)


@pytest.mark.parametrize(
    ("example", "macs", "others"),
    [
        # 2 x 8 x 8 x 5 outputs x 3 x 3 x 6
        (op("CONV_2D", [X, constant(5, 3, 3, 6), constant(5)], activation(2, 8, 8, 5)), 640 * 54, 0),
        # the same with two groups of 3 channels, and two comparisons for each output
        (
            op("CONV_2D", [X, constant(4, 3, 3, 3), None], activation(2, 8, 8, 4), {"activation": "RELU6"}),
            512 * 27,
            2 * 512,
        ),
        # 2 x 8 x 8 x 12 outputs x 3 x 3, each of 6 channels makes two
        (op("DEPTHWISE_CONV_2D", [X, constant(1, 3, 3, 12)], activation(2, 8, 8, 12)), 1536 * 9, 0),
        # every element of x meets 2 x 2 x 5 weights; the first input is the output's shape
        (
            op("TRANSPOSE_CONV", [constant(4, dtype="int32"), constant(5, 2, 2, 6), X], activation(2, 16, 16, 5)),
            768 * 20,
            0,
        ),
        # 3 rows x 7 x 6, and one comparison for each output
        (
            op("FULLY_CONNECTED", [activation(3, 6), constant(7, 6)], activation(3, 7), {"activation": "RELU"}),
            126,
            21,
        ),
        # x is stored transposed: 2 x (3 x 4) outputs x 5
        (op("BATCH_MATMUL", [activation(2, 5, 3), activation(2, 5, 4)], activation(2, 3, 4), {"adj_x": 1}), 120, 0),
        (op("CONV_3D", [activation(1, 4, 4, 4, 2), constant(3, 3, 3, 2, 6)], activation(1, 2, 2, 2, 6)), 48 * 54, 0),
    ],
)
def test_contractions(example: Op, macs: int, others: int) -> None:
    work = work_of(example)
    assert (work.macs, work.total_operations) == (macs, 2 * macs + others)


def test_a_convolution_like_a_naive_loop() -> None:
    tally = Tally()
    x, weight, bias = tally.numbers(4, 4, 2), tally.numbers(3, 2, 2, 2), tally.numbers(3)
    for row, column, channel in np.ndindex(3, 3, 3):
        total = bias[channel]
        for height, width, depth in np.ndindex(2, 2, 2):
            total = total + x[row + height, column + width, depth] * weight[channel, height, width, depth]
    example = op("CONV_2D", [activation(1, 4, 4, 2), constant(3, 2, 2, 2), constant(3)], activation(1, 3, 3, 3))
    assert work_of(example).total_operations == tally.operations


def test_8_bit_weights_make_a_contraction_of_integers() -> None:
    weight = constant(7, 6, dtype="int8")
    work = work_of(op("FULLY_CONNECTED", [activation(3, 6), weight], activation(3, 7)))
    assert work.operations == (("matrix", "int8", 252),)


def test_long_short_term_memory() -> None:
    # 4 gates of 5 hidden units over 3 features and 5 states; 2 x 7 steps
    weights = [constant(5, 3) for _ in range(4)] + [constant(5, 5) for _ in range(4)]
    work = work_of(op("UNIDIRECTIONAL_SEQUENCE_LSTM", [activation(2, 7, 3), *weights], activation(2, 7, 5)))
    assert work.macs == 14 * 4 * (15 + 25)
    assert work.total_operations == 2 * work.macs + 14 * 5 * 9


@pytest.mark.parametrize(
    ("kind", "attributes", "output", "operations"),
    [
        ("MAX_POOL_2D", {"filter_width": 2, "filter_height": 3}, (2, 4, 4, 6), 5 * 192),  # K - 1 comparisons
        ("AVERAGE_POOL_2D", {"filter_width": 2, "filter_height": 3}, (2, 4, 4, 6), 6 * 192),  # K - 1 sums, 1 division
        ("L2_POOL_2D", {"filter_width": 2, "filter_height": 2}, (2, 4, 4, 6), 8 * 192),  # K squares, K - 1 sums, 1 root
        ("RELU", {}, (2, 8, 8, 6), 768),
        ("RELU6", {}, (2, 8, 8, 6), 2 * 768),
        ("HARD_SWISH", {}, (2, 8, 8, 6), 5 * 768),
        ("GELU", {"approximate": 1}, (2, 8, 8, 6), 8 * 768),
        ("GELU", {}, (2, 8, 8, 6), 5 * 768),
        ("SOFTMAX", {"beta": 1.0}, (2, 8, 8, 6), 128 * (5 * 6 - 2)),  # 128 rows of 6
        ("SOFTMAX", {"beta": 2.0}, (2, 8, 8, 6), 128 * (5 * 6 - 2) + 768),
        ("LOG_SOFTMAX", {}, (2, 8, 8, 6), 128 * (5 * 6 - 1)),
        ("MEAN", {}, (2, 6), 768),
        ("SUM", {}, (2, 6), 768 - 12),
        ("L2_NORMALIZATION", {}, (2, 8, 8, 6), 3 * 768),
        ("LOCAL_RESPONSE_NORMALIZATION", {"radius": 2}, (2, 8, 8, 6), 9 * 768),  # a window of 5, and 4
        ("RESIZE_BILINEAR", {}, (2, 16, 16, 6), 7 * 3072),  # 4 products and 3 sums
        ("RESIZE_BILINEAR", {}, (2, 8, 16, 6), 3 * 1536),  # one axis: 2 products and 1 sum
        ("RESIZE_NEAREST_NEIGHBOR", {}, (2, 16, 16, 6), 0),
        ("TRANSPOSE", {}, (2, 6, 8, 8), 0),
        ("CONCATENATION", {"activation": "RELU"}, (2, 8, 8, 6), 768),
    ],
)
def test_operations_without_weights(
    kind: str, attributes: dict[str, AttributeValue], output: tuple[int, ...], operations: int
) -> None:
    work = work_of(op(kind, [X], activation(*output), attributes))
    assert (work.macs, work.total_operations) == (0, operations)


def test_a_quantised_output_saturates_without_further_cost() -> None:
    left, right = activation(1, 4, dtype="int8"), activation(1, 4, dtype="int8")
    work = work_of(op("ADD", [left, right], activation(1, 4, dtype="int8"), {"activation": "RELU6"}))
    assert work.operations == (("vector", "int8", 4),)


def test_quantisation() -> None:
    small = activation(1, 10, dtype="int8")
    assert work_of(op("QUANTIZE", [activation(1, 10)], small)).total_operations == 50
    assert work_of(op("QUANTIZE", [small], activation(1, 10, dtype="uint8"))).total_operations == 70  # restored first
    assert work_of(op("DEQUANTIZE", [small], activation(1, 10))).operations == (("vector", "float32", 20),)
    half = activation(1, 10, dtype="float16")
    assert work_of(op("DEQUANTIZE", [half], activation(1, 10))).total_operations == 0


def test_traffic_of_views_and_of_what_takes_a_part() -> None:
    assert work_of(op("RESHAPE", [X, constant(2, dtype="int32")], activation(2, 384))).bytes_moved == 0
    taken = work_of(op("EMBEDDING_LOOKUP", [activation(3, dtype="int32"), constant(1000, 8)], activation(3, 8)))
    # 3 positions, 3 rows of the table, 3 rows written
    assert (taken.bytes_activation_in, taken.bytes_weight, taken.bytes_activation_out) == (12, 96, 96)


@pytest.mark.parametrize(("attributes", "per_row"), [({}, 7), ({"exclusive": 1}, 6)])
def test_a_cumulative_sum_like_onnx(attributes: dict[str, AttributeValue], per_row: int) -> None:
    """Rows of 8 along the second axis: 7 additions, 6 where the row's own element is left out."""
    axis = constant(dtype="int32", value=(1,))
    assert work_of(op("CUMSUM", [X, axis], X, attributes)).total_operations == 96 * per_row
    with pytest.raises(UnresolvedShape, match="axis of CUMSUM"):
        work_of(op("CUMSUM", [X, activation(dtype="int32")], X, attributes))


def test_the_axis_of_a_split_is_no_parameter() -> None:
    assert RULES["tflite:SPLIT"].parameters == (1,)  # the tensor comes second
