"""From the commands that MNN runs to kernels with their ops.

A command goes by the name of the operator that it computes. Operators that only move elements (reshapes, transposes,
concatenations, splits, changes of the layout) run no command of their own: where elements have to be moved before an
operator can read them, it gets commands called ``<operator>_raster_<n>``.

Source: MNN, source/geometry (geometry computation, Raster), and what 3.6.1 runs.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from attainable.runtimes import Execution
from attainable.runtimes.attribution.model import model_of
from attainable.runtimes.attribution.tensors import attribute_named
from attainable.runtimes.mnn.graph import Graph, Reported, graph_of
from attainable.workload.graph import Workload
from attainable.workload.kernel import Attribution, Kernel

__all__ = ["attributed_kernels", "profiler_seconds"]

Owned = tuple[tuple[str, ...], Attribution]
"""The ids of the ops of a node, and how they were found."""

_PART = re.compile(r"_raster_\d+$")
_MOVES = "Raster"
_NOBODY: Owned = ((), "none")


def profiler_seconds(commands: Sequence[Mapping[str, Any]], plain_seconds: float) -> float:
    """The profiler's own time in that of each command: as much as makes all of them fit into a run without it.

    Between the two readings of the clock MNN also describes the command's results to Python.

    Args:
        commands: with their ``seconds``.
        plain_seconds: of a whole run without the profiler.
    """
    if not commands:
        return 0.0
    times = [float(command["seconds"]) for command in commands]
    return min(max(0.0, (sum(times) - plain_seconds) / len(times)), min(times))


def attributed_kernels(
    commands: Sequence[Mapping[str, Any]],
    operators: Sequence[Reported],
    workload: Workload,
    *,
    profiler_seconds: float,
    precision: str,
) -> tuple[tuple[Kernel, ...], tuple[Execution, ...]]:
    """Find the ops of every command.

    Args:
        commands: ``name``, ``kind`` and ``seconds`` of each, in the order in which they run.
        operators: of the converted model, as ``mnn_session`` reports them.
        workload: whose ops these are.
        profiler_seconds: the profiler's own time, to subtract from each.
        precision: the type that kernels compute in.
    """
    model = model_of(workload.ops, [tensor.name for tensor in workload.inputs])
    graph = graph_of(operators, model)
    owned = attribute_named(graph.nodes, workload, model, graph.names)
    position = {op.id: index for index, op in enumerate(workload.ops)}
    index_of = {node.name: index for index, node in reversed(list(enumerate(graph.nodes)))}
    whose = [_node_of(str(command["name"]), index_of) for command in commands]
    found = _Commands(graph, owned, position, commands, whose).owned()
    kernels = [
        Kernel(
            name=str(command["name"]),
            kind=str(command["kind"]),
            seconds=max(0.0, float(command["seconds"]) - profiler_seconds),
            ops=ops,
            attribution=attribution,
        )
        for command, (ops, attribution) in zip(commands, found, strict=True)
    ]
    return tuple(kernels), tuple(Execution(layer=kernel.kind, precision=precision) for kernel in kernels)


class _Commands:
    """Shares the ops of a graph's nodes out among the commands that run."""

    def __init__(
        self,
        graph: Graph,
        owned: Sequence[Owned],
        position: Mapping[str, int],
        commands: Sequence[Mapping[str, Any]],
        whose: Sequence[int | None],
    ) -> None:
        self._graph = graph
        self._owned = owned
        self._position = position
        self._whose = whose
        self._moves = [command["kind"] == _MOVES for command in commands]
        self._run = {index for index in whose if index is not None}
        self._moved = {index for index, moves in zip(whose, self._moves, strict=True) if moves}
        self._computed = {index for index, moves in zip(whose, self._moves, strict=True) if not moves}
        self._before = self._not_run_before()
        self._after = self._not_run_after()

    def owned(self) -> list[Owned]:
        """The ops of each command."""
        return [
            _NOBODY if index is None else self._of_command(index, moves=moves)
            for index, moves in zip(self._whose, self._moves, strict=True)
        ]

    def _of_command(self, index: int, *, moves: bool) -> Owned:
        own, attribution = self._owned[index]
        moved = self._ids(self._before[index])
        if moves and index in self._computed:
            # It prepares what another command of the same operator computes.
            return (moved, "region") if moved else (own, "layout")
        extra = self._ids(self._after[index])
        if index not in self._moved or index not in self._computed:
            extra = (*moved, *extra)
        ops = self._sorted({*own, *extra})
        if not ops:
            return ((), "layout") if attribution == "layout" else _NOBODY
        return ops, "region" if extra and attribution in ("none", "layout") else attribution

    def _ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        """The ops of nodes, without those that a change of the layout serves."""
        changes = self._graph.names.layout_changes
        return self._sorted({op for index in indices if index not in changes for op in self._owned[index][0]})

    def _sorted(self, ids: set[str]) -> tuple[str, ...]:
        return tuple(sorted(ids, key=self._position.__getitem__))

    def _not_run_before(self) -> dict[int, list[int]]:
        """The nodes without a command of their own between what is computed and what each node reads.

        Each is counted with the first that moves elements for it: those after it find them moved.
        """
        taken: set[int] = set()
        before: dict[int, list[int]] = {}
        in_order = [index for index in dict.fromkeys(self._whose) if index is not None]
        for index in sorted(in_order, key=lambda index: index not in self._moved):
            found = before.setdefault(index, [])
            pending = list(self._graph.nodes[index].inputs)
            while pending:
                maker = self._graph.producer.get(pending.pop())
                if maker is not None and maker not in self._run and maker not in taken:
                    taken.add(maker)
                    found.append(maker)
                    pending += self._graph.nodes[maker].inputs
        return before

    def _not_run_after(self) -> dict[int, list[int]]:
        """The nodes without a command that no command reads: views of a result. They belong to what made it."""
        read = {index for indices in self._before.values() for index in indices}
        after: defaultdict[int, list[int]] = defaultdict(list)
        for index in range(len(self._graph.nodes)):
            if index in self._run or index in read:
                continue
            makers = [self._graph.producer.get(name) for name in self._graph.nodes[index].inputs]
            while makers and makers[0] is not None and makers[0] not in self._run:
                makers = [self._graph.producer.get(name) for name in self._graph.nodes[makers[0]].inputs]
            if makers and makers[0] is not None:
                after[makers[0]].append(index)
        return after


def _node_of(name: str, index_of: Mapping[str, int]) -> int | None:
    return index_of.get(name, index_of.get(_PART.sub("", name)))
