"""Recurrent layers: one operator of ONNX a layer, both directions in one.

PyTorch keeps the weights of each layer and direction apart; ONNX puts directions into one tensor, and both biases one
behind the other. The states of all layers are one tensor in PyTorch and one a layer in ONNX.

Source: PyTorch, ``aten/src/ATen/native/RNN.cpp``; ONNX operator specification, LSTM 22, GRU 22, RNN 22.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from attainable.workload.graph import Tensor
from attainable.workload.torch.lowering.call import Argument, Call, Lowering, Lowerings, NotLowered, Step, step


@dataclass(slots=True)
class _Layers:
    """The steps of a stack of layers as they are put together."""

    call: Call
    steps: list[Step]

    def transposed(self, label: str, x: Tensor) -> Tensor:
        """The first two axes exchanged: batch and time."""
        first, second, *others = x.dims
        made = self.call.between(label, (second, first, *others), x.dtype)
        self.steps.append(step("Transpose", (x,), (made,), perm=(1, 0, 2)))
        return made

    def layer_of(self, label: str, states: Tensor, layer: int, layers: int) -> Tensor:
        """The states of one layer."""
        if layers == 1:
            return states
        every, *others = states.dims
        made = self.call.between(f"{label} {layer}", (every // layers, *others), states.dtype)
        where = self.call.integers_constant(f"{label} {layer} where", (layer,))
        self.steps.append(step("Slice", (states, where, where, where), (made,)))
        return made

    def stacked(self, label: str, parts: tuple[Tensor, ...]) -> Tensor:
        """One tensor with an axis for the directions in front."""
        layers: list[Tensor] = []
        where = self.call.integers_constant(f"{label} axes", (0,))
        for index, part in enumerate(parts):
            layer = self.call.between(f"{label} of {index}", (1, *part.dims), part.dtype)
            self.steps.append(step("Unsqueeze", (part, where), (layer,)))
            layers.append(layer)
        return self.joined(label, tuple(layers), axis=0)

    def joined(self, label: str, parts: tuple[Tensor, ...], *, axis: int) -> Tensor:
        """Concat, where there is more than one."""
        if len(parts) == 1:
            return parts[0]
        dims = list(parts[0].dims)
        dims[axis] = sum(part.dims[axis] for part in parts)
        made = self.call.between(label, tuple(dims), parts[0].dtype)
        self.steps.append(step("Concat", parts, (made,), axis=axis))
        return made

    def named(self, given: Tensor, made: Tensor | None) -> None:
        """Identity, so that a result has the name that the program gave it."""
        if made is not None:
            self.steps.append(step("Identity", (given,), (made,)))


def recurrent(kind: str, gates: int) -> Lowering:
    """A stack of layers of one kind, with ``gates`` rows of weights for each element of the state."""

    def lower(call: Call) -> tuple[Step, ...]:
        if call.given("data") or not call.given("input"):
            raise NotLowered(call.target)
        x, states = call.tensor("input"), call.arguments.get("hx")
        initial = states if isinstance(states, tuple) else (states,)
        directions, layers = 1 + call.flag("bidirectional"), call.integer("num_layers", 1)
        weights = call.tensors("params")
        per_direction, rest = divmod(len(weights), max(1, layers * directions))
        if rest or per_direction not in (2, 4) or x.rank != 3:
            raise NotLowered(call.target)
        stack = _Layers(call, [])
        if call.flag("batch_first"):
            x = stack.transposed("time first", x)
        finals: tuple[list[Tensor], ...] = tuple([] for _ in initial)
        for layer in range(layers):
            own = weights[layer * directions * per_direction : (layer + 1) * directions * per_direction]
            x = _layer(kind, gates, stack, x, own, initial, finals, layer, layers, directions)
        result = call.outputs[0]
        if call.flag("batch_first"):
            x = stack.transposed("batch first", x)
        stack.named(x, result)
        for label, parts, made in zip(("hidden", "cell"), finals, call.outputs[1:], strict=False):
            stack.named(stack.joined(f"final {label}", tuple(parts), axis=0), made)
        return tuple(stack.steps)

    return lower


def _layer(
    kind: str, gates: int, stack: _Layers, x: Tensor, weights: tuple[Tensor, ...], initial: Iterable[object],
    finals: tuple[list[Tensor], ...], layer: int, layers: int, directions: int,
) -> Tensor:  # fmt: skip
    """One layer; returns its outputs over time with the directions side by side."""
    call = stack.call
    each = len(weights) // directions
    w, r = (stack.stacked(f"{label} {layer}", weights[index::each]) for index, label in enumerate(("W", "R")))
    biases: Tensor | None = None
    if each > 2:
        pairs = tuple(
            stack.joined(f"bias {layer} of {direction}", weights[direction * each + 2 : direction * each + 4], axis=0)
            for direction in range(directions)
        )
        biases = stack.stacked(f"B {layer}", pairs)
    states = tuple(
        stack.layer_of(label, state, layer, layers)
        for label, state in zip(("hidden", "cell"), initial, strict=False)
        if isinstance(state, Tensor)
    )
    length, batch, _ = x.dims
    hidden = w.dims[1] // gates
    sizes = tuple(state.dims[2] for state in states) or (hidden,)
    if sizes[0] != hidden:
        raise NotLowered(call.target)
    over_time = call.between(f"Y {layer}", (length, directions, batch, hidden), x.dtype)
    last = tuple(
        call.between(f"{label} after {layer}", (directions, batch, hidden), x.dtype)
        for label, _ in zip(("hidden", "cell"), finals, strict=False)
    )
    for collected, state in zip(finals, last, strict=True):
        collected.append(state)
    extra = {"linear_before_reset": 1} if kind == "GRU" else {}
    direction = "bidirectional" if directions == 2 else "forward"
    inputs = (x, w, r, biases, None, *states)
    stack.steps.append(step(kind, inputs, (over_time, *last), hidden_size=hidden, direction=direction, **extra))
    side_by_side = call.between(f"outputs {layer}", (length, batch, directions * hidden), x.dtype)
    shape = call.integers_constant(f"shape {layer}", side_by_side.dims)
    if directions == 1:
        stack.steps.append(step("Reshape", (over_time, shape), (side_by_side,)))
        return side_by_side
    turned = call.between(f"batch before direction {layer}", (length, batch, directions, hidden), x.dtype)
    stack.steps.append(step("Transpose", (over_time,), (turned,), perm=(0, 2, 1, 3)))
    stack.steps.append(step("Reshape", (turned, shape), (side_by_side,)))
    return side_by_side


def cell(kind: str, gates: int) -> Lowering:
    """One step of a layer, as a sequence of length 1."""

    def lower(call: Call) -> tuple[Step, ...]:
        x, states = call.tensor("input"), call.arguments.get("hx")
        stack, front = _Layers(call, []), call.integers_constant("axes", (0,))
        given: list[Tensor] = []
        for label, tensor in (("input", x), *zip(("hidden", "cell"), _states(states), strict=False)):
            viewed = call.between(f"{label} at one time", (1, *tensor.dims), tensor.dtype)
            stack.steps.append(step("Unsqueeze", (tensor, front), (viewed,)))
            given.append(viewed)
        weights = [call.tensor("w_ih"), call.tensor("w_hh")]
        if call.optional("b_ih") is not None:
            weights += [call.tensor("b_ih"), call.tensor("b_hh")]
        finals: tuple[list[Tensor], ...] = tuple([] for _ in given[1:])
        _layer(kind, gates, stack, given[0], tuple(weights), given[1:], finals, 0, 1, 1)
        for parts, made in zip(finals, call.outputs, strict=False):
            if made is not None:
                stack.steps.append(step("Squeeze", (parts[0], front), (made,)))
        return tuple(stack.steps)

    return lower


def _states(value: Argument) -> tuple[Tensor, ...]:
    items = value if isinstance(value, tuple) else (value,)
    return tuple(item for item in items if isinstance(item, Tensor))


LOWERINGS: Lowerings = {
    "lstm": recurrent("LSTM", 4),
    "gru": recurrent("GRU", 3),
    "rnn_tanh": recurrent("RNN", 1),
    "rnn_relu": recurrent("RNN", 1),
    "lstm_cell": cell("LSTM", 4),
    "gru_cell": cell("GRU", 3),
    "rnn_tanh_cell": cell("RNN", 1),
    "rnn_relu_cell": cell("RNN", 1),
}
"""Recurrent layers by operator."""
