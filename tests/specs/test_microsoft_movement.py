"""What ONNX Runtime moves, crops and hashes."""

from dataclasses import replace

import pytest
from counting import Number, Tally
from ops import activation, constant, fused, work_of


def test_padding_is_removed_and_put_back() -> None:
    """10 positions and 3 ends of sequences are sums; the tokens only move."""
    tokens, padded = activation(7, 8), activation(2, 5, 8)
    op = fused("RemovePadding", [padded, activation(2, dtype="int32")], tokens)
    outputs = [activation(2, 5, dtype="int32"), activation(3, dtype="int32"), activation(1, dtype="int32")]
    op = replace(op, outputs=(tokens, *outputs))
    assert work_of(op).operations == (("vector", "int32", 13),)
    back = fused("RestorePadding", [tokens, outputs[0]], padded)
    assert work_of(back).operations == ()
    assert work_of(back).bytes_moved == 4 * (56 + 10 + 80)


def test_unfolding_moves() -> None:
    op = fused("UnfoldTensor", [activation(3, 8)], activation(3, 3, 4), attributes={"dim": 1, "size": 4, "step": 2})
    assert work_of(op).operations == ()
    assert work_of(op).bytes_activation_out == 36 * 4


def interpolated(tally: Tally, rows: int, columns: int, channels: int, *, nearest: bool) -> int:
    """One region, as a loop over the crop; corners are functions of one number, elements come from anywhere."""

    def part(number: Number) -> Number:
        return number.apply(lambda value: value)

    top, left, bottom, right, height, width = tally.numbers(6)
    scales = [(bottom - top) * height / tally.number(2.0), (right - left) * width / tally.number(2.0)]
    starts = [top * height, left * width]
    for axis, extent in enumerate((rows, columns)):
        for index in range(extent):
            position = starts[axis] + tally.number(float(index)) * scales[axis]
            below = part(position)
            if not nearest:
                part(position)
                _ = position - below
    if not nearest:
        for _ in range(rows * columns * channels):
            a, b, c, d, x, y = tally.numbers(6)
            upper, lower = a + (b - a) * x, c + (d - c) * x
            _ = upper + (lower - upper) * y
    return tally.operations


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_crops(mode: str) -> None:
    expected = 7 * interpolated(Tally(), 3, 4, 2, nearest=mode == "nearest")
    inputs = [activation(1, 2, 9, 9), activation(7, 4), activation(7, dtype="int32"), constant(2, dtype="int32")]
    op = fused("CropAndResize", inputs, activation(7, 2, 3, 4), attributes={"mode": mode})
    assert work_of(op).total_operations == expected


def test_hashes() -> None:
    """A block: multiply, rotate, multiply, exclusive or, rotate, multiply, add; a rotation is two shifts and an or.

    The finish: length, and shift, exclusive or, multiply, shift, exclusive or, multiply, shift, exclusive or.
    """
    block, finish = 1 + 3 + 1 + 1 + 3 + 1 + 1, 1 + 2 + 1 + 2 + 1 + 2
    y = activation(5, dtype="uint32")
    assert work_of(fused("MurmurHash3", [activation(5, dtype="int32")], y)).total_operations == 5 * (block + finish)
    wide = fused("MurmurHash3", [activation(5, dtype="int64")], y)
    assert work_of(wide).total_operations == 5 * (2 * block + finish)
    with pytest.raises(ValueError, match="width"):
        work_of(fused("MurmurHash3", [activation(5, dtype="string")], y))


def test_hashes_of_grams() -> None:
    """Up to 3 tokens: 3 products and 2 exclusive ors a token; 2 orders of 4 heads, a remainder and an offset each."""
    ids, y = activation(2, 5, dtype="int64"), activation(2, 5, 8, dtype="int64")
    inputs = [ids, constant(3, dtype="int64"), constant(8, dtype="int64"), None]
    plain = fused("NGramHashMapping", inputs, y, attributes={"max_ngram_size": 3, "n_head_per_ngram": 4})
    assert work_of(plain).total_operations == 10 * (3 + 2) + 80
    offsets = fused("NGramHashMapping", [*inputs, constant(8, dtype="int64")], y, attributes={"max_ngram_size": 3})
    assert work_of(offsets).total_operations == 10 * (3 + 2) + 2 * 80
    packed = [activation(10, dtype="int64"), *inputs[1:3], activation(3, dtype="int32"), None, inputs[2]]
    op = fused("VarlenNGramHashMapping", packed, activation(10, 8, dtype="int64"), attributes={"max_ngram_size": 3})
    assert work_of(op).operations == work_of(offsets).operations


def test_repeated_grams_are_looked_for() -> None:
    """Of 6 tokens, 4 triples: the last two tokens are compared with the first two of each."""
    op = fused("NGramRepeatBlock", [activation(2, 6, dtype="int64"), activation(2, 100)], activation(2, 100),
               attributes={"ngram_size": 3})  # fmt: skip
    assert work_of(op).operations == (("vector", "int64", 2 * 4 * 2),)
