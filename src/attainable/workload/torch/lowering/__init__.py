"""What each PyTorch operator is in ONNX: one table, put together from families."""

from attainable.workload.torch.lowering import (
    contraction,
    elementwise,
    movement,
    normalization,
    pooling,
    recurrent,
    reduction,
    views,
)
from attainable.workload.torch.lowering.call import Lowerings

_FAMILIES: tuple[Lowerings, ...] = (
    contraction.LOWERINGS,
    elementwise.LOWERINGS,
    movement.LOWERINGS,
    normalization.LOWERINGS,
    pooling.LOWERINGS,
    recurrent.LOWERINGS,
    reduction.LOWERINGS,
    views.LOWERINGS,
)

LOWERINGS: Lowerings = {name: lowering for family in _FAMILIES for name, lowering in family.items()}
"""Lowering by the operator's name without namespace, overload and the underscore of the in-place form."""
