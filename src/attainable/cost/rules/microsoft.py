"""Fused operators of ONNX Runtime that its optimiser puts in place of ONNX operators.

::

    y = activation(x * w + bias + z),   layer_normalization(x + skip + bias),   gelu(x + bias)

Each costs what the operators cost that it stands for, so that a count does not depend on whether the file was
optimised. The bias of a product is free; a bias that is added to an activation costs one operation per element.

Source: ONNX Runtime, docs/ContribOperators.md, the operators by name.
"""

from math import prod

from attainable.cost.work import Rule, Rules, Work, contraction, scalar_results
from attainable.workload.graph import Op

_ACTIVATION = {
    "": 0, "Relu": 1, "Sigmoid": 1, "Tanh": 1, "Clip": 2, "LeakyRelu": 2, "Softplus": 3, "Softsign": 3, "Elu": 4,
    "HardSigmoid": 4, "HardSwish": 5, "Gelu": 5, "Selu": 6,
}  # fmt: skip
"""Operations per element of an activation that is an attribute; the families have the same numbers."""


def fused_convolution(op: Op) -> Work:
    """A convolution, the sum with a fourth input where there is one, and the activation, whose kinds are listed.

    Raises:
        ValueError: an activation that is not in the list.
    """
    _, *channels_and_kernel = op.input(1).dims
    outputs = op.output.elements
    per_output = _activation(op) + (op.optional_input(3) is not None)
    return contraction(op, macs=outputs * prod(channels_and_kernel), operations=per_output * outputs)


def fused_general_matrix_product(op: Op) -> Work:
    """A general matrix product and the activation; C is constant in the files that the optimiser writes."""
    rows, columns = op.input(0).dims
    contracted = rows if op.integer("transA", 0) else columns
    outputs = op.output.elements
    per_output = _activation(op) + (op.attribute("alpha") not in (None, 1))
    return contraction(op, macs=outputs * contracted, operations=per_output * outputs)


def fused_matrix_product(op: Op) -> Work:
    """A matrix product, either side transposed, and one operation per output unless alpha is 1."""
    left, outputs = op.input(0).dims, op.output.elements
    *_, contracted = left
    if op.integer("transA", 0) and len(left) > 1:
        contracted = left[0] if op.integer("transBatchA", 0) else left[-2]
    scaled = 0 if op.attribute("alpha") in (None, 1) else outputs
    return contraction(op, macs=outputs * contracted, operations=scaled)


def skip_layer_normalization(op: Op) -> Work:
    """Add the skip and the bias, then layer normalisation: 7 per element and 4 per row, 6 where there is no beta."""
    added = 2 if op.optional_input(4) is not None else 1
    per_element = added + (7 if op.optional_input(3) is not None else 6)
    return _per_element_and_row(op, per_element, 4)


def skip_root_mean_square_normalization(op: Op) -> Work:
    """Add the skip and the bias, then root mean square normalisation: 4 per element and 2 per row."""
    added = 2 if op.optional_input(3) is not None else 1
    return _per_element_and_row(op, added + 4, 2)


def _per_element_and_row(op: Op, per_element: int, per_row: int) -> Work:
    *rows, _ = op.input(0).dims
    return scalar_results(op, per_element * op.input(0).elements + per_row * prod(rows))


def _activation(op: Op) -> int:
    kind = op.text("activation", "")
    if kind not in _ACTIVATION:
        raise ValueError(f"{op.kind} has an activation that is not in its table: {kind}")
    return _ACTIVATION[kind]


def gelu(op: Op) -> Work:
    """5 per element, with erf, and 1 for a bias."""
    return scalar_results(op, (4 + len(op.present_inputs)) * op.output.elements)


def fast_gelu(op: Op) -> Work:
    """8 per element, approximated with tanh, and 1 for a bias."""
    return scalar_results(op, (7 + len(op.present_inputs)) * op.output.elements)


def quick_gelu(op: Op) -> Work:
    """``x * sigmoid(alpha * x)``: 3 per element."""
    return scalar_results(op, 3 * op.output.elements)


RULES: Rules = {
    "com.microsoft:FusedConv": Rule(fused_convolution, parameters=(1, 2)),
    "com.microsoft:FusedGemm": Rule(fused_general_matrix_product, parameters=(0, 1, 2)),
    "com.microsoft:FusedMatMul": Rule(fused_matrix_product, parameters=(0, 1)),
    "com.microsoft:SkipLayerNormalization": Rule(skip_layer_normalization, parameters=(2, 3, 4)),
    "com.microsoft:SkipSimplifiedLayerNormalization": Rule(skip_root_mean_square_normalization, parameters=(2, 3)),
    "com.microsoft:Gelu": Rule(gelu, storage="in_place"),
    "com.microsoft:BiasGelu": Rule(gelu, storage="in_place"),
    "com.microsoft:FastGelu": Rule(fast_gelu, storage="in_place"),
    "com.microsoft:QuickGelu": Rule(quick_gelu, storage="in_place"),
}
"""Fused operators by type."""
