"""A compact form of a Workload, so that a network that took seconds to trace is read in milliseconds."""

import gzip
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from attainable.files import write_atomically
from attainable.workload.graph import AttributeValue, Op, Provenance, Role, Tensor, Value, Workload

FORM = 1
"""Raised when the form changes; files of another form are made anew."""


class StoredTensor(msgspec.Struct, array_like=True, gc=False):
    """A tensor; its name is a number."""

    name: int
    shape: tuple[int, ...] | None
    dtype: str
    is_constant: bool
    bytes_stored: int | None
    role: str
    value: tuple[int | float | bool, ...] | None


class StoredOp(msgspec.Struct, array_like=True, gc=False):
    """An op; tensors by their position in the table, -1 for one that is omitted."""

    id: str
    name: str
    kind: str
    domain: str
    opset: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    attributes: dict[str, int | float | str | tuple[int | float | str, ...]]


class StoredNetwork(msgspec.Struct):
    """A network, or why there is none."""

    form: int
    name: str
    failure: str = ""
    opset: int = 0
    tensors: list[StoredTensor] = []
    ops: list[StoredOp] = []
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    constants: tuple[int, ...] = ()


@dataclass(slots=True)
class _Table:
    """Tensors by position, each kind of record once."""

    rows: list[StoredTensor] = field(default_factory=list[StoredTensor])
    names: dict[str, int] = field(default_factory=dict[str, int])
    positions: dict[Tensor, int] = field(default_factory=dict[Tensor, int])

    def position(self, tensor: Tensor | None) -> int:
        if tensor is None:
            return -1
        if tensor not in self.positions:
            self.positions[tensor] = len(self.rows)
            name = self.names.setdefault(tensor.name, len(self.names))
            self.rows.append(
                StoredTensor(
                    name, tensor.shape, tensor.dtype, tensor.is_constant, tensor.bytes_stored, tensor.role, tensor.value
                )
            )
        return self.positions[tensor]

    def all(self, tensors: tuple[Tensor | None, ...]) -> tuple[int, ...]:
        return tuple(self.position(tensor) for tensor in tensors)


def stored(workload: Workload, name: str) -> StoredNetwork:
    """The compact form of a network without bodies, containers and attributes that are tensors.

    Raises:
        ValueError: it has one of those.
    """
    table = _Table()
    ops = [
        StoredOp(op.id, op.name, op.kind, op.domain, op.opset, table.all(op.inputs), table.all(op.outputs), _plain(op))
        for op in workload.ops
    ]
    return StoredNetwork(
        FORM, name, "", workload.provenance.opset, table.rows, ops,
        table.all(workload.inputs), table.all(workload.outputs), table.all(workload.constants),
    )  # fmt: skip


def _plain(op: Op) -> dict[str, int | float | str | tuple[int | float | str, ...]]:
    if op.bodies or any(tensor.container for tensor in (*op.present_inputs, *op.present_outputs)):
        raise ValueError(f"{op.type} cannot be stored")
    found: dict[str, int | float | str | tuple[int | float | str, ...]] = {}
    for key, value in op.attributes:
        if isinstance(value, Tensor):
            raise ValueError(f"{op.type} has a tensor as attribute")
        found[key] = value
    return found


def workload_of(network: StoredNetwork) -> Workload:
    """The network as it was traced; names are numbers."""
    tensors = [
        Tensor(str(row.name), row.shape, row.dtype, row.is_constant, _value(row), row.bytes_stored, role=_role(row))
        for row in network.tensors
    ]

    def all_of(positions: tuple[int, ...]) -> tuple[Tensor | None, ...]:
        return tuple(None if position < 0 else tensors[position] for position in positions)

    def present(positions: tuple[int, ...]) -> tuple[Tensor, ...]:
        return tuple(tensors[position] for position in positions)

    ops = tuple(
        Op(op.id, op.name, op.kind, op.domain, op.opset, all_of(op.inputs), all_of(op.outputs), _attributes(op))
        for op in network.ops
    )
    source = Provenance(network.name, "", "torch", network.opset, 0, 0)
    return Workload(
        network.name, ops, present(network.inputs), present(network.outputs), present(network.constants), (), source
    )


def _value(row: StoredTensor) -> Value | None:
    if row.value is None:
        return None
    if row.dtype == "bool":
        return tuple(bool(item) for item in row.value)
    if row.dtype.startswith(("int", "uint")):
        return tuple(int(item) for item in row.value)
    return tuple(float(item) for item in row.value)


def _role(row: StoredTensor) -> Role:
    return "parameter" if row.role == "parameter" else "buffer" if row.role == "buffer" else ""


def _attributes(op: StoredOp) -> tuple[tuple[str, AttributeValue], ...]:
    found: list[tuple[str, AttributeValue]] = []
    for key, value in op.attributes.items():
        found.append((key, _list(value) if isinstance(value, tuple) else value))
    return tuple(found)


def _list(items: tuple[int | float | str, ...]) -> AttributeValue:
    if all(isinstance(item, int) for item in items):
        return tuple(item for item in items if isinstance(item, int))
    if all(isinstance(item, str) for item in items):
        return tuple(item for item in items if isinstance(item, str))
    return tuple(float(item) for item in items)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(StoredNetwork)


def write(network: StoredNetwork, path: Path) -> None:
    """Write a network. Raises InputError where the folder cannot be written."""
    write_atomically(path, gzip.compress(_ENCODER.encode(network), 6, mtime=0), overwrite=True)


def read(path: Path) -> StoredNetwork | None:
    """Read a network; None where the file is missing, damaged or of another form."""
    try:
        network = _DECODER.decode(gzip.decompress(path.read_bytes()))
    except (OSError, EOFError, msgspec.DecodeError):
        return None
    return network if network.form == FORM else None
