"""Activation functions and elementwise sums of ONNX Runtime.

::

    y[i] = f(x[i] + bias[i]) + residual[i]

i an element; a bias that is added to an activation costs one operation per element. f costs its operators.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), the operators by name.
"""

from math import prod

from attainable.cost.composites import GELU, GELU_BY_TANH, SILU, softmax
from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op


def gelu(op: Op) -> Work:
    """5 per element, with erf, and 1 for a bias."""
    return scalar_results(op, (GELU - 1 + len(op.present_inputs)) * op.output.elements)


def fast_gelu(op: Op) -> Work:
    """8 per element, approximated with tanh, and 1 for a bias."""
    return scalar_results(op, (GELU_BY_TANH - 1 + len(op.present_inputs)) * op.output.elements)


def scaled_sigmoid_linear_unit(op: Op) -> Work:
    """``z * sigmoid(z)`` of ``z = alpha * x``, or ``x * sigmoid(alpha * x)``: 3 per element."""
    return scalar_results(op, (1 + SILU) * op.output.elements)


def split_gelu(op: Op) -> Work:
    """Add the bias to every element, then multiply one half by Gelu of the other, with erf: 6 per output."""
    return scalar_results(op, op.input(0).elements + (GELU + 1) * op.output.elements)


def add_all(op: Op) -> Work:
    """One addition fewer than inputs, per element."""
    return scalar_results(op, (len(op.present_inputs) - 1) * op.output.elements)


def gated_addition(op: Op) -> Work:
    """Multiply by the gate and add: 2 per element."""
    return scalar_results(op, 2 * op.output.elements)


def dropout_of_sum(op: Op) -> Work:
    """Add the bias, and the residual where there is one; in training 4 more per element, as in Dropout.

    Training is asked for by the fifth input, which must be a constant to be believed.
    """
    sums = 1 + (op.optional_input(2) is not None)
    return scalar_results(op, (sums + _random(op, 4)) * op.output.elements)


def dropout_with_bits(op: Op) -> Work:
    """Nothing but the copy in inference; in training a random number, a comparison and two products per element."""
    return scalar_results(op, _random(op, 2) * op.output.elements)


def _random(op: Op, position: int) -> int:
    training = op.optional_input(position)
    return 4 if training is not None and training.value and training.value[0] else 0


def softmax_of_sum(op: Op) -> Work:
    """Add the bias, then 5n - 2 for each row, which is the axis and all after it."""
    x = op.input(0)
    length = prod(x.dims[op.integer("axis", 1) :])
    rows = x.elements // length if length else 0
    return scalar_results(op, x.elements + softmax(x.elements, rows))


RULES: Rules = {
    "com.microsoft:Gelu": Rule(gelu, storage="in_place"),
    "com.microsoft:BiasGelu": Rule(gelu, storage="in_place"),
    "com.microsoft:FastGelu": Rule(fast_gelu, storage="in_place"),
    "com.microsoft:QuickGelu": Rule(scaled_sigmoid_linear_unit, storage="in_place"),
    "com.microsoft:ScaledSiLU": Rule(scaled_sigmoid_linear_unit, parameters=(), storage="in_place"),
    "com.microsoft:BiasSplitGelu": Rule(split_gelu),
    "com.microsoft:BiasAdd": Rule(add_all, storage="in_place"),
    "com.microsoft:GatedAdd": Rule(gated_addition, storage="in_place"),
    "com.microsoft:BiasDropout": Rule(dropout_of_sum, parameters=(1,), storage="in_place"),
    "com.microsoft:BitmaskBiasDropout": Rule(dropout_of_sum, parameters=(1,), storage="in_place"),
    "com.microsoft:BitmaskDropout": Rule(dropout_with_bits, parameters=()),
    "com.microsoft:BiasSoftmax": Rule(softmax_of_sum),
}
"""Activation functions and sums by type."""
