"""Operators that were experimental in ONNX until opset 10 and that ONNX Runtime still runs.

::

    y[i] = f(alpha * x[i] + beta)

i an element; alpha and beta are attributes, per channel in ImageScaler. Every scalar result is one operation.

Source: ONNX Runtime operator schemas, the operators by name.
"""

from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op

_PER_ELEMENT = {
    "Scale": 1,  # mul
    "Affine": 2,  # mul, add
    "ImageScaler": 2,  # mul, add
    "ScaledTanh": 3,  # mul, tanh, mul
    "ParametricSoftplus": 5,  # mul, exp, add, log, mul
}
"""Operations per element."""


def elementwise(op: Op) -> Work:
    """A fixed number of operations per element."""
    return scalar_results(op, _PER_ELEMENT[op.kind] * op.output.elements)


RULES: Rules = {kind: Rule(elementwise, storage="in_place") for kind in _PER_ELEMENT}
"""Experimental operators by operator."""
