"""Into how many pieces a graph breaks when some of its ops run beside the accelerator, and what goes between them.

A *segment* is what one side can run before it needs something from the other. The accelerator has the even levels and
the processor beside it the odd ones; an op is at the lowest level of its side that is not below the levels of the ops
that it reads from. That is the least number of changes, as a greedy partitioner finds it.

Source: TensorFlow Lite, graph_info.cc, PartitionGraphIntoIndependentNodeSubsets (alternating epochs).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from attainable.workload.graph import Op, Tensor, captured_names


@dataclass(frozen=True, slots=True)
class Segments:
    """How a graph is cut.

    Attributes:
        accelerator: segments there.
        beside: segments on the processor beside it.
        transfers: tensors that one side makes and the other reads, each counted once.
        transfer_bytes: of those whose shapes are known.
    """

    accelerator: int
    beside: int
    transfers: int
    transfer_bytes: int


def segments(ops: Sequence[Op], beside: Sequence[bool]) -> Segments:
    """Cut a graph.

    Args:
        ops: in an order in which they can run, without those that are computed before the run.
        beside: of each op, whether it runs beside the accelerator.
    """
    levels: list[int] = []
    makers: dict[str, tuple[int, Tensor]] = {}
    crossing: dict[str, Tensor] = {}
    for position, (op, is_beside) in enumerate(zip(ops, beside, strict=True)):
        level = int(is_beside)
        for name in (*(tensor.name for tensor in op.present_inputs), *captured_names(op)):
            if name not in makers:
                continue
            maker, tensor = makers[name]
            level = max(level, levels[maker] + (beside[maker] != is_beside))
            if beside[maker] != is_beside:
                crossing[name] = tensor
        levels.append(level)
        for tensor in op.present_outputs:
            makers[tensor.name] = (position, tensor)
    used = set(levels)
    return Segments(
        accelerator=sum(level % 2 == 0 for level in used),
        beside=sum(level % 2 == 1 for level in used),
        transfers=len(crossing),
        transfer_bytes=sum(tensor.bytes for tensor in crossing.values() if tensor.shape is not None),
    )
