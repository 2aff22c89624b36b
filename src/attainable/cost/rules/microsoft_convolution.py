"""Convolutions of ONNX Runtime, with what its optimiser fuses into them.

::

    y = activation(x * w + bias + z)

* a convolution, z a tensor that is added to it. ``Nhwc`` moves the channels of x and y to the end and changes no
number. A convolution over a state that is carried along is depthwise and reads the past as its padding.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), the operators by name.
"""

from math import prod

from attainable.cost.composites import activation
from attainable.cost.work import Rule, Rules, Work, composite, contraction, partly_read
from attainable.workload.dtypes import bytes_of
from attainable.workload.graph import Op


def fused_convolution(op: Op) -> Work:
    """A convolution, the sum with a fourth input where there is one, and the activation."""
    _, *channels_and_kernel = op.input(1).dims
    outputs = op.output.elements
    per_output = activation(op.text("activation", "")) + (op.optional_input(3) is not None)
    return contraction(op, macs=outputs * prod(channels_and_kernel), operations=per_output * outputs)


def transposed_convolution(op: Op) -> Work:
    """One MAC for every input element, kernel position and output channel of the group."""
    _, *channels_and_kernel = op.input(1).dims
    return contraction(op, macs=op.input(0).elements * prod(channels_and_kernel))


def causal_convolution(op: Op) -> Work:
    """A depthwise convolution over the past and the input, and the activation."""
    _, *channels_and_kernel = op.input(1).dims
    outputs = op.output.elements
    per_output = activation(op.text("activation", "none"))
    return contraction(op, macs=outputs * prod(channels_and_kernel), operations=per_output * outputs)


def word_embedding(op: Op) -> Work:
    """A convolution over the characters of each word, tanh, and the largest along the word.

    A word of L characters has L - window + 1 positions; the table is read for as many rows as there are characters.
    """
    words, weight, table = op.input(0), op.input(1), op.input(3)
    *_, length = words.dims
    filters, *_, window, size = weight.dims
    _, row = table.dims
    positions = length - window + 1
    if not length or positions < 1:
        raise ValueError("words are shorter than the window")
    outputs = words.elements // length * filters
    macs, operations = outputs * positions * window * size, outputs * (2 * positions - 1)
    work = composite(op, ("matrix", weight.dtype, macs), ("vector", weight.dtype, operations))
    return partly_read(work, table, bytes_of(table.dtype, words.elements * row))


RULES: Rules = {
    "com.microsoft:FusedConv": Rule(fused_convolution, parameters=(1, 2)),
    "com.microsoft:NhwcConv": Rule(fused_convolution, parameters=(1, 2)),
    "com.microsoft:NhwcFusedConv": Rule(fused_convolution, parameters=(1, 2)),
    "com.microsoft:ConvTransposeWithDynamicPads": Rule(transposed_convolution, parameters=(1, 3)),
    "com.microsoft:CausalConvWithState": Rule(causal_convolution, parameters=(1, 2)),
    "com.microsoft:VarlenCausalConvWithState": Rule(causal_convolution, parameters=(1, 3)),
    "com.microsoft:WordConvEmbedding": Rule(word_embedding, parameters=(1, 2, 3)),
}
"""Convolutions by type."""
