"""The graph of a network with every shape a number: Tensor, Op, Body, Workload.

All records are frozen; a reader makes them once and everybody else only looks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Literal, TypeAlias

from attainable.workload.dtypes import bytes_of

Shape = tuple[int, ...]
Value = tuple[int, ...] | tuple[float, ...] | tuple[bool, ...]
Container = Literal["", "sequence", "optional", "map"]
Role = Literal["", "parameter", "buffer"]
AttributeValue: TypeAlias = "int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...] | Tensor"


class UnresolvedShape(Exception):
    """A rule asked for the shape of a tensor that has none; the counter lists the op as not counted."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named array: a graph input, a constant or the output of an op.

    Attributes:
        name: as in the file; may be hostile text.
        shape: elements per axis, or None where the reader could not resolve it.
        dtype: a key of ``dtypes.BITS``.
        is_constant: known before the run: an initialiser, a Constant, or computed from those alone.
        value: the elements in row-major order, for constants of at most 64 elements that are stored in the file.
        bytes_stored: bytes of a constant as stored (packed, sparse, quantised); None for an activation.
        container: what holds tensors instead of elements, ``""`` for a plain tensor; its shape is None and its dtype
            that of the tensors in it.
        parts: the tensors in a container, in order, none in an empty optional; None where the reader cannot tell.
        role: ``parameter`` or ``buffer`` for a constant of which the file tells whether it is trained, else ``""``.
    """

    name: str
    shape: Shape | None
    dtype: str
    is_constant: bool = False
    value: Value | None = None
    bytes_stored: int | None = None
    container: Container = ""
    parts: "tuple[Tensor, ...] | None" = None
    role: Role = ""

    @property
    def dims(self) -> Shape:
        """The shape, where it must be known.

        Raises:
            UnresolvedShape: the reader could not resolve it.
        """
        if self.shape is None:
            raise UnresolvedShape(self.name)
        return self.shape

    @property
    def rank(self) -> int:
        """Number of axes. Raises UnresolvedShape."""
        return len(self.dims)

    @property
    def elements(self) -> int:
        """Number of elements; 1 for a scalar, 0 where an axis is empty. Raises UnresolvedShape."""
        return prod(self.dims)

    @property
    def bytes(self) -> int:
        """Bytes in memory: as stored for a constant, packed elements otherwise. Raises UnresolvedShape."""
        if self.bytes_stored is not None:
            return self.bytes_stored
        if self.parts is not None:
            return sum(part.bytes for part in self.parts)
        return bytes_of(self.dtype, self.elements)


@dataclass(frozen=True, slots=True)
class Op:
    """One node of the graph.

    Attributes:
        id: path in the file: ``12``, or ``12/then_branch/3`` inside a body.
        name: as in the file; may be empty, repeated or hostile.
        kind: the operator, e.g. ``Conv``; other domains than the default one are in ``domain``.
        domain: ``""`` for the default ONNX domain.
        opset: version of that domain that the model imports.
        inputs, outputs: in the operator's order; None for an omitted optional one.
        attributes: ``(name, value)`` pairs, sorted by name; graphs are in ``bodies``.
        bodies: sub-graphs of If, Loop, Scan and SequenceMap, and what a local function does; never inlined.
        scope: module path in the source framework, ``""`` where the file does not tell.
    """

    id: str
    name: str
    kind: str
    domain: str
    opset: int
    inputs: "tuple[Tensor | None, ...]"
    outputs: "tuple[Tensor | None, ...]"
    attributes: "tuple[tuple[str, AttributeValue], ...]" = ()
    bodies: "tuple[Body, ...]" = ()
    scope: str = ""

    @property
    def type(self) -> str:
        """Operator with its domain, ``com.microsoft:FusedConv``; the domain is left out where it is the default."""
        return f"{self.domain}:{self.kind}" if self.domain else self.kind

    def input(self, index: int) -> Tensor:
        """The input at ``index``, where the operator requires it. Raises UnresolvedShape where it is missing."""
        tensor = self.optional_input(index)
        if tensor is None:
            raise UnresolvedShape(f"{self.kind} lacks input {index}")
        return tensor

    def optional_input(self, index: int) -> Tensor | None:
        """The input at ``index``, or None where it is omitted."""
        return self.inputs[index] if index < len(self.inputs) else None

    @property
    def output(self) -> Tensor:
        """The first output. Raises UnresolvedShape where it is missing."""
        first = self.outputs[0] if self.outputs else None
        if first is None:
            raise UnresolvedShape(f"{self.kind} has no first output")
        return first

    @property
    def present_inputs(self) -> tuple[Tensor, ...]:
        """The inputs that are not omitted."""
        return tuple(tensor for tensor in self.inputs if tensor is not None)

    @property
    def present_outputs(self) -> tuple[Tensor, ...]:
        """The outputs that are not omitted."""
        return tuple(tensor for tensor in self.outputs if tensor is not None)

    def attribute(self, name: str) -> "AttributeValue | None":
        """The attribute's value, or None where the file does not set it."""
        for key, value in self.attributes:
            if key == name:
                return value
        return None

    def integer(self, name: str, default: int) -> int:
        """An integer attribute, or ``default`` where it is not set."""
        value = self.attribute(name)
        return value if isinstance(value, int) else default

    def integers(self, name: str) -> tuple[int, ...]:
        """An attribute that is a list of integers; empty where it is not set."""
        value = self.attribute(name)
        return tuple(item for item in value if isinstance(item, int)) if isinstance(value, tuple) else ()

    def text(self, name: str, default: str) -> str:
        """A string attribute, or ``default`` where it is not set."""
        value = self.attribute(name)
        return value if isinstance(value, str) else default

    @property
    def signature(self) -> tuple[object, ...]:
        """Equal for ops that cost the same: kind, shapes, dtypes, attributes, small integer constants, bodies."""
        return (
            self.kind, self.domain, self.opset,
            tuple([_tensor_signature(tensor) for tensor in self.inputs]),
            tuple([_tensor_signature(tensor) for tensor in self.outputs]),
            self.attributes, self.bodies,
        )  # fmt: skip


def _tensor_signature(tensor: Tensor | None) -> tuple[object, ...] | None:
    if tensor is None:
        return None
    value = tensor.value if tensor.dtype in ("int64", "int32", "bool") else None
    if tensor.container:
        parts = None if tensor.parts is None else tuple(_tensor_signature(part) for part in tensor.parts)
        return (tensor.container, parts, tensor.dtype, tensor.is_constant)
    return (tensor.shape, tensor.dtype, tensor.is_constant, tensor.bytes_stored, value)


FUNCTION = "function"
"""Name of the body of an op that calls a local function."""


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A sub-graph of an op: a branch of If, the body of Loop, Scan or SequenceMap, or a local function.

    Attributes:
        name: the attribute that holds it (``then_branch``, ``body``), or ``function`` for a local function, whose ops
            are those of this call's shapes and attributes. Equal calls share one body, with the ids of the first.
        ops: in an order in which they can run; they may read tensors of the outer graph by name.
        inputs, outputs: of the body; the shapes are those of one iteration.
        constants: initialisers of the body that some op of it uses or that it returns.

    Compared by identity: functions that call functions share bodies, and comparing by content would expand them all.
    """

    name: str
    ops: tuple[Op, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    constants: tuple[Tensor, ...] = ()


def all_ops(ops: Iterable[Op]) -> Iterator[Op]:
    """Ops with those in the bodies of branches, loops and functions; each body once, though equal calls share it."""
    left, seen = list(ops)[::-1], set[int]()
    while left:
        op = left.pop()
        yield op
        for body in op.bodies:
            if id(body) not in seen:
                seen.add(id(body))
                left.extend(reversed(body.ops))


def captured_names(op: Op) -> Iterator[str]:
    """Names of all tensors that ops inside the bodies of an op read, those of the bodies' own among them.

    A local function sees nothing but its arguments.
    """
    for body in op.bodies:
        if body.name == FUNCTION:
            continue
        yield from (tensor.name for tensor in body.outputs)
        for inner in body.ops:
            yield from (tensor.name for tensor in inner.present_inputs)
            yield from captured_names(inner)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a workload came from.

    Attributes:
        path: the model file as the user named it.
        sha256: of the model file, without its external data.
        format: ``onnx``, ...
        opset: version of the default operator set.
        file_bytes: size of the model file.
        external_bytes: bytes of weights that the model says are in other files; these are never opened.
        producer: tool that wrote the file, as it calls itself.
    """

    path: str
    sha256: str
    format: str
    opset: int
    file_bytes: int
    external_bytes: int
    producer: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """A network with every dimension bound: what every count, bound and measurement is about.

    Attributes:
        name: short name for titles, the file's stem.
        ops: in an order in which they can run.
        inputs, outputs: of the graph; inputs without the initialisers.
        constants: initialisers of the graph that some op uses or the graph returns.
        bindings: ``(dimension or input, number or shape)`` that made the shapes concrete.
        provenance: the file.
        notes: what the reader assumed or could not do, one sentence each, for the user.
    """

    name: str
    ops: tuple[Op, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    constants: tuple[Tensor, ...]
    bindings: tuple[tuple[str, int | Shape], ...]
    provenance: Provenance
    notes: tuple[str, ...] = ()
