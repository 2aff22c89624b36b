"""Operators that move elements and compute nothing.

::

    y[i] = x[where(i)]

i an element of the output. Zero operations; the input is read once and the output written once. An operator that takes
only part of its input (Slice, Gather) reads what it takes, and at most the whole: repeated elements are read once.

Source: ONNX operator specification, the operators by name; ONNX Runtime operator schemas, Crop, DynamicSlice,
GivenTensorFill, MemcpyFromHost, MemcpyToHost.
"""

from attainable.cost.work import Rule, Rules, Work, movement, partly_read, scalar_results
from attainable.workload.graph import Op


def take(op: Op) -> Work:
    """Read as many bytes of the first input as the output has, at most all of it, and the other inputs."""
    return partly_read(movement(op), op.input(0), op.output.bytes)


def scatter(op: Op) -> Work:
    """Copy the first input and put the updates into the copy; a reduction costs one operation per update."""
    if op.text("reduction", "none") == "none":
        return movement(op)
    return scalar_results(op, op.input(2).elements)


def write(op: Op) -> Work:
    """Write the output; of the input only the shape is used, or a few numbers that are not counted."""
    return movement(op, bytes_activation_in=0, bytes_weight=0)


def arithmetic_sequence(op: Op) -> Work:
    """One addition per element, after 4 operations for their number: subtract, divide, round up, not below 0."""
    return scalar_results(op, op.output.elements + 4)


def find_nonzero(op: Op) -> Work:
    """One comparison with zero per element; the positions are as many as the data have."""
    return scalar_results(op, op.input(0).elements)


_FIRST = (0,)
"""Only the first input may be a parameter; the others say where, how often or how many."""

RULES: Rules = {
    **{kind: Rule(movement) for kind in ("Concat", "OneHot", "MaxUnpool", "MemcpyFromHost", "MemcpyToHost")},
    **{
        kind: Rule(movement, parameters=_FIRST)
        for kind in (
            "Transpose", "Split", "Pad", "Tile", "Expand", "DepthToSpace", "SpaceToDepth", "Trilu", "ReverseSequence",
        )
    },
    **{
        kind: Rule(take, parameters=_FIRST)
        for kind in (
            "Slice", "DynamicSlice", "Gather", "GatherElements", "GatherND", "Compress", "Crop", "CenterCropPad",
        )
    },
    "ai.onnx.ml:ArrayFeatureExtractor": Rule(take, parameters=_FIRST),
    **{
        kind: Rule(scatter, parameters=(0, 2), storage="in_place")
        for kind in ("Scatter", "ScatterElements", "ScatterND")
    },
    "TensorScatter": Rule(movement, parameters=(), storage="in_place"),
    **{kind: Rule(write, parameters=()) for kind in ("ConstantOfShape", "EyeLike", "GivenTensorFill", "Shape", "Size")},
    "Range": Rule(arithmetic_sequence, parameters=()),
    "NonZero": Rule(find_nonzero),
}  # fmt: skip
"""Movement by operator."""
