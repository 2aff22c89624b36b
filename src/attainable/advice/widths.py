"""Widths: numbers of channels that can only be changed together.

A convolution may give any number of channels, and what reads them must take that many. What works channel by channel
(an activation, a pool, a depthwise convolution, the sum of a residual block) hands the number on, so that all tensors
that are joined by such ops share one width. A concatenation makes a width that is the sum of others.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from attainable.workload.graph import Op, Tensor, UnresolvedShape, Workload

CHANNEL_BY_CHANNEL = frozenset({
    "Relu", "LeakyRelu", "PRelu", "Clip", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Elu", "Softplus", "Mish",
    "Gelu", "Identity", "BatchNormalization", "InstanceNormalization", "MaxPool", "AveragePool", "GlobalAveragePool",
    "GlobalMaxPool", "Add", "Sub", "Mul", "Div",
})  # fmt: skip
"""Operators whose output has the channels of their inputs, each by itself."""

_ENDS = ("Flatten", "Reshape", "Squeeze", "ReduceMean")
"""Operators that end a width where they give a matrix: the features of a classifier."""


def is_convolution(op: Op) -> bool:
    """Tell whether the op is a convolution with stored weights."""
    return op.type == "Conv" and all(tensor.is_constant for tensor in op.present_inputs[1:])


def is_depthwise(op: Op) -> bool:
    """Tell whether a convolution works channel by channel, one output a channel. Raises UnresolvedShape."""
    groups = op.integer("group", 1)
    return groups > 1 and groups == op.input(0).dims[1] == op.output.dims[1]


@dataclass(slots=True)
class Width:
    """A number of channels.

    Attributes:
        channels: how many.
        is_fixed: whether something ties it: an input or output of the network, or an op that we cannot follow.
        makers: convolutions that give it.
        parts: for the result of a concatenation the names of the tensors that it joins.
    """

    channels: int
    is_fixed: bool = False
    makers: list[Op] = field(default_factory=list[Op])
    parts: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])

    @property
    def is_free(self) -> bool:
        """Whether it can be chosen: convolutions alone make it."""
        return not self.is_fixed and bool(self.makers)


class Widths:
    """The widths of a network, by tensor."""

    def __init__(self, workload: Workload) -> None:
        self._leader: dict[str, str] = {}
        self._widths: dict[str, Width] = {}
        fixed: list[str] = [tensor.name for tensor in (*workload.inputs, *workload.outputs)]
        for op in workload.ops:
            fixed += self._join(op)
        for op in workload.ops:
            self._note_makers(op)
        for name in fixed:
            if (width := self.of(name)) is not None:
                width.is_fixed = True
        self._fix_parts()

    def of(self, name: str) -> Width | None:
        """The width of a tensor; None for one without channels."""
        return self._widths.get(self._find(name))

    def __iter__(self) -> Iterator[Width]:
        return iter(self._widths.values())

    def _find(self, name: str) -> str:
        while (leader := self._leader.get(name, name)) != name:
            name = leader
        return name

    def _unite(self, first: str, second: str) -> None:
        first, second = self._find(first), self._find(second)
        if first != second:
            self._leader[second] = first

    def _join(self, op: Op) -> Iterator[str]:
        """Unite the tensors that share a width over this op; gives those whose width it ties."""
        activations = [tensor for tensor in (*op.present_inputs, *op.present_outputs) if not tensor.is_constant]
        try:
            yield from self._join_resolved(op, activations)
        except (UnresolvedShape, IndexError):
            yield from (tensor.name for tensor in activations)
        for body in op.bodies:
            yield from (tensor.name for inner in body.ops for tensor in inner.present_inputs)

    def _join_resolved(self, op: Op, activations: list[Tensor]) -> Iterator[str]:
        output = op.output
        if is_convolution(op) and (op.integer("group", 1) == 1 or is_depthwise(op)):
            if is_depthwise(op):
                self._unite(op.input(0).name, output.name)
        elif op.type in CHANNEL_BY_CHANNEL and len(op.present_outputs) == 1:
            alike = [tensor for tensor in activations if tensor.rank == output.rank >= 3]
            # a gate or a bias with one channel is broadcast and ties nothing
            same = [tensor for tensor in alike if tensor.dims[1] == output.dims[1]]
            for tensor in same:
                self._unite(output.name, tensor.name)
            yield from (tensor.name for tensor in activations if tensor not in alike)
        elif op.type == "Concat" and op.integer("axis", 0) == 1 and output.rank >= 3:
            yield from (tensor.name for tensor in op.present_inputs if tensor.is_constant)
        elif not (op.type in _ENDS and output.rank == 2):
            yield from (tensor.name for tensor in activations)

    def _note_makers(self, op: Op) -> None:
        for tensor in op.present_outputs:
            if tensor.is_constant or tensor.shape is None or len(tensor.shape) < 3:
                continue
            width = self._widths.setdefault(self._find(tensor.name), Width(tensor.shape[1]))
            if is_convolution(op) and not is_depthwise(op):
                width.makers.append(op)
            elif op.type == "Concat" and op.integer("axis", 0) == 1:
                width.parts.append(tuple(part.name for part in op.present_inputs))

    def _fix_parts(self) -> None:
        """The parts of a concatenation are fixed where its result is, or where something else makes that too."""
        pending = [width for width in self if width.parts]
        while pending:
            width = pending.pop()
            if not (width.is_fixed or width.makers or len(width.parts) > 1):
                continue
            for part in (self.of(name) for names in width.parts for name in names):
                if part is not None and not part.is_fixed:
                    part.is_fixed = True
                    pending.append(part)


def changed_widths(widths: Widths, chosen: dict[int, int]) -> dict[int, int]:
    """Add to chosen widths, by identity, what follows for the results of concatenations.

    Args:
        widths: of the network.
        chosen: new number of channels by ``id`` of a free width.

    Returns:
        The new number of channels of every width that changes, by ``id``.
    """
    changed: defaultdict[int, int] = defaultdict(int, chosen)
    again = True
    while again:
        again = False
        for width in widths:
            if len(width.parts) != 1 or width.is_fixed or width.makers:
                continue
            parts = [part for name in width.parts[0] if (part := widths.of(name)) is not None]
            total = width.channels + sum(changed.get(id(part), part.channels) - part.channels for part in parts)
            if total != changed.get(id(width), width.channels):
                changed[id(width)] = total
                again = True
    return dict(changed)
