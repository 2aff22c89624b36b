"""Operations of the composites that fused operators of several families contain.

::

    normalisation, softmax, activation, quantisation, rotation, selection of the largest

They are those of the operators of the default domain, whose rules derive them: a fused operator costs what the
operators cost that it stands for.

Source: ONNX operator specification, function bodies of the operators by name; ``cost/rules`` and ``tests/specs``.
"""

from math import prod

from attainable.workload.dtypes import is_integer
from attainable.workload.graph import Op, Tensor

_ACTIVATION = {
    "": 0, "identity": 0, "none": 0, "relu": 1, "sigmoid": 1, "tanh": 1, "thresholdedrelu": 1, "affine": 2,
    "clip": 2, "leakyrelu": 2, "silu": 2, "swish": 2, "scaledtanh": 3, "softplus": 3, "softsign": 3, "elu": 4,
    "hardsigmoid": 4, "hardswish": 5, "gelu": 5, "selu": 6,
}  # fmt: skip
"""Operations per element of an activation that is an attribute.

``silu`` is ``x * sigmoid(x)``, affine a product and a sum.
"""

GELU = _ACTIVATION["gelu"]
"""With erf: divide, erf, add, multiply, multiply."""

GELU_BY_TANH = 8
"""Power, multiply, add, multiply, tanh, add, multiply, multiply."""

SILU = _ACTIVATION["silu"]
"""Sigmoid, multiply."""


def activation(kind: str) -> int:
    """Operations per element of an activation that an attribute names, in any case of letters.

    Raises:
        ValueError: an activation that is not in the table.
    """
    per_element = _ACTIVATION.get(kind.lower())
    if per_element is None:
        raise ValueError(f"an activation that is not in the table: {kind}")
    return per_element


def outer_rows(tensor: Tensor, axis: int) -> int:
    """Number of rows that begin at an axis and go to the end.

    Raises:
        IndexError: the tensor has no such axis; shape inference does not look.
    """
    _ = tensor.dims[axis]
    return prod(tensor.dims[:axis])


def layer_normalization(elements: int, rows: int, *, shift: bool = True) -> int:
    """7 per element and 4 per row; 6 per element where nothing is added at the end."""
    return (7 if shift else 6) * elements + 4 * rows


def root_mean_square_normalization(elements: int, rows: int, *, scale: bool = True) -> int:
    """Square, mean, divide and scale each element; add epsilon and take the root once a row: 4n + 2."""
    return (4 if scale else 3) * elements + 2 * rows


def softmax(elements: int, rows: int) -> int:
    """Largest, subtract, exp, sum, divide: 5n - 2 a row."""
    return max(5 * elements - 2 * rows, 0)


def rotation(elements: int) -> int:
    """4 products, a difference and a sum for each pair of elements that is turned."""
    return 3 * elements


def selection(rows: int, *, length: int, selected: int) -> int:
    """Comparisons that order the ``selected`` largest of ``length`` elements by a knockout tournament, as in TopK.

    The first takes ``length - 1`` comparisons; each further one replays the path of the one before it.
    """
    if not 0 < selected <= length:
        return 0
    return rows * (length - selected + sorting(length) - sorting(length - selected + 1))


def sorting(items: int) -> int:
    """Comparisons that sort by binary insertion: sum of ceil(log2 j) for j from 1 to ``items``, in closed form."""
    if items < 1:
        return 0
    ceiling = (items - 1).bit_length()
    return items * ceiling - 2**ceiling + 1


def contracted_extent(op: Op) -> int:
    """Extent of the axis that a general matrix product sums over: the first of A where it is transposed."""
    rows, columns = op.input(0).dims
    return rows if op.integer("transA", 0) else columns


def product_scaling(op: Op) -> int:
    """Operations of ``alpha * A B + beta * C`` beside the product: C is free, as the accumulator starts with it.

    ``alpha`` costs one operation per output unless it is 1; ``beta`` one per element of C, the third input, unless it
    is 0 or 1, or C is constant, so that ``beta * C`` is known before the run.
    """
    bias = op.optional_input(2)
    operations = 0 if op.attribute("alpha") in (None, 1) else op.output.elements
    if bias is not None and not bias.is_constant and op.attribute("beta") not in (None, 0, 1):
        operations += bias.elements
    return operations


def dequantization(op: Op, position: int, *, zero_point: int | None = None) -> int:
    """Operations that turn an input into real numbers: subtract the zero point where there is one, and multiply.

    None for a constant, which is known before the run.
    """
    tensor = op.input(position)
    if tensor.is_constant:
        return 0
    shifted = zero_point is not None and op.optional_input(zero_point) is not None
    return (2 if shifted else 1) * tensor.elements


def quantization(outputs: Tensor, *, zero_point: bool) -> int:
    """Operations that turn real numbers into ``outputs``: divide, round, add the zero point, compare twice.

    To a float type only the division counts, because rounding and saturation are part of the conversion.
    """
    if not is_integer(outputs.dtype):
        return outputs.elements
    return (5 if zero_point else 4) * outputs.elements


def known_integers(tensor: Tensor | None) -> tuple[int, ...]:
    """Elements of a constant of integers that is stored in the file; empty where they are not known."""
    if tensor is None or tensor.value is None or tensor.dtype not in ("int32", "int64"):
        return ()
    return tuple(value for value in tensor.value if isinstance(value, int))


def integer_shift(op: Op, *pairs: tuple[int, int]) -> int:
    """Operations that subtract zero points from integer operands, ``(operand, zero point)``; none for constants."""
    return sum(
        op.input(operand).elements
        for operand, zero_point in pairs
        if op.optional_input(zero_point) is not None and not op.input(operand).is_constant
    )
