"""How large the integers in an input may be: what they select from, somewhere down the graph."""

from collections import defaultdict
from collections.abc import Iterator

from attainable.workload.graph import Op, Workload, all_ops

_SAME_NUMBERS = (
    "Cast", "Identity", "Reshape", "Unsqueeze", "Squeeze", "Flatten", "Slice", "Transpose", "Expand", "Split", "Concat",
    "Tile", "Dropout",
)  # fmt: skip
"""Ops that hand on the numbers of their first input (Concat: of any), at most fewer or more often."""


def index_bounds(workload: Workload) -> dict[str, int]:
    """For each input that selects rows of a table: how many rows the smallest of these tables has.

    An input is followed through ops that do not change its numbers to the indices of a Gather; the bound is the extent
    of the gathered axis. Bodies of If, Loop and Scan are looked at as well.
    """
    readers: defaultdict[str, list[Op]] = defaultdict(list)
    for op in all_ops(workload.ops):
        for tensor in op.present_inputs:
            readers[tensor.name].append(op)
    bounds: dict[str, int] = {}
    for tensor in workload.inputs:
        extents = list(_extents(tensor.name, readers))
        if extents:
            bounds[tensor.name] = max(1, min(extents))
    return bounds


def _extents(name: str, readers: dict[str, list[Op]]) -> Iterator[int]:
    """Extents of all axes that the numbers in a tensor are indices into."""
    pending, seen = [name], {name}
    while pending:
        current = pending.pop()
        for op in readers.get(current, ()):
            extent = _gathered(op, current)
            if extent is not None:
                yield extent
            if op.kind in _SAME_NUMBERS and (op.kind == "Concat" or op.input(0).name == current):
                fresh = [tensor.name for tensor in op.present_outputs if tensor.name not in seen]
                seen.update(fresh)
                pending += fresh


def _gathered(op: Op, indices: str) -> int | None:
    table, positions = op.optional_input(0), op.optional_input(1)
    if op.kind not in ("Gather", "GatherElements") or table is None or positions is None or positions.name != indices:
        return None
    if not table.shape:
        return None
    return table.shape[op.integer("axis", 0)]
