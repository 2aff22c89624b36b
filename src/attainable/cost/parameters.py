"""Which constants of a network are parameters, and which op carries each.

Parameters are the distinct floating or quantised constants used as weight, bias, scale or table. Running statistics,
quantisation scales and zero points, shapes and scalar constants are buffers. A shared weight counts once: the first op
that uses it carries it.

Source: the convention of ``docs/explain/conventions.md``, which reproduces the published totals of the zoo networks.
"""

from attainable.cost.work import Rule
from attainable.workload.dtypes import BITS, is_floating, is_integer
from attainable.workload.graph import Op, Tensor, Workload


class ParameterLedger:
    """Follows constants from where they are stored to the op that uses them, each charged once."""

    def __init__(self, workload: Workload) -> None:
        self._origins: dict[str, tuple[Tensor, ...]] = {tensor.name: (tensor,) for tensor in workload.constants}
        self._charged: dict[str, Tensor] = {}
        self._used: dict[str, Tensor] = {}

    def fold(self, op: Op) -> None:
        """Note an op that computes constants from constants: its outputs stem from what its inputs stem from."""
        if op.kind == "Constant":
            for tensor in op.present_outputs:
                self._origins[tensor.name] = (tensor,)
            return
        sources = op.present_inputs[:1] if op.kind in _FIRST_INPUT_ONLY else op.present_inputs
        origins = tuple(dict.fromkeys(origin for tensor in sources for origin in self._origins.get(tensor.name, ())))
        for tensor in op.present_outputs:
            self._origins[tensor.name] = origins
        for tensor in op.present_inputs:
            self._use(tensor)

    def charge(self, op: Op, rule: Rule | None) -> tuple[int, bool]:
        """Charge the op's parameters to it.

        Returns:
            The parameters that no earlier op carries, and whether the op also uses some that an earlier op carries.
        """
        parameters = 0
        shared = False
        for position, tensor in enumerate(op.inputs):
            if tensor is None or not tensor.is_constant:
                continue
            self._use(tensor)
            for origin in self._origins.get(tensor.name, ()):
                if not _is_parameter(origin, position, rule):
                    continue
                if origin.name in self._charged:
                    shared = True
                else:
                    self._charged[origin.name] = origin
                    parameters += origin.elements
        return parameters, shared

    @property
    def parameter_bytes(self) -> int:
        """Bytes of the parameters as stored."""
        return sum(tensor.bytes for tensor in self._charged.values())

    @property
    def buffer_bytes(self) -> int:
        """Bytes of the constants that ops use and that are no parameters."""
        return sum(tensor.bytes for name, tensor in self._used.items() if name not in self._charged)

    def _use(self, tensor: Tensor) -> None:
        for origin in self._origins.get(tensor.name, ()):
            self._used[origin.name] = origin


_FIRST_INPUT_ONLY = frozenset(
    {"DequantizeLinear", "QuantizeLinear", "Reshape", "Gather", "Slice", "Expand", "Unsqueeze", "Squeeze"}
)
"""Operators whose other inputs say how, not what: scales, shapes, indices."""

_WIDEST_QUANTISED_BITS = 32
"""Quantised biases are int32; int64 is for shapes and indices."""


def _is_parameter(origin: Tensor, position: int, rule: Rule | None) -> bool:
    if rule is None or rule.parameters is None:
        return is_floating(origin.dtype) and origin.elements > 1
    if position not in rule.parameters:
        return False
    return is_floating(origin.dtype) or (is_integer(origin.dtype) and BITS[origin.dtype] <= _WIDEST_QUANTISED_BITS)
