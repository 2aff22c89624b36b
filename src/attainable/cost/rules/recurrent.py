"""Recurrent cells.

::

    g[t, b, j] = bias[j] + sum over i of  x[t, b, i] * w[j, i] + sum over k of  h[t - 1, b, k] * r[j, k]
    RNN:   h = f(g)
    GRU:   z, r = f(g);  n = g(w x + r * h, ...);  h' = (1 - z) * n + z * h
    LSTM:  i, o, f = f(g + p * c);  c' = f * c + i * g(g);  h' = o * h(c')

t time step, T of them; b batch; i input feature; k hidden unit, H of them; j unit of a gate: an RNN has 1 gate, a GRU
3, an LSTM 4. Each direction has weights of its own. Where the lengths of the sequences are not known before the run,
every sequence is as long as the longest. What is beside the products is counted per hidden unit and step.

Source: ONNX operator specification, RNN, GRU, LSTM (equations) and their activation functions.
"""

from collections.abc import Callable
from dataclasses import dataclass

from attainable.cost.composites import activation
from attainable.cost.work import Rule, Rules, Work, contraction
from attainable.workload.graph import Op


@dataclass(frozen=True, slots=True)
class _Cell:
    """What one hidden unit costs in one step beside the products.

    Attributes:
        activations: of one direction, where the file names none.
        uses: how often each of them is applied.
        elementwise: products, sums and differences that combine the gates.
    """

    activations: tuple[str, ...]
    uses: tuple[int, ...]
    elementwise: int


def simple_cell(op: Op) -> Work:
    """One gate and its activation."""
    return _recurrent(op, _Cell(("tanh",), (1,), 0))


def gated_recurrent_unit(op: Op) -> Work:
    """Reset 1, ``(1 - z) * n + z * h`` 4; where the reset comes after the product, 1 to add the two products."""
    after_product = 1 if op.integer("linear_before_reset", 0) else 0
    return _recurrent(op, _Cell(("sigmoid", "tanh"), (2, 1), 5 + after_product))


def long_short_term_memory(op: Op) -> Work:
    """``f * c + i * n`` 3, ``o * h(c)`` 1; a peephole is a product and a sum at each of three gates.

    Coupled gates (``input_forget``) take 1 - i in place of the forget gate, though its products are made.
    """
    peepholes = op.optional_input(7) is not None
    if op.integer("input_forget", 0):
        return _recurrent(op, _Cell(("sigmoid", "tanh", "tanh"), (2, 1, 1), 5 + 4 * peepholes))
    return _recurrent(op, _Cell(("sigmoid", "tanh", "tanh"), (3, 1, 1), 4 + 6 * peepholes))


def _recurrent(op: Op, cell: _Cell) -> Work:
    """The products of all gates and what each hidden unit costs; clipping compares twice before each activation.

    Raises:
        ValueError: weights for more than two directions.
    """
    directions, gates, features = op.input(1).dims
    if directions > 2:
        raise ValueError(f"{op.kind} has weights for {directions} directions")
    hidden = op.input(2).dims[-1]
    steps = _steps(op)
    macs = directions * steps * gates * (features + hidden)
    clipping = 0 if op.attribute("clip") is None else 2 * sum(cell.uses)
    per_unit = _activations(op, cell, directions) + directions * (cell.elementwise + clipping)
    return contraction(op, macs=macs, operations=per_unit * steps * hidden)


def _steps(op: Op) -> int:
    """Time steps of all sequences of the batch together; ``layout`` 1 puts the batch first."""
    longest, batch, _ = op.input(0).dims
    if op.integer("layout", 0):
        longest, batch = batch, longest
    lengths = op.optional_input(4)
    if lengths is None or lengths.value is None:
        return longest * batch
    return sum(min(int(length), longest) for length in lengths.value)


def _activations(op: Op, cell: _Cell, directions: int) -> int:
    """Operations of the activations of one hidden unit in one step, over all directions.

    Raises:
        ValueError: an activation that the operator does not have, or not as many as the cell needs.
    """
    named = op.attribute("activations")
    kinds = [str(kind) for kind in named] if isinstance(named, tuple) and named else [*cell.activations] * directions
    return sum(uses * activation(kind) for kind, uses in zip(kinds, cell.uses * directions, strict=True))


def linear_attention(op: Op) -> Work:
    """A recurrence over a state of keys by values: two products a token and, with the delta rule, a third.

    ::

        S[t, k, v] = exp(g[t, k]) * S[t - 1, k, v] + key[t, k] * write[t, v];   y[t, v] = scale * sum over k of q S

    The outer product that updates the state and the read of every query head are contractions in the function body.
    Gating takes the exponential of the decay and scales the state; the delta rule reads the state with the key,
    subtracts and scales.
    """
    query, key, value = op.input(0), op.input(1), op.input(2)
    heads, shared_heads = op.integer("q_num_heads", 1), op.integer("kv_num_heads", 1)
    batch, tokens, hidden = query.dims
    state = key.dims[-1] * (value.dims[-1] // shared_heads)
    read = hidden * (value.dims[-1] // shared_heads)
    written = value.dims[-1]
    answer = heads * (value.dims[-1] // shared_heads)
    rule = op.text("update_rule", "gated_delta")
    operations = state + answer
    macs = state + read
    if rule.startswith("gated"):
        decay = op.input(4)
        operations += decay.dims[-1] + state
    if rule.endswith("delta"):
        macs += state
        operations += 2 * written
    return contraction(op, macs=batch * tokens * macs, operations=batch * tokens * operations)


def _rule(work: Callable[[Op], Work], *parameters: int) -> Rule:
    return Rule(work, parameters=parameters)


RULES: Rules = {
    "RNN": _rule(simple_cell, 1, 2, 3),
    "GRU": _rule(gated_recurrent_unit, 1, 2, 3),
    "LSTM": _rule(long_short_term_memory, 1, 2, 3, 7),
    "LinearAttention": _rule(linear_attention),
}
"""Recurrent cells by operator; initial states are buffers."""
