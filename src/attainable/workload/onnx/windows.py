"""How many windows fit: convolution and pooling."""

from collections.abc import Sequence

from attainable.workload.graph import Op


def windowed(op: Op, extents: Sequence[int], kernel: Sequence[int]) -> list[int]:
    """Extents after sliding a kernel over each axis.

    ``floor((extent + pads - (dilation * (kernel - 1) + 1)) / stride) + 1``, rounded up with ``ceil_mode``;
    ``ceil(extent / stride)`` with ``auto_pad`` SAME.

    Source: ONNX operator specification, Conv and MaxPool.
    """
    axes = len(extents)
    strides = op.integers("strides") or (1,) * axes
    dilations = op.integers("dilations") or (1,) * axes
    pads = op.integers("pads") or (0,) * (2 * axes)
    padding = op.text("auto_pad", "NOTSET")
    found: list[int] = []
    for axis, extent in enumerate(extents):
        stride = strides[axis]
        if padding.startswith("SAME"):
            found.append(-(-extent // stride))
            continue
        around = 0 if padding == "VALID" else pads[axis] + pads[axis + axes]
        free = extent + around - dilations[axis] * (kernel[axis] - 1) - 1
        steps = -(-free // stride) if op.integer("ceil_mode", 0) else free // stride
        # a window that would start in the padding behind the end does not count
        if op.integer("ceil_mode", 0) and padding == "NOTSET" and steps * stride >= extent + pads[axis]:
            steps -= 1
        found.append(steps + 1)
    return found
