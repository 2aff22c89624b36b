"""The smallest networks: one matrix product, or a few convolutions in a row, in any element type.

They tell what a runtime reaches where nothing but a contraction is to be done. Convolutions come in a row, because
some runtimes change the layout of images at the ends of a network; no tap falls into padding, so that all that is
counted is computed.
"""

from dataclasses import dataclass
from math import prod

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from attainable.zoo.graph import Graph, Value, element_type

OPSET = 22
"""The first in which Conv takes bfloat16."""

_SCALE = 2.0**-10
"""Of quantised results; products of random integers mostly stay within 8 bits."""


@dataclass(frozen=True, slots=True)
class MicroProduct:
    """A matrix product: activations [rows, inputs] by weights [inputs, columns]."""

    rows: int
    inputs: int
    columns: int

    def __str__(self) -> str:
        return f"product {self.rows} x {self.inputs} x {self.columns}"


@dataclass(frozen=True, slots=True)
class MicroConvolutions:
    """Convolutions in a row without padding.

    Attributes:
        channels: of the input and of each result.
        kernel: extent of the square kernel of each.
        extent: height and width of the last result.
    """

    channels: tuple[int, ...]
    kernel: int
    extent: int

    def __str__(self) -> str:
        layers = "-".join(str(channels) for channels in self.channels)
        return f"convolutions {self.kernel}x{self.kernel}, {layers} channels, last at {self.extent} x {self.extent}"


Micro = MicroProduct | MicroConvolutions


def build_micro(micro: Micro, *, dtype: str, weight_dtype: str) -> onnx.ModelProto:
    """The network, with random weights inside and the input ``x``.

    Floating types make MatMul and Conv, integers of 8 bits MatMulInteger and QLinearConv, whose convolutions pass on
    activations of ``dtype``.

    Args:
        micro: what it computes.
        dtype: element type of the activations.
        weight_dtype: element type of the weights; for floating types the same.

    Raises:
        ValueError: ONNX has no such element type.
    """
    graph = Graph("micro", opset=OPSET)
    layers = _Layers(graph, dtype, weight_dtype)
    if isinstance(micro, MicroProduct):
        x = graph.input("x", (micro.rows, micro.inputs), dtype=element_type(dtype))
        y = layers.product(x, micro.columns)
        return graph.finish_with([(y, element_type("int32") if layers.is_integer else element_type(dtype))])
    lost = (micro.kernel - 1) * (len(micro.channels) - 1)
    extent = micro.extent + lost
    y = graph.input("x", (1, micro.channels[0], extent, extent), dtype=element_type(dtype))
    for number, channels in enumerate(micro.channels[1:]):
        y = layers.convolution(f"conv{number}", y, channels=channels, kernel=micro.kernel)
    return graph.finish_with([(y, element_type(dtype))])


class _Layers:
    def __init__(self, graph: Graph, dtype: str, weight_dtype: str) -> None:
        self._graph = graph
        self._generator = np.random.default_rng(0)
        self._weight_type = np.dtype(helper.tensor_dtype_to_np_dtype(element_type(weight_dtype)))
        self._type = np.dtype(helper.tensor_dtype_to_np_dtype(element_type(dtype)))
        self.is_integer = dtype.startswith(("int", "uint"))

    def product(self, x: Value, columns: int) -> Value:
        rows, inputs = x.shape
        kind = "MatMulInteger" if self.is_integer else "MatMul"
        weight = self._graph.initializer("weight", self._weights((inputs, columns)))
        return self._graph.node(kind, "product", inputs=(x, weight), shape=(rows, columns))

    def convolution(self, name: str, x: Value, *, channels: int, kernel: int) -> Value:
        batch, inputs, height, width = x.shape
        weight = self._graph.initializer(f"{name}.weight", self._weights((channels, inputs, kernel, kernel)))
        shape = (batch, channels, height - kernel + 1, width - kernel + 1)
        if not self.is_integer:
            return self._graph.node("Conv", name, inputs=(x, weight), shape=shape)
        scale, small = self._graph.scalar("scale", 1.0), self._graph.scalar("small", _SCALE)
        zeros = [
            self._graph.initializer(f"{name}.{role}", np.zeros((), element))
            for role, element in (("zero_in", self._type), ("zero_weight", self._weight_type), ("zero_out", self._type))
        ]
        operands = (x, scale, zeros[0], weight, small, zeros[1], scale, zeros[2])
        return self._graph.node("QLinearConv", name, inputs=operands, shape=shape)

    def _weights(self, shape: tuple[int, ...]) -> NDArray[np.generic]:
        if self.is_integer:
            limits = np.iinfo(self._weight_type)
            drawn: NDArray[np.generic] = self._generator.integers(
                int(limits.min), int(limits.max) + 1, shape, dtype=np.int32
            )
        else:
            # Of a product the rows, of a convolution all but the output channels are summed over.
            summed = shape[:1] if len(shape) == 2 else shape[1:]
            drawn = self._generator.standard_normal(shape, dtype=np.float32) / np.float32(prod(summed) ** 0.5)
        return drawn.astype(self._weight_type)
