"""The shape of a network and the memory of a training step, as records of an Analysis."""

from attainable.analysis.records import NetworkShape, StageRow, TrainingStep
from attainable.cost.arena import planned_arena
from attainable.cost.count import Count
from attainable.cost.topology import topology
from attainable.cost.training import training_memory

MOST_OPS = 5000
"""Larger networks get no plan and no shape: both take 30 us an op, which a plain count should not wait for."""


def network_shape(count: Count) -> NetworkShape | None:
    """Depth, width, branches and stages; None for a network that is too large."""
    if len(count.ops) > MOST_OPS:
        return None
    shape = topology(count)
    return NetworkShape(
        ops=shape.ops, depth=shape.depth, layers=shape.layers, widest_level=shape.widest_level,
        fragments=shape.fragments, critical_path_operations=shape.critical_path_operations,
        parallelism=shape.parallelism,
        stages=[StageRow(list(each.resolution), each.ops, each.channels, each.operations) for each in shape.stages],
    )  # fmt: skip


def planned_arena_bytes(count: Count) -> int | None:
    """Bytes that a planned run allocates; None for a network that is too large."""
    return planned_arena(count.workload).bytes if len(count.ops) <= MOST_OPS else None


def training_step(count: Count, optimiser: str) -> TrainingStep:
    """The memory of a training step with an optimiser. Raises UnknownName where there is no such optimiser."""
    memory = training_memory(count, optimiser=optimiser)
    return TrainingStep(
        optimiser=memory.optimiser, weight_bytes=memory.weight_bytes, buffer_bytes=memory.buffer_bytes,
        gradient_bytes=memory.gradient_bytes, optimiser_bytes=memory.optimiser_bytes, input_bytes=memory.input_bytes,
        saved_bytes=memory.saved_bytes, activation_gradient_bytes=memory.activation_gradient_bytes,
        peak_bytes=memory.peak_bytes, peak_phase=memory.peak_phase, assumed=list(memory.assumed),
    )  # fmt: skip
