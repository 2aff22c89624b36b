"""How much more a device computes because it rounds channels up."""

from math import ceil

from attainable.cost.count import OpCount
from attainable.devices.device import Device
from attainable.devices.traits import Axis
from attainable.prediction.op_class import channels_last, op_class
from attainable.workload.graph import UnresolvedShape


def padded_share(entry: OpCount, device: Device) -> float:
    """Operations that the device does for each one that the op asks for: 1, or above where channels are rounded up.

    Of a depthwise convolution only the output channels are rounded: it has one input channel a group, and how a device
    runs it is a matter of its efficiency.
    """
    share = 1.0
    if not device.alignments or not entry.work.macs:
        return share
    for axis, channels in _channels(entry).items():
        multiple = device.multiple(axis, entry.dtype)
        if channels and multiple > 1:
            share *= ceil(channels / multiple) * multiple / channels
    return share


def _channels(entry: OpCount) -> dict[Axis, int]:
    """Channels of a group of a convolution, or what a product sums over and makes; empty where unknown."""
    op = entry.op
    try:
        kind = op_class(entry)
        first, result = op.present_inputs[0], op.output
        if kind in ("matmul", "matvec", "product"):
            return {"input_channels": first.dims[-1], "output_channels": result.dims[-1]}
        if kind not in ("conv", "pointwise", "grouped", "depthwise", "transposed"):
            return {}
        axis = -1 if channels_last(op) else 1
        if kind == "depthwise":
            return {"output_channels": result.dims[axis]}
        groups = op.integer("group", 1)
        return {"input_channels": first.dims[axis] // groups, "output_channels": result.dims[axis] // groups}
    except (UnresolvedShape, IndexError, ValueError):
        return {}
