"""How a device treats kinds of operators: what share of a roof they reach, and which sizes it rounds up."""

from dataclasses import dataclass
from typing import Literal, get_args

from attainable.devices.figures import Sourced

OpClass = Literal[
    "conv",
    "pointwise",
    "grouped",
    "depthwise",
    "transposed",
    "matmul",
    "matvec",
    "product",
    "recurrent",
    "pool",
    "elementwise",
    "normalization",
    "softmax",
    "reduction",
    "resize",
    "movement",
    "other",
]
"""Kinds of operators that hardware treats alike.

``conv`` is dense with a kernel above 1; ``pointwise`` is the 1x1 convolution; ``matmul`` has constant weights,
``matvec`` the same with one row, ``product`` multiplies two activations.
"""

OP_CLASSES: tuple[OpClass, ...] = get_args(OpClass)

Limit = Literal["compute", "memory"]
Axis = Literal["input_channels", "output_channels"]


@dataclass(frozen=True, slots=True)
class Efficiency:
    """The share of a roof that one kind of operator reaches.

    Attributes:
        op_class: the operators.
        limit: whose roof: ``compute`` or ``memory``.
        share: of the roof, above 0; above 1 where an algorithm needs fewer operations (Winograd) or a cache helps.
    """

    op_class: OpClass
    limit: Limit
    share: Sourced


@dataclass(frozen=True, slots=True)
class Alignment:
    """A number of channels that the device rounds up to a multiple.

    Attributes:
        axis: which channels of a contraction.
        dtype: for operands of this type alone; None for all.
        multiple: the hardware's multiple.
    """

    axis: Axis
    dtype: str | None
    multiple: Sourced
