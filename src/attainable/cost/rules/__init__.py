"""What each operator costs: one table, put together from the families of operators."""

from attainable.cost.rules import (
    activation,
    attention,
    conv,
    einsum,
    elementwise,
    matmul,
    microsoft,
    movement,
    normalization,
    pooling,
    quantization,
    reduction,
    resize,
    softmax,
    views,
)
from attainable.cost.work import Rules


def merged(*families: Rules) -> Rules:
    """Put the tables of several families together.

    Raises:
        ValueError: two families have a rule for the same operator.
    """
    table: Rules = {}
    for family in families:
        if clash := sorted(table.keys() & family.keys()):
            raise ValueError(f"two families have rules for {', '.join(clash)}")
        table |= family
    return table


RULES: Rules = merged(
    activation.RULES,
    attention.RULES,
    conv.RULES,
    einsum.RULES,
    elementwise.RULES,
    matmul.RULES,
    microsoft.RULES,
    movement.RULES,
    normalization.RULES,
    pooling.RULES,
    quantization.RULES,
    reduction.RULES,
    resize.RULES,
    softmax.RULES,
    views.RULES,
)
"""Rule by ``Op.type``: ``Conv``, ``com.microsoft:FusedConv``."""
