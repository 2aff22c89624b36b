"""Elementwise arithmetic, comparison and logic.

::

    y[i] = f(a[i], b[i], ...)

i an element of the output; an input of fewer elements is broadcast, and still read once. Every scalar result is one
operation, whatever f is; n inputs make n - 1. Selection (Where) and conversion (Cast) compute nothing.

Source: ONNX operator specification, the operators by name; function body of Clip 13.
"""

from collections.abc import Callable

from attainable.cost.work import Rule, Rules, Storage, Work, movement, scalar_results
from attainable.workload.graph import Op


def one_result(op: Op) -> Work:
    """One operation per output element."""
    return scalar_results(op, op.output.elements)


def fold(op: Op) -> Work:
    """One operation fewer than inputs, per output element: the sum or the largest of them."""
    return scalar_results(op, (len(op.present_inputs) - 1) * op.output.elements)


def mean(op: Op) -> Work:
    """As many operations as inputs, per output element: the additions and a division."""
    return scalar_results(op, len(op.present_inputs) * op.output.elements)


def clip(op: Op) -> Work:
    """One comparison for each bound that is given, as an input since opset 11 and as an attribute before."""
    if op.opset >= 11:
        bounds = len(op.present_inputs) - 1
    else:
        bounds = sum(op.attribute(bound) is not None for bound in ("min", "max"))
    return scalar_results(op, bounds * op.output.elements)


def _rows(kinds: str, work: Callable[[Op], Work] = one_result, *, storage: Storage = "in_place") -> Rules:
    """The same rule for operators that are listed by name."""
    return {kind: Rule(work, storage=storage) for kind in kinds.split()}


RULES: Rules = {
    **_rows("Abs Ceil Floor Neg Reciprocal Round Sign Sqrt"),
    **_rows("Erf Exp Log Sigmoid Tanh"),
    **_rows("Acos Acosh Asin Asinh Atan Atanh Cos Cosh Sin Sinh Tan"),
    **_rows("Add Sub Mul Div Mod Pow"),
    **_rows("And Or Xor Not BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor"),
    **_rows("Equal Greater GreaterOrEqual Less LessOrEqual IsInf IsNaN", storage="own"),
    **_rows("Max Min Sum", fold),
    **_rows("Mean", mean),
    **_rows("Clip", clip),
    **_rows("Cast CastLike", movement),
    **_rows("Where", movement, storage="own"),
}
"""Elementwise operators."""
