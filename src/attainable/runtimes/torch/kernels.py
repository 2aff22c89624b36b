"""From what PyTorch ran to kernels with their ops.

The steps of the translated model are known by the tensors that they give. Eagerly every step is a kernel. With
torch.compile a kernel computes parts of some steps, and is asked for the result of some of them: what was fused into it
is found between these and what other kernels give. What inductor keeps no trace of went one of two ways: a
normalisation or a sum with constants into the weights of the contraction before it, all else into what reads it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from attainable.runtimes import Execution
from attainable.runtimes.attribution.graph import Node
from attainable.runtimes.attribution.model import Model, model_of
from attainable.runtimes.attribution.names import Names
from attainable.runtimes.attribution.tensors import attribute_named
from attainable.workload.graph import Op, Workload
from attainable.workload.kernel import Attribution, Kernel

__all__ = ["Reported", "attributed_kernels"]

Reported = Mapping[str, Any]
"""A kernel or a step as ``torch_session`` reports it."""

Owned = tuple[tuple[str, ...], Attribution]
"""The ids of the ops of a kernel, and how they were found."""

_OWN_CODE = "cpp_fused"
_CONTRACTIONS = ("Conv", "ConvTranspose", "MatMul", "Gemm")
_FOLDED = ("BatchNormalization", "Add", "Sub", "Mul", "Div")


def attributed_kernels(
    kernels: Sequence[Reported],
    steps: Sequence[Reported],
    present: Sequence[int],
    workload: Workload,
    *,
    profiler_seconds: float,
) -> tuple[tuple[Kernel, ...], tuple[Execution, ...]]:
    """Find the ops of every kernel.

    Args:
        kernels: in the order in which they run, each with its ``seconds``. ``steps`` are those that it computes parts
            of, ``results`` those whose result it gives; where there are none, ``serves`` those for which it changes a
            layout.
        steps: of the translated model, each with the ``outputs`` that it gives and their ``precision``.
        present: the steps of which what runs still has a trace.
        workload: whose ops these are.
        profiler_seconds: the profiler's own time, to subtract from each.
    """
    model = model_of(workload.ops, [tensor.name for tensor in workload.inputs])
    makers = [model.producer.get(step["outputs"][0]) for step in steps]
    owned = _owned(kernels, steps, workload, model=model, makers=makers, present=frozenset(present))
    names = {op.id: op.name or op.id for op in workload.ops}
    made: list[Kernel] = []
    executions: list[Execution] = []
    for kernel, (ops, attribution) in zip(kernels, owned, strict=True):
        called = str(kernel["name"])
        own_code = called.startswith(_OWN_CODE)
        kind = called.rpartition("_")[0] if own_code else called.removeprefix("torch.ops.").removesuffix(".default")
        computed: list[int] = kernel["steps"] or kernel["serves"]
        layer = ", ".join(dict.fromkeys(str(steps[step]["kind"]) for step in computed))
        made.append(
            Kernel(
                # What inductor wrote has a name of its own, a routine of a library has none.
                name=called if own_code or not ops else names[ops[-1]],
                # A step that only hands its input on calls no operator.
                kind=kind or layer,
                seconds=max(0.0, float(kernel["seconds"]) - profiler_seconds),
                ops=ops,
                attribution=attribution,
            )
        )
        executions.append(
            Execution(
                layer=layer,
                implementation=str(kernel.get("implementation", "")) or ("inductor" if own_code else kind),
                precision=str(steps[computed[-1]]["precision"]) if computed else "",
                layout=str(kernel["layout"]),
            )
        )
    return tuple(made), tuple(executions)


def _owned(
    kernels: Sequence[Reported],
    steps: Sequence[Reported],
    workload: Workload,
    *,
    model: Model,
    makers: Sequence[Op | None],
    present: frozenset[int],
) -> list[Owned]:
    folded = _folded(makers, model, present)
    nodes: list[Node] = []
    for kernel in kernels:
        given = [step for result in kernel["results"] for step in (result, *folded.get(result, ()))]
        nodes.append(
            Node(str(kernel["name"]), "", "", (), tuple(name for step in given for name in steps[step]["outputs"]))
        )
    known = {name: name for node in nodes for name in node.outputs if name in model.tensors}
    found = attribute_named(nodes, workload, model, Names(known, frozenset(), frozenset()))
    parts = [{maker.id for step in kernel["steps"] if (maker := makers[int(step)])} for kernel in kernels]
    ids = [{*ops, *own} for (ops, _), own in zip(found, parts, strict=True)]
    _add_unread_views(ids, workload.ops, model)
    maker_of = {step: ids[at] for at, kernel in enumerate(kernels) for step in kernel["results"]}
    position = {op.id: index for index, op in enumerate(workload.ops)}
    answer: list[Owned] = []
    for kernel, mine, (ops, attribution) in zip(kernels, ids, found, strict=True):
        served = set[str]().union(*(maker_of.get(int(step), ()) for step in kernel["serves"]))
        how: Attribution = "layout" if served and not mine else "none" if not mine else attribution if ops else "region"
        answer.append((tuple(sorted(mine or served, key=position.__getitem__)), how))
    return answer


def _folded(makers: Sequence[Op | None], model: Model, present: frozenset[int]) -> dict[int, list[int]]:
    """For a contraction the steps that went into its weights: they left no trace, and read nothing else."""
    step_of = {maker.id: step for step, maker in enumerate(makers) if maker is not None}
    into: dict[int, int] = {}
    gone: defaultdict[int, list[int]] = defaultdict(list)
    for step, maker in enumerate(makers):
        if maker is None or step in present or maker.kind not in _FOLDED:
            continue
        sources = [model.producer.get(tensor.name) for tensor in maker.present_inputs if not tensor.is_constant]
        before = sources[0] if len(sources) == 1 else None
        if before is None or before.id not in step_of:
            continue
        source = into.get(step_of[before.id], step_of[before.id])
        contraction = makers[source]
        if source in present and contraction is not None and contraction.kind in _CONTRACTIONS:
            into[step] = source
            gone[source].append(step)
    return gone


def _add_unread_views(ids: Sequence[set[str]], ops: Sequence[Op], model: Model) -> None:
    """Count what no kernel reads, such as a view that is an output, with what gives its first input."""
    owner = {identifier: mine for mine in ids for identifier in mine}
    for op in ops:
        source = next((model.producer.get(tensor.name) for tensor in op.present_inputs), None)
        if op.id not in owner and source is not None and source.id in owner:
            owner[op.id] = owner[source.id]
            owner[op.id].add(op.id)
