"""Bodies of If, Loop, Scan and SequenceMap with the shapes that they see, and the outputs that follow.

A body is read once. A Loop whose carried shapes change from trip to trip is followed trip by trip where its trips are
few and known, for the sake of its outputs only; its body then has no shapes for what changes.

Source: ONNX operator specification, If, Loop, Scan, SequenceMap.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import onnx

from attainable.workload.dtypes import bytes_of
from attainable.workload.graph import Body, Op, Tensor
from attainable.workload.onnx.containers import alike, sequence
from attainable.workload.onnx.scope import Scope
from attainable.workload.onnx.shape_rules import Array, axis_of

MOST_TRIPS = 64
"""Trips of a Loop that are followed one by one."""

MOST_FOLLOWED_NODES = 4096
"""Nodes that are read again while a Loop is followed."""

Enter = Callable[[onnx.GraphProto, str, Sequence[Tensor], Mapping[str, Array]], tuple[Body, Scope]]
"""Reads a body: the graph, the attribute that holds it, its inputs, and what is known of their elements."""

Outcome = tuple[tuple[Body, ...], list[Tensor | None]]
"""Bodies, and the outputs of the op."""


@dataclass(frozen=True, slots=True)
class Frame:
    """An op with bodies.

    Attributes:
        op: with its inputs; its outputs do not matter.
        node: the same in the file.
        graphs: its graphs by attribute.
        scope: where it stands.
        enter: reads a body.
        may_repeat: tells whether bodies may be read once more; hostile files nest loops that never settle.
    """

    op: Op
    node: onnx.NodeProto
    graphs: Mapping[str, onnx.GraphProto]
    scope: Scope
    enter: Enter
    may_repeat: Callable[[], bool]

    def value(self, position: int) -> Array | None:
        """The elements of an input, where they are known."""
        if position >= len(self.node.input) or not self.node.input[position]:
            return None
        return self.scope.values.get(self.node.input[position])


def _formal(graph: onnx.GraphProto, actual: Sequence[Tensor]) -> list[Tensor]:
    """What a body sees under its own names; it is no constant, because it changes or may change."""
    return [
        replace(tensor, name=value.name, is_constant=False, value=None, bytes_stored=None)
        for value, tensor in zip(graph.input, actual, strict=False)
    ]


def branches(frame: Frame) -> Outcome:
    """If: an output has the shape in which both branches agree, or that of the branch that is taken."""
    bodies: list[Body] = []
    outputs: dict[str, list[Tensor | None]] = {}
    scopes: dict[str, Scope] = {}
    for name, graph in frame.graphs.items():
        body, scopes[name] = frame.enter(graph, name, (), {})
        bodies.append(body)
        outputs[name] = list(body.outputs)
    condition = frame.value(0)
    if condition is not None and condition.size == 1:
        taken = "then_branch" if condition.item() else "else_branch"
        if taken in outputs:
            for output, inner in zip(frame.node.output, frame.graphs[taken].output, strict=False):
                # at once, because a chain of links from If to If would be followed recursively
                if output and (value := scopes[taken].values.get(inner.name)) is not None:
                    frame.scope.values.learn(output, value)
            return tuple(bodies), outputs[taken]
    first, *others = outputs.values()
    return tuple(bodies), [
        tensor
        if tensor and all(other[index : index + 1] and _agree(tensor, other[index]) for other in others)
        else None
        for index, tensor in enumerate(first)
    ]


def _agree(first: Tensor, second: Tensor | None) -> bool:
    return second is not None and alike(first, second)


def loop(frame: Frame) -> Outcome:
    """Loop: carried shapes stay as they are, or are followed; what it collects has the trips in front."""
    graph = frame.graphs["body"]
    carried = [tensor or Tensor("", None, "float32") for tensor in frame.op.inputs[2:]]
    start = [Tensor("", (), "int64"), Tensor("", (), "bool"), *carried]
    changing: set[int] = set() if frame.may_repeat() else set(range(2, len(start)))
    while True:
        inputs = _formal(graph, [_opened(tensor, index in changing) for index, tensor in enumerate(start)])
        body, scope = frame.enter(graph, "body", inputs, {inputs[1].name: np.array(True)} if len(inputs) > 1 else {})
        found = {
            2 + index
            for index, tensor in enumerate(body.outputs[1 : 1 + len(carried)])
            if not alike(tensor, inputs[2 + index])
        }
        if found <= changing or len(inputs) < 2 + len(carried):
            break
        changing |= found if frame.may_repeat() else set(range(2, len(start)))
    limit = _whole(frame.value(0))
    goes_on = scope.values.get(graph.output[0].name) if graph.output else None
    begins = True if len(frame.op.inputs) < 2 or frame.op.inputs[1] is None else _truth(frame.value(1))
    trips = limit if begins and limit is not None and _truth(goes_on) else 0 if begins is False else None
    if (changing or trips is None) and begins is not None:
        followed = _followed(frame, carried, limit, begins)
        if followed is not None:
            return (body,), followed
    last = [_opened(tensor, 2 + index in changing) for index, tensor in enumerate(carried)]
    collected = [_stacked(tensor, trips) for tensor in body.outputs[1 + len(carried) :]]
    return (body,), [*last, *collected]


def _opened(tensor: Tensor, changes: bool) -> Tensor:
    return replace(tensor, shape=None, parts=None) if changes else tensor


def _whole(value: Array | None) -> int | None:
    return max(int(value.reshape(-1)[0]), 0) if value is not None and value.size == 1 else None


def _truth(value: Array | None) -> bool | None:
    return bool(value.reshape(-1)[0]) if value is not None and value.size == 1 else None


def _stacked(tensor: Tensor, trips: int | None) -> Tensor | None:
    if tensor.shape is None or trips is None:
        return Tensor("", None, tensor.dtype)
    return Tensor("", (trips, *tensor.shape), tensor.dtype)


def _followed(frame: Frame, carried: Sequence[Tensor], limit: int | None, begins: bool) -> list[Tensor | None] | None:
    """The outputs after running the shapes trip by trip; None where the trips are too many or not known."""
    graph = frame.graphs["body"]
    if (limit is not None and limit > MOST_TRIPS) or len(graph.input) < 2 + len(carried):
        return None
    state = list(carried)
    values = [frame.value(2 + index) for index in range(len(carried))]
    collected: list[list[Tensor]] = [[] for _ in graph.output[1 + len(carried) :]]
    goes_on, trip, read = begins, 0, 0
    while goes_on and (limit is None or trip < limit):
        read += len(graph.node)
        if trip >= MOST_TRIPS or read > MOST_FOLLOWED_NODES or not frame.may_repeat():
            return None
        inputs = _formal(graph, [Tensor("", (), "int64"), Tensor("", (), "bool"), *state])
        known = {inputs[0].name: np.array(trip), inputs[1].name: np.array(True)}
        known |= {inputs[2 + index].name: value for index, value in enumerate(values) if value is not None}
        body, scope = frame.enter(graph, "body", inputs, known)
        names = [value.name for value in graph.output]
        state = list(body.outputs[1 : 1 + len(carried)])
        values = [scope.values.get(name) for name in names[1 : 1 + len(carried)]]
        for parts, tensor in zip(collected, body.outputs[1 + len(carried) :], strict=True):
            parts.append(tensor)
        truth = _truth(scope.values.get(names[0]))
        if truth is None:
            return None
        goes_on, trip = truth, trip + 1
    for name, value in zip(frame.node.output, values, strict=False):
        if name and value is not None:
            frame.scope.values.learn(name, value)
    return [*state, *(_together(parts) for parts in collected)]


def _together(parts: Sequence[Tensor]) -> Tensor | None:
    if not parts or not all(alike(parts[0], part) for part in parts):
        return None
    return _stacked(parts[0], len(parts))


def scan(frame: Frame) -> Outcome:
    """Scan: the body sees states and slices; from opset 9 on without the batch axis of version 8."""
    graph, op = frame.graphs["body"], frame.op
    batched = op.opset < 9
    given = [tensor or Tensor("", None, "float32") for tensor in op.inputs[1 if batched else 0 :]]
    count = op.integer("num_scan_inputs", len(given))
    states, scanned = given[: len(given) - count], given[len(given) - count :]
    axes = op.integers("scan_input_axes") or (0,) * len(scanned)
    inputs = [_front(tensor) if batched else tensor for tensor in states]
    lengths: set[int] = set()
    for tensor, axis in zip(scanned, axes, strict=False):
        if tensor.shape is None:
            inputs.append(Tensor("", None, tensor.dtype))
            continue
        position = 1 if batched else axis_of(axis, len(tensor.shape))
        lengths.add(tensor.shape[position])
        inputs.append(_slice(tensor, {0, 1} if batched else {position}))
    formal = [
        replace(tensor, name=value.name, value=None) for value, tensor in zip(graph.input, inputs, strict=False)
    ]  # fmt: skip
    body, _ = frame.enter(graph, "body", formal, {})
    trips = lengths.pop() if len(lengths) == 1 else None
    places = op.integers("scan_output_axes")
    outputs: list[Tensor | None] = list(states)
    for index, tensor in enumerate(body.outputs[len(states) :]):
        outputs.append(
            _inserted(tensor, trips, places[index] if index < len(places) else 0, scanned if batched else ())
        )
    return (body,), outputs


def _front(tensor: Tensor) -> Tensor:
    """Without its first axis, the batch."""
    return replace(tensor, shape=None if not tensor.shape else tensor.shape[1:], is_constant=False, bytes_stored=None)


def _slice(tensor: Tensor, removed: set[int]) -> Tensor:
    """What one trip sees; the slice of a constant is a constant."""
    shape = tuple(extent for axis, extent in enumerate(tensor.shape or ()) if axis not in removed)
    stored = None
    if tensor.is_constant:
        part = Tensor("", shape, tensor.dtype)
        stored = bytes_of(tensor.dtype, part.elements)
    return Tensor("", shape, tensor.dtype, tensor.is_constant, None, stored)


def _inserted(tensor: Tensor, trips: int | None, axis: int, batch_of: Sequence[Tensor]) -> Tensor | None:
    if tensor.shape is None or trips is None:
        return Tensor("", None, tensor.dtype)
    if batch_of:
        shape = batch_of[0].shape or ()
        return Tensor("", (*shape[:1], trips, *tensor.shape), tensor.dtype)
    position = axis_of(axis, len(tensor.shape) + 1)
    return Tensor("", (*tensor.shape[:position], trips, *tensor.shape[position:]), tensor.dtype)


def sequence_map(frame: Frame) -> Outcome:
    """SequenceMap: the body sees one tensor of each sequence; the outputs are sequences of what it makes."""
    graph = frame.graphs["body"]
    given = [tensor or Tensor("", None, "float32") for tensor in frame.op.inputs]
    parts = given[0].parts
    rows: list[list[Tensor]] = []
    for index in range(len(parts) if parts is not None else 0):
        rows.append([_element(tensor, index) for tensor in given])
    unequal = not rows or not all(all(map(alike, rows[0], row)) for row in rows)
    typical = [_unknown(tensor) for tensor in given] if unequal else rows[0]
    body, _ = frame.enter(graph, "body", _formal(graph, typical), {})
    if parts is None:
        return (body,), [sequence(None, tensor.dtype) for tensor in body.outputs]
    if not unequal:
        return (body,), [sequence((tensor,) * len(rows), tensor.dtype) for tensor in body.outputs]
    if len(rows) > MOST_TRIPS or len(rows) * len(graph.node) > MOST_FOLLOWED_NODES or not frame.may_repeat():
        return (body,), [sequence(None, tensor.dtype) for tensor in body.outputs]
    made = [frame.enter(graph, "body", _formal(graph, row), {})[0].outputs for row in rows]
    return (body,), [
        sequence([outputs[index] for outputs in made], tensor.dtype) for index, tensor in enumerate(body.outputs)
    ]


def _element(tensor: Tensor, index: int) -> Tensor:
    if tensor.container != "sequence":
        return tensor
    if tensor.parts is None or index >= len(tensor.parts):
        return Tensor("", None, tensor.dtype)
    return tensor.parts[index]


def _unknown(tensor: Tensor) -> Tensor:
    return Tensor("", None, tensor.dtype) if tensor.container == "sequence" else tensor


CONTROL_FLOW: dict[str, Callable[[Frame], Outcome]] = {
    "If": branches,
    "Loop": loop,
    "Scan": scan,
    "SequenceMap": sequence_map,
}
"""Operators with bodies, by type."""
