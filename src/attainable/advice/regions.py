"""Regions: the part of a network that a change of widths touches, as ops that can be run alone.

A region is what makes, hands on and reads the channels that change. It is cut out with its surroundings, because they
decide in which layout its tensors come and go: the ops behind it up to the next convolution, and at every cut to a
convolution a pool of one element, which computes nothing, but reads and gives the layout that the runtime's
convolutions use. Without it, changing the layout at the cut would be timed as if it were part of the pattern.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from attainable.advice.widths import CHANNEL_BY_CHANNEL, Widths, is_convolution, is_depthwise
from attainable.workload.graph import Op, Tensor, Workload

_POOLS = frozenset({"MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"})
_LAYOUT_GRAIN = 4
"""onnxruntime's blocked layout takes channels in fours."""


@dataclass(frozen=True, slots=True)
class Region:
    """A connected part of a network that a change of widths touches.

    Attributes:
        changed: the widths that change, by position: new number of channels.
        touched: the ops that read or make them.
        surroundings: the ops behind, up to the next convolution.
    """

    changed: Mapping[int, int]
    touched: tuple[Op, ...]
    surroundings: tuple[Op, ...]


def find_regions(workload: Workload, widths: Widths, changed: Mapping[int, int]) -> list[Region]:
    """The connected regions that a change of widths touches, in the order of the network.

    Args:
        workload: the network.
        widths: of it.
        changed: new number of channels of each width that changes, by position.
    """
    leader = {width: width for width in changed}

    def find(width: int) -> int:
        while leader[width] != width:
            width = leader[width]
        return width

    touched: list[tuple[Op, set[int]]] = []
    for op in workload.ops:
        own = {widths.of_tensor.get(tensor.name, -1) for tensor in (*op.present_inputs, *op.present_outputs)}
        own &= changed.keys()
        if own:
            touched.append((op, own))
            first, *others = sorted(own)
            for other in others:
                leader[find(other)] = find(first)
    ops_of: defaultdict[int, list[Op]] = defaultdict(list)
    for op, own in touched:
        if is_convolution(op) or op.type in CHANNEL_BY_CHANNEL or op.type == "Concat":
            ops_of[find(min(own))].append(op)
    return [
        Region(
            changed={width: number for width, number in changed.items() if find(width) == root},
            touched=tuple(ops),
            surroundings=_behind(workload, ops),
        )
        for root, ops in ops_of.items()
    ]


def _behind(workload: Workload, ops: Sequence[Op]) -> tuple[Op, ...]:
    """Ops that work element by element on what the region gives, up to a tensor that a convolution or pool reads."""
    inside = {op.id for op in ops}
    open_ends = {tensor.name for op in ops for tensor in op.present_outputs}
    readers = _readers(workload.ops)
    found: list[Op] = []
    for op in workload.ops:
        if op.id in inside or op.type not in CHANNEL_BY_CHANNEL - _POOLS or len(op.present_outputs) != 1:
            continue
        read = [tensor.name for tensor in op.present_inputs if tensor.name in open_ends]
        if any(not any(map(_keeps_layout, readers[name])) for name in read):
            found.append(op)
            open_ends.add(op.output.name)
    return tuple(found)


def region_ops(region: Region, workload: Workload, widths: Widths, changed: Mapping[int, int]) -> tuple[Op, ...]:
    """The ops of a region with these numbers of channels, and what its surroundings need; ready to be written."""
    chosen = {op.id for op in (*region.touched, *region.surroundings)}
    ops = [_resized(op, widths, changed) for op in workload.ops if op.id in chosen]
    made = {tensor.name for op in ops for tensor in op.present_outputs}
    maker = {tensor.name: op for op in workload.ops for tensor in op.present_outputs}
    readers = _readers(workload.ops)
    entries = {
        tensor.name: tensor for op in ops for tensor in op.present_inputs
        if not tensor.is_constant and tensor.name not in made and _comes_blocked(tensor, maker)
    }  # fmt: skip
    exits = [
        tensor for op in ops for tensor in op.present_outputs
        if any(_keeps_layout(reader) and reader.id not in chosen for reader in readers[tensor.name])
    ]  # fmt: skip
    before = [
        _pool(replace(tensor, name=f"{tensor.name} outside"), tensor, ops[0].opset) for tensor in entries.values()
    ]
    after = [_pool(tensor, replace(tensor, name=f"{tensor.name} outside"), ops[0].opset) for tensor in exits]
    return (*before, *ops, *after)


def macs(ops: Iterable[Op]) -> int:
    """Multiply-accumulates of the convolutions among these ops."""
    return sum(math.prod(op.output.dims) * math.prod(op.input(1).dims[1:]) for op in ops if op.type == "Conv")


def structure(ops: Sequence[Op]) -> tuple[object, ...]:
    """Equal for ops that are equal but for the names of their tensors: they take the same time."""
    numbers: dict[str, int] = {}
    return tuple(
        (op.signature, tuple(numbers.setdefault(tensor.name, len(numbers)) for tensor in op.present_inputs),
         tuple(numbers.setdefault(tensor.name, len(numbers)) for tensor in op.present_outputs))
        for op in ops
    )  # fmt: skip


def _keeps_layout(op: Op) -> bool:
    """Whether the runtime has a kernel for the op that works on the layout of its convolutions."""
    return is_convolution(op) or op.type in _POOLS


def _readers(ops: Iterable[Op]) -> defaultdict[str, list[Op]]:
    readers: defaultdict[str, list[Op]] = defaultdict(list)
    for op in ops:
        for tensor in op.present_inputs:
            readers[tensor.name].append(op)
    return readers


def _comes_blocked(tensor: Tensor, maker: Mapping[str, Op]) -> bool:
    """Whether the tensor is the work of a convolution, and of a width that the blocked layout takes."""
    if tensor.dtype != "float32" or tensor.rank != 4 or tensor.dims[1] % _LAYOUT_GRAIN:
        return False
    op = maker.get(tensor.name)
    while op is not None and op.type in CHANNEL_BY_CHANNEL:
        op = maker.get(op.input(0).name)
    return op is not None and (is_convolution(op) or op.type == "Concat")


def _pool(source: Tensor, target: Tensor, opset: int) -> Op:
    attributes = (("kernel_shape", (1,) * (source.rank - 2)),)
    return Op("", "", "MaxPool", "", opset, (source,), (target,), attributes)


def _resized(op: Op, widths: Widths, changed: Mapping[int, int]) -> Op:
    """The op with other numbers of channels."""

    def channels(tensor: Tensor) -> int:
        width = widths.of_tensor.get(tensor.name)
        return tensor.dims[1] if width is None else changed.get(width, tensor.dims[1])

    def resized(tensor: Tensor | None, index: int) -> Tensor | None:
        if tensor is None or tensor.shape is None:
            return tensor
        if not tensor.is_constant:
            shape = (tensor.shape[0], channels(tensor), *tensor.shape[2:]) if tensor.rank >= 3 else tensor.shape
        else:
            shape = _constant_shape(op, index, tensor, channels(op.input(0)), channels(op.output))
        return tensor if shape == tensor.shape else replace(tensor, shape=shape, value=None, bytes_stored=None)

    attributes = op.attributes
    if is_convolution(op) and is_depthwise(op):
        attributes = tuple((name, channels(op.output) if name == "group" else value) for name, value in op.attributes)
    return replace(
        op,
        inputs=tuple(resized(tensor, index) for index, tensor in enumerate(op.inputs)),
        outputs=tuple(resized(tensor, 0) for tensor in op.outputs),
        attributes=attributes,
    )


def _constant_shape(op: Op, index: int, tensor: Tensor, channels_in: int, channels_out: int) -> tuple[int, ...]:
    shape = tensor.dims
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
