"""Optimiser steps.

::

    g = norm_coefficient * x + gradient,   x' = x - rate * direction(g, state)

Element by element, as the pseudo code of each operator says; the rate is one number and costs a few operations.

Source: ONNX operator specification, ai.onnx.preview.training: Adagrad, Adam, Momentum, version 1.
"""

from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op


def adagrad(op: Op) -> Work:
    """Regularise 2, add the square 2, root and epsilon 2, move 3: 9 per element; the rate 3."""
    return scalar_results(op, 9 * _elements(op, tensors=3) + 3)


def adam(op: Op) -> Work:
    """Regularise 2, first moment 3, second 4, root and epsilon 2, move 3, shrink 1: 15 per element.

    The complements of alpha and beta are known. The rate takes two powers, two differences, a root, a product and a
    quotient.
    """
    return scalar_results(op, 15 * _elements(op, tensors=4) + 7)


def momentum(op: Op) -> Work:
    """Regularise 2, momentum 3, move 2: 7 per element; Nesterov's move 4: 9. Comparing the step with 0 is 1."""
    per_element = 9 if op.text("mode", "standard") == "nesterov" else 7
    return scalar_results(op, per_element * _elements(op, tensors=3) + 1)


def _elements(op: Op, *, tensors: int) -> int:
    """Elements that are optimised: behind rate and step the inputs hold ``tensors`` groups of equal shapes."""
    optimised = (len(op.inputs) - 2) // tensors
    return sum(op.input(position).elements for position in range(2, 2 + optimised))


_DOMAIN = "ai.onnx.preview.training"

RULES: Rules = {
    f"{_DOMAIN}:Adagrad": Rule(adagrad),
    f"{_DOMAIN}:Adam": Rule(adam),
    f"{_DOMAIN}:Momentum": Rule(momentum),
}
"""Optimiser steps by type."""
