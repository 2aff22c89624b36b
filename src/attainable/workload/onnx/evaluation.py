"""Runs single operators on small values, through onnx's own reference implementation, within limits.

Only operators of the table run, only on small inputs, and only where the result is known to be small beforehand.
"""

import importlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, cast

import numpy as np
import onnx
from numpy.typing import NDArray

from attainable.workload.graph import Tensor
from attainable.workload.onnx.shape_arithmetic import ARITHMETIC

Array = NDArray[np.generic]

LARGEST_RESULT = 4096
"""Elements of a computed value; more would be data, not shapes."""

LARGEST_OPERAND = 1 << 20
"""Elements of an input of an operator whose result depends on all of them, such as NonZero."""

MOST_ELEMENTS = 1 << 25
"""Elements read and made by all evaluations of one model together."""

MOST_EVALUATIONS = 50_000
"""Evaluations of one model; each takes a quarter of a millisecond."""


class Budget:
    """What one model may still evaluate."""

    __slots__ = ("_elements", "_evaluations")

    def __init__(self) -> None:
        self._elements = MOST_ELEMENTS
        self._evaluations = MOST_EVALUATIONS

    def take(self, elements: int) -> bool:
        """Tell whether an evaluation of that many elements may run, and subtract it."""
        self._elements -= elements
        self._evaluations -= 1
        return self._elements >= 0 and self._evaluations >= 0


def may_evaluate(node: onnx.NodeProto, inputs: Sequence[Tensor | None], results: Sequence[Tensor | None]) -> bool:
    """Tell whether a node's result is cheap to compute and small, judging by shapes alone."""
    if node.domain not in ("", "ai.onnx"):
        return False
    if (largest := DATA_DEPENDENT.get(node.op_type)) is not None:
        return all(tensor is None or _within(tensor, largest) for tensor in inputs)
    if node.op_type not in EVALUATED:
        return False
    return all(tensor is None or _within(tensor, LARGEST_OPERAND) for tensor in inputs) and all(
        tensor is not None and _within(tensor, LARGEST_RESULT) for tensor in results
    )


def evaluate(
    node: onnx.NodeProto, feeds: Mapping[str, Array], opsets: Mapping[str, int], budget: Budget
) -> tuple[Array | None, ...]:
    """Run one node.

    Returns:
        Its outputs in order, None for what is no array; nothing where the node cannot be run or the budget is spent.
    """
    if not budget.take(sum(value.size for value in feeds.values()) + LARGEST_RESULT):
        return ()
    try:
        with np.errstate(all="ignore"):
            if (function := ARITHMETIC.get(node.op_type)) is not None and all(node.input):
                return (_array(function(node, [feeds[name] for name in node.input])),)
            return tuple(_array(result) for result in _run(node, feeds, opsets))
    except Exception:  # numpy and the reference implementation raise whatever they like
        return ()


def _run(node: onnx.NodeProto, feeds: Mapping[str, Array], opsets: Mapping[str, int]) -> list[object]:
    """Run a node through the reference implementation, which warns about what it is told to compute."""
    reference = importlib.import_module("onnx.reference")
    evaluator = cast("Callable[..., Any]", reference.ReferenceEvaluator)
    versions = {"": opsets.get("", onnx.defs.onnx_opset_version())}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return evaluator(node, opsets=versions).run(None, dict(feeds))


def _array(result: object) -> Array | None:
    return np.asarray(cast("Array", result)) if isinstance(result, np.ndarray | np.generic) else None


def _within(tensor: Tensor, largest: int) -> bool:
    return tensor.shape is not None and prod(tensor.shape) <= largest


EVALUATED = frozenset(
    {
        "Abs", "Add", "And", "ArgMax", "ArgMin", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor",
        "BitShift", "Cast", "CastLike", "Ceil", "Clip", "Concat", "Constant", "ConstantOfShape", "CumSum",
        "Div", "Equal", "Exp", "Expand", "EyeLike", "Flatten", "Floor", "Gather", "GatherElements",
        "GatherND", "Greater", "GreaterOrEqual", "Identity", "IsInf", "IsNaN", "Less", "LessOrEqual", "Log",
        "Max", "Mean", "Min", "Mod", "Mul", "Neg", "Not", "OneHot", "Or", "Pad", "Pow", "Range", "Reciprocal",
        "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
        "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "ReverseSequence", "Round",
        "ScatterElements", "ScatterND", "Sigmoid", "Sign", "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Sum",
        "Tanh", "Tile", "TopK", "Transpose", "Trilu", "Unsqueeze", "Where", "Xor",
    }
)  # fmt: skip
"""Operators of the default domain whose work is in proportion to what they read and make."""

DATA_DEPENDENT: dict[str, int] = {
    "NonZero": LARGEST_OPERAND,
    "Compress": LARGEST_OPERAND,
    "Unique": LARGEST_OPERAND,
    "NonMaxSuppression": LARGEST_RESULT,
    "StringSplit": LARGEST_RESULT,
    "StringNormalizer": LARGEST_RESULT,
}
"""Operators whose output shape follows from the elements, with the elements of the largest input; it is never much
larger than its inputs."""
