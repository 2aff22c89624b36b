"""Memory of a training step: weights, gradients, state of the optimiser, and what the backward pass needs.

The step is that of a framework that records as it runs: the forward pass keeps what ``attainable.cost.saved`` lists,
the backward pass goes through the ops in reverse, makes the gradient of each activation and of each weight, and drops
what an op kept once it is through with it; then the optimiser updates the weights. Gradients of weights are dropped
before the next step; its state is there from the first step on. Views share memory, a shared tensor is kept once.

Source: Griewank and Walther, Evaluating Derivatives, ch. 4 (reverse mode, and that it keeps the intermediate values);
PyTorch 2.13 for what is kept and when it is dropped.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from attainable.cost.count import Count, OpCount
from attainable.cost.rules import RULES
from attainable.cost.saved import ASSUMED, KEPT, PASSED_ON
from attainable.errors import unknown_name
from attainable.workload.dtypes import is_floating
from attainable.workload.graph import Op, Tensor, UnresolvedShape

OPTIMISERS: dict[str, tuple[int, int]] = {"sgd": (0, 0), "momentum": (1, 0), "adam": (2, 2)}
"""By name: tensors of state a weight, and temporary ones while a weight is updated.

Source: Kingma and Ba, Adam, arXiv:1412.6980, algorithm 1 (two moments); PyTorch's torch/optim/adam.py, whose update
makes the square root and the denominator, one weight at a time.
"""

_COPIED_IN_TRAINING = frozenset({"Dropout"})
"""Views of inference that make a tensor of their own in training."""


@dataclass(frozen=True, slots=True)
class TrainingMemory:
    """Bytes of a training step by role, and the most that is live at once.

    Attributes:
        optimiser: whose state is counted.
        weight_bytes: parameters.
        buffer_bytes: running statistics and other constants.
        gradient_bytes: of the parameters.
        optimiser_bytes: state kept from step to step.
        input_bytes: graph inputs, held by the caller.
        saved_bytes: what the forward pass keeps for the backward pass, graph inputs among it where an op needs them.
        activation_gradient_bytes: most bytes of gradients of activations at once.
        peak_bytes: most bytes of all of it at once.
        peak_phase: ``forward``, ``backward`` or ``update``, whichever reaches the peak.
        assumed: operators without a row in the table of what is kept; all that they read counts as kept.
    """

    optimiser: str
    weight_bytes: int
    buffer_bytes: int
    gradient_bytes: int
    optimiser_bytes: int
    input_bytes: int
    saved_bytes: int
    activation_gradient_bytes: int
    peak_bytes: int
    peak_phase: str
    assumed: tuple[str, ...]


def training_memory(count: Count, *, optimiser: str = "adam") -> TrainingMemory:
    """Memory of a training step at the batch size that the count is for.

    Args:
        count: of the network; a tensor without a shape counts as 0 bytes. Gradients of bodies of If, Loop and Scan are
            not part of it.
        optimiser: a key of ``OPTIMISERS``.

    Raises:
        UnknownName: there is no such optimiser.
    """
    if optimiser not in OPTIMISERS:
        raise unknown_name("optimiser", optimiser, OPTIMISERS)
    states, temporaries = OPTIMISERS[optimiser]
    tape = _Tape(count)
    weights, buffers = count.totals.parameter_bytes, count.totals.buffer_bytes
    state = states * weights
    always = weights + buffers + state + tape.input_bytes
    saved, forward = tape.forward()
    backward, gradients = tape.backward()
    update = weights + temporaries * tape.largest_weight
    peaks = {"forward": always + forward, "backward": always + backward, "update": always + update}
    phase = max(peaks, key=peaks.__getitem__)
    return TrainingMemory(
        optimiser=optimiser, weight_bytes=weights, buffer_bytes=buffers, gradient_bytes=weights, optimiser_bytes=state,
        input_bytes=tape.input_bytes, saved_bytes=saved, activation_gradient_bytes=gradients, peak_bytes=peaks[phase],
        peak_phase=phase, assumed=tuple(sorted(tape.assumed)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Record:
    """An op that has a gradient.

    Attributes:
        op: the op.
        kept: memories that it keeps.
        beside: bytes that it keeps beside.
        differentiable: its inputs that have a gradient.
        weight_bytes: of the gradients of the parameters that it is the first to use.
    """

    op: Op
    kept: tuple[str, ...]
    beside: int
    differentiable: tuple[str, ...]
    weight_bytes: int


class _Tape:
    """What the forward pass records, and the two passes over it."""

    def __init__(self, count: Count) -> None:
        self._count = count
        totals = count.totals
        self._bytes_a_parameter = totals.parameter_bytes / totals.parameters if totals.parameters else 0.0
        self._owners = {tensor.name: tensor.name for tensor in count.workload.inputs}
        self._sizes = {tensor.name: _bytes(tensor) for tensor in count.workload.inputs}
        self._inputs = frozenset(self._owners)
        self.input_bytes = sum(self._sizes.values())
        self.assumed: set[str] = set()
        self.largest_weight = max(
            (_bytes(tensor) for entry in count.ops if entry.parameters for tensor in entry.op.present_inputs
             if tensor.is_constant), default=0,
        )  # fmt: skip
        self._records: dict[int, _Record] = {}
        differentiable: set[str] = set()
        for position, entry in enumerate(count.ops):
            if entry.state == "folded":
                continue
            self._own(entry.op)
            inputs = tuple(dict.fromkeys(t.name for t in entry.op.present_inputs if t.name in differentiable))
            if inputs or entry.parameters or entry.shared:
                self._records[position] = self._record(entry, inputs)
                differentiable |= {t.name for t in entry.op.present_outputs if is_floating(t.dtype)}

    def forward(self) -> tuple[int, int]:
        """Bytes kept at the end of the forward pass, and the most that is live during it, graph inputs apart."""
        last: dict[str, int] = {}
        ops = self._count.ops
        for position, entry in enumerate(ops):
            for tensor in (*entry.op.present_inputs, *entry.op.present_outputs):
                if (owner := self._owners.get(tensor.name)) is not None:
                    last[owner] = position
        last |= {self._owners[t.name]: len(ops) for t in self._count.workload.outputs if t.name in self._owners}
        ending: dict[int, list[str]] = {}
        for name, position in last.items():
            ending.setdefault(position, []).append(name)
        kept = {name for record in self._records.values() for name in record.kept}
        live = peak = beside = 0
        made, held = set(self._inputs), kept | self._inputs
        for position, entry in enumerate(ops):
            for tensor in entry.op.present_outputs:
                owner = self._owners.get(tensor.name)
                if owner is not None and owner not in made:
                    made.add(owner)
                    live += self._sizes[owner]
            record = self._records.get(position)
            beside += record.beside if record is not None else 0
            peak = max(peak, live + beside)
            live -= sum(self._sizes[name] for name in ending.get(position, ()) if name not in held)
        return sum(self._sizes[name] for name in kept) + beside, peak

    def backward(self) -> tuple[int, int]:
        """The most that is live during the backward pass, graph inputs apart, and the most of activation gradients."""
        keepers: dict[str, int] = {}
        for record in self._records.values():
            for name in record.kept:
                keepers[name] = keepers.get(name, 0) + 1
        kept = sum(self._sizes[name] for name in keepers if name not in self._inputs)
        kept += sum(record.beside for record in self._records.values())
        gradients = _Gradients()
        for tensor in self._count.workload.outputs:
            if tensor.name in self._owners:
                gradients.make(tensor.name, self._sizes[self._owners[tensor.name]])
        weights = peak = 0
        for record in reversed(self._records.values()):
            outputs = [tensor.name for tensor in record.op.present_outputs]
            passed = record.op.type in PASSED_ON and len(outputs) == 1
            for name in record.differentiable:
                size = self._sizes[self._owners[name]]
                if passed and size == self._sizes[self._owners[outputs[0]]]:
                    gradients.share(name, outputs[0])
                else:
                    gradients.make(name, size)
            weights += record.weight_bytes
            peak = max(peak, kept + weights + gradients.live)
            gradients.drop(outputs)
            kept -= record.beside
            for name in record.kept:
                keepers[name] -= 1
                if keepers[name] == 0 and name not in self._inputs:
                    kept -= self._sizes[name]
        return peak, gradients.most

    def _own(self, op: Op) -> None:
        rule = RULES.get(op.type)
        view = rule is not None and rule.storage == "view" and op.type not in _COPIED_IN_TRAINING
        for index, tensor in enumerate(op.present_outputs):
            if tensor.is_constant:
                continue
            viewed = op.optional_input(0) if view and index == 0 else None
            owner = self._owners.get(viewed.name, tensor.name) if viewed is not None else tensor.name
            self._owners[tensor.name] = owner
            if owner == tensor.name:
                self._sizes[owner] = _bytes(tensor)

    def _record(self, entry: OpCount, differentiable: tuple[str, ...]) -> _Record:
        op = entry.op
        keeps = KEPT.get(op.type)
        if keeps is None:
            self.assumed.add(op.type)
            keeps = ASSUMED
        trains = bool(entry.parameters or entry.shared)
        wanted: list[Tensor | None] = [op.optional_input(position) for position in keeps.inputs]
        wanted += op.present_inputs if keeps.all_inputs else ()
        for position in keeps.factors:
            others = (op.optional_input(other) for other in keeps.factors if other != position)
            if any(t is not None and (t.name in differentiable or (t.is_constant and trains)) for t in others):
                wanted.append(op.optional_input(position))
        wanted += op.present_outputs[:1] if keeps.output else ()
        try:
            beside = keeps.beside(op)
        except (UnresolvedShape, ValueError):
            beside = 0
        return _Record(
            op, tuple(dict.fromkeys(self._owned(wanted))), beside, differentiable,
            round(entry.parameters * self._bytes_a_parameter),
        )  # fmt: skip

    def _owned(self, tensors: Iterable[Tensor | None]) -> Iterable[str]:
        for tensor in tensors:
            if tensor is not None and not tensor.is_constant and tensor.name in self._owners:
                yield self._owners[tensor.name]


class _Gradients:
    """The gradients of activations that are live; several names may share one memory."""

    def __init__(self) -> None:
        self._memory: dict[str, int] = {}
        self._sizes: list[int] = []
        self._holders: list[int] = []
        self._live = self._arriving = self.most = 0

    @property
    def live(self) -> int:
        """Bytes while the current op runs."""
        return self._live + self._arriving

    def make(self, name: str, size: int) -> None:
        """A gradient in memory of its own; where the tensor has one from another reader, this one is added to it."""
        held = self._memory.get(name)
        if held is None or self._holders[held] > 1:
            if held is not None:
                # the sum must not change the gradient of the other tensor that shares this memory
                self._holders[held] -= 1
                self._arriving += size
            self._memory[name] = len(self._sizes)
            self._sizes.append(size)
            self._holders.append(1)
            self._live += size
        else:
            self._arriving += size
        self.most = max(self.most, self.live)

    def share(self, name: str, source: str) -> None:
        """The gradient of ``source`` is that of ``name`` too, or is added to it."""
        held = self._memory.get(source)
        if held is None:
            return
        if name in self._memory:
            self.make(name, 0)
        else:
            self._memory[name] = held
            self._holders[held] += 1

    def drop(self, names: Iterable[str]) -> None:
        """The op is through: the gradients of its outputs are given back, what it added up is gone."""
        self._arriving = 0
        for name in names:
            held = self._memory.pop(name, None)
            if held is not None:
                self._holders[held] -= 1
                self._live -= self._sizes[held] if self._holders[held] == 0 else 0


def _bytes(tensor: Tensor) -> int:
    return tensor.bytes if tensor.shape is not None else 0
