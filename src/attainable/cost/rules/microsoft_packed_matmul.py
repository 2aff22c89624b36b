"""Matrix products and look-ups of ONNX Runtime whose weights are packed into bytes.

::

    y[i, n] = bias[n] + sum over k of  a[i, k] * (packed[n, k] - zero_point[n, block]) * scale[n, block]

i row; n output feature, N of them; k input feature, K of them; blocks are along k. Turning constant weights into real
numbers happens before the run on paper and costs nothing, as in a file that holds DequantizeLinear of a constant; the
bytes read are those stored. Weights are computed with in the element type of a. N K parameters are stored, however many
bytes they take; scales and zero points are buffers.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), the operators by name.
"""

from attainable.cost.composites import activation, known_integers, root_mean_square_normalization
from attainable.cost.work import Rule, Rules, Work, contraction, partly_read, scalar_results
from attainable.workload.dtypes import is_integer
from attainable.workload.graph import Op


def product_by_attributes(op: Op) -> Work:
    """K MACs for each of N outputs of a row; K and N are attributes, because the weights' shape is that of bytes."""
    return _product(op, contracted=op.integer("K", 0), features=op.integer("N", 0))


def product_of_either_side(op: Op) -> Work:
    """K MACs for each of N outputs of a row, or N MACs for each of K where B is not transposed."""
    inputs, outputs = op.integer("K", 0), op.integer("N", 0)
    if not op.integer("transB", 1):
        inputs, outputs = outputs, inputs
    return _product(op, contracted=inputs, features=outputs)


def product_by_shape_input(op: Op) -> Work:
    """One MAC for every output and every element of the contracted axis, which is the last of A."""
    *_, contracted = op.input(0).dims
    return contraction(op, macs=op.output.elements * contracted)


def product_of_rows(op: Op) -> Work:
    """One MAC for every row of A, row of B and element of a row."""
    features, *_ = op.input(1).dims
    return contraction(op, macs=op.input(0).elements * features)


def product_of_quantized_rows(op: Op) -> Work:
    """As for rows; where A has a scale, quantising it divides, and undoing that multiplies, each element."""
    features, *_ = op.input(1).dims
    rounded = 2 * op.input(0).elements if op.optional_input(3) is not None else 0
    return contraction(op, macs=op.input(0).elements * features, operations=rounded)


def _product(op: Op, *, contracted: int, features: int) -> Work:
    _check(op, contracted)
    return contraction(op, macs=op.input(0).elements * features)


def query_key_value(op: Op) -> Work:
    """Root mean square normalisation, after the sum with ``skip`` where it is given, and three products."""
    x, inputs = op.input(0), op.integer("K", 0)
    features = op.integer("Nq", 0) + 2 * op.integer("Nkv", 0)
    _check(op, inputs)
    return contraction(op, macs=x.elements * features, operations=_normalized(op))


def gated_layers(op: Op) -> Work:
    """Normalisation where its scale is given, two products, the activation of one and the product of both."""
    x, features = op.input(0), op.integer("N", 0)
    _check(op, op.integer("K", 0))
    hidden = x.elements // (op.integer("K", 0) or 1) * features
    gated = (activation(op.text("activation", "silu")) + 1) * hidden
    normalized = _normalized(op) if op.optional_input(2) is not None else 0
    return contraction(op, macs=2 * x.elements * features, operations=normalized + gated)


def _check(op: Op, contracted: int) -> None:
    *_, columns = op.input(0).dims
    if columns != contracted:
        raise ValueError(f"{op.kind} contracts {contracted} features of {columns}")


def _normalized(op: Op) -> int:
    x = op.input(0)
    *_, columns = x.dims
    added = x.elements if op.optional_input(1) is not None else 0
    return added + root_mean_square_normalization(x.elements, x.elements // columns if columns else 0)


def gather(op: Op) -> Work:
    """Subtract the zero point and multiply by the scale for each element taken; of the table only these are read.

    Without zero points, unsigned bytes are shifted by half their range, and signed or floating elements are not.
    """
    table, y = op.input(0), op.output
    shifted = op.optional_input(3) is not None or table.dtype == "uint8"
    work = scalar_results(op, (2 if shifted else 1) * y.elements, dtype=y.dtype)
    stored = _elements_of_table(op)
    for part in (table, op.optional_input(2), op.optional_input(3)):
        if part is not None and stored:
            work = partly_read(work, part, part.bytes * min(y.elements, stored) // stored)
    return work


def _elements_of_table(op: Op) -> int:
    table = op.input(0)
    bits = op.integer("bits", 4)
    return table.elements * (8 // bits) if table.dtype == "uint8" and bits in (2, 4, 8) else table.elements


def _weights_by_attributes(op: Op, position: int) -> int | None:
    return op.integer("K", 0) * op.integer("N", 0) if position == 1 else None


def _weights_of_three(op: Op, position: int) -> int | None:
    features = {3: "Nq", 6: "Nkv", 9: "Nkv"}.get(position)
    return op.integer("K", 0) * op.integer(features, 0) if features else None


def _weights_of_two(op: Op, position: int) -> int | None:
    return op.integer("K", 0) * op.integer("N", 0) if position in (3, 6) else None


def _weights_by_shape_input(op: Op, position: int) -> int | None:
    shape = known_integers(op.optional_input(2))
    return shape[0] * shape[1] if position == 1 and len(shape) == 2 else None


def _two_a_byte(op: Op, position: int) -> int | None:
    weights = op.optional_input(1)
    return 2 * weights.elements if position == 1 and weights is not None and is_integer(weights.dtype) else None


def _entries(op: Op, position: int) -> int | None:
    return _elements_of_table(op) if position == 0 else None


RULES: Rules = {
    "com.microsoft:MatMulNBits": Rule(product_by_attributes, parameters=(1, 5), packed=_weights_by_attributes),
    "com.microsoft:MatMulBnb4": Rule(product_of_either_side, parameters=(1,), packed=_weights_by_attributes),
    "com.microsoft:MatMulFpQ4": Rule(product_by_shape_input, parameters=(1,), packed=_weights_by_shape_input),
    "com.microsoft:MatMulBlockQuantizedFp4Weight": Rule(product_of_rows, parameters=(1, 5), packed=_two_a_byte),
    "com.microsoft:MatMulBlockQuantizedFp8Weight": Rule(product_of_quantized_rows, parameters=(1, 4)),
    "com.microsoft:MatMulNBitsQkv": Rule(query_key_value, parameters=(2, 3, 5, 6, 8, 9, 11), packed=_weights_of_three),
    "com.microsoft:MatMulNBitsMlp": Rule(gated_layers, parameters=(2, 3, 5, 6, 8), packed=_weights_of_two),
    "com.microsoft:GatherBlockQuantized": Rule(gather, parameters=(0,), packed=_entries),
}
"""Products and look-ups with packed weights by type."""
