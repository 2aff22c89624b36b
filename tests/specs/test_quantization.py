"""Quantisation: divide, round, shift, saturate; and back: shift, multiply."""

from ops import activation, constant, make_op, work_of

from attainable.cost.rules import RULES


def test_quantize() -> None:
    scale, zero_point = constant(), constant(dtype="uint8")
    # div, round, add, and two comparisons to saturate
    with_zero_point = work_of(make_op("QuantizeLinear", [activation(2, 3), scale, zero_point]))
    assert with_zero_point.operations == (("vector", "float32", 6 * 5),)
    assert with_zero_point.bytes_activation_in == 24
    assert with_zero_point.bytes_activation_out == 6
    assert work_of(make_op("QuantizeLinear", [activation(2, 3), scale])).total_operations == 6 * 4


def test_quantize_to_float8() -> None:
    """Rounding and saturation belong to the conversion, which is free."""
    zero_point = constant(dtype="float8e4m3fn")
    work = work_of(make_op("QuantizeLinear", [activation(2, 3), constant(), zero_point]))
    assert work.operations == (("vector", "float32", 6),)  # div
    assert work.bytes_activation_out == 6


def test_dequantize() -> None:
    scale, zero_point = constant(), constant(dtype="uint8")
    # sub, mul, in the type of the result
    with_zero_point = work_of(make_op("DequantizeLinear", [activation(2, 3, dtype="uint8"), scale, zero_point]))
    assert with_zero_point.operations == (("vector", "float32", 6 * 2),)
    assert work_of(make_op("DequantizeLinear", [activation(2, 3, dtype="int8"), scale])).total_operations == 6


def test_dynamic_quantize() -> None:
    # least and largest 2 x 5; not above 0, not below 0, range, / 255, / scale, 0 -, clip (2), round: 9; 6 x 5
    work = work_of(make_op("DynamicQuantizeLinear", [activation(2, 3)], outputs=3))
    assert work.total_operations == 10 + 9 + 30
    assert work.bytes_activation_out == 6 + 4 + 1  # y, scale, zero point


def test_scales_and_zero_points_are_buffers() -> None:
    for kind in ("QuantizeLinear", "DequantizeLinear"):
        assert RULES[kind].parameters == (0,)
