"""Convolutions.

::

    y[n, m, o] = bias[m] + sum over c, k of  x[n, g * C/G + c, o * stride + k * dilation - pad] * w[m, c, k]

n batch; m output channel, in group g of G; c input channel within the group, C/G of them; o output position, k kernel
position (both on every spatial axis). Padded taps are counted: every output is a full window. A transposed convolution
runs the equation backwards, from x to y, so that every *input* element meets every weight of its channel.

Source: ONNX operator specification, Conv, ConvInteger, ConvTranspose, QLinearConv, CausalConvWithState.
"""

from math import prod

from attainable.cost.composites import SILU, integer_shift
from attainable.cost.work import Rule, Rules, Work, contraction
from attainable.workload.graph import Op


def convolution(op: Op) -> Work:
    """One MAC for every output element, kernel position and input channel of the group."""
    _, *channels_and_kernel = op.input(1).dims
    return contraction(op, macs=op.output.elements * prod(channels_and_kernel))


def transposed_convolution(op: Op) -> Work:
    """One MAC for every input element, kernel position and output channel of the group."""
    _, *channels_and_kernel = op.input(1).dims
    return contraction(op, macs=op.input(0).elements * prod(channels_and_kernel))


def integer_convolution(op: Op) -> Work:
    """A convolution of ``x - x_zero_point`` with ``w - w_zero_point``; the difference of constants is known before."""
    _, *channels_and_kernel = op.input(1).dims
    macs = op.output.elements * prod(channels_and_kernel)
    return contraction(op, macs=macs, operations=integer_shift(op, (0, 2), (1, 3)))


def quantized_convolution(op: Op) -> Work:
    """An integer convolution, then per output: scale, round, add the zero point, and two comparisons to saturate."""
    x, weight = op.input(0), op.input(3)
    _, *channels_and_kernel = weight.dims
    shifted = x.elements + (0 if weight.is_constant else weight.elements)
    outputs = op.output.elements
    return contraction(op, macs=outputs * prod(channels_and_kernel), operations=shifted + 5 * outputs)


def causal_convolution(op: Op) -> Work:
    """A depthwise convolution over the past, then ``x * sigmoid(x)`` where the activation is silu or swish."""
    _, *channels_and_kernel = op.input(1).dims
    outputs = op.output.elements
    per_output = SILU if op.text("activation", "none") in ("silu", "swish") else 0
    return contraction(op, macs=outputs * prod(channels_and_kernel), operations=per_output * outputs)


RULES: Rules = {
    "Conv": Rule(convolution, parameters=(1, 2)),
    "ConvTranspose": Rule(transposed_convolution, parameters=(1, 2)),
    "ConvInteger": Rule(integer_convolution, parameters=(1,)),
    "QLinearConv": Rule(quantized_convolution, parameters=(3, 8)),
    "CausalConvWithState": Rule(causal_convolution, parameters=(1, 2)),
}
"""Convolutions by operator."""
