"""Random numbers.

::

    y[i] = draw()

i an element of the output. Drawing a number is one operation, whatever the distribution; of a tensor that only lends
its shape nothing is read.

Source: ONNX operator specification, the operators by name; function body of Bernoulli 15.
"""

from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op


def draw(op: Op) -> Work:
    """One operation per number."""
    return Work(
        operations=(("vector", op.output.dtype, op.output.elements),) if op.output.elements else (),
        bytes_activation_out=op.output.bytes,
    )


def bernoulli(op: Op) -> Work:
    """Draw a number and compare it with the probability: 2 per element."""
    return scalar_results(op, 2 * op.output.elements)


def multinomial(op: Op) -> Work:
    """Sample c classes by their logarithmic weights with the inverse of the cumulative distribution.

    A row is prepared by its maximum c - 1, a difference c, an exponential c and the running sum c - 1: 4c - 2. A sample
    draws a number, scales it by the sum, and finds its class by bisection, ceil(log2 c).
    """
    rows, classes = op.input(0).dims
    bisection = max(classes - 1, 0).bit_length()
    return scalar_results(op, rows * max(4 * classes - 2, 0) + (2 + bisection) * op.output.elements)


RULES: Rules = {
    **{
        kind: Rule(draw, parameters=())
        for kind in ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
    },
    "Bernoulli": Rule(bernoulli),
    "Multinomial": Rule(multinomial),
}
"""Random numbers by operator."""
