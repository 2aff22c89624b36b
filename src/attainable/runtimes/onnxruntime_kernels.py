"""From what onnxruntime's profiler reports to kernels with their ops."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from attainable.runtimes.onnxruntime_attribution import attribute
from attainable.runtimes.onnxruntime_graph import Node
from attainable.workload.graph import Workload
from attainable.workload.kernel import Attribution, Kernel

_COLD_CACHES = 3


def profiler_seconds(profiled: Sequence[Mapping[str, Any]], plain: Sequence[float], *, least: float) -> float:
    """The profiler's own time in the time that it reports of one kernel.

    In a real network the profiler finds its memory evicted from the caches and takes longer than for a chain of trivial
    kernels: then as much as makes the kernels together fit into a run without the profiler, measured in turns. At most
    three times the trivial case, because beyond that it is noise.

    Args:
        profiled: kernels as for ``attributed_kernels``.
        plain: times of whole runs without the profiler; may be empty.
        least: what a chain of trivial kernels shows.
    """
    if not profiled or not plain:
        return least
    excess = sum(float(kernel["seconds"]) for kernel in profiled) - median(plain)
    return min(max(least, excess / sum(map(_profilings, profiled))), _COLD_CACHES * least)


def _profilings(kernel: Mapping[str, Any]) -> int:
    """How often the profiler's own time is in the time of a kernel.

    For a kernel within another one the profiler takes as long again outside the time that it reports, which is all
    inside the other's.
    """
    return 1 + 2 * int(kernel["within"])


def attributed_kernels(
    profiled: Sequence[Mapping[str, Any]], nodes: Sequence[Node], workload: Workload, *, own_seconds: float
) -> tuple[Kernel, ...]:
    """Join profiled kernels to the nodes of the optimised graph, and these to ops.

    Args:
        profiled: ``name``, ``kind`` and ``seconds`` of each kernel, and how many kernels are ``within`` it as the body
            of an If, Loop or Scan; in the order in which they ran.
        nodes: of the optimised graph, in the order in which they run.
        workload: whose ops these are.
        own_seconds: the profiler's own time in each kernel's, to subtract.
    """
    owned = attribute(nodes, workload)
    unknown: tuple[tuple[str, ...], Attribution] = ((), "none")
    kernels: list[Kernel] = []
    for kernel, index in zip(profiled, _nodes_of(profiled, nodes), strict=True):
        ops, attribution = unknown if index is None else owned[index]
        kernels.append(
            Kernel(
                name=str(kernel["name"]),
                kind=str(kernel["kind"]) if index is None else nodes[index].type,
                seconds=max(0.0, float(kernel["seconds"]) - _profilings(kernel) * own_seconds),
                ops=ops,
                attribution=attribution,
            )
        )
    return tuple(kernels)


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
