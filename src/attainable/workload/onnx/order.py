"""Checks that every tensor is made once and before its use, and sorts the nodes where only the order is wrong."""

from collections.abc import Container, Iterable, MutableSequence

import onnx

from attainable.errors import ModelGraphError
from attainable.names import short_name

MOST_SHOWN = 5
"""Faults of one kind that a message lists."""


Nodes = MutableSequence[onnx.NodeProto]


def require_order(
    nodes: Nodes, known: Container[str], *, given: Container[str], outputs: Iterable[str], where: str
) -> list[int] | None:
    """Check that every tensor is made once and before its use; sort the nodes where only the order is wrong.

    Args:
        nodes: of a graph or a function; rearranged in place when they must be.
        known: names of inputs, initialisers and outer tensors.
        given: those of the inputs and initialisers alone.
        outputs: names that the graph returns.
        where: file and graph, for messages.

    Returns:
        The position in the file of each node after sorting, or None where the order was right.

    Raises:
        ModelGraphError: an input that nothing makes, an output that two nodes make, or a cycle.
    """
    producers: dict[str, int] = {}
    early: list[tuple[int, str]] = []
    faults: list[str] = []
    for position, node in enumerate(nodes):
        for name in node.input:
            if name and name not in producers and name not in known:
                early.append((position, name))
        for name in node.output:
            if not name:
                continue
            if name in producers or name in given:
                first = f"node {producers[name]} makes" if name in producers else "is there"
                faults.append(f"node {position} makes {shown(name)}, which {first} already @ {where}")
            producers[name] = position
    missing = [
        f"node {position} ({short_name(nodes[position].op_type)}) reads {shown(name)}, which nothing makes @ {where}"
        for position, name in early
        if name not in producers
    ]
    missing += [
        f"graph output {shown(name)} is made by no node @ {where}"
        for name in outputs
        if name not in producers and name not in known
    ]
    faults += missing
    if faults:
        raise ModelGraphError(
            "the graph is broken", where=where, faults=faults[:MOST_SHOWN], help="export the model again"
        )
    return _sort(nodes, known, producers, where) if early else None


def shown(name: str) -> str:
    """A name as messages show it."""
    return f"'{short_name(name)}'"


def _sort(nodes: Nodes, known: Container[str], producers: dict[str, int], where: str) -> list[int]:
    waiting = {
        position: {producers[name] for name in node.input if name and name not in known}
        for position, node in enumerate(nodes)
    }
    readers: dict[int, list[int]] = {}
    for position, needed in waiting.items():
        for producer in needed:
            readers.setdefault(producer, []).append(position)
    ready = [position for position, needed in waiting.items() if not needed]
    order: list[int] = []
    for position in ready:
        order.append(position)
        for reader in readers.get(position, ()):
            waiting[reader].discard(position)
            if not waiting[reader]:
                ready.append(reader)
    if len(order) < len(nodes):
        stuck = [position for position, needed in waiting.items() if needed]
        raise ModelGraphError(
            "the graph has a cycle",
            where=where,
            help="export the model again",
            faults=[f"node {position} waits for {sorted(waiting[position])}" for position in stuck[:MOST_SHOWN]],
        )
    copies = [onnx.NodeProto.FromString(nodes[position].SerializeToString()) for position in order]
    del nodes[:]
    nodes.extend(copies)
    return order
