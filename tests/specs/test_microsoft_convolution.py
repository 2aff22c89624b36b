"""Convolutions of ONNX Runtime: channels last, a state that is carried along, words of characters."""

import pytest
from counting import Tally, largest, total
from ops import activation, constant, fused, make_op, work_of

from attainable.workload.graph import Tensor

CHANNELS_FIRST = activation(1, 4, 6, 6)


def test_channels_last_change_nothing() -> None:
    weight = constant(3, 4, 3, 3)
    conv = make_op("Conv", [CHANNELS_FIRST, weight, constant(3)])
    batch, channels, rows, columns = conv.output.dims
    y = activation(batch, rows, columns, channels)
    op = fused("NhwcConv", [activation(1, 6, 6, 4), weight, constant(3)], y)
    assert work_of(op) == work_of(conv)
    relu = make_op("Relu", [y])
    op = fused("NhwcFusedConv", [activation(1, 6, 6, 4), weight, constant(3)], y, attributes={"activation": "Relu"})
    assert work_of(op).operations == (*work_of(conv).operations, *work_of(relu).operations)
    pool = make_op("MaxPool", [CHANNELS_FIRST], attributes={"kernel_shape": (2, 2), "strides": (2, 2)})
    op = fused("NhwcMaxPool", [activation(1, 6, 6, 4)], activation(1, 3, 3, 4), attributes={"kernel_shape": (2, 2)})
    assert work_of(op) == work_of(pool)


def test_integers() -> None:
    scale, zero = constant(), constant(dtype="uint8")
    inputs: list[Tensor | None] = [activation(1, 4, 6, 6, dtype="uint8"), scale, zero]
    inputs += [constant(3, 4, 3, 3, dtype="int8"), scale, constant(dtype="int8"), scale, zero]
    default = make_op("QLinearConv", inputs)
    assert work_of(fused("QLinearConv", inputs, default.output)) == work_of(default)
    real = make_op("Conv", [CHANNELS_FIRST, constant(3, 4, 3, 3)])
    assert work_of(default).macs == work_of(real).macs


def test_padding_of_a_transposed_convolution_is_an_input() -> None:
    weight = constant(4, 3, 3, 3)
    default = make_op("ConvTranspose", [CHANNELS_FIRST, weight])
    op = fused("ConvTransposeWithDynamicPads", [CHANNELS_FIRST, weight, activation(4, dtype="int64")], default.output)
    assert work_of(op).operations == work_of(default).operations


@pytest.mark.parametrize(("activation_kind", "per_output"), [("none", 0), ("silu", 2), ("swish", 2)])
def test_state_carried_along(activation_kind: str, per_output: int) -> None:
    """Each output of a channel is a window of 4 over the past and the input."""
    x, weight = activation(2, 6, 5), constant(6, 1, 4)
    outputs = 2 * 6 * 5
    op = fused("CausalConvWithState", [x, weight, constant(6), activation(2, 6, 3)], activation(2, 6, 5),
               attributes={"activation": activation_kind})  # fmt: skip
    assert work_of(op).macs == outputs * 4
    assert work_of(op).total_operations == outputs * (2 * 4 + per_output)
    packed = fused("VarlenCausalConvWithState",
                   [activation(10, 6), weight, activation(3, dtype="int32"), None, activation(2, 6, 3)],
                   activation(10, 6), attributes={"activation": activation_kind})  # fmt: skip
    assert work_of(packed).operations == work_of(op).operations


def test_words_of_characters() -> None:
    """A naive loop over windows of 2 of 5 characters: filter, tanh, largest."""
    words, length, filters, window, size = 3, 5, 4, 2, 6
    tally = Tally()
    weights = [[[tally.number(0.5) for _ in range(size)] for _ in range(window)] for _ in range(filters)]
    vectors = [[tally.number(0.25) for _ in range(size)] for _ in range(length)]
    for _ in range(words):
        for kernel in weights:
            results = [
                # the accumulator starts with the bias
                (tally.number(0.1) + total(
                    vectors[start + tap][element] * kernel[tap][element]
                    for tap in range(window) for element in range(size)
                )).apply(lambda value: value)
                for start in range(length - window + 1)
            ]  # fmt: skip
            largest(results)
    inputs = [activation(words, length, dtype="int32"), constant(filters, 1, window, size), constant(filters)]
    op = fused("WordConvEmbedding", [*inputs, constant(128, size)], activation(words, filters))
    assert work_of(op).total_operations == tally.operations
    # of 128 rows of the table at most 15 are read
    assert work_of(op).bytes_weight == (filters * window * size + filters + 15 * size) * 4
