"""Recurrent cells: the products of all gates, and what combines them element by element."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from counting import Number, Numbers, Tally, listed, values
from ops import Attributes, activation, constant, evaluate, make_op, work_of

from attainable.cost.rules import RULES
from attainable.workload.graph import Op, Tensor

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
T, B, F, H = 5, 2, 3, 4


def cell(
    kind: str, *others: Tensor | None, attributes: Attributes | None = None, directions: int = 1, opset: int = 22
) -> Op:
    """T steps of B sequences of F features to H hidden units; ``others`` from the bias on."""
    weight = constant(directions, GATES[kind] * H, F)
    recurrence = constant(directions, GATES[kind] * H, H)
    inputs = [activation(T, B, F), weight, recurrence, *others]
    outputs = 3 if kind == "LSTM" else 2
    direction = {"direction": "bidirectional"} if directions == 2 else {}
    return make_op(
        kind, inputs, attributes={"hidden_size": H, **direction, **(attributes or {})}, outputs=outputs, opset=opset
    )


def per_unit(op: Op) -> int:
    """Operations of a hidden unit in one step, the products apart."""
    work = work_of(op)
    units, rest = divmod(work.total_operations - 2 * work.macs, T * B * H)
    assert not rest
    return units


def test_long_short_term_memory_by_hand() -> None:
    # 100 steps, 4 gates of 64 units, 64 inputs and 64 hidden units each: 100 * 4 * 64 * (64 + 64)
    inputs = [activation(100, 1, 64), constant(1, 256, 64), constant(1, 256, 64), constant(1, 512)]
    work = work_of(make_op("LSTM", inputs, attributes={"hidden_size": 64}, outputs=3))
    assert work.macs == 3_276_800
    # i, o, f, n, f * c, i * n, +, tanh, *: 9 for each of 64 units in 100 steps
    assert work.total_operations == 2 * 3_276_800 + 9 * 6_400
    assert work.bytes_weight == 4 * (2 * 256 * 64 + 512)  # read once, not once a step
    assert work.bytes_activation_in == 4 * 100 * 64
    assert work.bytes_activation_out == 4 * (100 * 64 + 64 + 64)


@pytest.mark.parametrize(("kind", "gates"), GATES.items())
def test_products(kind: str, gates: int) -> None:
    assert work_of(cell(kind)).macs == T * B * gates * H * (F + H)
    assert work_of(cell(kind, directions=2)).macs == 2 * T * B * gates * H * (F + H)
    assert work_of(cell(kind, opset=7)).macs == T * B * gates * H * (F + H)
    assert work_of(replace(cell(kind), opset=1)) == work_of(cell(kind))


def test_batch_first() -> None:
    inputs = [activation(B, T, F), constant(1, H, F), constant(1, H, H)]
    op = make_op("RNN", inputs, attributes={"hidden_size": H, "layout": 1}, outputs=2)
    assert work_of(op).operations == work_of(cell("RNN")).operations


def test_known_lengths_stop_early() -> None:
    """5 and 2 steps of at most 5."""
    op = cell("RNN", None, constant(2, dtype="int32", value=(5, 2)))
    assert work_of(op).macs == 7 * H * (F + H)
    unknown = cell("RNN", None, activation(2, dtype="int32"))
    assert work_of(unknown).macs == 10 * H * (F + H)


def test_variants() -> None:
    assert per_unit(cell("RNN")) == 1  # tanh
    assert per_unit(cell("RNN", constant(1, 2 * H))) == 1  # the bias is free
    assert per_unit(cell("RNN", attributes={"activations": ("Affine",), "clip": 1.0})) == 2 + 2
    assert per_unit(cell("RNN", directions=2)) == 2
    assert per_unit(cell("RNN", directions=2, attributes={"activations": ("Tanh", "Elu")})) == 1 + 4
    assert per_unit(cell("LSTM", attributes={"clip": 3.0})) == 9 + 2 * 5
    # 1 - i in place of the sigmoid
    assert per_unit(cell("LSTM", attributes={"input_forget": 1})) == 9
    assert per_unit(cell("GRU", attributes={"activations": ("HardSigmoid", "Softsign")})) == 2 * 4 + 3 + 5


def test_unknown_activations_are_refused() -> None:
    with pytest.raises(ValueError, match="not in the table: Cosine"):
        work_of(cell("RNN", attributes={"activations": ("Cosine",)}))
    with pytest.raises(ValueError, match="zip"):
        work_of(cell("LSTM", attributes={"activations": ("Tanh",)}))


def test_more_than_two_directions_are_refused() -> None:
    inputs = (activation(T, B, F), constant(2**40, H, F), constant(2**40, H, H))
    with pytest.raises(ValueError, match="RNN has weights for 1099511627776 directions"):
        work_of(replace(cell("RNN"), inputs=inputs))


def test_parameters() -> None:
    """Weights, recurrence, bias and peepholes; not the initial states."""
    assert RULES["LSTM"].parameters == (1, 2, 3, 7)
    assert RULES["GRU"].parameters == RULES["RNN"].parameters == (1, 2, 3)


class Products:
    """Row times vector in plain numbers, counted as MACs."""

    macs = 0

    def row(self, weights: Numbers, vector: list[Number], tally: Tally) -> Number:
        self.macs += len(vector)
        return tally.number(sum(w.value * x.value for w, x in zip(listed(weights), vector, strict=True)))


def free_sum(*numbers: Number) -> Number:
    """Accumulated in one go; free."""
    return Number(sum(number.value for number in numbers), numbers[0].tally)


def sigmoid(number: Number) -> Number:
    return number.apply(lambda value: 1 / (1 + math.exp(-value)))


def tanh(number: Number) -> Number:
    return number.apply(math.tanh)


def complement(number: Number) -> Number:
    return number.apply(lambda value: 1 - value)


Step = Callable[[list[Number], list[Number], Products], list[Number]]


def run(step: Step, x: Numbers, op: Op, tally: Tally, arrays: list[Numbers]) -> None:
    """Compare the loop with ONNX Runtime, its counts with the rule."""
    products = Products()
    y = np.zeros((T, 1, B, H), dtype=np.float32)
    for batch in range(B):
        hidden = [tally.number(0.0) for _ in range(H)]
        for t in range(T):
            hidden = step(listed(x[t, batch]), hidden, products)
            y[t, 0, batch] = [number.value for number in hidden]
        step([], [], products)
    np.testing.assert_allclose(y, evaluate(op, [values(array) for array in arrays]), rtol=1e-4)
    work = work_of(op)
    assert work.macs == products.macs
    assert work.total_operations - 2 * work.macs == tally.operations


@pytest.mark.parametrize("peepholes", [False, True])
def test_long_short_term_memory_naive_loop(peepholes: bool) -> None:
    tally = Tally()
    x, w, r, b = tally.numbers(T, B, F), tally.numbers(1, 4 * H, F), tally.numbers(1, 4 * H, H), tally.numbers(1, 8 * H)
    p = tally.numbers(1, 3 * H)
    op = cell("LSTM", constant(1, 8 * H), None, None, None, *([constant(1, 3 * H)] if peepholes else []))
    memory: list[Number] = []

    def step(inputs: list[Number], hidden: list[Number], products: Products) -> list[Number]:
        if not inputs:
            memory.clear()
            return []
        memory.extend([tally.number(0.0)] * (H - len(memory)))
        answer: list[Number] = []
        for unit in range(H):
            gates = [
                free_sum(
                    products.row(w[0, g * H + unit], inputs, tally), products.row(r[0, g * H + unit], hidden, tally),
                    b[0, g * H + unit], b[0, (4 + g) * H + unit],
                )
                for g in range(4)
            ]  # fmt: skip
            c = memory[unit]
            if peepholes:
                gates[0] = gates[0] + p[0, unit] * c
                gates[2] = gates[2] + p[0, 2 * H + unit] * c
            i, f, n = sigmoid(gates[0]), sigmoid(gates[2]), tanh(gates[3])
            c = f * c + i * n
            if peepholes:
                gates[1] = gates[1] + p[0, H + unit] * c
            memory[unit] = c
            answer.append(sigmoid(gates[1]) * tanh(c))
        return answer

    run(step, x, op, tally, [x, w, r, b, *([p] if peepholes else [])])


@pytest.mark.parametrize("reset_after", [0, 1])
def test_gated_recurrent_unit_naive_loop(reset_after: int) -> None:
    tally = Tally()
    x, w, r, b = tally.numbers(T, B, F), tally.numbers(1, 3 * H, F), tally.numbers(1, 3 * H, H), tally.numbers(1, 6 * H)
    op = cell("GRU", constant(1, 6 * H), attributes={"linear_before_reset": reset_after})

    def step(inputs: list[Number], hidden: list[Number], products: Products) -> list[Number]:
        if not inputs:
            return []

        def gate(position: int, unit: int) -> Number:
            return sigmoid(
                free_sum(
                    products.row(w[0, position * H + unit], inputs, tally),
                    products.row(r[0, position * H + unit], hidden, tally),
                    b[0, position * H + unit], b[0, (3 + position) * H + unit],
                )
            )  # fmt: skip

        updates, resets = [gate(0, unit) for unit in range(H)], [gate(1, unit) for unit in range(H)]
        shortened = hidden if reset_after else [a * b for a, b in zip(resets, hidden, strict=True)]
        answer: list[Number] = []
        for unit in range(H):
            bias, later_bias = b[0, 2 * H + unit], b[0, 5 * H + unit]
            new = products.row(w[0, 2 * H + unit], inputs, tally)
            old = products.row(r[0, 2 * H + unit], shortened, tally)
            if reset_after:
                candidate = tanh(free_sum(new, bias) + resets[unit] * free_sum(old, later_bias))
            else:
                candidate = tanh(free_sum(new, old, bias, later_bias))
            answer.append(complement(updates[unit]) * candidate + updates[unit] * hidden[unit])
        return answer

    run(step, x, op, tally, [x, w, r, b])


def test_an_initial_state_is_read() -> None:
    op = cell("RNN", None, None, constant(1, B, H))
    assert work_of(op).bytes_weight == 4 * (H * F + H * H + B * H)
