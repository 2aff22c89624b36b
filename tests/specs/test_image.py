"""Images: every element of every block is added to its place; decoding moves bytes."""

from ops import activation, integers, make_op, with_outputs, work_of

from attainable.cost.work import Work


def test_columns_to_image() -> None:
    # 1 image of 3 channels, blocks of 2 x 2 at 4 x 5 places: an addition for each of 3 * 4 * 20 elements
    inputs = [activation(1, 12, 20), integers(5, 6), integers(2, 2)]
    work = work_of(with_outputs(make_op("Col2Im", inputs, opset=18), [((1, 3, 5, 6), "float32")]))
    assert work.total_operations == 240
    assert work.bytes_activation_in == 960
    assert work.bytes_activation_out == 360


def test_decoding() -> None:
    op = with_outputs(make_op("ImageDecoder", [activation(5_000, dtype="uint8")], opset=20), [((32, 32, 3), "uint8")])
    assert work_of(op) == Work(bytes_activation_in=5_000, bytes_activation_out=3_072)
