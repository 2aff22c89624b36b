"""Which constants of a network are parameters, and which op carries each.

Parameters are the distinct floating or quantised constants used as weight, bias, scale or table. Running statistics,
quantisation scales and zero points, shapes and scalar constants are buffers. A shared weight counts once: the first op
that uses it carries it.

Source: the convention of ``docs/explain/conventions.md``, which reproduces the published totals of the zoo networks.
"""

from collections.abc import Iterable

from attainable.cost.work import Rule
from attainable.workload.dtypes import BITS, is_floating, is_integer
from attainable.workload.graph import FUNCTION, Body, Op, Tensor


class ParameterLedger:
    """Follows constants from where they are stored to the op that uses them, each charged once.

    Args:
        constants: those that the graph or the body stores.
        outer: the ledger of the graph around a body, whose tensors it sees and whose account it shares.
    """

    def __init__(self, constants: Iterable[Tensor], outer: "ParameterLedger | None" = None) -> None:
        self._origins: dict[str, tuple[Tensor, ...]] = {tensor.name: (tensor,) for tensor in constants}
        self._outer = outer
        # by identity, because bodies may use a name again for another constant
        self._charged: dict[int, Tensor] = outer._charged if outer else {}
        self._used: dict[int, Tensor] = outer._used if outer else {}
        self._dequantized: set[int] = outer._dequantized if outer else set()

    def inside(self, op: Op, body: Body) -> "ParameterLedger":
        """The ledger of a body: its constants, those of the graph around it, and those that it is handed.

        A local function is handed its arguments, a Scan the tensors whose slices it reads. What a Loop hands on
        changes from trip to trip and stands for no constant.
        """
        inner = ParameterLedger(body.constants, self)
        handed = len(op.inputs) if body.name == FUNCTION else op.integer("num_scan_inputs", 0)
        if handed and op.kind != "Loop":
            for formal, actual in zip(body.inputs[-handed:], op.inputs[-handed:], strict=False):
                if actual is not None and actual.is_constant:
                    inner._origins[formal.name] = self._origin(actual.name)
        return inner

    def fold(self, op: Op) -> None:
        """Note an op that computes constants from constants: its outputs stem from what its inputs stem from."""
        if op.kind == "Constant":
            for tensor in op.present_outputs:
                self._origins[tensor.name] = (tensor,)
            return
        sources = op.present_inputs[:1] if op.kind in _FIRST_INPUT_ONLY else op.present_inputs
        origins = tuple(dict.fromkeys(origin for tensor in sources for origin in self._origin(tensor.name)))
        if op.kind == "DequantizeLinear":
            self._dequantized.update(map(id, origins))
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
            for origin in self._origin(tensor.name):
                if not _is_parameter(origin, position, rule, quantised=id(origin) in self._dequantized):
                    continue
                if id(origin) in self._charged:
                    shared = True
                else:
                    self._charged[id(origin)] = origin
                    parameters += _parameters_in(origin, op, position, rule)
        return parameters, shared

    @property
    def parameter_bytes(self) -> int:
        """Bytes of the parameters as stored."""
        return sum(tensor.bytes for tensor in self._charged.values())

    @property
    def buffer_bytes(self) -> int:
        """Bytes of the constants that ops use and that are no parameters."""
        return sum(tensor.bytes for key, tensor in self._used.items() if key not in self._charged)

    def _origin(self, name: str) -> tuple[Tensor, ...]:
        found = self._origins.get(name)
        if found is None:
            return self._outer._origin(name) if self._outer else ()
        return found

    def _use(self, tensor: Tensor) -> None:
        for origin in self._origin(tensor.name):
            self._used[id(origin)] = origin


_FIRST_INPUT_ONLY = frozenset(
    {"DequantizeLinear", "QuantizeLinear", "Reshape", "Gather", "Slice", "Expand", "Unsqueeze", "Squeeze"}
)
"""Operators whose other inputs say how, not what: scales, shapes, indices."""

_WIDEST_QUANTISED_BITS = 32
"""Quantised biases are int32; int64 is for shapes and indices."""


def _parameters_in(origin: Tensor, op: Op, position: int, rule: Rule | None) -> int:
    """Parameters in a constant: its elements, or its share of what the rule says, if its bits can hold so many."""
    packed = rule.packed(op, position) if rule is not None and rule.packed is not None else None
    if packed is None or (whole := op.input(position).elements) == 0:
        return origin.elements
    share = packed * origin.elements // whole
    return share if 0 < share <= 8 * origin.bytes else origin.elements


def _is_parameter(origin: Tensor, position: int, rule: Rule | None, *, quantised: bool) -> bool:
    if origin.role:
        return origin.role == "parameter"
    if rule is None or rule.parameters is None:
        return (is_floating(origin.dtype) or quantised) and origin.elements > 1
    if position not in rule.parameters:
        return False
    return is_floating(origin.dtype) or (is_integer(origin.dtype) and BITS[origin.dtype] <= _WIDEST_QUANTISED_BITS)
