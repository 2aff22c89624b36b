"""Ops summed by operator or by module, for tables that a person reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from attainable.analysis.records import OpRow

COUNTED = ("counted", "folded")
"""States of an op whose figures are known; in any other state its zeros mean nothing."""


@dataclass(frozen=True, slots=True)
class OpGroup:
    """Ops that share an operator or a module, summed.

    Attributes:
        name: the operator, or the last part of the module path; empty for ops outside of any module.
        depth: how deep the module is, 1 for a module at the top; 1 for operators.
        ops: how many.
        uncounted: those of them that could not be counted; every sum is then "at least".
        macs, operations, parameters, bytes_read, bytes_written: sums.
    """

    name: str
    depth: int
    ops: int
    uncounted: int
    macs: int
    operations: int
    parameters: int
    bytes_read: int
    bytes_written: int

    @property
    def bytes_moved(self) -> int:
        """Bytes read and written."""
        return self.bytes_read + self.bytes_written


def by_kind(ops: Iterable[OpRow]) -> tuple[OpGroup, ...]:
    """The operators, the one with most operations first; among equals the one that moves most bytes."""
    kinds: dict[str, list[OpRow]] = {}
    for op in ops:
        kinds.setdefault(op.kind, []).append(op)
    groups = (_sum(kind, 1, members) for kind, members in kinds.items())
    return tuple(sorted(groups, key=lambda group: (-group.operations, -group.bytes_moved, group.name)))


def by_scope(ops: Iterable[OpRow], *, depth: int) -> tuple[OpGroup, ...]:
    """The tree of modules in the order in which they first run; a module's sums contain those of its parts.

    Args:
        ops: of one network.
        depth: levels of the tree; what is deeper is in the sums of the level above.
    """
    modules: dict[tuple[str, ...], list[OpRow]] = {}
    for op in ops:
        path = _path(op.scope)[:depth]
        for length in range(1, len(path) + 1):
            modules.setdefault(path[:length], []).append(op)
    return tuple(_sum(path[-1], len(path), modules[path]) for path in _in_tree_order(modules))


def _path(scope: str) -> tuple[str, ...]:
    """The parts of a module path, written ``a/b/c`` or ``a.b.c``; one empty part for no path."""
    separator = "/" if "/" in scope else "."
    return tuple(part for part in scope.split(separator) if part) or ("",)


def _in_tree_order(modules: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Each module before its parts, siblings as they first appeared: a module may be called again later."""
    first: dict[tuple[str, ...], int] = {path: index for index, path in enumerate(modules)}
    return sorted(first, key=lambda path: [first[path[:length]] for length in range(1, len(path) + 1)])


def _sum(name: str, depth: int, ops: Sequence[OpRow]) -> OpGroup:
    return OpGroup(
        name=name, depth=depth, ops=len(ops), uncounted=sum(op.state not in COUNTED for op in ops),
        macs=sum(op.macs for op in ops), operations=sum(op.operations for op in ops),
        parameters=sum(op.parameters for op in ops), bytes_read=sum(op.bytes_read for op in ops),
        bytes_written=sum(op.bytes_written for op in ops),
    )  # fmt: skip
