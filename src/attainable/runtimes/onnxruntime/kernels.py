"""From what onnxruntime's profiler reports to kernels with their ops."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from attainable.runtimes import Execution
from attainable.runtimes.attribution.graph import NCHWC, Node
from attainable.runtimes.attribution.tensors import attribute
from attainable.workload.graph import Workload
from attainable.workload.kernel import Attribution, Kernel

_COLD_CACHES = 3
"""How much longer the profiler may take in a real network: 2 to 2.5 times as long was measured with 1.31."""

_TYPES = {"float": "float32", "double": "float64"}
"""onnxruntime names types as C does; the other names are ours."""


@dataclass(frozen=True, slots=True)
class ProfilerCost:
    """The profiler's own time in the times that it reports.

    Attributes:
        kernel_seconds: in the time of each kernel.
        inner_seconds: in the time of an If, Loop or Scan, for each kernel that its body ran.
    """

    kernel_seconds: float
    inner_seconds: float


def profiler_cost(profiled: Sequence[Mapping[str, Any]], plain: Sequence[float], *, least: float) -> ProfilerCost:
    """Estimate the profiler's own time.

    In a real network the profiler finds its memory evicted from the caches and takes longer than for a chain of trivial
    kernels: then as much as makes the kernels together fit into a run without the profiler, measured in turns. At most
    three times the trivial case, because beyond that it is noise. Where bodies run, most of the excess is theirs.

    Args:
        profiled: kernels as for ``attributed_kernels``.
        plain: times of whole runs without the profiler; may be empty.
        least: what a chain of trivial kernels shows.
    """
    if not profiled or not plain:
        return ProfilerCost(least, 0.0)
    most = _COLD_CACHES * least
    excess = sum(float(kernel["seconds"]) for kernel in profiled) - median(plain)
    inner = sum(int(kernel["within"]) for kernel in profiled)
    if inner:
        # For an inner kernel all that the profiler does counts, also what it does outside the time that it reports.
        return ProfilerCost(least, min(max(0.0, (excess - len(profiled) * least) / inner), 2 * most))
    return ProfilerCost(min(max(least, excess / len(profiled)), most), 0.0)


def attributed_kernels(
    profiled: Sequence[Mapping[str, Any]], nodes: Sequence[Node], workload: Workload, *, cost: ProfilerCost
) -> tuple[Kernel, ...]:
    """Join profiled kernels to the nodes of the optimised graph, and these to ops.

    Args:
        profiled: ``name``, ``kind`` and ``seconds`` of each kernel, and how many kernels are ``within`` it as the body
            of an If, Loop or Scan; in the order in which they ran.
        nodes: of the optimised graph, in the order in which they run.
        workload: whose ops these are.
        cost: the profiler's own time, to subtract.
    """
    owned = attribute(nodes, workload)
    unknown: tuple[tuple[str, ...], Attribution] = ((), "none")
    kernels: list[Kernel] = []
    for kernel, index in zip(profiled, _nodes_of(profiled, nodes), strict=True):
        ops, attribution = unknown if index is None else owned[index]
        own = cost.kernel_seconds + cost.inner_seconds * int(kernel["within"])
        kernels.append(
            Kernel(
                name=str(kernel["name"]),
                kind=str(kernel["kind"]) if index is None else nodes[index].type,
                seconds=max(0.0, float(kernel["seconds"]) - own),
                ops=ops,
                attribution=attribution,
            )
        )
    return tuple(kernels)


def executions(profiled: Sequence[Mapping[str, Any]], nodes: Sequence[Node]) -> tuple[Execution, ...]:
    """How each kernel was run: its operator with its domain, who ran it, the type of its first result, and its layout.

    Args:
        profiled: kernels as for ``attributed_kernels``, with the type of their ``result`` and their ``provider``.
        nodes: of the optimised graph.
    """
    found: list[Execution] = []
    for kernel, index in zip(profiled, _nodes_of(profiled, nodes), strict=True):
        layer = str(kernel["kind"]) if index is None else nodes[index].type
        result = str(kernel.get("result", ""))
        found.append(
            Execution(
                layer=layer, implementation=str(kernel.get("provider", "")), precision=_TYPES.get(result, result),
                layout=_layout(layer),
            )
        )  # fmt: skip
    return tuple(found)


def _layout(layer: str) -> str:
    domain, _, kind = layer.rpartition(":")
    if domain == NCHWC:
        return "NCHW" if kind == "ReorderOutput" else "NCHWc"
    return "NHWC" if kind.startswith("Nhwc") else ""


def _nodes_of(profiled: Sequence[Mapping[str, Any]], nodes: Sequence[Node]) -> list[int | None]:
    """The node of each profiled kernel.

    The graph is saved in the order in which it runs, so that position tells, whatever the names are. Where the two
    disagree all the same, kernels are found by kind and name, and the n-th of a name is the n-th.
    """
    if len(profiled) == len(nodes) and all(map(_agree, profiled, nodes)):
        return list(range(len(nodes)))
    places: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, node in reversed(list(enumerate(nodes))):
        places[node.kind, node.name].append(index)
    found: list[int | None] = []
    for kernel in profiled:
        candidates = places.get((kernel["kind"], kernel["name"]))
        found.append(candidates.pop() if candidates else None)
    return found


def _agree(kernel: Mapping[str, Any], node: Node) -> bool:
    # A nameless node is called by its kind and number.
    return kernel["kind"] == node.kind and (not node.name or kernel["name"] == node.name)
