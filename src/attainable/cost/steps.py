"""The kernel calls of an optimising runtime: which tensors a run really makes, how large, and in which order.

* A unary element-wise op, or a BatchNormalization, joins the op that makes its input when nobody else reads that input.
* An Add of two activations joins a convolution before it, which accumulates into the other operand, or a
  LayerNormalization behind it; x times its sigmoid is one kernel.
* Convolutions run on blocked channels where those allow it; pooling, element-wise ops and Concat follow them, and a
  copy changes the layout at the border (``attainable.cost.layout``).
* Steps run depth first from the outputs; of what a step reads, the latest in the file comes first.

Source: onnxruntime 1.31, CPU, all optimisations: its documentation of graph optimisations, and its allocator's log,
which ``benchmarks/activation_memory.py`` compares with.
"""

from dataclasses import dataclass, field
from math import prod

from attainable.cost.rules import RULES
from attainable.workload.dtypes import bytes_of
from attainable.workload.graph import Op, Shape, Tensor, Workload, captured_names

OWN_OUTPUT = frozenset({"Gelu", "com.microsoft:Gelu", "com.microsoft:QuickGelu", "com.microsoft:BiasGelu"})
"""Element-wise kernels that never write over their input. Source: onnxruntime's registrations, without MayInplace."""

ALSO_IN_PLACE = frozenset({"Softmax", "LogSoftmax"})
"""Kernels that may write over their input though they are not element-wise. Source: the same."""

_PARAMETRIC = frozenset({"BatchNormalization", "Add", "Mul", "Sub", "Div"})
"""What folds into the weights of a convolution; anything else that joins it is its activation, and closes it."""

Form = tuple[Shape, str]
"""Shape and element type of a tensor in memory."""


@dataclass(slots=True, eq=False)
class Step:
    """One call of a kernel.

    Attributes:
        kind: of the op that the kernel is named after, with its domain; empty for a change of layout.
        op: that op; None for a change of layout.
        reads: names of the activations that it reads.
        makes: names of what it writes.
        overwrites: those of ``reads`` that the first output may be written over, the best first.
        is_view: the first output is the memory of the first input.
        closed: nothing joins any more.
    """

    kind: str
    op: Op | None
    reads: list[str]
    makes: list[str]
    overwrites: list[str] = field(default_factory=list[str])
    is_view: bool = False
    closed: bool = False


@dataclass(slots=True)
class Steps:
    """What a run does.

    Attributes:
        steps: in the order in which they run.
        forms: of every activation, in the layout of the run.
        buffers: the form of the memory of an activation, where it is another one than that of the activation.
        inputs, outputs: names of the graph's.
    """

    steps: list[Step]
    forms: dict[str, Form]
    buffers: dict[str, Form]
    inputs: tuple[str, ...]
    outputs: set[str]

    def bytes(self, name: str) -> int:
        """Bytes of an activation; 0 where its shape is not known."""
        shape, dtype = self.forms[name]
        return bytes_of(dtype, prod(shape))


def fused_steps(workload: Workload) -> Steps:
    """The kernel calls of a run in the plain layout, in the order of the file."""
    return _Fusion(workload).steps()


def depth_first(steps: list[Step]) -> list[Step]:
    """The steps in the order that reaches each output depth first, the latest of the given order before the others."""
    rank = {step: position for position, step in enumerate(steps)}
    maker = {name: step for step in steps for name in step.makes}
    read = {name for step in steps for name in step.reads}
    pending = [(step, False) for step in steps if read.isdisjoint(step.makes)]
    reached: set[Step] = set()
    ordered: list[Step] = []
    while pending:
        step, done = pending.pop()
        if done:
            ordered.append(step)
        elif step not in reached:
            reached.add(step)
            pending.append((step, True))
            before = {maker[name] for name in step.reads if name in maker} - reached
            pending += [(other, False) for other in sorted(before, key=rank.__getitem__)]
    return ordered


class _Fusion:
    """Goes through the ops once and lets each join a step or start one."""

    def __init__(self, workload: Workload) -> None:
        self._workload = workload
        self._outputs = {tensor.name for tensor in workload.outputs if not tensor.is_constant}
        self._readers: dict[str, int] = {}
        self._forms: dict[str, Form] = {tensor.name: _form(tensor) for tensor in workload.inputs}
        self._reads: list[list[str]] = []
        known = set(self._forms)
        for op in workload.ops:
            # bodies also read tensors of their own, which may have any name
            reads = [name for name in _read(op) if name in known]
            known |= {tensor.name for tensor in op.present_outputs if not tensor.is_constant}
            self._reads.append(reads)
            for name in reads:
                self._readers[name] = self._readers.get(name, 0) + 1
        self._buffers: dict[str, Form] = {}
        self._maker: dict[str, Step] = {}
        self._steps: list[Step] = []

    def steps(self) -> Steps:
        for op, reads in zip(self._workload.ops, self._reads, strict=True):
            makes = [tensor.name for tensor in op.present_outputs if not tensor.is_constant]
            if not makes:
                continue
            for tensor in op.present_outputs:
                self._forms[tensor.name] = _form(tensor)
            if not any(join(op, reads, makes) for join in (self._joins_before, self._accumulates, self._joins_pair)):
                self._start(op, reads, makes)
        inputs = tuple(tensor.name for tensor in self._workload.inputs)
        return Steps(self._steps, self._forms, self._buffers, inputs, self._outputs & self._forms.keys())

    def _start(self, op: Op, reads: list[str], makes: list[str]) -> None:
        step = Step(op.type, op, reads, makes)
        rule = RULES.get(op.type)
        storage = rule.storage if rule is not None else "own"
        if storage == "view" and reads:
            step.is_view = True
        elif op.type not in OWN_OUTPUT and (storage == "in_place" or op.type in ALSO_IN_PLACE):
            step.overwrites = [name for name in reads if self._forms[name] == self._forms[makes[0]]]
        self._steps.append(step)
        self._becomes(step, makes)

    def _joins_before(self, op: Op, reads: list[str], makes: list[str]) -> bool:
        """A unary op in place joins the step that makes its input."""
        rule = RULES.get(op.type)
        if rule is None or rule.storage != "in_place" or op.type in OWN_OUTPUT or len(reads) != 1 or len(makes) != 1:
            return False
        host = self._private_maker(reads[0])
        if host is None or host.is_view or host.closed or self._forms[reads[0]] != self._forms[makes[0]]:
            return False
        host.closed = host.kind == "Conv" and op.kind not in _PARAMETRIC
        shape, dtype = self._forms[makes[0]]
        if host.kind == "MatMul" and op.kind == "Add" and host.op is not None and _is_linear(host.op) and shape:
            # becomes a Gemm between two views, so that the memory is a matrix whatever the rank of the activation
            self._buffers[makes[0]] = ((prod(shape[:-1]), shape[-1]), dtype)
        self._becomes(host, makes)
        return True

    def _accumulates(self, op: Op, reads: list[str], makes: list[str]) -> bool:
        """An Add joins a convolution, which then adds to the other operand."""
        if op.kind != "Add" or len(reads) != 2 or self._forms[reads[0]] != self._forms[reads[1]]:
            return False
        for name, other in (reads, reads[::-1]):
            host = self._private_maker(name)
            if host is not None and host.kind == "Conv" and not host.closed and not host.overwrites:
                host.reads.append(other)
                host.overwrites = [other]
                self._becomes(host, makes)
                return True
        return False

    def _joins_pair(self, op: Op, reads: list[str], makes: list[str]) -> bool:
        """LayerNormalization joins the Add before it, and a product of x and its sigmoid the sigmoid."""
        if op.kind == "LayerNormalization" and len(makes) == 1 and reads:
            host = self._private_maker(reads[0])
            joins = host is not None and host.kind == "Add" and len(host.reads) == 2
        elif op.kind == "Mul" and len(reads) == 2:
            pairs = ((self._private_maker(gate), x) for x, gate in (reads, reads[::-1]))
            found = (gate for gate, x in pairs if gate is not None and gate.kind == "Sigmoid" and gate.reads == [x])
            host = next(found, None)
            joins = host is not None
        else:
            return False
        if host is None or not joins:
            return False
        host.kind, host.op, host.overwrites, host.closed = op.type, op, [], True
        self._becomes(host, makes)
        return True

    def _private_maker(self, name: str) -> Step | None:
        if self._readers.get(name) != 1 or name in self._outputs:
            return None
        step = self._maker.get(name)
        return step if step is not None and len(step.makes) == 1 else None

    def _becomes(self, step: Step, makes: list[str]) -> None:
        step.makes = makes
        for name in makes:
            self._maker[name] = step


def _is_linear(op: Op) -> bool:
    second = op.optional_input(1)
    return second is not None and second.is_constant


def _read(op: Op) -> list[str]:
    own = (tensor.name for tensor in op.present_inputs if not tensor.is_constant)
    return list(dict.fromkeys((*own, *captured_names(op)) if op.bodies else own))


def _form(tensor: Tensor) -> Form:
    return (tensor.shape if tensor.shape is not None else (0,), tensor.dtype)
