"""Activation memory over a run, by liveness.

A tensor lives from the op that makes it to the last op that reads it; graph inputs live from the start, graph outputs
to the end. While an op runs, everything it reads and everything it writes is live, and so is what its bodies make. A
view shares the memory of what it views. Weights are not part of it.

Source: liveness as in compilers (Appel, Modern Compiler Implementation, ch. 10); figures for ResNet-50 are derived in
``tests/specs/test_memory.py``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from attainable.cost.work import Storage
from attainable.workload.graph import FUNCTION, Body, Op, Shape, Tensor, Workload, captured_names

StorageOf = Callable[[Op], Storage]
"""What the first output of an op is."""


@dataclass(frozen=True, slots=True)
class ActivationMemory:
    """Bytes of activations, under each assumption by its own name.

    Attributes:
        peak_bytes: most bytes live at once; no in-place reuse, graph inputs freed after their last use.
        peak_bytes_inputs_kept: the same when the caller keeps the graph inputs until the end.
        peak_bytes_in_place: as ``peak_bytes``, where an element-wise op writes over an input that dies with it.
        all_bytes: every activation in memory of its own, nothing freed.
        mean_bytes: mean over the ops of the bytes live while each runs.
        swing_bytes: largest minus smallest of those.
        peak_op: id of the op at which ``peak_bytes`` is reached; empty for a network without ops.
    """

    peak_bytes: int
    peak_bytes_inputs_kept: int
    peak_bytes_in_place: int
    all_bytes: int
    mean_bytes: float
    swing_bytes: int
    peak_op: str


def activation_memory(workload: Workload, storage_of: StorageOf) -> ActivationMemory:
    """Walk the ops once, following what lives.

    Args:
        workload: the network; a tensor without a shape counts as 0 bytes.
        storage_of: what the first output of each op is.
    """
    kinds: list[Storage] = [storage_of(op) for op in workload.ops]
    lives = _follow(workload.inputs, workload.ops, workload.outputs, kinds)
    sizes, callers = lives.sizes, {tensor.name for tensor in workload.inputs}
    dying = lives.dying()
    live = sum(sizes[name] for name in callers if name in lives.last)
    kept = 0  # bytes of graph inputs that are read for the last time by now
    profile: list[int] = []
    peak_in_place = peak_inputs_kept = 0
    peaks: dict[int, int] = {}
    for position, (op, kind) in enumerate(zip(workload.ops, kinds, strict=True)):
        dead = dying.get(position, ())
        live += lives.born[position]
        inside = bytes_inside(op, storage_of, peaks=peaks) if op.bodies else 0
        profile.append(live + inside)
        reused = _reused(op, lives, {*dead} - callers) if kind == "in_place" and dead else 0
        peak_in_place = max(peak_in_place, live + inside - reused)
        peak_inputs_kept = max(peak_inputs_kept, live + inside + kept)
        for name in dead:
            live -= sizes[name]
            kept += sizes[name] if name in callers else 0
    peak = max(profile, default=0)
    return ActivationMemory(
        peak_bytes=peak,
        peak_bytes_inputs_kept=peak_inputs_kept,
        peak_bytes_in_place=peak_in_place,
        all_bytes=sum(sizes.values()),
        mean_bytes=sum(profile) / len(profile) if profile else 0.0,
        swing_bytes=peak - min(profile, default=0),
        peak_op=workload.ops[profile.index(peak)].id if profile else "",
    )


def bytes_inside(op: Op, storage_of: StorageOf, *, peaks: dict[int, int] | None = None) -> int:
    """Most bytes live at once inside one run of a body of an op, beyond what the op reads and writes.

    Args:
        op: the op.
        storage_of: what the first output of each op is.
        peaks: those of functions, by identity of the body: equal calls share one, and functions that call functions
            twice would take exponential time otherwise. The dict must not outlive the workload.
    """
    known: dict[int, int] = {} if peaks is None else peaks
    return max((_peak_inside(op, body, storage_of, known) for body in op.bodies), default=0)


def _peak_inside(op: Op, body: Body, storage_of: StorageOf, peaks: dict[int, int]) -> int:
    if id(body) in peaks:
        return peaks[id(body)]
    outside = {tensor.name for tensor in body.inputs if tensor.is_constant or body.name == FUNCTION}
    # what a body returns as it is has the memory of the op's output; what a loop stacks up is copied there
    stacked = len(body.outputs) if op.kind == "SequenceMap" else len(body.outputs) - _handed_on(op, body)
    returned = body.outputs[: len(body.outputs) - stacked]
    outside |= {tensor.name for tensor in returned}
    lives = _follow(body.inputs, body.ops, body.outputs, [storage_of(inner) for inner in body.ops], outside)
    dying = lives.dying()
    live = sum(lives.sizes[tensor.name] for tensor in body.inputs if tensor.name in lives.last)
    peak = live
    for position, inner in enumerate(body.ops):
        live += lives.born[position]
        peak = max(peak, live + (bytes_inside(inner, storage_of, peaks=peaks) if inner.bodies else 0))
        live -= sum(lives.sizes[name] for name in dying.get(position, ()))
    if body.name == FUNCTION:
        peaks[id(body)] = peak
    return peak


def _handed_on(op: Op, body: Body) -> int:
    """Outputs of a body that are not stacked up: condition and state of a Loop, state of a Scan, elsewhere all."""
    if op.kind == "Loop":
        return max(len(op.inputs) - 2, 0) + 1
    if op.kind == "Scan":
        return len(body.inputs) - op.integer("num_scan_inputs", 0)
    return len(body.outputs)


@dataclass(slots=True)
class _Lives:
    """Which memory each activation uses, and from when to when.

    Attributes:
        owners: for each activation the tensor whose memory it uses: itself, or what it views.
        sizes: bytes of each owner.
        born: for each op the bytes of the owners that it makes.
        last: for each owner the position of the last op that needs it, the number of ops where the graph returns it.
    """

    owners: dict[str, str]
    sizes: dict[str, int]
    born: list[int]
    last: dict[str, int]

    def dying(self) -> dict[int, list[str]]:
        """The owners whose last use is at each position."""
        found: dict[int, list[str]] = {}
        for name, position in self.last.items():
            found.setdefault(position, []).append(name)
        return found


def _follow(
    inputs: Sequence[Tensor], ops: Sequence[Op], outputs: Sequence[Tensor], kinds: Sequence[Storage],
    outside: frozenset[str] | set[str] = frozenset(),
) -> _Lives:  # fmt: skip
    """Follow the activations of a graph or a body; those named ``outside`` have memory that is counted elsewhere."""
    owners = {tensor.name: tensor.name for tensor in inputs}
    sizes = {tensor.name: 0 if tensor.name in outside else _bytes(tensor) for tensor in inputs}
    born: list[int] = []
    last: dict[str, int] = {}
    # a large network has few shapes, and taking the product of one takes longer than looking it up
    known: dict[tuple[Shape | None, str], int] = {}
    for position, (op, kind) in enumerate(zip(ops, kinds, strict=True)):
        for tensor in op.inputs:
            if tensor is not None and (owner := owners.get(tensor.name)) is not None:
                last[owner] = position
        for name in captured_names(op) if op.bodies else ():
            if name in owners:
                last[owners[name]] = position
        made = 0
        for index, tensor in enumerate(op.outputs):
            if tensor is None or tensor.is_constant:
                continue
            name = tensor.name
            viewed = op.inputs[0] if kind == "view" and index == 0 and op.inputs else None
            owner = owners.get(viewed.name, name) if viewed is not None else name
            owners[name] = owner
            last[owner] = position
            if owner == name:
                key = (tensor.shape, tensor.dtype)
                if (size := known.get(key)) is None:
                    size = known[key] = _bytes(tensor)
                sizes[name] = 0 if name in outside else size
                made += sizes[name]
        born.append(made)
    last |= {owners[tensor.name]: len(ops) for tensor in outputs if tensor.name in owners}
    return _Lives(owners, sizes, born, last)


def _bytes(tensor: Tensor) -> int:
    return tensor.bytes if tensor.shape is not None else 0


def _reused(op: Op, lives: _Lives, dying: set[str]) -> int:
    """Bytes of the first output when it can be written over an input of the same size that dies with this op."""
    first = op.outputs[0] if op.outputs else None
    size = lives.sizes.get(first.name) if first is not None else None
    if size is None:
        return 0
    for tensor in op.inputs:
        owner = lives.owners.get(tensor.name) if tensor is not None else None
        if owner in dying and lives.sizes[owner] == size:
            return size
    return 0
