"""Recurrences of ONNX Runtime: LSTM cells, quantised and with attention, and linear attention over a state.

::

    LSTM:  i, o, f = f(w x + r h + p * c);  c' = f * c + i * g(w x + r h);  h' = o * h(c')
    S[t] = exp(decay[t]) * S[t - 1] + key[t] write[t]',   y[t] = scale * S[t]' query[t]

t time step; x input, h hidden state of H units, c cell; S a state of keys by values for each head. An LSTM cell has
four gates of a product with x and one with h, and beside them 3 activations of gates, 2 of the cell and 4 products and
sums per unit: 9, and 6 more with peepholes. In linear attention, updating the state and reading it are products of each
token.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), which give the equations; ONNX operator specification,
LSTM and LinearAttention.
"""

from math import prod

from attainable.cost.composites import activation, softmax
from attainable.cost.work import Rule, Rules, Work, composite, contraction, scalar_results
from attainable.workload.graph import Op, Tensor

_CELL = ("sigmoid", "tanh", "tanh")
_USES = (3, 1, 1)
_COUPLED_USES = (2, 1, 1)


def dynamically_quantized_cell(op: Op) -> Work:
    """An LSTM of integers: input and hidden state are quantised anew in every step, all gates scaled.

    Quantising n numbers takes 7n + 7 as in DynamicQuantizeLinear, their zero point 1 each; each of the 8H products of a
    step is scaled, and the two of a gate added: 12H. Weights are constant, and their zero points known.
    """
    directions, features, gates = op.input(1).dims
    length, batch, _ = op.input(0).dims
    hidden = gates // 4
    steps, products = length * batch * directions, gates * (features + hidden)
    quantised = directions * length * (7 * batch * (features + hidden) + 14)
    scaled = steps * (2 * gates + gates)
    real = op.input(0).dtype
    return composite(
        op,
        ("matrix", "uint8", steps * products),
        ("vector", "uint8", steps * (features + hidden)),
        ("vector", real, quantised + scaled + steps * hidden * _per_unit(op, directions) // directions),
    )


def _per_unit(op: Op, directions: int) -> int:
    """Operations of one unit in one step beside the products, over all directions.

    Raises:
        ValueError: more directions than there are, or activations that are not in the table or not as many.
    """
    if directions not in (1, 2):
        raise ValueError(f"{op.kind} has {directions} directions")
    coupled = bool(op.integer("input_forget", 0))
    uses = _COUPLED_USES if coupled else _USES
    named = op.attribute("activations")
    kinds = [str(kind) for kind in named] if isinstance(named, tuple) and named else [*_CELL] * directions
    activations = sum(times * activation(kind) for kind, times in zip(kinds, uses * directions, strict=True))
    clipping = 0 if op.attribute("clip") in (None, 0, 0.0) else 2 * sum(uses)
    peepholes = (4 if coupled else 6) if op.optional_input(7) is not None else 0
    return activations + directions * (clipping + peepholes + (5 if coupled else 4))


def cell_with_attention(op: Op) -> Work:
    """An LSTM whose input is joined by what an additive attention over a memory of M steps made of its last output.

    The memory's keys are one product for all steps. Each step multiplies the query, adds it to M keys of A elements,
    takes tanh and the product with the vector V, softmax over M, and the mean of M values; then the attention layer,
    where there is one, of hidden state and context.
    """
    directions, _, features = op.input(1).dims
    hidden = op.input(2).dims[-1]
    length, batch, _ = op.input(0).dims
    _, depth, size = op.input(9).dims
    _, memory, _ = op.input(11).dims
    layer = op.optional_input(13)
    steps = length * batch * directions
    keys = directions * batch * memory * depth * size
    attended = hidden * size + memory * size + memory * depth
    attended += 0 if layer is None else (depth + hidden) * layer.dims[-1]
    macs = keys + steps * (4 * hidden * (features + hidden) + attended)
    per_step = 2 * memory * size + softmax(memory, 1)
    operations = steps * per_step + steps * hidden * _per_unit(op, directions) // directions
    return contraction(op, macs=macs, operations=operations)


def linear_attention(op: Op) -> Work:
    """One recurrence for each head of keys and values; queries of a group read the same state."""
    query, value = op.input(0), op.input(2)
    heads, shared_heads = op.integer("q_num_heads", 1), op.integer("kv_num_heads", 1)
    batch, tokens, hidden = query.dims
    return _recurrence(
        op, tokens=batch * tokens, readers=max(heads, shared_heads), heads=shared_heads, size=hidden // heads,
        value_size=value.dims[-1] // shared_heads, decay=op.optional_input(4),
    )  # fmt: skip


def gated_delta_network(op: Op) -> Work:
    """The same for tokens one after the other, with its gates and the norms of queries and keys where asked for.

    The gate is -exp(a) once a head, then add, softplus (3) and multiply; beta takes a sigmoid; a vector of n elements
    is divided by its norm with 3n operations.
    """
    query, value, decay = op.input(0), op.optional_input(2), op.optional_input(4)
    if value is None:
        _, heads, value_size, size = op.input(6).dims
        *leading, hidden = query.dims
        query_heads = (hidden - heads * value_size) // (2 * size)
    else:
        *leading, query_heads, size = query.dims
        *_, heads, value_size = value.dims
    tokens = prod(leading)
    extra = 0
    if op.text("gate_activation", "none") == "qwen":
        extra += 2 * heads + 5 * tokens * heads
    if op.text("beta_activation", "none") == "sigmoid":
        extra += tokens * heads
    if op.integer("qk_l2_norm", 0):
        extra += 3 * 2 * tokens * query_heads * size
    return _recurrence(
        op, tokens=tokens, readers=max(query_heads, heads), heads=heads, size=size, value_size=value_size,
        decay=decay, extra=extra,
    )  # fmt: skip


def _recurrence(
    op: Op, *, tokens: int, readers: int, heads: int, size: int, value_size: int, decay: Tensor | None,
    extra: int = 0,
) -> Work:  # fmt: skip
    """Update (a product and a sum with the old state) and read; scale the answers.

    Gating takes the exponential of the decay and scales the state; the delta rule reads the state with the key,
    subtracts and scales.
    """
    rule = op.text("update_rule", "gated_delta")
    state, written = heads * size * value_size, heads * value_size
    macs, operations = tokens * (state + readers * size * value_size), tokens * (state + readers * value_size)
    if rule.startswith("gated"):
        operations += (0 if decay is None else decay.elements) + tokens * state
    if rule.endswith("delta"):
        macs += tokens * state
        operations += 2 * tokens * written
    return contraction(op, macs=macs, operations=operations + extra)


def gate(op: Op) -> Work:
    """Add the bias, softplus (3) and scale: 5 per element; a sigmoid per element of the second input."""
    second = op.optional_input(3)
    return scalar_results(op, 5 * op.input(0).elements + (0 if second is None else second.elements))


RULES: Rules = {
    "com.microsoft:DynamicQuantizeLSTM": Rule(dynamically_quantized_cell, parameters=(1, 2, 3, 7)),
    "com.microsoft:AttnLSTM": Rule(cell_with_attention, parameters=(1, 2, 3, 7, 8, 9, 10, 13)),
    "com.microsoft:LinearAttention": Rule(linear_attention, parameters=()),
    "com.microsoft:GatedDeltaNet": Rule(gated_delta_network, parameters=(7, 8)),
    "com.microsoft:LinearAttentionGate": Rule(gate, parameters=(1, 2)),
}
"""Recurrences by type."""
