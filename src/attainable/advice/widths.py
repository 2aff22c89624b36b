"""Widths: numbers of channels that can only be changed together.

A convolution may give any number of channels, and what reads them must take that many. What works channel by channel
(an activation, a pool, a depthwise convolution, the sum of a residual block) hands the number on, so that all tensors
that are joined by such ops share one width. A concatenation makes a width that is the sum of others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from attainable.workload.graph import Op, Tensor, UnresolvedShape, Workload

CHANNEL_BY_CHANNEL = frozenset({
    "Relu", "LeakyRelu", "PRelu", "Clip", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Elu", "Softplus", "Mish",
    "Gelu", "Identity", "BatchNormalization", "InstanceNormalization", "MaxPool", "AveragePool", "GlobalAveragePool",
    "GlobalMaxPool", "Add", "Sub", "Mul", "Div",
})  # fmt: skip
"""Operators whose output has the channels of their inputs, each by itself."""

_ENDS = frozenset({"Flatten", "Reshape", "Squeeze", "ReduceMean"})
"""Operators that end a width where they give a matrix: the features of a classifier."""


def is_convolution(op: Op) -> bool:
    """Tell whether the op is a convolution with stored weights."""
    return op.type == "Conv" and all(tensor.is_constant for tensor in op.present_inputs[1:])


def is_depthwise(op: Op) -> bool:
    """Tell whether a convolution works channel by channel, one output a channel. Raises UnresolvedShape."""
    groups = op.integer("group", 1)
    return groups > 1 and groups == op.input(0).dims[1] == op.output.dims[1]


@dataclass(frozen=True, slots=True)
class Width:
    """A number of channels.

    Attributes:
        channels: how many.
        is_fixed: something ties it: an input or output of the network, or an op that we cannot follow.
        makers: ids of the convolutions that give it.
        parts: widths that are concatenated to this one, in order; empty where it is no concatenation.
    """

    channels: int
    is_fixed: bool
    makers: tuple[str, ...]
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Widths:
    """The widths of a network.

    Attributes:
        widths: all of them.
        of_tensor: by name of a tensor the position of its width; tensors without channels are left out.
    """

    widths: tuple[Width, ...]
    of_tensor: Mapping[str, int]

    @property
    def free(self) -> dict[int, int]:
        """Channels of the widths that can be chosen, because convolutions alone make them; by position."""
        return {
            position: width.channels
            for position, width in enumerate(self.widths)
            if width.makers and not width.is_fixed and not width.parts
        }

    def with_sums(self, chosen: Mapping[int, int]) -> dict[int, int]:
        """Chosen numbers of channels by position, and what follows from them for concatenations."""
        changed = {position: number for position, number in chosen.items() if number != self.widths[position].channels}
        while True:
            sums = {
                position: sum(changed.get(part, self.widths[part].channels) for part in width.parts)
                for position, width in enumerate(self.widths)
                if width.parts and any(part in changed for part in width.parts)
            }
            if all(changed.get(position) == number for position, number in sums.items()):
                return changed
            changed |= sums


def find_widths(workload: Workload) -> Widths:
    """Find the widths of a network: which tensors must have equal numbers of channels, and who decides on them."""
    tensors = {tensor.name: tensor for tensor in workload.inputs}
    tensors |= {tensor.name: tensor for op in workload.ops for tensor in op.present_outputs if not tensor.is_constant}
    leader = {name: name for name, tensor in tensors.items() if tensor.shape is not None and len(tensor.shape) >= 3}

    def find(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for op in workload.ops:
        for first, second in _pairs(op):
            if first in leader and second in leader:
                leader[find(second)] = find(first)
    position: dict[str, int] = {}
    of_tensor = {name: position.setdefault(find(name), len(position)) for name in leader}
    makers: list[list[str]] = [[] for _ in position]
    joins: list[list[tuple[int, ...]]] = [[] for _ in position]
    fixed = {of_tensor[tensor.name] for tensor in (*workload.inputs, *workload.outputs) if tensor.name in of_tensor}
    for op in workload.ops:
        fixed |= {of_tensor[name] for name in _tied(op) if name in of_tensor}
        for tensor in op.present_outputs:
            if tensor.name not in of_tensor:
                continue
            if is_convolution(op) and not is_depthwise(op):
                makers[of_tensor[tensor.name]].append(op.id)
            elif _is_concatenation(op):
                joins[of_tensor[tensor.name]].append(tuple(of_tensor[part.name] for part in op.present_inputs))
    fixed = _fixed_parts(fixed, makers, joins)
    channels = {of_tensor[name]: tensors[name].dims[1] for name in of_tensor}
    return Widths(
        tuple(
            Width(channels[index], index in fixed, tuple(makers[index]), joins[index][0] if joins[index] else ())
            for index in range(len(position))
        ),
        of_tensor,
    )


def _is_concatenation(op: Op) -> bool:
    return (
        op.type == "Concat" and op.integer("axis", 0) == 1 and not any(part.is_constant for part in op.present_inputs)
    )


def _pairs(op: Op) -> Iterator[tuple[str, str]]:
    """Names of tensors that must have as many channels as each other because of this op."""
    try:
        output = op.output
        if is_convolution(op):
            if is_depthwise(op):
                yield output.name, op.input(0).name
        elif op.type in CHANNEL_BY_CHANNEL and output.rank >= 3:
            for tensor in op.present_inputs:
                # a gate with one channel is broadcast and ties nothing
                if not tensor.is_constant and tensor.rank == output.rank and tensor.dims[1] == output.dims[1]:
                    yield output.name, tensor.name
    except UnresolvedShape:
        return


def _tied(op: Op) -> Iterator[str]:
    """Names of tensors whose channels cannot change because of this op."""
    activations = [tensor for tensor in (*op.present_inputs, *op.present_outputs) if not tensor.is_constant]
    for body in op.bodies:
        yield from (tensor.name for inner in body.ops for tensor in inner.present_inputs)
    if not _is_followed(op, activations):
        yield from (tensor.name for tensor in activations)


def _is_followed(op: Op, activations: list[Tensor]) -> bool:
    try:
        rank = op.output.rank
        if is_convolution(op):
            return op.integer("group", 1) == 1 or is_depthwise(op)
        if op.type in CHANNEL_BY_CHANNEL:
            return len(op.present_outputs) == 1 and all(tensor.rank == rank for tensor in activations)
        return _is_concatenation(op) or (op.type in _ENDS and rank == 2)
    except UnresolvedShape:
        return False


def _fixed_parts(fixed: set[int], makers: list[list[str]], joins: list[list[tuple[int, ...]]]) -> set[int]:
    """Add the parts of concatenations whose result is fixed, or is made by something else too."""
    found = set(fixed)
    pending = [index for index, parts in enumerate(joins) if parts]
    while pending:
        index = pending.pop()
        if index in found or makers[index] or len(joins[index]) > 1:
            fresh = {part for parts in joins[index] for part in parts} - found
            found |= fresh
            pending += [part for part in fresh if joins[part]]
    return found
