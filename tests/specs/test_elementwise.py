"""Elementwise operators: one operation per scalar result; a broadcast input is read once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from ops import Attributes, activation, constant, make_op, scalar, work_of

from attainable.cost.rules import RULES
from attainable.workload.graph import Op, Tensor

UNARY = (
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Cos", "Cosh", "Erf", "Exp", "Floor", "IsInf",
    "IsNaN", "Log", "Neg", "Reciprocal", "Round", "Sigmoid", "Sign", "Sin", "Sinh", "Sqrt", "Tan", "Tanh",
)  # fmt: skip
BINARY = ("Add", "Sub", "Mul", "Div", "Pow", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
LOGICAL = ("And", "Or", "Xor")
BITWISE = ("BitwiseAnd", "BitwiseOr", "BitwiseXor", "Mod")


@pytest.mark.parametrize("kind", UNARY)
def test_unary(kind: str) -> None:
    assert work_of(make_op(kind, [activation(2, 3, 4)])).operations == (("vector", "float32", 24),)


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        *((kind, "float32") for kind in BINARY),
        *((kind, "bool") for kind in LOGICAL),
        *((kind, "int32") for kind in BITWISE),
    ],
)
def test_binary(kind: str, dtype: str) -> None:
    # 2 x 3 x 4 results, although the second input has 4 elements
    work = work_of(make_op(kind, [activation(2, 3, 4, dtype=dtype), activation(4, dtype=dtype)]))
    assert work.operations == (("vector", dtype, 24),)


@pytest.mark.parametrize(
    ("op", "operations"),
    [
        (make_op("Not", [activation(2, 3, dtype="bool")]), 6),
        (make_op("BitwiseNot", [activation(2, 3, dtype="int32")]), 6),
        (make_op("BitShift", [activation(2, dtype="uint8")] * 2, attributes={"direction": "LEFT"}), 2),
        # n inputs: n - 1 results per element, for a mean also a division
        (make_op("Sum", [activation(6)]), 0),
        (make_op("Sum", [activation(6), activation(6), activation(6)]), 12),
        (make_op("Max", [activation(6), activation(6), activation(6)]), 12),
        (make_op("Min", [activation(6), scalar(0.0)]), 6),
        (make_op("Mean", [activation(6), activation(6), activation(6)]), 18),
        # one comparison for each bound
        (make_op("Clip", [activation(6), scalar(0.0), scalar(6.0)]), 12),
        (make_op("Clip", [activation(6), scalar(0.0)]), 6),
        (make_op("Clip", [activation(6), None, scalar(6.0)]), 6),
        (make_op("Clip", [activation(6)], attributes={"min": 0.0, "max": 6.0}, opset=6), 12),
        (make_op("Clip", [activation(6)], attributes={"min": 0.0}, opset=6), 6),
        (make_op("Clip", [activation(6), scalar(0.0)], opset=11), 6),
        # selection and conversion compute nothing
        (make_op("Where", [activation(6, dtype="bool"), activation(6), activation(6)]), 0),
        (make_op("Cast", [activation(6)], attributes={"to": 10}), 0),
        (make_op("CastLike", [activation(6), constant(dtype="float16")]), 0),
    ],
)
def test_operations(op: Op, operations: int) -> None:
    assert work_of(op).total_operations == operations


def traffic(kind: str, *inputs: Tensor, attributes: Attributes | None = None) -> tuple[int, int, int]:
    work = work_of(make_op(kind, inputs, attributes=attributes))
    return work.bytes_activation_in, work.bytes_weight, work.bytes_activation_out


def test_traffic() -> None:
    x, y = activation(1024, 1024), activation(1024, 1024)
    megabyte = 1024 * 1024
    assert traffic("Add", x, y) == (8 * megabyte, 0, 4 * megabyte)  # 2 reads + 1 write
    assert traffic("Mul", x, x) == (4 * megabyte, 0, 4 * megabyte)  # 1 read + 1 write: one distinct input
    assert traffic("Relu", x) == (4 * megabyte, 0, 4 * megabyte)
    assert traffic("Add", x, constant(1024)) == (4 * megabyte, 4096, 4 * megabyte)
    assert traffic("Greater", x, y) == (8 * megabyte, 0, megabyte)  # a bool is a byte
    assert traffic("Where", activation(1024, 1024, dtype="bool"), x, y) == (9 * megabyte, 0, 4 * megabyte)
    assert traffic("Cast", x, attributes={"to": 10}) == (4 * megabyte, 0, 2 * megabyte)  # to float16


def test_storage() -> None:
    assert {kind for kind in ("Add", "Relu", "Clip", "Gelu", "Sigmoid") if RULES[kind].storage != "in_place"} == set()
    assert RULES["Where"].storage == "own"


@settings(max_examples=50, deadline=None)
@given(shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=5), kind=st.sampled_from(BINARY))
def test_broadcast_inputs_are_read_once(shapes: tuple[tuple[tuple[int, ...], ...], tuple[int, ...]], kind: str) -> None:
    (left, right), result = shapes
    op = make_op(kind, [activation(*left), activation(*right)])
    work = work_of(op)
    assert op.output.dims == result
    assert work.total_operations == op.output.elements
    assert work.bytes_activation_in == op.input(0).bytes + op.input(1).bytes
    assert work.bytes_activation_out == op.output.bytes
