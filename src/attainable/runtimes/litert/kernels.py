"""From the events of LiteRT's profiler to kernels with the ops of the model."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from attainable.runtimes import Execution
from attainable.runtimes.attribution.graph import Node
from attainable.runtimes.attribution.model import Model, model_of
from attainable.runtimes.attribution.names import Names
from attainable.runtimes.attribution.tensors import attribute_named
from attainable.runtimes.attribution.values import Moments, match
from attainable.runtimes.litert.events import Reported, main_events, owners, xnnpack_kind
from attainable.workload.graph import Op, Workload
from attainable.workload.kernel import Attribution, Kernel

__all__ = ["Owned", "attributed_kernels", "fitted", "ops_of_converted", "ops_of_original"]

Owned = tuple[tuple[str, ...], Attribution]
"""The ids of the ops of an operator of the file, and how they were found."""

_MOVES = frozenset({"TRANSPOSE", "RESHAPE", "SQUEEZE", "EXPAND_DIMS", "CAST"})
"""They give the elements that they get, in another order, shape or type."""
_TYPES = {
    "F32": "float32", "F16": "float16", "BF16": "bfloat16", "QS8": "int8", "QU8": "uint8", "QC8": "int8",
    "QD8": "int8", "QDU8": "int8", "QP8": "int8", "S32": "int32",
}  # fmt: skip
_LAYOUTS = ("NHWC", "NCHW")
_DETAILS = re.compile(r"\(([^)]*)\)\s*(.*)$")
_ORIGIN = re.compile(r"_node(\d+)(?=[;/]|$)")
"""What ``litert_conversion_session`` calls an op in the converted model, its place in the file; it is also its id."""
_DROPPED_SECONDS = 0.5e-6
"""The profiler counts whole microseconds; this is what it drops on average."""


def fitted(seconds: Sequence[float], run_seconds: float) -> list[float]:
    """The times of kernels with what was cut off of each, as far as a run has room for it.

    Args:
        seconds: as the profiler counts them.
        run_seconds: of a whole run without the profiler; kernels that take longer together are scaled down to it.
    """
    total = sum(seconds)
    if total > run_seconds:
        return [each * run_seconds / total for each in seconds]
    spare = min(_DROPPED_SECONDS, (run_seconds - total) / max(1, len(seconds)))
    return [each + spare for each in seconds]


def ops_of_original(ops: Sequence[Op]) -> list[Owned]:
    """The ops of the operators of a file that is the model itself: each is its own."""
    return [((op.id,), "exact") for op in ops]


def ops_of_converted(
    file: Workload, values: Sequence[Sequence[Sequence[float]]], reference: Mapping[str, Moments], workload: Workload
) -> list[Owned]:
    """The ops of the operators of a file that the model was converted to.

    Args:
        file: the converted model.
        values: what the results of each operator hold.
        reference: what the model's tensors hold.
        workload: whose ops these are.
    """
    model = model_of(workload.ops, [tensor.name for tensor in workload.inputs])
    nodes, names = _graph(file, values, reference, workload, model)
    # What the converter computed from constants alone is no node.
    running = [index for index, node in enumerate(nodes) if node.inputs]
    changes = frozenset(at for at, index in enumerate(running) if index in names.layout_changes)
    found = attribute_named(
        [nodes[index] for index in running], workload, model, replace(names, layout_changes=changes)
    )  # fmt: skip
    op_of = {op.id: op for op in workload.ops}
    owned: list[Owned] = [((), "none")] * len(nodes)
    for index, each in zip(running, found, strict=True):
        owned[index] = _by_origin(file.ops[index], nodes[index], each, names, model, op_of)
    made_by = {name: index for index, node in enumerate(nodes) for name in node.outputs}
    for index in sorted(names.layout_changes):
        maker = made_by.get(nodes[index].inputs[0]) if nodes[index].inputs else None
        if not owned[index][0] and maker is not None:
            owned[index] = owned[maker][0], "layout"
    return owned


def _by_origin(op: Op, node: Node, owned: Owned, names: Names, model: Model, op_of: Mapping[str, Op]) -> Owned:
    """Of a region's ops those that the converter names an operator's result after, if any.

    It also names results after ops of which only a constant is used. So what does not lead to the result is left out,
    as is what lies outside of the region.
    """
    ops, attribution = owned
    origins = {number for tensor in op.present_outputs for number in _ORIGIN.findall(tensor.name)}
    named = [identifier for identifier in ops if identifier in origins]
    if attribution != "region" or not named:
        return owned
    makers = [model.producer.get(names.tensor[name]) for name in node.outputs if name in names.tensor]
    pending = [maker.id for maker in makers if maker is not None and maker.id in ops] or named[-1:]
    leading: set[str] = set()
    while pending:
        identifier = pending.pop()
        if identifier not in leading:
            leading.add(identifier)
            inputs = (model.producer.get(tensor.name) for tensor in op_of[identifier].present_inputs)
            pending += [maker.id for maker in inputs if maker is not None and maker.id in ops]
    kept = tuple(identifier for identifier in named if identifier in leading)
    return (kept, "name") if kept else owned


def attributed_kernels(
    events: Sequence[Reported], file: Workload, owned: Sequence[Owned], workload: Workload, *, run_seconds: float
) -> tuple[tuple[Kernel, ...], tuple[Execution, ...]]:
    """Make a kernel of each event.

    Args:
        events: of one run, in order.
        file: the TFLite file.
        owned: the ops of each of its operators.
        workload: whose ops these are; the file itself where it was not converted.
        run_seconds: of a whole run without the profiler.
    """
    main = main_events(events)
    position = {op.id: index for index, op in enumerate(workload.ops)}
    times = fitted([float(event["seconds"]) for event in main], run_seconds)
    kernels: list[Kernel] = []
    executions: list[Execution] = []
    for event, seconds, operators in zip(main, times, owners(main, file.ops), strict=True):
        ops, attribution = _together([owned[index] for index in operators], position)
        layer = "+".join(file.ops[index].kind for index in operators)
        where = f" {operators[0]}" if operators else ""
        execution = _execution(str(event["tag"]), layer) if event["delegated"] else Execution(layer=layer)
        kind = xnnpack_kind(str(event["tag"])) if event["delegated"] else str(event["tag"])
        kernels.append(Kernel(f"{layer or kind}{where}", kind, seconds, ops, attribution))
        executions.append(execution)
    return tuple(kernels), tuple(executions)


def _together(owned: Sequence[Owned], position: Mapping[str, int]) -> Owned:
    """The ops of operators that ran as one kernel. A change of the layout adds none to those of another operator."""
    computing = [each for each in owned if each[1] != "layout"] or list(owned)
    ids = sorted({op for ops, _ in computing for op in ops}, key=position.__getitem__)
    kinds: set[Attribution] = {attribution for ops, attribution in computing if ops or attribution == "layout"}
    if len(kinds) == 1:
        return tuple(ids), kinds.pop()
    return (tuple(ids), "region") if ids else ((), "none")


def _execution(tag: str, layer: str) -> Execution:
    details = _DETAILS.search(tag)
    words = [word.strip() for word in details[1].split(",")] if details else []
    return Execution(
        layer=layer,
        implementation=f"XNNPACK {details[2]}".strip() if details else "XNNPACK",
        precision=next((_TYPES[word] for word in words if word in _TYPES), ""),
        layout=next((word for word in words if word in _LAYOUTS), ""),
    )


def _graph(
    file: Workload,
    values: Sequence[Sequence[Sequence[float]]],
    reference: Mapping[str, Moments],
    workload: Workload,
    model: Model,
) -> tuple[list[Node], Names]:
    """Operators as nodes, and the model's tensors among theirs."""
    made = {
        output.name: tuple(moments)
        for op, results in zip(file.ops, values, strict=False)
        for output, moments in zip(op.outputs, results, strict=False)
        if output is not None and not output.is_constant
    }
    tensor_of = dict(zip(_numbered(file.inputs), (tensor.name for tensor in workload.inputs), strict=True))
    tensor_of.update(match(made, {name: moments for name, moments in reference.items() if name in model.tensors}))
    for ours, theirs in zip(_numbered(file.outputs), workload.outputs, strict=True):
        if theirs.name in model.tensors:
            tensor_of.setdefault(ours, theirs.name)
    for op in file.ops:
        # They keep the elements, also of the model's inputs, which are no results to compare with.
        if op.kind in _MOVES and op.inputs and op.inputs[0] is not None and op.inputs[0].name in tensor_of:
            tensor_of.setdefault(op.output.name, tensor_of[op.inputs[0].name])
    edge: dict[str, str] = {}
    taken: set[str] = set()
    for name, tensor in tensor_of.items():
        edge[name] = tensor if tensor not in taken else f"\0{name}"
        taken.add(edge[name])
    changes: set[int] = set()
    nodes: list[Node] = []
    for index, op in enumerate(file.ops):
        sources = [tensor.name for tensor in op.present_inputs if not tensor.is_constant]
        results = [tensor.name for tensor in op.present_outputs]
        if op.kind in _MOVES and sources and tensor_of.get(sources[0], "") == tensor_of.get(results[0]):
            changes.add(index)
        inputs, outputs = (tuple(edge.get(name, f"\0{name}") for name in names) for names in (sources, results))
        nodes.append(Node(op.id, op.kind, op.domain, inputs, outputs))
    return nodes, Names({edge[name]: tensor for name, tensor in tensor_of.items()}, frozenset(), frozenset(changes))


_NUMBER = re.compile(r"_(?:args|output)_(\d+)(?:_output)?(?::\d+)?$")


def _numbered(tensors: Sequence[Any]) -> list[str]:
    """Names of inputs or outputs in the model's order; the converter numbers them."""
    numbers = [_NUMBER.search(tensor.name) for tensor in tensors]
    if None in numbers:
        return [tensor.name for tensor in tensors]
    return [
        tensor.name
        for _, tensor in sorted(
            zip((int(each[1]) for each in numbers if each), tensors, strict=True), key=lambda pair: pair[0]
        )
    ]
