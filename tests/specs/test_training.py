"""Optimiser steps, against loops that follow the pseudo code of the operators."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from counting import Number, Tally, listed, root
from onnx.reference import ReferenceEvaluator
from ops import activation, make_op, node_of, work_of

from attainable.workload.graph import Op

RATE, STEP, ALPHA, BETA, EPSILON, NORM, POST, DECAY = 0.1, 3, 0.9, 0.99, 1e-3, 0.01, 0.02, 0.1


def optimiser(kind: str, *, states: int, tensors: int = 1, mode: str = "standard") -> Op:
    """Tensors of 5, 10, ... elements with a gradient and ``states`` states each."""
    shapes = [activation(5 * (position + 1)) for position in range(tensors)]
    groups = [activation(*tensor.dims) for _ in range(states + 2) for tensor in shapes]
    attributes: dict[str, float | str] = {"norm_coefficient": NORM}
    if kind == "Adagrad":
        attributes |= {"decay_factor": DECAY, "epsilon": EPSILON}
    else:
        attributes |= {"alpha": ALPHA, "beta": BETA}
        attributes |= {"mode": mode} if kind == "Momentum" else {"epsilon": EPSILON, "norm_coefficient_post": POST}
    return make_op(
        kind, [activation(), activation(dtype="int64"), *groups], attributes=attributes,
        outputs=tensors * (states + 1), opset=1, domain="ai.onnx.preview.training",
    )  # fmt: skip


def adagrad(x: Number, g: Number, h: Number, rate: Number) -> Number:
    regularised = x * NORM + g
    return x - rate * regularised / (root(h + regularised * regularised) + EPSILON)


def adagrad_rate(rate: Number, step: Number) -> Number:
    return rate / (step * DECAY + 1)


def adam(x: Number, g: Number, v: Number, h: Number, rate: Number) -> Number:
    regularised = x * NORM + g
    first = v * ALPHA + regularised * (1 - ALPHA)
    second = h * BETA + regularised * (1 - BETA) * regularised
    return (x - rate * first / (root(second) + EPSILON)) * (1 - POST)


def adam_rate(rate: Number, step: Number) -> Number:
    beta = step.apply(lambda t: BETA**t).apply(lambda power: 1 - power)
    alpha = step.apply(lambda t: ALPHA**t).apply(lambda power: 1 - power)
    return rate * root(beta) / alpha


def momentum(x: Number, g: Number, v: Number, rate: Number) -> Number:
    return x - rate * ((x * NORM + g) * BETA + v * ALPHA)


def nesterov(x: Number, g: Number, v: Number, rate: Number) -> Number:
    regularised = x * NORM + g
    return x - rate * (regularised + (regularised * BETA + v * ALPHA) * ALPHA)


def momentum_rate(rate: Number, step: Number) -> Number:
    assert step > 0
    return rate


@pytest.mark.parametrize(
    ("kind", "states", "mode", "step", "rate"),
    [
        ("Adagrad", 1, "", adagrad, adagrad_rate),
        ("Adam", 2, "", adam, adam_rate),
        ("Momentum", 1, "standard", momentum, momentum_rate),
        ("Momentum", 1, "nesterov", nesterov, momentum_rate),
    ],
)
def test_naive_loop(
    kind: str, states: int, mode: str, step: Callable[..., Number], rate: Callable[[Number, Number], Number]
) -> None:
    tally = Tally()
    op = optimiser(kind, states=states, mode=mode)
    groups = [listed(tally.numbers(5)) for _ in range(states + 2)]
    adjusted = rate(tally.number(RATE), tally.number(STEP))
    found = [step(*row, adjusted).value for row in zip(*groups, strict=True)]
    arrays = [[number.value for number in group] for group in groups]
    inputs = [np.float32(RATE), np.int64(STEP), *(np.array(array, dtype=np.float32) for array in arrays)]
    feeds = {tensor.name: array for tensor, array in zip(op.present_inputs, inputs, strict=True)}
    expected = cast(Any, ReferenceEvaluator(node_of(op))).run(None, feeds)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert work_of(op).total_operations == tally.operations


def test_several_tensors_share_the_rate() -> None:
    one = work_of(optimiser("Adam", states=2)).total_operations
    assert work_of(optimiser("Adam", states=2, tensors=2)).total_operations == one + 15 * 10
    assert one == 15 * 5 + 7
