"""Images as files and as columns.

::

    y[n, c, o * stride + k * dilation - pad] += x[n, c, k, o]

n image, c channel, o block, k position in the block. Every element of every block is added to its place. Decoding a
compressed image is no function of shapes: its arithmetic is not counted, and the bytes that it reads and writes are.

Source: ONNX operator specification, Col2Im 18, ImageDecoder 20.
"""

from attainable.cost.work import Rule, Rules, Work, movement, scalar_results
from attainable.workload.graph import Op


def columns_to_image(op: Op) -> Work:
    """One addition for every element of the columns."""
    return scalar_results(op, op.input(0).elements)


RULES: Rules = {
    "Col2Im": Rule(columns_to_image, parameters=(0,)),
    "ImageDecoder": Rule(movement, parameters=()),
}
"""Images by operator."""
