"""What is computed from constants alone is a constant."""

from collections.abc import Sequence

from attainable.workload.graph import Tensor


def folds(kind: str, inputs: Sequence[Tensor | None]) -> bool:
    """Tell whether the outputs of an operator are known before the run."""
    # all() with a generator takes three times as long, and every op asks
    for tensor in inputs:
        if tensor is not None and not tensor.is_constant:
            return False
    return kind not in _NOT_DETERMINED


def folded(tensor: Tensor | None, inputs: Sequence[Tensor | None], kind: str) -> Tensor | None:
    """An output that nothing but constants goes into, as a constant."""
    if tensor is None or tensor.shape is None:
        return tensor
    stored = tensor.bytes
    if kind == "DequantizeLinear" and inputs[0] is not None:
        # a quantised constant stays as small as it is stored
        stored = inputs[0].bytes
    return Tensor(tensor.name, tensor.shape, tensor.dtype, True, None, stored)


_NOT_DETERMINED = frozenset(
    {
        "RandomNormal",
        "RandomUniform",
        "RandomNormalLike",
        "RandomUniformLike",
        "Multinomial",
        "Bernoulli",
        "If",
        "Loop",
        "Scan",
    }
)
"""Operators whose outputs are made at run time even from constant inputs."""
