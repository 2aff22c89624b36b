"""Activation functions.

::

    y[i] = f(x[i])

i an element. f is a composite of elementwise operators: it costs their number, constants and selection being free. The
body is taken as it stands: multiplying by an alpha of 1 counts too.

Source: ONNX operator specification, function bodies of the operators by name.
"""

from attainable.cost.composites import GELU, GELU_BY_TANH
from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op

_PER_ELEMENT = {
    "Relu": 1,  # max
    "ThresholdedRelu": 1,  # less
    "LeakyRelu": 2,  # less, mul
    "PRelu": 2,  # less, mul
    "Softplus": 3,  # exp, add, log
    "Softsign": 3,  # abs, add, div
    "Swish": 3,  # mul, sigmoid, mul
    "SwiGLU": 4,  # swish, mul
    "Elu": 4,  # less, exp, sub, mul
    "HardSigmoid": 4,  # mul, add, min, max
    "Shrink": 4,  # less, add, sub, less
    "HardSwish": 5,  # hard sigmoid, mul
    "Mish": 5,  # softplus, tanh, mul
    "Celu": 6,  # div, elu, mul
    "Selu": 6,  # exp, mul, sub, mul, mul, less
}
"""Operations per element."""


def activation(op: Op) -> Work:
    """A fixed number of operations per element."""
    return scalar_results(op, _PER_ELEMENT[op.kind] * op.output.elements)


def gaussian_error_linear_unit(op: Op) -> Work:
    """With erf: div, erf, add, mul, mul; approximated with tanh: pow, mul, add, mul, tanh, add, mul, mul."""
    per_element = GELU_BY_TANH if op.text("approximate", "none") == "tanh" else GELU
    return scalar_results(op, per_element * op.output.elements)


RULES: Rules = {
    **{kind: Rule(activation, storage="in_place") for kind in _PER_ELEMENT},
    "Gelu": Rule(gaussian_error_linear_unit, storage="in_place"),
}
"""Activation functions by operator."""
