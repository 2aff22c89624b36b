"""What each operator costs: one table, put together from the families of operators."""

from collections.abc import Mapping

from attainable.cost.rules import (
    activation,
    attention,
    conv,
    einsum,
    elementwise,
    experimental,
    image,
    linear_algebra,
    loss,
    machine_learning,
    matmul,
    microsoft,
    microsoft_activation,
    microsoft_analysis,
    microsoft_attention,
    microsoft_cached_attention,
    microsoft_convolution,
    microsoft_experts,
    microsoft_integer_matmul,
    microsoft_local_attention,
    microsoft_matmul,
    microsoft_movement,
    microsoft_normalization,
    microsoft_packed_matmul,
    microsoft_position,
    microsoft_quantized,
    microsoft_recurrent,
    movement,
    ncnn,
    normalization,
    pooling,
    quantization,
    random_numbers,
    recurrent,
    reduction,
    resize,
    sampling,
    selection,
    sequence,
    signal,
    softmax,
    text,
    tflite,
    training,
    trees,
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


def with_twins(rules: Rules, twins: Mapping[str, str]) -> Rules:
    """Give operators the rules of others that are the same under another name.

    Raises:
        ValueError: an operator has a rule of its own.
    """
    return merged(rules, {kind: rules[twin] for kind, twin in twins.items()})


_FAMILIES: Rules = merged(
    activation.RULES,
    attention.RULES,
    conv.RULES,
    einsum.RULES,
    elementwise.RULES,
    experimental.RULES,
    image.RULES,
    linear_algebra.RULES,
    loss.RULES,
    machine_learning.RULES,
    matmul.RULES,
    microsoft_activation.RULES,
    microsoft_analysis.RULES,
    microsoft_attention.RULES,
    microsoft_cached_attention.RULES,
    microsoft_convolution.RULES,
    microsoft_experts.RULES,
    microsoft_integer_matmul.RULES,
    microsoft_local_attention.RULES,
    microsoft_matmul.RULES,
    microsoft_movement.RULES,
    microsoft_normalization.RULES,
    microsoft_packed_matmul.RULES,
    microsoft_position.RULES,
    microsoft_quantized.RULES,
    microsoft_recurrent.RULES,
    movement.RULES,
    ncnn.RULES,
    normalization.RULES,
    pooling.RULES,
    quantization.RULES,
    random_numbers.RULES,
    recurrent.RULES,
    reduction.RULES,
    resize.RULES,
    sampling.RULES,
    selection.RULES,
    sequence.RULES,
    signal.RULES,
    softmax.RULES,
    text.RULES,
    tflite.RULES,
    training.RULES,
    trees.RULES,
    views.RULES,
)

RULES: Rules = with_twins(_FAMILIES, microsoft.TWINS)
"""Rule by ``Op.type``: ``Conv``, ``com.microsoft:FusedConv``."""
