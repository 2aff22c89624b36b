"""The executed graph: what each kernel of a run is for, and how much of the time that takes.

A runtime does not run the model's ops. It fuses some, computes others in several kernels, and adds kernels of its own
that change layouts and types. Every kernel has one purpose here, so that shares of time add up to the whole:

========= ==============================================================================================================
op        computes one op of the model
fused     computes several ops at once
split     one of several kernels that compute their ops together
layout    only changes the layout of a tensor, for the runtime's sake
cast      only converts a tensor to another type
quantise  only quantises or dequantises: what is left of Q/DQ pairs that no integer kernel took in
copy      only moves elements: reshapes, transposes, concatenations, splits
fallback  computes, but not as it was meant to: see ``Fallback``
unmapped  no op of the model is known for it
========= ==============================================================================================================

A kernel's own word decides first, then the operators that it computes: a kernel that does nothing but
``QuantizeLinear`` quantises, whatever the runtime calls it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from attainable.measurement.attribution import attributed_share
from attainable.measurement.kernel_words import (
    OPERATORS,
    Plain,
    computes_in_integers,
    delegate_of,
    is_reference,
    purpose_of_word,
)
from attainable.measurement.run import Run
from attainable.runtimes import Execution
from attainable.workload.dtypes import BITS, is_floating
from attainable.workload.graph import Op, Workload, all_ops
from attainable.workload.kernel import Attribution, Kernel

Purpose = Literal["op", "fused", "split", "layout", "cast", "quantise", "copy", "fallback", "unmapped"]
PURPOSES: tuple[Purpose, ...] = (
    "op", "fused", "split", "layout", "cast", "quantise", "copy", "fallback", "unmapped",
)  # fmt: skip

Fallback = Literal["", "provider", "reference", "quantised", "precision"]
"""Why a kernel is not what was meant: another provider's than most of the time is spent in, plain reference code, in
real numbers what the model quantises, or in a wider type than the run's."""


@dataclass(frozen=True, slots=True)
class ExecutedOp:
    """An op of the model: its id, its name, which may be hostile text, and its operator."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class ExecutedKernel:
    """A kernel of a run and what it is for.

    Attributes:
        position: in the order in which they run, from 0.
        name, kind, seconds, attribution: as in ``Kernel``.
        layer, implementation, precision, layout: as in ``Execution``.
        share: of the time of all kernels, 0 to 1.
        purpose: one of ``PURPOSES``.
        fallback: why it is one; empty where it is none.
        is_inserted: whether the model has no op that asks for this change of layout, cast, quantisation or copy.
        ops: what it computes, or for one that was inserted what it serves.
    """

    position: int
    name: str
    kind: str
    layer: str
    implementation: str
    precision: str
    layout: str
    seconds: float
    share: float
    purpose: Purpose
    fallback: Fallback
    is_inserted: bool
    attribution: Attribution
    ops: tuple[ExecutedOp, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Some kernels together: how many, their time, and its share of that of all kernels, 0 to 1."""

    name: str
    kernels: int
    seconds: float
    share: float


@dataclass(frozen=True, slots=True)
class ExecutedGraph:
    """What really ran of a model.

    Attributes:
        model: its name.
        run: the run that it is the graph of.
        kernels: in the order in which they run.
        purposes: a part for each of ``PURPOSES``, in their order, those without a kernel too.
        precisions: a part for each type that kernels give or compute in, the longest first; ``""`` where the runtime
            does not tell.
        patterns: the operators that kernels of several ops compute, joined by ``+``, the longest first; ``Q/DQ`` stands
            for all that quantise and dequantise.
        fused_ops: how many ops share a kernel with another.
        absent: ops that are part of no kernel: folded, removed, or not found.
        unmapped_share: of the kernels' time, that could not be traced to ops, 0 to 1.
        whole_seconds: median of whole runs without the profiler, in turns with profiled ones where there are such.
        together_share: the kernels' time by that of whole runs.
        profiler_share: by how much the profiler lengthened whole runs; None where they did not take turns.
    """

    model: str
    run: Run
    kernels: tuple[ExecutedKernel, ...]
    purposes: tuple[Part, ...]
    precisions: tuple[Part, ...]
    patterns: tuple[Part, ...]
    fused_ops: int
    absent: tuple[ExecutedOp, ...]
    unmapped_share: float
    whole_seconds: float
    together_share: float
    profiler_share: float | None


def executed_graph(run: Run, workload: Workload) -> ExecutedGraph:
    """Say of each kernel of a run what it is for.

    Args:
        run: with kernels; the ops that they name are those of ``workload``.
        workload: what was run.
    """
    executions = run.executions or tuple(Execution() for _ in run.kernels)
    known = {op.id: op for op in all_ops(workload.ops)}
    pairs = list(zip(run.kernels, executions, strict=True))
    plain: list[Purpose | Literal[""]] = [_plain_purpose(run.runtime, *pair, known) for pair in pairs]
    shared = Counter(
        op for kernel, purpose in zip(run.kernels, plain, strict=True) if not purpose for op in set(kernel.ops)
    )
    meant = _Meant(run, workload, pairs)
    total = sum(kernel.seconds for kernel in run.kernels)
    kernels: list[ExecutedKernel] = []
    for position, ((kernel, execution), word) in enumerate(zip(pairs, plain, strict=True)):
        fallback = meant.fallback(kernel, execution) if not word else ""
        kernels.append(
            ExecutedKernel(
                position=position, name=kernel.name, kind=kernel.kind, layer=execution.layer,
                implementation=execution.implementation, precision=execution.precision, layout=execution.layout,
                seconds=kernel.seconds, share=kernel.seconds / total if total else 0.0,
                purpose=word or ("fallback" if fallback else _computing(kernel, shared)), fallback=fallback,
                is_inserted=word in _MOVING and all(OPERATORS.get(known[op].kind) != word for op in kernel.ops),
                attribution=kernel.attribution,
                ops=tuple(ExecutedOp(op, known[op].name, known[op].kind) for op in kernel.ops),
            )
        )  # fmt: skip
    executed = {op for kernel in run.kernels for op in kernel.ops}
    fused = [kernel for kernel in kernels if len(kernel.ops) > 1 and kernel.purpose not in _MOVING]
    whole = run.median_seconds if run.unprofiled_seconds is None else run.unprofiled_seconds
    turns = run.profiled_seconds is not None and run.unprofiled_seconds
    return ExecutedGraph(
        model=workload.name,
        run=run,
        kernels=tuple(kernels),
        purposes=tuple(_parts(kernels, [kernel.purpose for kernel in kernels], PURPOSES)),
        precisions=_longest_first(_parts(kernels, [kernel.precision for kernel in kernels])),
        patterns=_longest_first(_parts(fused, [_pattern(kernel.ops) for kernel in fused])),
        fused_ops=len({op.id for kernel in fused for op in kernel.ops}),
        absent=tuple(ExecutedOp(op.id, op.name, op.kind) for op in workload.ops if op.id not in executed),
        unmapped_share=1 - attributed_share(run.kernels),
        whole_seconds=whole,
        together_share=total / whole if whole else 0.0,
        profiler_share=(run.profiled_seconds or 0.0) / turns - 1 if turns else None,
    )


_MOVING = ("layout", "cast", "quantise", "copy")
_PROVIDER = re.compile(r"[A-Za-z]{1,32}ExecutionProvider")


def _plain_purpose(
    runtime: str, kernel: Kernel, execution: Execution, known: Mapping[str, Op]
) -> Purpose | Literal[""]:  # fmt: skip
    """The purpose of a kernel that computes nothing; empty for one that does."""
    word = purpose_of_word(
        runtime, execution.layer or kernel.kind, kernel.name, is_layout=kernel.attribution == "layout"
    )  # fmt: skip
    if word:
        return word
    if not kernel.ops:
        return "unmapped"
    kinds: set[Plain] = {OPERATORS.get(known[op].kind, "") for op in kernel.ops}
    return kinds.pop() if len(kinds) == 1 else ""


def _computing(kernel: Kernel, shared: Mapping[str, int]) -> Purpose:
    if any(shared[op] > 1 for op in kernel.ops):
        return "split"
    return "fused" if len(kernel.ops) > 1 else "op"


class _Meant:
    """How kernels of a run are meant to compute."""

    def __init__(self, run: Run, workload: Workload, pairs: Iterable[tuple[Kernel, Execution]]) -> None:
        self._runtime = run.runtime
        self._precision = run.precision or run.dtype
        self._quantised = _quantised(workload)
        providers: defaultdict[str, float] = defaultdict(float)
        for kernel, execution in pairs:
            if name := self._provider_of(execution):
                providers[name] += kernel.seconds
        # A network that fell back as a whole is still one that was meant for the accelerator.
        self._provider = max(providers, key=lambda name: (not name.startswith("CPU"), providers[name]), default="")

    def fallback(self, kernel: Kernel, execution: Execution) -> Fallback:
        """Why it is not what was meant; empty where it is."""
        provider = self._provider_of(execution)
        if provider != self._provider and (provider or delegate_of(self._runtime)):
            return "provider"
        if is_reference(self._runtime, execution.implementation):
            return "reference"
        if not is_floating(execution.precision) or computes_in_integers(execution.layer or kernel.kind):
            return ""
        if not self._quantised.isdisjoint(kernel.ops):
            return "quantised"
        return "precision" if self._is_wider(execution.precision) else ""

    def _provider_of(self, execution: Execution) -> str:
        """The execution provider or the delegate that ran a kernel; empty where there are none."""
        delegate = delegate_of(self._runtime)
        if delegate and execution.implementation.startswith(delegate):
            return delegate
        found = _PROVIDER.search(execution.implementation)
        return found[0] if found else ""

    def _is_wider(self, precision: str) -> bool:
        return is_floating(self._precision) and BITS.get(precision, 0) > BITS.get(self._precision, 0)


_CONTRACTIONS = ("Conv", "ConvTranspose", "MatMul", "Gemm")


def _quantised(workload: Workload) -> set[str]:
    """The ops that the model wants in integers: those between a dequantisation and a quantisation, and contractions of
    dequantised tensors."""
    dequantised = {tensor.name for op in workload.ops if op.kind == "DequantizeLinear" for tensor in op.present_outputs}
    read = {op.inputs[0].name for op in workload.ops if op.kind == "QuantizeLinear" and op.inputs and op.inputs[0]}
    found: set[str] = set()
    for op in workload.ops:
        given = [tensor is not None and tensor.name in dequantised for tensor in op.inputs[:2]]
        closed = any(tensor.name in read for tensor in op.present_outputs)
        if given and given[0] and (closed or (op.kind in _CONTRACTIONS and all(given))):
            found.add(op.id)
    return found


def _pattern(ops: Sequence[ExecutedOp]) -> str:
    computing = [op.kind for op in ops if OPERATORS.get(op.kind) != "quantise"]
    return "+".join([*computing, *(["Q/DQ"] if len(computing) < len(ops) else [])])


def _parts(kernels: Sequence[ExecutedKernel], names: Sequence[str], all: Sequence[str] = ()) -> list[Part]:
    """The kernels of each name together, in the order of ``all`` and then of the first of each."""
    counted, seconds, share = Counter[str](), defaultdict[str, float](float), defaultdict[str, float](float)
    for kernel, name in zip(kernels, names, strict=True):
        counted[name] += 1
        seconds[name] += kernel.seconds
        share[name] += kernel.share
    return [Part(name, counted[name], seconds[name], share[name]) for name in dict.fromkeys((*all, *names))]


def _longest_first(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(sorted(parts, key=lambda part: -part.seconds))
