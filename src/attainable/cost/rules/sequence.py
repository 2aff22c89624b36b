"""Sequences and optionals: containers that hold tensors.

::

    s = [x[0], x[1], ...];   y = s[i]

s a container, i a position in it. Putting a tensor in, taking it out or wrapping it copies a reference: nothing is
computed, read or written. Cutting a tensor into pieces and joining pieces move every element.

Source: ONNX operator specification, the operators by name.
"""

from attainable.cost.work import Rule, Rules, Work, free
from attainable.workload.graph import Op


def split(op: Op) -> Work:
    """Read the tensor, and where to cut it; write all of it in pieces."""
    source, cuts = op.input(0), op.optional_input(1)
    activations = 0 if source.is_constant else source.bytes
    weights = source.bytes if source.is_constant else 0
    if cuts is not None and cuts.is_constant:
        weights += cuts.bytes
    elif cuts is not None:
        activations += cuts.bytes
    return Work(bytes_activation_in=activations, bytes_weight=weights, bytes_activation_out=source.bytes)


def concatenate(op: Op) -> Work:
    """Read every piece, write the whole."""
    return Work(bytes_activation_in=op.output.bytes, bytes_activation_out=op.output.bytes)


def look(op: Op) -> Work:
    """Write a number that tells about the container."""
    return Work(bytes_activation_out=op.output.bytes)


RULES: Rules = {
    **{
        kind: Rule(free, parameters=(), storage="view")
        for kind in (
            "SequenceConstruct", "SequenceInsert", "SequenceErase", "SequenceAt", "Optional", "OptionalGetElement",
        )
    },
    "SequenceEmpty": Rule(free, parameters=()),
    **{kind: Rule(look, parameters=()) for kind in ("SequenceLength", "OptionalHasElement")},
    "SplitToSequence": Rule(split, parameters=(0,)),
    "ConcatFromSequence": Rule(concatenate, parameters=()),
}  # fmt: skip
"""Containers by operator. One that is made of several tensors keeps the memory of the first."""
