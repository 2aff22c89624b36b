"""What the backward pass of each operator needs from the forward pass.

y = f(x) has dL/dx = dL/dy * f'(x). Where f' can be written with y (ReLU, sigmoid, softmax) the output is kept, where
it needs x (Gelu, Clip) the input, where f is linear (Add, a mean, a movement) nothing. Of a product each factor is kept
for the gradient of the other. Statistics that the forward pass computed are kept beside.

Source: the formulas of PyTorch 2.13, tools/autograd/derivatives.yaml, which its saved-tensor hooks show at work in
``benchmarks/training_memory.py``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from attainable.workload.graph import Op

_FLOAT_BYTES, _INDEX_BYTES, _MASK_BYTES = 4, 8, 1


def _nothing(op: Op) -> int:
    del op
    return 0


@dataclass(frozen=True, slots=True)
class Kept:
    """What an operator keeps for its backward pass.

    Attributes:
        inputs: positions of the inputs that are kept.
        factors: positions of the inputs that are kept when another one of them has a gradient.
        output: whether the first output is kept.
        beside: bytes that are neither input nor output: statistics, indices, masks.
        all_inputs: every activation that it reads is kept.
    """

    inputs: tuple[int, ...] = ()
    factors: tuple[int, ...] = ()
    output: bool = False
    beside: Callable[[Op], int] = _nothing
    all_inputs: bool = False


def _channel_statistics(op: Op) -> int:
    """Mean and inverse deviation of each channel."""
    _, channels, *_ = op.input(0).dims
    return 2 * channels * _FLOAT_BYTES


def _instance_statistics(op: Op) -> int:
    batch, channels, *_ = op.input(0).dims
    return 2 * batch * channels * _FLOAT_BYTES


def _group_statistics(op: Op) -> int:
    batch, *_ = op.input(0).dims
    return 2 * batch * op.integer("num_groups", 1) * _FLOAT_BYTES


def _row_statistics(op: Op) -> int:
    """Mean and inverse deviation of each row that LayerNormalization normalises."""
    shape = op.input(0).dims
    rows = 1
    for length in shape[: op.integer("axis", -1)]:
        rows *= length
    return 2 * rows * _FLOAT_BYTES


def _row_scale(op: Op) -> int:
    """Inverse deviation of each row that RMSNormalization normalises."""
    return _row_statistics(op) // 2


def _indices(op: Op) -> int:
    return op.output.elements * _INDEX_BYTES


def _mask(op: Op) -> int:
    return op.output.elements * _MASK_BYTES


def _log_sums(op: Op) -> int:
    """The logarithm of the sum of each row of scores: [batch, heads, queries] in float32."""
    shape = op.input(0).dims
    rows = shape[:3] if len(shape) == 4 else (shape[0], op.integer("q_num_heads", 1), shape[1])
    total = _FLOAT_BYTES
    for length in rows:
        total *= length
    return total


_FREE = Kept()
_INPUT = Kept(inputs=(0,))
_OUTPUT = Kept(output=True)
_PRODUCT = Kept(factors=(0, 1))

ASSUMED = Kept(all_inputs=True)
"""For an operator without a row: everything that it reads."""


def _rows(kept: Kept, kinds: str) -> dict[str, Kept]:
    return dict.fromkeys(kinds.split(), kept)


KEPT: dict[str, Kept] = {
    **_rows(_FREE, "Add Sub Sum Mean Neg Identity Reshape Flatten Squeeze Unsqueeze Transpose Concat Split Slice Pad"),
    **_rows(_FREE, "Expand Tile GlobalAveragePool ReduceMean ReduceSum Resize Upsample DepthToSpace SpaceToDepth Cast"),
    **_rows(_FREE, "Floor Ceil Round Sign CumSum Trilu SequenceConstruct SequenceAt SplitToSequence"),
    **_rows(_OUTPUT, "Relu Sigmoid Tanh Exp Sqrt Reciprocal Softmax LogSoftmax"),
    **_rows(_INPUT, "Clip LeakyRelu PRelu HardSigmoid HardSwish Gelu Elu Selu Celu Mish Swish Softplus Softsign"),
    **_rows(_INPUT, "ThresholdedRelu Erf Log Abs Sin Cos Tan AveragePool LpPool Where Pow LRN GridSample"),
    **_rows(_PRODUCT, "Conv ConvTranspose Gemm MatMul Einsum Mul Div"),
    **_rows(Kept(inputs=(1,)), "Gather GatherElements GatherND"),
    **_rows(Kept(inputs=(0,), output=True), "ReduceMax ReduceMin ReduceL2 ReduceProd GlobalMaxPool"),
    "MaxPool": Kept(inputs=(0,), beside=_indices),
    "Dropout": Kept(beside=_mask),
    "BatchNormalization": Kept(inputs=(0,), beside=_channel_statistics),
    "InstanceNormalization": Kept(inputs=(0,), beside=_instance_statistics),
    "GroupNormalization": Kept(inputs=(0,), beside=_group_statistics),
    "LayerNormalization": Kept(inputs=(0,), beside=_row_statistics),
    "RMSNormalization": Kept(inputs=(0,), beside=_row_scale),
    "Attention": Kept(inputs=(0, 1, 2, 3), output=True, beside=_log_sums),
}
"""By ``Op.type``."""

PASSED_ON = frozenset({"Add", "Sum", "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"})
"""Operators whose input gradient is their output gradient in the same memory, where the shapes allow it."""
