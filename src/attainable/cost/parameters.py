"""Which constants of a network are parameters, and which op carries each.

Parameters are the distinct floating or quantised constants used as weight, bias, scale or table. Running statistics,
quantisation scales and zero points, shapes and scalar constants are buffers. A shared weight counts once: the first op
that uses it carries it.

Source: the convention of ``docs/explain/conventions.md``, which reproduces the published totals of the zoo networks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from attainable.cost.work import Rule
from attainable.workload.dtypes import BITS, is_floating, is_integer
from attainable.workload.graph import FUNCTION, Body, Op, Tensor

Origins = tuple[Tensor, ...]
"""Stored constants that a constant is computed from."""

_FEW_ORIGINS = 8
"""So many are followed again for every reader; more are remembered."""

_MOST_ORIGINS = 100_000
"""Of the constants that stem from more than a few each, together. Beyond, a computed constant stands for itself.

A chain of sums of constants would take quadratic time and memory otherwise.
"""


@dataclass(slots=True)
class _Account:
    """What a network has been charged so far. By identity, as bodies may use a name again for another constant.

    Attributes:
        charged: parameters that some op carries.
        used: constants that some op reads.
        dequantized: constants that DequantizeLinear reads.
        followed: the many origins of computed constants; kept, because identities are what the next two know.
        origins_followed: how many those are together.
        read: of those, the ones that are in ``used``.
        settled: of many origins, the position and the rule of an input, whether there are parameters among them.
    """

    charged: dict[int, Tensor] = field(default_factory=dict[int, Tensor])
    used: dict[int, Tensor] = field(default_factory=dict[int, Tensor])
    dequantized: set[int] = field(default_factory=set[int])
    followed: dict[int, Origins] = field(default_factory=dict[int, Origins])
    origins_followed: int = 0
    read: set[int] = field(default_factory=set[int])
    settled: dict[tuple[int, int, int], bool] = field(default_factory=dict[tuple[int, int, int], bool])


class ParameterLedger:
    """Follows constants from where they are stored to the op that uses them, each charged once.

    Args:
        constants: those that the graph or the body stores.
        outer: the ledger of the graph around a body, whose tensors it sees and whose account it shares.
    """

    def __init__(self, constants: Iterable[Tensor], outer: "ParameterLedger | None" = None) -> None:
        self._origins: dict[str, Origins] = {tensor.name: (tensor,) for tensor in constants}
        self._outer = outer
        self._account: _Account = outer._account if outer else _Account()

    def inside(self, op: Op, body: Body) -> "tuple[ParameterLedger, tuple[tuple[str, tuple[int, ...]], ...]]":
        """The ledger of a body: its constants, those of the graph around it, and those that it is handed.

        A local function is handed its arguments, a Scan the tensors whose slices it reads. What a Loop hands on
        changes from trip to trip and stands for no constant.

        Returns:
            The ledger, and what the body is handed: names there, and identities of the constants that they stem from.
        """
        inner = ParameterLedger(body.constants, self)
        actual, formal = op.inputs, body.inputs
        if body.name != FUNCTION:
            scanned = max(op.integer("num_scan_inputs", 0), 0) if op.kind == "Scan" else 0
            actual, formal = actual[len(actual) - scanned :], formal[len(formal) - scanned :]
        # a call may leave out its last arguments
        given = {
            inside.name: self._origin(outside.name)
            for inside, outside in zip(formal, actual, strict=False)
            if outside is not None and outside.is_constant
        }
        inner._origins |= given
        return inner, tuple((name, tuple(map(id, origins))) for name, origins in given.items())

    def fold(self, op: Op) -> None:
        """Note an op that computes constants from constants: its outputs stem from what its inputs stem from."""
        if op.kind == "Constant":
            for tensor in op.present_outputs:
                self._origins[tensor.name] = (tensor,)
            return
        sources = op.present_inputs[:1] if op.kind in _FIRST_INPUT_ONLY else op.present_inputs
        origins = self._joined(sources)
        for tensor in op.present_outputs:
            stems_from = (tensor,) if origins is None else origins
            self._origins[tensor.name] = stems_from
            if op.kind == "DequantizeLinear":
                self._account.dequantized.update(map(id, stems_from))
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
            account, origins = self._account, self._origin(tensor.name)
            key = (id(origins), position, id(rule))
            if key in account.settled:
                shared |= account.settled[key]
                continue
            self._use(tensor)
            found = [
                origin
                for origin in origins
                if _is_parameter(origin, position, rule, quantised=id(origin) in account.dequantized)
            ]
            for origin in found:
                if id(origin) in account.charged:
                    shared = True
                else:
                    account.charged[id(origin)] = origin
                    parameters += _parameters_in(origin, op, position, rule)
            if len(origins) > _FEW_ORIGINS:
                account.settled[key] = bool(found)
        return parameters, shared

    @property
    def parameter_bytes(self) -> int:
        """Bytes of the parameters as stored."""
        return sum(tensor.bytes for tensor in self._account.charged.values())

    @property
    def buffer_bytes(self) -> int:
        """Bytes of the constants that ops use and that are no parameters; one without a shape counts as 0 bytes."""
        buffers = [tensor for key, tensor in self._account.used.items() if key not in self._account.charged]
        return sum(tensor.bytes for tensor in buffers if tensor.shape is not None or tensor.bytes_stored is not None)

    def _origin(self, name: str) -> Origins:
        found = self._origins.get(name)
        if found is None:
            return self._outer._origin(name) if self._outer else ()
        return found

    def _joined(self, tensors: Iterable[Tensor]) -> Origins | None:
        """The origins of several tensors; None where so many have been followed that these are not."""
        account = self._account
        each = [self._origin(tensor.name) for tensor in tensors]
        most = sum(map(len, each))
        if most > _FEW_ORIGINS and account.origins_followed + most > _MOST_ORIGINS:
            return None
        origins = tuple({id(origin): origin for some in each for origin in some}.values())
        if len(origins) > _FEW_ORIGINS:
            account.followed[id(origins)] = origins
            account.origins_followed += len(origins)
        return origins

    def _use(self, tensor: Tensor) -> None:
        account, origins = self._account, self._origin(tensor.name)
        if id(origins) in account.read:
            return
        account.used |= {id(origin): origin for origin in origins}
        if len(origins) > _FEW_ORIGINS:
            account.read.add(id(origins))


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
    if origin.shape is None:
        # a handle of something else, without elements of its own
        return False
    if origin.role:
        return origin.role == "parameter"
    if rule is None or rule.parameters is None:
        return (is_floating(origin.dtype) or quantised) and origin.elements > 1
    if position not in rule.parameters:
        return False
    return is_floating(origin.dtype) or (is_integer(origin.dtype) and BITS[origin.dtype] <= _WIDEST_QUANTISED_BITS)
