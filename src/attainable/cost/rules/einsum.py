"""Einstein summation.

::

    "bhqd,bhkd->bhqk":  y[b, h, q, k] = sum over d of  x[b, h, q, d] * w[b, h, k, d]

A letter names an axis; equal letters have equal extents, or 1 where an ellipsis broadcasts; a letter that the output
lacks is summed over. Two operands: one MAC for every combination of all letters; where nothing is summed, one product
each. One operand: additions only. More operands: pairs from left to right, each pair keeping the letters that are still
needed; a runtime may choose a better order.

Source: ONNX operator specification, Einsum.
"""

from math import prod

from attainable.cost.work import Rule, Rules, Work, contraction
from attainable.workload.graph import Op

_BROADCAST = "0123456789"
"""Names of the axes behind an ellipsis, the last axis first."""


def einstein_sum(op: Op) -> Work:
    """MACs of the contractions, pair by pair from left to right, and the additions or products that are none."""
    terms, result = _terms(op)
    extents = _extents(op, terms)
    if len(terms) == 1:
        combined, kept = (prod(extents[letter] for letter in set(letters)) for letters in (terms[0], result))
        return contraction(op, macs=0, operations=max(combined - kept, 0))
    macs = products = 0
    left = set(terms[0])
    for position in range(1, len(terms)):
        letters = left.union(terms[position])
        left = letters.intersection(result.union(*terms[position + 1 :]))
        combinations = prod(extents[letter] for letter in letters)
        if left == letters:
            products += combinations
        else:
            macs += combinations
    return contraction(op, macs=macs, operations=products)


def _terms(op: Op) -> tuple[list[str], frozenset[str]]:
    """Letters of each operand's axes, in order, and of the result; an ellipsis is spelled out."""
    equation = op.text("equation", "").replace(" ", "")
    operands, arrow, output = equation.partition("->")
    terms: list[str] = []
    for operand, tensor in zip(operands.split(","), op.present_inputs, strict=True):
        named = operand.replace("...", "")
        hidden = _BROADCAST[: tensor.rank - len(named)][::-1]
        terms.append(operand.replace("...", hidden))
    if not arrow:
        output = "..." + "".join(letter for letter in operands if operands.count(letter) == 1 and letter.isalpha())
    widest = max((letter for term in terms for letter in term if letter in _BROADCAST), default="")
    hidden = _BROADCAST[: _BROADCAST.index(widest) + 1] if widest else ""
    return terms, frozenset(output.replace("...", hidden))


def _extents(op: Op, terms: list[str]) -> dict[str, int]:
    """Extent of each letter; the other operand's where one broadcasts."""
    extents: dict[str, int] = {}
    for term, tensor in zip(terms, op.present_inputs, strict=True):
        for letter, extent in zip(term, tensor.dims, strict=True):
            if extents.get(letter, 1) == 1:
                extents[letter] = extent
    return extents


RULES: Rules = {"Einsum": Rule(einstein_sum)}
"""Einstein summation."""
