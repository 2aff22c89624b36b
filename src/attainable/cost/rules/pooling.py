"""Pooling.

::

    y[n, c, o] = reduce over k of  x[n, c, o * stride + k * dilation - pad]

n batch, c channel, o output position, k kernel position (both on every spatial axis); reduce is max, mean or the
p-norm. Windows are counted full, padding included, as in a convolution. K kernel positions cost

* max: K - 1 comparisons,
* average: K - 1 additions and 1 division, K,
* 1-norm: K absolute values and K - 1 additions, 2K - 1; 2-norm: K squares, K - 1 additions, 1 root, 2K;
  p-norm: K absolute values, K powers, K - 1 additions, 1 root, 3K.

Source: ONNX operator specification, MaxPool, AveragePool, LpPool and their global forms.
"""

from math import prod

from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op


def max_pool(op: Op) -> Work:
    """K - 1 comparisons per output; the indices of the second output come with them."""
    return scalar_results(op, op.output.elements * (prod(op.integers("kernel_shape")) - 1))


def average_pool(op: Op) -> Work:
    """K - 1 additions and a division per output."""
    return scalar_results(op, op.output.elements * prod(op.integers("kernel_shape")))


def norm_pool(op: Op) -> Work:
    """The p-norm of K elements per output."""
    outputs = op.output.elements
    return scalar_results(op, _norms(outputs * prod(op.integers("kernel_shape")), outputs, power=op.attribute("p")))


def global_max_pool(op: Op) -> Work:
    """One comparison fewer than elements, per channel."""
    return scalar_results(op, max(op.input(0).elements - op.output.elements, 0))


def global_average_pool(op: Op) -> Work:
    """As many operations as elements: the additions are one fewer per channel, the division is one."""
    return scalar_results(op, op.input(0).elements)


def global_norm_pool(op: Op) -> Work:
    """The p-norm of every channel."""
    return scalar_results(op, _norms(op.input(0).elements, op.output.elements, power=op.attribute("p")))


def _norms(elements: int, norms: int, *, power: object) -> int:
    """Operations of ``norms`` p-norms over ``elements`` elements in all; p is 2 unless given."""
    if power == 1:
        return 2 * elements - norms
    return 2 * elements if power in (None, 2) else 3 * elements


RULES: Rules = {
    "MaxPool": Rule(max_pool),
    "AveragePool": Rule(average_pool),
    "LpPool": Rule(norm_pool),
    "GlobalMaxPool": Rule(global_max_pool),
    "GlobalAveragePool": Rule(global_average_pool),
    "GlobalLpPool": Rule(global_norm_pool),
}
"""Pooling by operator."""
