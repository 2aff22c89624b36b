"""Operators that only name elements anew.

::

    y[i] = x[i]

i a position in memory: nothing is read, written or computed.

Source: ONNX operator specification, the operators by name; Dropout in inference, where it is the identity.
"""

from attainable.cost.work import Rule, Rules, Work, free, scalar_results
from attainable.workload.graph import Op


def dropout(op: Op) -> Work:
    """Nothing in inference; in training a random number, a comparison and two products per element.

    Training is asked for by the third input, which exists since opset 12 and must be a constant to be believed.
    """
    training = op.optional_input(2)
    if training is None or not training.value or not training.value[0]:
        return free(op)
    return scalar_results(op, 4 * op.output.elements)


RULES: Rules = {
    **{
        kind: Rule(free, parameters=(0,), storage="view")
        for kind in ("Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity", "BitCast")
    },
    "Dropout": Rule(dropout, parameters=(), storage="view"),
    "Constant": Rule(free),
}
"""Views by operator."""
