"""The memory that a runtime's planner asks for: reuse decided beforehand, then best-fit packing into one block.

Walking the steps in the order in which they run, an output takes, in this order, the memory of what it views, of an
input that dies here and that it may overwrite, of a dead tensor of the same shape (the one that died last), or new
memory. New memory lies in the smallest gap that holds it, else behind everything that lives.
Graph inputs belong to the caller; graph outputs have memory of their own, outside the block.

Source: onnxruntime 1.31 with its arena and its memory patterns; the block equals the one in its allocator's log to the
byte on the networks of ``benchmarks/activation_memory.py``.
"""

from bisect import bisect_left, insort
from dataclasses import dataclass

from attainable.cost.layout import CHANNEL_BLOCK, blocked_channels
from attainable.cost.steps import Form, Step, Steps, depth_first, fused_steps
from attainable.workload.graph import Workload

ALIGNMENT = 256
"""Bytes to whose multiple every tensor is rounded up. Source: onnxruntime, core/framework/allocator.h."""

MOST_BLOCKS_SEARCHED = 1024
"""Beyond this many live tensors new memory lies behind all others, so that a hostile graph takes no quadratic time."""


@dataclass(frozen=True, slots=True)
class PlannedArena:
    """What a planned run allocates beside the weights and the graph inputs.

    Attributes:
        intermediate_bytes: size of the block that holds what lives between the steps.
        output_bytes: of the graph outputs.
    """

    intermediate_bytes: int
    output_bytes: int

    @property
    def bytes(self) -> int:
        """All of it."""
        return self.intermediate_bytes + self.output_bytes


def planned_arena(workload: Workload, *, channel_block: int = CHANNEL_BLOCK) -> PlannedArena:
    """Plan a run as an optimising runtime does.

    Args:
        workload: the network; a tensor without a shape counts as 0 bytes. What happens inside the bodies of If, Loop
            and Scan is not part of it.
        channel_block: channels that the blocked layout of convolutions keeps together.
    """
    steps = fused_steps(workload)
    steps.steps = depth_first(steps.steps)
    blocked = blocked_channels(steps, block=channel_block)
    if any(step.op is None for step in blocked.steps) or blocked.forms != steps.forms:
        # the change of layout makes new nodes in the order of the run, and they are sorted once more
        blocked.steps = depth_first(blocked.steps)
    buffers = _assigned(blocked)
    outputs = sum(_rounded(blocked.bytes(name)) for name in blocked.outputs if name not in blocked.inputs)
    return PlannedArena(_packed(blocked, buffers), outputs)


@dataclass(slots=True)
class _Buffers:
    """Which memory is made and given back at which step; a name stands for the memory first made for it."""

    made: dict[int, list[str]]
    freed: dict[int, list[str]]


def _assigned(steps: Steps) -> _Buffers:
    uses: dict[str, int] = {}
    for step in steps.steps:
        for name in step.reads:
            uses[name] = uses.get(name, 0) + 1
    owner = {name: name for name in steps.inputs}
    # one use more than the readers: the caller's of inputs and outputs, the maker's of everything else
    left = {name: uses.get(name, 0) + 1 for name in steps.inputs}
    idle: dict[Form, list[str]] = {}
    buffers, last = _Buffers({}, {}), dict[str, int]()
    for position, step in enumerate(steps.steps):
        for index, name in enumerate(step.makes):
            count = uses.get(name, 0) + 1
            form = steps.buffers.get(name, steps.forms[name])
            if name in steps.outputs:
                owner[name], left[name] = name, count + 1
                continue
            found = _overwritten(step, steps, owner, left) if index == 0 else None
            if found is None and (dead := idle.get(form)):
                found = dead.pop()
            if found is None:
                buffers.made.setdefault(position, []).append(name)
            owner[name] = found if found is not None else name
            left[owner[name]] = left.get(owner[name], 0) + count
        for name in (*step.reads, *step.makes):
            memory = owner[name]
            left[memory] -= 1
            last[memory] = position
            if left[memory] == 0:
                idle.setdefault(steps.buffers.get(memory, steps.forms[memory]), []).append(memory)
    for name, position in last.items():
        buffers.freed.setdefault(position, []).append(name)
    return buffers


def _overwritten(step: Step, steps: Steps, owner: dict[str, str], left: dict[str, int]) -> str | None:
    """The memory that the first output of a step takes over from an input."""
    if step.is_view:
        return owner[step.reads[0]]
    form = steps.forms[step.makes[0]]
    fits = (owner[name] for name in step.overwrites if left[owner[name]] == 1 and steps.forms[name] == form)
    return next(fits, None)


def _packed(steps: Steps, buffers: _Buffers) -> int:
    """Bytes of the block that holds all memory that is made, each from the step that makes it to the last that uses."""
    live: list[tuple[int, int]] = []
    places: dict[str, tuple[int, int]] = {}
    highest = 0
    for position in range(len(steps.steps)):
        for name in buffers.made.get(position, ()):
            size = _rounded(steps.bytes(name))
            if size == 0:
                continue
            offset = _best_fit(live, size)
            places[name] = (offset, size)
            insort(live, places[name])
            highest = max(highest, offset + size)
        for name in buffers.freed.get(position, ()):
            if (place := places.pop(name, None)) is not None:
                del live[bisect_left(live, place)]
    return highest


def _best_fit(live: list[tuple[int, int]], size: int) -> int:
    """Offset of the smallest gap between live tensors that holds ``size`` bytes, or of the end."""
    end = live[-1][0] + live[-1][1] if live else 0
    if len(live) > MOST_BLOCKS_SEARCHED:
        return end
    best, smallest, start = end, end + 1, 0
    for offset, taken in live:
        if size <= offset - start < smallest:
            best, smallest = start, offset - start
        start = offset + taken
    return best


def _rounded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
