"""The element type in which a contraction is computed: between DequantizeLinear and QuantizeLinear the logical one.

A network in QDQ form says ``Conv(Dequantize(x), Dequantize(w))`` and means a convolution of integers; runtimes run it
so. Its operations are counted as those of the integers.

Source: ONNX operator specification, DequantizeLinear; the QDQ form of onnxruntime's quantisation documentation.
"""

from dataclasses import replace

from attainable.cost.work import Rule, Work
from attainable.workload.dtypes import BITS, is_integer
from attainable.workload.graph import Op

_WIDEST_BITS = 8
"""Integer arithmetic units multiply 8 bits or fewer; wider quantised tensors are biases."""


class LogicalTypes:
    """Follows integers through DequantizeLinear and views to the contractions that read them."""

    def __init__(self) -> None:
        self._logical: dict[str, str] = {}

    def note(self, op: Op, rule: Rule | None) -> None:
        """Remember what the outputs of an op stand for."""
        if not op.inputs or (source := op.inputs[0]) is None:
            return
        if op.kind == "DequantizeLinear":
            logical = source.dtype
        elif rule is not None and rule.storage == "view":
            logical = self._logical.get(source.name, "")
        else:
            return
        if is_integer(logical) and BITS[logical] <= _WIDEST_BITS:
            self._logical |= {tensor.name: logical for tensor in op.present_outputs}

    def applied(self, op: Op, work: Work) -> Work:
        """The work with the contraction in the integers' type, where both of its operands stand for integers."""
        if not work.macs or not self._logical:
            return work
        operands = [self._logical.get(tensor.name, "") for tensor in op.present_inputs[:2]]
        if len(operands) < 2 or not all(operands):
            return work
        rows = [
            (engine, operands[0] if engine == "matrix" else dtype, operations)
            for engine, dtype, operations in work.operations
        ]
        return replace(work, operations=tuple(sorted(rows)))
