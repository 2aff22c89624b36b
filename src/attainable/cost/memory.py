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
from attainable.workload.graph import Op, Tensor, Workload


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
    owners = _owners(workload, kinds)
    sizes = {tensor.name: _bytes(tensor) for tensor in _activations(workload) if owners[tensor.name] == tensor.name}
    last = _last_uses(workload, owners)
    dying: dict[int, list[str]] = {}
    for name, position in last.items():
        dying.setdefault(position, []).append(name)
    callers = {tensor.name for tensor in workload.inputs}
    live = sum(sizes[name] for name in callers if name in last)
    kept = 0  # bytes of graph inputs that are read for the last time by now
    profile: list[int] = []
    peak_in_place = peak_inputs_kept = 0
    for position, (op, kind) in enumerate(zip(workload.ops, kinds, strict=True)):
        dead = dying.get(position, ())
        live += sum(sizes[tensor.name] for tensor in op.outputs if tensor is not None and tensor.name in sizes)
        profile.append(live)
        reused = _reused(op, owners, sizes, {*dead} - callers) if kind == "in_place" else 0
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


def _activations(workload: Workload) -> Iterable[Tensor]:
    yield from workload.inputs
    for op in workload.ops:
        for tensor in op.outputs:
            if tensor is not None and not tensor.is_constant:
                yield tensor


def _bytes(tensor: Tensor) -> int:
    return tensor.bytes if tensor.shape is not None else 0


def _owners(workload: Workload, kinds: tuple[Storage, ...]) -> dict[str, str]:
    """For each activation the tensor whose memory it uses: itself, or what it views."""
    owners = {tensor.name: tensor.name for tensor in workload.inputs}
    for op, kind in zip(workload.ops, kinds, strict=True):
        for tensor in op.outputs:
            if tensor is not None and not tensor.is_constant:
                owners[tensor.name] = tensor.name
        first = op.outputs[0] if op.outputs else None
        if kind == "view" and first is not None and first.name in owners and op.inputs:
            viewed = op.inputs[0]
            owners[first.name] = owners.get(viewed.name, first.name) if viewed is not None else first.name
    return owners


def _last_uses(workload: Workload, owners: dict[str, str]) -> dict[str, int]:
    """Position of the last op that needs each owner; graph outputs are needed to the end."""
    last: dict[str, int] = {}
    for position, op in enumerate(workload.ops):
        for tensor in (*op.inputs, *op.outputs):
            if tensor is not None and tensor.name in owners:
                last[owners[tensor.name]] = position
        for name in _read_by_bodies(op):
            if name in owners:
                last[owners[name]] = position
    for tensor in workload.outputs:
        if tensor.name in owners:
            last[owners[tensor.name]] = len(workload.ops)
    return last


def _read_by_bodies(op: Op) -> Iterable[str]:
    for body in op.bodies:
        for inner in body.ops:
            yield from (tensor.name for tensor in inner.present_inputs)
            yield from _read_by_bodies(inner)


def _reused(op: Op, owners: dict[str, str], sizes: dict[str, int], dying: set[str]) -> int:
    """Bytes of the first output when it can be written over an input of the same size that dies with this op."""
    first = op.outputs[0] if op.outputs else None
    if first is None or first.name not in sizes:
        return 0
    inputs = (owners.get(tensor.name, "") for tensor in op.present_inputs)
    return next((sizes[first.name] for name in inputs if name in dying and sizes[name] == sizes[first.name]), 0)
