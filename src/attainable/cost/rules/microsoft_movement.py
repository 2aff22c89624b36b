"""Operators of ONNX Runtime that move, crop or hash elements.

::

    y[i] = x[where(i)]

i an element of the output. Moving is zero operations; looking up is a selection; a hash is the arithmetic that defines
it, one operation per result.

Source: ONNX Runtime operator schemas (docs/ContribOperators.md), the operators by name; A. Appleby, MurmurHash3_x86_32.
"""

from attainable.cost.work import Rule, Rules, Work, movement, scalar_results
from attainable.workload.dtypes import BITS
from attainable.workload.graph import Op

_HASH_BLOCK = 11
"""Multiply, rotate (two shifts, or), multiply, exclusive or, rotate, multiply, add."""

_HASH_FINISH = 9
"""Exclusive or with the length; three times shift and exclusive or, two products between them."""


def remove_padding(op: Op) -> Work:
    """Copy the tokens that are no padding; their positions and the ends of sequences are one addition each."""
    counts = op.input(1)
    positions = sum(tensor.elements for tensor in op.present_outputs[1:3])
    return scalar_results(op, positions, dtype=counts.dtype)


def sample_crops(op: Op) -> Work:
    """Scale each region to its crop, then interpolate between four elements.

    A region takes 8 (two starts, two differences, two products, two quotients); a row and a column of a crop a product
    and a sum, two roundings and the fraction, 5; an output three interpolations of a difference, a product and a sum.
    The nearest element is one rounding in place of those three, and a selection.
    """
    y = op.output
    regions, _, rows, columns = y.dims
    if op.text("mode", "bilinear") == "nearest":
        return scalar_results(op, regions * (8 + 3 * (rows + columns)))
    return scalar_results(op, regions * (8 + 5 * (rows + columns)) + 9 * y.elements)


def hash_elements(op: Op) -> Work:
    """Blocks of four bytes and the finish of each element, in 32-bit integers.

    Strings have no width, so that an op that hashes them is not counted.
    """
    x = op.input(0)
    width = BITS[x.dtype] // 8
    if not width:
        raise ValueError("strings have no fixed width")
    blocks = -(-width // 4)
    return scalar_results(op, x.elements * (_HASH_BLOCK * blocks + _HASH_FINISH), dtype="uint32")


def hash_grams(op: Op) -> Work:
    """For each order n up to the largest: n products of ids, n - 1 exclusive ors, one remainder a head.

    Orders share their products, and each takes one exclusive or more than the one before it. Offsets add one operation
    per hash.
    """
    ids, largest = op.input(0), op.integer("max_ngram_size", 2)
    offsets = op.optional_input(4 if op.kind == "NGramHashMapping" else 5)
    per_hash = 1 if offsets is None else 2
    return scalar_results(op, ids.elements * (2 * largest - 1) + per_hash * op.output.elements)


def forbid_repetition(op: Op) -> Work:
    """Compare the last n - 1 tokens with those before each position that could end a repeated gram.

    As many as n - 1 comparisons for each position, though the first difference decides; setting scores is a selection.
    """
    batch, length = op.input(0).dims
    size = op.integer("ngram_size", 1)
    return scalar_results(op, batch * max(length - size + 1, 0) * (size - 1), dtype=op.input(0).dtype)


RULES: Rules = {
    "com.microsoft:RemovePadding": Rule(remove_padding, parameters=()),
    "com.microsoft:RestorePadding": Rule(movement, parameters=()),
    "com.microsoft:UnfoldTensor": Rule(movement, parameters=(0,)),
    "com.microsoft:CropAndResize": Rule(sample_crops, parameters=(0,)),
    "com.microsoft:MurmurHash3": Rule(hash_elements, parameters=()),
    "com.microsoft:NGramHashMapping": Rule(hash_grams, parameters=()),
    "com.microsoft:VarlenNGramHashMapping": Rule(hash_grams, parameters=()),
    "com.microsoft:NGramRepeatBlock": Rule(forbid_repetition, parameters=()),
}
"""Movement by type."""
