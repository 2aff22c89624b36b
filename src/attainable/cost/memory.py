"""Activation memory over a run, by liveness.

A tensor lives from the op that makes it to the last op that reads it; graph inputs live from the start, graph outputs
to the end. While an op runs, everything it reads and everything it writes is live. A view shares the memory of what it
views. Weights are not part of it.

Source: liveness as in compilers (Appel, Modern Compiler Implementation, ch. 10); figures for ResNet-50 are derived in
``tests/specs/test_memory.py``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from attainable.cost.work import Storage
from attainable.workload.graph import FUNCTION, Op, Shape, Tensor, Workload


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


def activation_memory(workload: Workload, storages: Iterable[Storage]) -> ActivationMemory:
    """Walk the ops once, following what lives.

    Args:
        workload: the network; a tensor without a shape counts as 0 bytes.
        storages: for each op, in the same order, what its first output is.
    """
    kinds = tuple(storages)
    lives = _follow(workload, kinds)
    sizes, callers = lives.sizes, {tensor.name for tensor in workload.inputs}
    dying: dict[int, list[str]] = {}
    for name, position in lives.last.items():
        dying.setdefault(position, []).append(name)
    live = sum(sizes[name] for name in callers if name in lives.last)
    kept = 0  # bytes of graph inputs that are read for the last time by now
    profile: list[int] = []
    peak_in_place = peak_inputs_kept = 0
    for position, (op, kind) in enumerate(zip(workload.ops, kinds, strict=True)):
        dead = dying.get(position, ())
        live += lives.born[position]
        profile.append(live)
        reused = _reused(op, lives, {*dead} - callers) if kind == "in_place" and dead else 0
        peak_in_place = max(peak_in_place, live - reused)
        peak_inputs_kept = max(peak_inputs_kept, live + kept)
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


def _follow(workload: Workload, kinds: tuple[Storage, ...]) -> _Lives:
    owners = {tensor.name: tensor.name for tensor in workload.inputs}
    sizes = {tensor.name: _bytes(tensor) for tensor in workload.inputs}
    born: list[int] = []
    last: dict[str, int] = {}
    # a large network has few shapes, and taking the product of one takes longer than looking it up
    known: dict[tuple[Shape | None, str], int] = {}
    for position, (op, kind) in enumerate(zip(workload.ops, kinds, strict=True)):
        for tensor in op.inputs:
            if tensor is not None and (owner := owners.get(tensor.name)) is not None:
                last[owner] = position
        for name in read_by_bodies(op) if op.bodies else ():
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
                sizes[name] = size
                made += size
        born.append(made)
    last |= {owners[tensor.name]: len(workload.ops) for tensor in workload.outputs if tensor.name in owners}
    return _Lives(owners, sizes, born, last)


def _bytes(tensor: Tensor) -> int:
    return tensor.bytes if tensor.shape is not None else 0


def read_by_bodies(op: Op) -> Iterable[str]:
    """Names of all tensors that ops inside the bodies of an op read, those of the bodies' own among them.

    A local function sees nothing but its arguments.
    """
    for body in op.bodies:
        if body.name == FUNCTION:
            continue
        yield from (tensor.name for tensor in body.outputs)
        for inner in body.ops:
            yield from (tensor.name for tensor in inner.present_inputs)
            yield from read_by_bodies(inner)


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
