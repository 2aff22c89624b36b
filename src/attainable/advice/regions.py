"""Regions: the part of a network that a change of widths touches, as ops that can be run alone.

A region is what makes, hands on and reads the channels that change. It is cut out with its surroundings, because they
decide in which layout its tensors come and go: the element-wise ops behind it, and at every cut to a convolution or a
pool a pool of one element, which computes nothing, but takes and gives the layout that the runtime's convolutions use.
Without it a change of layout at the cut would be timed as if it were part of the pattern.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush

from attainable.advice.widths import CHANNEL_BY_CHANNEL, Widths, is_convolution, is_depthwise
from attainable.workload.graph import Op, Shape, Tensor, Workload

_POOLS = frozenset({"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"})
_LAYOUT_GRAIN = 4
"""onnxruntime's blocked layout takes channels in fours."""


@dataclass(frozen=True, slots=True)
class Region:
    """A connected part of a network that a change of widths touches.

    Attributes:
        changed: the widths that change, by position: new number of channels.
        touched: positions of the ops that read or make them.
        surroundings: positions of the ops behind, up to the next convolution or pool.
    """

    changed: Mapping[int, int]
    touched: tuple[int, ...]
    surroundings: tuple[int, ...]


class RegionFinder:
    """Cuts regions out of a network.

    Args:
        workload: the network.
        widths: of it.
    """

    def __init__(self, workload: Workload, widths: Widths) -> None:
        self.ops = workload.ops
        self.widths = widths
        self._readers: defaultdict[str, list[int]] = defaultdict(list)
        self._maker: dict[str, int] = {}
        for position, op in enumerate(workload.ops):
            for tensor in op.present_inputs:
                self._readers[tensor.name].append(position)
            for tensor in op.present_outputs:
                self._maker[tensor.name] = position

    def regions(self, changed: Mapping[int, int]) -> list[Region]:
        """The connected regions that a change touches: new number of channels by position of the width."""
        leader = {width: width for width in changed}

        def find(width: int) -> int:
            while leader[width] != width:
                width = leader[width]
            return width

        touched: list[tuple[int, int]] = []
        for position, op in enumerate(self.ops):
            tensors = (*op.present_inputs, *op.present_outputs)
            own = sorted({self.widths.of_tensor.get(tensor.name, -1) for tensor in tensors} & changed.keys())
            for other in own[1:]:
                leader[find(other)] = find(own[0])
            if own and (is_convolution(op) or op.type in CHANNEL_BY_CHANNEL or op.type == "Concat"):
                touched.append((own[0], position))
        positions: defaultdict[int, list[int]] = defaultdict(list)
        for width, position in touched:
            positions[find(width)].append(position)
        return [
            Region(
                changed={width: number for width, number in changed.items() if find(width) == root},
                touched=tuple(ops),
                surroundings=self._behind(ops),
            )
            for root, ops in positions.items()
        ]

    def _behind(self, touched: Sequence[int]) -> tuple[int, ...]:
        """Ops that work element by element on what a region gives, up to what a convolution or a pool reads."""
        inside = set(touched)
        found: list[int] = []
        pending = [reader for position in touched for reader in self._open_readers(position)]
        heapify(pending)
        while pending:
            position = heappop(pending)
            op = self.ops[position]
            if position in inside or op.type not in CHANNEL_BY_CHANNEL - _POOLS or len(op.present_outputs) != 1:
                continue
            inside.add(position)
            found.append(position)
            for reader in self._open_readers(position):
                heappush(pending, reader)
        return tuple(found)

    def _open_readers(self, position: int) -> list[int]:
        """What reads the results of an op, where no convolution or pool is among the readers of that result."""
        results = (self._readers[tensor.name] for tensor in self.ops[position].present_outputs)
        return [reader for readers in results if not any(map(self._keeps_layout, readers)) for reader in readers]

    def _keeps_layout(self, position: int) -> bool:
        """Whether the runtime has a kernel for the op that works on the layout of its convolutions."""
        return is_convolution(self.ops[position]) or self.ops[position].type in _POOLS

    def written(self, region: Region, changed: Mapping[int, int]) -> tuple[Op, ...]:
        """The ops of a region with these numbers of channels, and the pools at its cuts; ready to be written."""
        chosen = {*region.touched, *region.surroundings}
        ops = [resized(self.ops[position], self.widths, changed) for position in sorted(chosen)]
        made = {tensor.name for op in ops for tensor in op.present_outputs}
        entries = {
            tensor.name: tensor
            for op in ops
            for tensor in op.present_inputs
            if not tensor.is_constant and tensor.name not in made and self._comes_blocked(tensor)
        }
        exits = [
            tensor
            for op in ops
            for tensor in op.present_outputs
            if any(self._keeps_layout(reader) and reader not in chosen for reader in self._readers[tensor.name])
        ]
        opset = ops[0].opset
        before = [_pool(_outside(tensor), tensor, opset) for tensor in entries.values()]
        after = [_pool(tensor, _outside(tensor), opset) for tensor in exits]
        return (*before, *ops, *after)

    def _comes_blocked(self, tensor: Tensor) -> bool:
        """Whether the tensor is the work of a convolution, and of a width that the blocked layout takes."""
        if tensor.dtype != "float32" or tensor.rank != 4 or tensor.dims[1] % _LAYOUT_GRAIN:
            return False
        position = self._maker.get(tensor.name)
        while position is not None and self.ops[position].type in CHANNEL_BY_CHANNEL:
            position = self._maker.get(self.ops[position].input(0).name)
        return position is not None and (is_convolution(self.ops[position]) or self.ops[position].type == "Concat")


def macs(ops: Iterable[Op]) -> int:
    """Multiply-accumulates of the convolutions among these ops."""
    return sum(math.prod(op.output.dims) * math.prod(op.input(1).dims[1:]) for op in ops if op.type == "Conv")


def structure(ops: Sequence[Op]) -> tuple[object, ...]:
    """Equal for ops that are equal but for the names of their tensors: they take the same time."""
    numbers: dict[str, int] = {}

    def wiring(tensors: Iterable[Tensor]) -> tuple[int, ...]:
        return tuple(numbers.setdefault(tensor.name, len(numbers)) for tensor in tensors)

    return tuple((op.signature, wiring(op.present_inputs), wiring(op.present_outputs)) for op in ops)


def resized(op: Op, widths: Widths, changed: Mapping[int, int]) -> Op:
    """The op with other numbers of channels, by position of the width; weights that change are no longer known."""

    def channels(tensor: Tensor) -> int:
        width = widths.of_tensor.get(tensor.name, -1)
        return changed[width] if width in changed else tensor.dims[1]

    def other(tensor: Tensor | None, index: int) -> Tensor | None:
        if tensor is None or tensor.shape is None:
            return tensor
        if tensor.is_constant:
            shape = _constant_shape(op, index, channels(op.input(0)), channels(op.output))
        else:
            shape = (tensor.shape[0], channels(tensor), *tensor.shape[2:]) if tensor.rank > 1 else tensor.shape
        return tensor if shape == tensor.shape else replace(tensor, shape=shape, value=None, bytes_stored=None)

    if not any(
        widths.of_tensor.get(tensor.name, -1) in changed for tensor in (*op.present_inputs, *op.present_outputs)
    ):
        return op
    groups = channels(op.output) if is_convolution(op) and is_depthwise(op) else op.integer("group", 1)
    return replace(
        op,
        inputs=tuple(other(tensor, index) for index, tensor in enumerate(op.inputs)),
        outputs=tuple(other(tensor, -1) for tensor in op.outputs),
        attributes=tuple((name, groups if name == "group" else value) for name, value in op.attributes),
    )


def _constant_shape(op: Op, index: int, channels_in: int, channels_out: int) -> Shape:
    shape = op.input(index).dims
    if is_convolution(op):
        if index == 1:
            return (channels_out, shape[1] if op.integer("group", 1) > 1 else channels_in, *shape[2:])
        return (channels_out,)
    if op.type in ("BatchNormalization", "InstanceNormalization"):
        return (channels_out,)
    # numpy's broadcasting lines axes up from the right
    axis = len(shape) - (op.output.rank - 1)
    if axis >= 0 and shape[axis] == op.output.dims[1]:
        return (*shape[:axis], channels_out, *shape[axis + 1 :])
    return shape


def _outside(tensor: Tensor) -> Tensor:
    return replace(tensor, name=f"{tensor.name} outside")


def _pool(source: Tensor, target: Tensor, opset: int) -> Op:
    return Op("", "", "MaxPool", "", opset, (source,), (target,), (("kernel_shape", (1,) * (source.rank - 2)),))
