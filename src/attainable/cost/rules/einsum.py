"""Einstein summation.

::

    "bhqd,bhkd->bhqk":  y[b, h, q, k] = sum over d of  x[b, h, q, d] * w[b, h, k, d]

A letter names an axis; equal letters have equal extents, or 1 where an ellipsis broadcasts; a letter that the output
lacks is summed over. Two operands: one MAC for every combination of all letters; where nothing is summed, one product
each. One operand: additions only. More operands: pairs from left to right, each pair keeping the letters that are still
needed; a runtime may choose a better order.

Source: ONNX operator specification, Einsum.
"""

from collections import Counter
from math import prod

from attainable.cost.work import Rule, Rules, Work, contraction
from attainable.workload.graph import Op, Tensor

_HIDDEN = "9876543210"
"""Names of the axes behind an ellipsis, the last axis last."""


def einstein_sum(op: Op) -> Work:
    """MACs of the contractions, pair by pair from left to right, and the additions or products that are none."""
    operands = op.present_inputs
    terms, result = _terms(op.text("equation", "").replace(" ", ""), operands)
    extents = _extents(terms, operands)
    left = set(terms[0])
    if len(terms) == 1:
        kept = _combinations(left.intersection(result), extents)
        return contraction(op, macs=0, operations=max(_combinations(left, extents) - kept, 0))
    last_term = {letter: position for position, term in enumerate([*terms, result]) for letter in term}
    macs = products = 0
    for position in range(1, len(terms)):
        letters = left.union(terms[position])
        left = {letter for letter in letters if last_term[letter] > position}
        if left == letters:
            products += _combinations(letters, extents)
        else:
            macs += _combinations(letters, extents)
    return contraction(op, macs=macs, operations=products)


def _terms(equation: str, operands: tuple[Tensor, ...]) -> tuple[list[str], str]:
    """Letters of each operand's axes, in order, and of the result; an ellipsis is spelled out."""
    left, arrow, result = equation.partition("->")
    terms = left.split(",")
    if not arrow:
        times = Counter(left)
        result = "..." + "".join(letter for letter, number in times.items() if letter.isalpha() and number == 1)
    if "." not in left:
        return terms, result.replace("...", "")
    hidden = [
        _HIDDEN[len(_HIDDEN) + len(term) - 3 - tensor.rank :] if "." in term else ""
        for term, tensor in zip(terms, operands, strict=True)
    ]
    spelled_out = [term.replace("...", names) for term, names in zip(terms, hidden, strict=True)]
    return spelled_out, result.replace("...", max(hidden, key=len))


def _extents(terms: list[str], operands: tuple[Tensor, ...]) -> dict[str, int]:
    """Extent of each letter; the other operand's where one broadcasts."""
    extents: dict[str, int] = {}
    for term, tensor in zip(terms, operands, strict=True):
        for letter, extent in zip(term, tensor.dims, strict=True):
            if extent != 1 or letter not in extents:
                extents[letter] = extent
    return extents


def _combinations(letters: set[str], extents: dict[str, int]) -> int:
    return prod([extents[letter] for letter in letters])


RULES: Rules = {"Einsum": Rule(einstein_sum)}
"""Einstein summation."""
