"""The convention, in code: what one op costs on paper, and how costs add up.

* A contraction (convolution, matrix product, attention product, recurrent cell) has MACs, and 2 x MACs operations;
  its bias is free, because the accumulator starts with it.
* Every other scalar result (add, compare, divide, exp, erf, ...) is one operation.
* A composite operator costs the sum of its ONNX function body.
* Data movement, selection (Where) and conversion (Cast) are zero operations.
* Traffic is compulsory traffic, as if caches were perfect: each distinct input is read once, each output is written
  once; a view moves nothing.

Source: ``docs/explain/conventions.md``; every number is derived in ``tests/specs``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from attainable.workload.graph import Op, Tensor

Engine = Literal["matrix", "vector"]
Operations = tuple[tuple[Engine, str, int], ...]
"""``(engine, dtype, operations)`` rows, sorted, no row with zero operations."""


@dataclass(frozen=True, slots=True)
class Work:
    """What an op, a group of ops or a network costs on paper. Additive.

    Attributes:
        macs: multiply-accumulates of contractions.
        operations: operations by engine and element type; dtypes never mix.
        bytes_activation_in: read from tensors that another op or the user made.
        bytes_weight: read from constants, as stored.
        bytes_activation_out: written.
    """

    macs: int = 0
    operations: Operations = ()
    bytes_activation_in: int = 0
    bytes_weight: int = 0
    bytes_activation_out: int = 0

    def __add__(self, other: "Work") -> "Work":
        totals: dict[tuple[Engine, str], int] = {}
        for engine, dtype, operations in self.operations + other.operations:
            totals[engine, dtype] = totals.get((engine, dtype), 0) + operations
        return Work(
            macs=self.macs + other.macs,
            operations=tuple((engine, dtype, total) for (engine, dtype), total in sorted(totals.items())),
            bytes_activation_in=self.bytes_activation_in + other.bytes_activation_in,
            bytes_weight=self.bytes_weight + other.bytes_weight,
            bytes_activation_out=self.bytes_activation_out + other.bytes_activation_out,
        )

    def times(self, repeats: int) -> "Work":
        """The work of ``repeats`` equal ops."""
        return Work(
            macs=self.macs * repeats,
            operations=tuple((engine, dtype, operations * repeats) for engine, dtype, operations in self.operations),
            bytes_activation_in=self.bytes_activation_in * repeats,
            bytes_weight=self.bytes_weight * repeats,
            bytes_activation_out=self.bytes_activation_out * repeats,
        )

    @property
    def total_operations(self) -> int:
        """Operations over all engines and dtypes."""
        return sum(operations for _, _, operations in self.operations)

    @property
    def bytes_read(self) -> int:
        """Bytes read: activations and weights."""
        return self.bytes_activation_in + self.bytes_weight

    @property
    def bytes_written(self) -> int:
        """Bytes written."""
        return self.bytes_activation_out

    @property
    def bytes_moved(self) -> int:
        """Bytes read and written."""
        return self.bytes_read + self.bytes_written

    @property
    def operational_intensity(self) -> float | None:
        """Operations per byte moved; None where nothing moves."""
        return self.total_operations / self.bytes_moved if self.bytes_moved else None


Storage = Literal["own", "view", "in_place"]


@dataclass(frozen=True, slots=True)
class Rule:
    """How the counter treats one operator.

    Attributes:
        work: from an op with known shapes to its cost.
        parameters: positions of the inputs that hold parameters when they are constant; None for the general case:
            every constant of a floating type with more than one element.
        storage: whether the first output has memory of its own, is a ``view`` of the first input, or may be computed
            ``in_place`` of an input of the same size.
        packed: from an op and the position of an input to the parameters in it, where bytes hold several or a part of
            one; None, for the rule or as an answer, where every element is one parameter.
    """

    work: Callable[[Op], Work]
    parameters: tuple[int, ...] | None = None
    storage: Storage = "own"
    packed: "Callable[[Op, int], int | None] | None" = None


Rules = dict[str, Rule]


def contraction(op: Op, *, macs: int, operations: int = 0) -> Work:
    """Cost of ``macs`` multiply-accumulates and ``operations`` scalar results beside them, with compulsory traffic."""
    dtype = op.input(0).dtype
    rows: list[tuple[Engine, str, int]] = []
    if macs:
        rows.append(("matrix", dtype, 2 * macs))
    if operations:
        rows.append(("vector", dtype, operations))
    return _with_traffic(op, macs=macs, operations=tuple(rows))


def scalar_results(op: Op, operations: int, *, dtype: str | None = None) -> Work:
    """Cost of ``operations`` scalar results with compulsory traffic; ``dtype`` is the first input's unless given."""
    element = dtype if dtype is not None else op.input(0).dtype
    return _with_traffic(op, macs=0, operations=(("vector", element, operations),) if operations else ())


def movement(op: Op, *, bytes_activation_in: int | None = None, bytes_weight: int | None = None) -> Work:
    """Cost of moving elements without computing; an argument replaces the compulsory traffic of its role."""
    moved = _with_traffic(op, macs=0, operations=())
    return Work(
        bytes_activation_in=moved.bytes_activation_in if bytes_activation_in is None else bytes_activation_in,
        bytes_weight=moved.bytes_weight if bytes_weight is None else bytes_weight,
        bytes_activation_out=moved.bytes_activation_out,
    )


def composite(op: Op, *rows: tuple[Engine, str, int]) -> Work:
    """Cost of contractions and scalar results in several element types, with compulsory traffic.

    Args:
        op: the op.
        rows: engine, element type and how many: MACs for the matrix engine, scalar results for the vector engine.
    """
    totals: dict[tuple[Engine, str], int] = {}
    for engine, dtype, number in rows:
        operations = 2 * number if engine == "matrix" else number
        totals[engine, dtype] = totals.get((engine, dtype), 0) + operations
    kept: Operations = tuple((*key, total) for key, total in sorted(totals.items()) if total)
    return _with_traffic(op, macs=sum(number for engine, _, number in rows if engine == "matrix"), operations=kept)


def partly_read(work: Work, tensor: Tensor | None, bytes_taken: int) -> Work:
    """The work of an op that reads only some bytes of an input, at most all; ``work`` has the whole of it."""
    if tensor is None:
        return work
    unread = max(tensor.bytes - max(bytes_taken, 0), 0)
    if tensor.is_constant:
        return replace(work, bytes_weight=max(work.bytes_weight - unread, 0))
    return replace(work, bytes_activation_in=max(work.bytes_activation_in - unread, 0))


def partly_written(work: Work, tensor: Tensor | None, bytes_put: int) -> Work:
    """The work of an op that writes only some bytes of an output, at most all; ``work`` has the whole of it."""
    if tensor is None:
        return work
    kept = max(tensor.bytes - max(bytes_put, 0), 0)
    return replace(work, bytes_activation_out=max(work.bytes_activation_out - kept, 0))


def free(op: Op) -> Work:
    """No cost: a view, or an operator that only names things."""
    del op
    return Work()


def _with_traffic(op: Op, *, macs: int, operations: Operations) -> Work:
    if macs < 0 or any(number < 0 for _, _, number in operations):
        raise ValueError(f"the attributes of {op.kind} contradict its shapes")
    activation_in = weight = 0
    seen: set[str] = set()
    for tensor in op.present_inputs:
        if tensor.name in seen:
            continue
        seen.add(tensor.name)
        if tensor.is_constant:
            weight += tensor.bytes
        else:
            activation_in += tensor.bytes
    return Work(macs, operations, activation_in, weight, _bytes(op.present_outputs))


def _bytes(tensors: tuple[Tensor, ...]) -> int:
    return sum(tensor.bytes for tensor in tensors)
