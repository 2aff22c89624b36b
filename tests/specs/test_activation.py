"""Activation functions: the sum of their body, constants and selection free."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops import activation, constant, make_op, scalar, work_of

from attainable.workload.graph import Op

PER_ELEMENT = [
    ("Relu", 14, 1),  # max
    ("ThresholdedRelu", 22, 1),  # less
    ("LeakyRelu", 16, 2),  # less, mul
    ("Softplus", 22, 3),  # exp, add, log
    ("Softsign", 22, 3),  # abs, add, div
    ("Swish", 24, 3),  # mul, sigmoid, mul
    ("Elu", 22, 4),  # less, exp, sub, mul
    ("HardSigmoid", 22, 4),  # mul, add, min, max
    ("Shrink", 9, 4),  # less, add, sub, less
    ("HardSwish", 22, 5),  # mul, add, min, max, mul
    ("Mish", 22, 5),  # exp, add, log, tanh, mul
    ("Gelu", 20, 5),  # div, erf, add, mul, mul
    ("Celu", 12, 6),  # div, less, exp, sub, mul, mul
    ("Selu", 22, 6),  # exp, mul, sub, mul, mul, less
]


@pytest.mark.parametrize(("kind", "opset", "per_element"), PER_ELEMENT)
def test_operations(kind: str, opset: int, per_element: int) -> None:
    work = work_of(make_op(kind, [activation(2, 3, 4)], opset=opset))
    assert work.operations == (("vector", "float32", 24 * per_element),)
    assert work.bytes_moved == 2 * 24 * 4  # 1 read + 1 write


def test_with_two_inputs() -> None:
    assert work_of(make_op("PRelu", [activation(2, 3, 4), constant(3, 1)])).total_operations == 48  # less, mul
    swiglu = make_op("SwiGLU", [activation(2, 3), activation(2, 3)], opset=28)
    assert work_of(swiglu).total_operations == 24  # mul, sigmoid, mul, mul


def spelled_out(op: Op, *others: Op) -> int:
    return sum(work_of(part).total_operations for part in (op, *others))


def test_gelu_and_gelu_spelled_out_agree() -> None:
    """As PyTorch writes it before opset 20, and with tanh."""
    x = activation(2, 3)
    erf = spelled_out(
        make_op("Div", [x, scalar(1.4142135)]),
        make_op("Erf", [x]),
        make_op("Add", [x, scalar(1.0)]),
        make_op("Mul", [x, x]),
        make_op("Mul", [x, scalar(0.5)]),
    )
    assert work_of(make_op("Gelu", [x])).total_operations == erf == 6 * 5
    tanh = spelled_out(
        make_op("Pow", [x, scalar(3.0)]),
        make_op("Mul", [x, scalar(0.044715)]),
        make_op("Add", [x, x]),
        make_op("Mul", [x, scalar(0.7978845)]),
        make_op("Tanh", [x]),
        make_op("Add", [x, scalar(1.0)]),
        make_op("Mul", [x, x]),
        make_op("Mul", [x, scalar(0.5)]),
    )
    assert work_of(make_op("Gelu", [x], attributes={"approximate": "tanh"})).total_operations == tanh == 6 * 8


@settings(max_examples=25, deadline=None)
@given(batch=st.integers(0, 4), size=st.integers(1, 9), row=st.sampled_from(PER_ELEMENT))
def test_twice_the_batch_is_twice_the_work(batch: int, size: int, row: tuple[str, int, int]) -> None:
    kind, opset, _ = row
    once, twice = (work_of(make_op(kind, [activation(n, size)], opset=opset)) for n in (batch, 2 * batch))
    assert twice.total_operations == 2 * once.total_operations
    assert twice.bytes_moved == 2 * once.bytes_moved
