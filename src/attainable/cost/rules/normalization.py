"""Normalisation.

::

    y[s, i] = (x[s, i] - mean[s]) / sqrt(mean of squares[s] - mean[s]^2 + epsilon) * scale[i] + bias[i]

s a set of elements that share their statistics (a row, a group, a channel); i an element of the set, n of them. The
function bodies of ONNX say what a set costs: mean n, squares n, mean of squares n, then 4 for the set alone (mean
squared, variance, + epsilon, root), then subtract, divide, scale and shift, n each: 7n + 4.

Source: ONNX operator specification: function bodies of LayerNormalization 17, GroupNormalization 21, RMSNormalization
23, MeanVarianceNormalization 13; formulas of BatchNormalization, InstanceNormalization, LpNormalization, LRN. ONNX
Runtime operator schemas, SimplifiedLayerNormalization.
"""

from math import prod

from attainable.cost import composites
from attainable.cost.composites import outer_rows
from attainable.cost.work import Rule, Rules, Work, scalar_results
from attainable.workload.graph import Op


def batch_normalization(op: Op) -> Work:
    """Inference: ``(x - mean) / sqrt(variance + epsilon) * scale + bias``, 4 per element and 2 per channel.

    Training, asked for by ``training_mode`` or, before opset 14, by further outputs, takes the statistics of the batch:
    7 per element and 4 per channel, and 3 per channel (two products and a sum) for each running statistic.
    """
    elements, channels = op.input(0).elements, op.input(1).elements
    updates = len(op.present_outputs[1:3])
    if op.integer("training_mode", 0) or (op.opset < 14 and updates):
        return scalar_results(op, 7 * elements + (4 + 3 * updates) * channels)
    return scalar_results(op, 4 * elements + 2 * channels)


def layer_normalization(op: Op) -> Work:
    """7 per element and 4 per row, less the shift where there is no bias, and 1 per row for a wanted ``1 / root``."""
    x = op.input(0)
    rows = outer_rows(x, op.integer("axis", -1))
    inverse_root = len(op.outputs) > 2 and op.outputs[2] is not None
    normalized = composites.layer_normalization(x.elements, rows, shift=op.optional_input(2) is not None)
    return scalar_results(op, normalized + inverse_root * rows)


def root_mean_square_normalization(op: Op) -> Work:
    """Square, mean, divide and scale each element; add epsilon and take the root once a row: 4n + 2.

    ONNX Runtime's own form, which stood for it before opset 23, also gives ``1 / root``, 1 per row where it is wanted.
    """
    x = op.input(0)
    rows = outer_rows(x, op.integer("axis", -1))
    inverse_roots = (len(op.present_outputs) - 1) * rows
    return scalar_results(op, composites.root_mean_square_normalization(x.elements, rows) + inverse_roots)


def group_normalization(op: Op) -> Work:
    """7 per element and 4 per group of channels."""
    batch, *_ = op.input(0).dims
    groups = batch * op.integer("num_groups", 1)
    return scalar_results(op, composites.layer_normalization(op.input(0).elements, groups))


def instance_normalization(op: Op) -> Work:
    """7 per element and 4 per channel of each image: group normalisation with one channel a group."""
    batch, channels, *_ = op.input(0).dims
    return scalar_results(op, composites.layer_normalization(op.input(0).elements, batch * channels))


def mean_variance_normalization(op: Op) -> Work:
    """Mean, square, mean, subtract and divide each element; 4 for each set: 5n + 4, neither scale nor shift."""
    x = op.input(0)
    axes = {axis % x.rank for axis in op.integers("axes") or (0, 2, 3)}
    sets = prod(extent for axis, extent in enumerate(x.dims) if axis not in axes)
    return scalar_results(op, 5 * x.elements + 4 * sets)


def norm_normalization(op: Op) -> Work:
    """Divide by the norm: 2-norm n squares, n - 1 additions, 1 root, 3n in all; 1-norm n absolute values, 3n - 1."""
    x = op.input(0)
    length = x.dims[op.integer("axis", -1)]
    rows = x.elements // length if length else 0
    return scalar_results(op, 3 * x.elements - (rows if op.integer("p", 2) == 1 else 0))


def local_response_normalization(op: Op) -> Work:
    """``x / (bias + alpha / size * sum of squares) ** beta``: 1 square, size - 1 additions, and 4 more per element.

    Windows over the channels are counted full, as in pooling; ``alpha / size`` is a constant.
    """
    return scalar_results(op, (op.integer("size", 1) + 4) * op.input(0).elements)


RULES: Rules = {
    "BatchNormalization": Rule(batch_normalization, parameters=(1, 2), storage="in_place"),
    "LayerNormalization": Rule(layer_normalization, parameters=(1, 2)),
    "RMSNormalization": Rule(root_mean_square_normalization, parameters=(1,)),
    "SimplifiedLayerNormalization": Rule(root_mean_square_normalization, parameters=(1,)),
    "GroupNormalization": Rule(group_normalization, parameters=(1, 2)),
    "InstanceNormalization": Rule(instance_normalization, parameters=(1, 2)),
    "MeanVarianceNormalization": Rule(mean_variance_normalization),
    "LpNormalization": Rule(norm_normalization),
    "LRN": Rule(local_response_normalization),
}
"""Normalisation by operator."""
