"""Recurrences of ONNX Runtime, against those of the default domain and loops that count."""

from math import exp, tanh

import pytest
from counting import Number, Numbers, Tally, largest, listed, total
from ops import Attributes, activation, constant, fused, make_op, work_of

from attainable.cost.work import Work
from attainable.workload.graph import Op, Tensor

STEPS, BATCH, FEATURES, HIDDEN = 3, 2, 5, 4


def operations(work: Work, dtype: str) -> int:
    return sum(number for _, kind, number in work.operations if kind == dtype)


@pytest.mark.parametrize(("direction", "directions"), [("forward", 1), ("bidirectional", 2)])
@pytest.mark.parametrize("coupled", [0, 1])
def test_quantised_cell(direction: str, directions: int, coupled: int) -> None:
    """The MACs of LSTM; its other operations, and those that quantise and scale."""
    x = activation(STEPS, BATCH, FEATURES)
    attributes: Attributes = {"hidden_size": HIDDEN, "direction": direction, "input_forget": coupled}
    real = [constant(directions, 4 * HIDDEN, FEATURES), constant(directions, 4 * HIDDEN, HIDDEN)]
    default = work_of(make_op("LSTM", [x, *real], attributes=attributes))
    weights = [
        constant(directions, FEATURES, 4 * HIDDEN, dtype="int8"),
        constant(directions, HIDDEN, 4 * HIDDEN, dtype="int8"),
    ]
    scales = [constant(directions), constant(directions, dtype="int8")] * 2
    op = fused("DynamicQuantizeLSTM", [x, *weights, None, None, None, None, None, *scales],
               activation(STEPS, directions, BATCH, HIDDEN), attributes=attributes)  # fmt: skip
    work = work_of(op)
    assert work.macs == default.macs
    each = STEPS * directions
    # x and h of a step are quantised, 7n + 7 each; both products of the four gates are scaled and added
    quantised = each * (7 * BATCH * FEATURES + 7 + 7 * BATCH * HIDDEN + 7)
    scaled = each * BATCH * 4 * HIDDEN * 3
    assert operations(work, "float32") == default.total_operations - 2 * default.macs + quantised + scaled
    assert operations(work, "uint8") == 2 * work.macs + each * BATCH * (FEATURES + HIDDEN)


def test_cell_with_attention() -> None:
    """LSTM, and in each step an additive attention over 6 memory steps, as a loop."""
    memory, depth, size, layer = 6, 7, 3, 2
    tally = Tally()
    queries, keys = tally.numbers(HIDDEN, size), tally.numbers(depth, size)
    contents, vector = tally.numbers(memory, depth), tally.numbers(size)
    zero = tally.number(0.0)

    def product(row: list[Number], column: list[Number]) -> Number:
        """n MACs: the accumulator starts with zero."""
        return total([zero, *(a * b for a, b in zip(row, column, strict=True))])

    def matrix(rows: Numbers, columns: Numbers) -> list[list[Number]]:
        return [[product(listed(row), listed(columns[:, j])) for j in range(columns.shape[1])] for row in rows]

    processed = matrix(contents, keys)
    state, weights = tally.numbers(1, HIDDEN), tally.numbers(depth + HIDDEN, layer)
    for _ in range(STEPS):
        (query,) = matrix(state, queries)
        scores = [product(listed(vector), [(query[j] + row[j]).apply(tanh) for j in range(size)]) for row in processed]
        top = largest(scores)
        shares = [(score - top).apply(exp) for score in scores]
        whole = total(shares)
        shares = [share / whole for share in shares]
        context = [product(shares, listed(contents[:, j])) for j in range(depth)]
        for j in range(layer):
            product([*listed(state), *context], listed(weights[:, j]))
    x = activation(STEPS, 1, FEATURES)
    gates = [constant(1, 4 * HIDDEN, FEATURES), constant(1, 4 * HIDDEN, HIDDEN)]
    default = work_of(make_op("LSTM", [x, *gates], attributes={"hidden_size": HIDDEN}))
    inputs: list[Tensor | None] = [x, *gates, None, None, None, None, None]
    inputs += [constant(1, HIDDEN, size), constant(1, depth, size), constant(1, size)]
    inputs += [activation(1, memory, depth), None, constant(1, depth + HIDDEN, layer)]
    op = fused("AttnLSTM", inputs, activation(STEPS, 1, 1, HIDDEN), attributes={"hidden_size": HIDDEN})
    assert work_of(op).total_operations - default.total_operations == tally.operations


def test_an_unknown_activation_is_not_counted() -> None:
    x, weights = activation(3, 2, 5), [constant(1, 5, 16, dtype="int8"), constant(1, 4, 16, dtype="int8")]
    op = fused("DynamicQuantizeLSTM", [x, *weights], activation(3, 1, 2, 4),
               attributes={"activations": ("Sigmoid", "Secret", "Tanh")})  # fmt: skip
    with pytest.raises(ValueError, match="Secret"):
        work_of(op)


def linear(rule: str, *, heads: int = 2, shared: int = 2) -> Op:
    size, value_size, tokens = 3, 4, 5
    inputs: list[Tensor | None] = [activation(1, tokens, heads * size), activation(1, tokens, shared * size)]
    inputs += [activation(1, tokens, shared * value_size), None]
    if rule.startswith("gated"):
        inputs.append(activation(1, tokens, shared))
    elif rule == "delta":
        inputs.append(None)
    if rule.endswith("delta"):
        inputs.append(activation(1, tokens, shared))
    attributes: Attributes = {"q_num_heads": heads, "kv_num_heads": shared, "update_rule": rule}
    return fused(
        "LinearAttention", inputs, activation(1, tokens, max(heads, shared) * value_size), attributes=attributes
    )


def loop(rule: str, heads: int, shared: int) -> int:
    """Operations of the recurrence, token by token; outer product and state are two steps of the function body."""
    size, value_size, tokens = 3, 4, 5
    tally = Tally()
    for _ in range(tokens):
        for _ in range(shared):
            state, key, value = tally.numbers(size, value_size), tally.numbers(size), tally.numbers(value_size)
            written = list(listed(value))
            if rule.startswith("gated"):
                kept = tally.number(0.5).apply(exp)
                state = state * kept
            if rule.endswith("delta"):
                beta, zero = tally.number(0.5), tally.number(0.0)
                for v in range(value_size):
                    read = total([zero, *(state[k, v] * key[k] for k in range(size))])
                    written[v] = (written[v] - read) * beta
            for k in range(size):
                for v in range(value_size):
                    outer = key[k] * written[v] + tally.number(0.0)  # a product of one term, two operations
                    state[k, v] = state[k, v] + outer
        for _ in range(max(heads, shared)):
            state, query = tally.numbers(size, value_size), tally.numbers(size)
            zero, scale = tally.number(0.0), tally.number(0.5)
            for v in range(value_size):
                _ = total([zero, *(state[k, v] * query[k] for k in range(size))]) * scale
    return tally.operations


@pytest.mark.parametrize("rule", ["linear", "gated", "delta", "gated_delta"])
@pytest.mark.parametrize(("heads", "shared"), [(2, 2), (4, 2), (2, 4)])
def test_linear_attention(rule: str, heads: int, shared: int) -> None:
    assert work_of(linear(rule, heads=heads, shared=shared)).total_operations == loop(rule, heads, shared)


def test_linear_attention_is_that_of_the_default_domain() -> None:
    ours = linear("gated_delta", heads=4)
    default = Op("0", "", "LinearAttention", "", 24, ours.inputs, ours.outputs, ours.attributes)
    assert work_of(ours).operations == work_of(default).operations


def test_gated_delta_network() -> None:
    tokens, heads, shared, size, value_size = 5, 2, 4, 3, 4
    inputs: list[Tensor | None] = [activation(tokens, heads, size), activation(tokens, heads, size)]
    inputs += [activation(tokens, shared, value_size), None, activation(tokens, shared), activation(tokens, shared)]
    inputs += [activation(1, shared, value_size, size)]
    y = activation(tokens, shared, value_size)
    plain = work_of(fused("GatedDeltaNet", inputs, y))
    assert plain.total_operations == loop("gated_delta", heads, shared)
    width = 2 * heads * size + shared * value_size
    packed = fused("GatedDeltaNet", [activation(tokens, width), None, None, *inputs[3:]], y)
    assert work_of(packed).operations == plain.operations
    gates = fused("GatedDeltaNet", [*inputs, constant(shared), constant(shared)], y,
                  attributes={"gate_activation": "qwen", "beta_activation": "sigmoid"})  # fmt: skip
    # exp and minus a head; add, exp, add, log, multiply and the sigmoid of each token
    assert work_of(gates).total_operations - plain.total_operations == shared * 2 + tokens * shared * (5 + 1)
    normalized = fused("GatedDeltaNet", inputs, y, attributes={"qk_l2_norm": 1})
    norm = work_of(make_op("LpNormalization", [activation(2 * tokens * heads, size)]))
    assert work_of(normalized).total_operations - plain.total_operations == norm.total_operations


def test_gates_of_linear_attention() -> None:
    x, heads = activation(1, 5, 4), constant(4)
    steps = [make_op("Add", [x, heads]), make_op("Softplus", [x]), make_op("Mul", [x, heads])]
    op = fused("LinearAttentionGate", [x, heads, heads], x)
    assert work_of(op).total_operations == sum(work_of(step).total_operations for step in steps)
    both = fused("LinearAttentionGate", [x, heads, heads, activation(1, 5, 4)], x)
    assert work_of(both).total_operations - work_of(op).total_operations == x.elements
