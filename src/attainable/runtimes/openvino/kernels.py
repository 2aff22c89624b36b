"""From what OpenVINO's counters report to kernels with their ops."""

from collections.abc import Mapping, Sequence

from attainable.runtimes import Execution
from attainable.runtimes.attribution.model import model_of
from attainable.runtimes.attribution.tensors import attribute_named
from attainable.runtimes.openvino.graph import Graph, Reported, graph_of
from attainable.workload.graph import Workload
from attainable.workload.kernel import Attribution, Kernel

_MOST_ROUNDED_OFF = 1e-6
"""Each time and then their mean are cut to whole microseconds: on average they drop half of one each."""

_LAYOUTS = {
    "abcd": "NCHW",
    "acdb": "NHWC",
    "aBcd8b": "NCHW8c",
    "aBcd16b": "NCHW16c",
    "abcde": "NCDHW",
    "acdeb": "NDHWC",
}
"""The usual names of oneDNN's format tags; letters count dimensions, a number is that of channels in a block.

Source: oneDNN developer guide, "Understanding Memory Formats".
"""


def attributed_kernels(
    reported: Sequence[Reported],
    operators: Mapping[str, Sequence[Sequence[str]]],
    workload: Workload,
    *,
    most_seconds: float,
) -> tuple[tuple[Kernel, ...], tuple[Execution, ...]]:
    """Find the ops of every node that ran.

    Args:
        reported: nodes in the order in which they run, as ``openvino_session`` reports them, with ``seconds``.
        operators: for each name of ours the tensors that each of the operator's outputs is.
        workload: whose ops these are.
        most_seconds: of a whole run. Kernels that take longer together are scaled down to it, because means hold
            interruptions and the median run does not; what was cut off is given back as far as there is room.
    """
    model = model_of(workload.ops, [tensor.name for tensor in workload.inputs])
    graph = graph_of(reported, operators, model)
    owned = _served(graph, attribute_named(graph.nodes, workload, model, graph.names))
    names = {op.id: op.name or op.id for op in workload.ops}
    ran = [index for index, node in enumerate(graph.reported) if node["ran"]]
    times = [float(graph.reported[index]["seconds"]) for index in ran]
    total = sum(times)
    scale = min(1.0, most_seconds / total) if total else 1.0
    missing = min(_MOST_ROUNDED_OFF, max(0.0, most_seconds - total) / max(1, len(ran)))
    kernels: list[Kernel] = []
    executions: list[Execution] = []
    for index, seconds in zip(ran, times, strict=True):
        node = graph.reported[index]
        ops, attribution = owned[index]
        kernels.append(
            Kernel(
                # The names that it goes by in the worker are ours.
                name=names[ops[-1]] if ops and attribution != "layout" else node["name"],
                kind=node["layer"],
                seconds=scale * seconds + missing,
                ops=ops,
                attribution=attribution,
            )
        )
        layout = str(node["layouts"][0])
        executions.append(
            Execution(node["layer"], node["implementation"], node["precision"], _LAYOUTS.get(layout, layout))
        )
    return tuple(kernels), tuple(executions)


def _served(
    graph: Graph, owned: Sequence[tuple[tuple[str, ...], Attribution]]
) -> list[tuple[tuple[str, ...], Attribution]]:
    """Count what OpenVINO added at an end of the graph, where no op reads it, with the ops that gave its input."""
    answer = list(owned)
    for index, node in enumerate(graph.nodes):
        maker = graph.producer.get(node.inputs[0]) if node.inputs else None
        if not answer[index][0] and maker is not None:
            kind = "layout" if index in graph.names.layout_changes else "region"
            answer[index] = (answer[maker][0], kind if answer[maker][0] else "none")
    return answer
