"""ElementwiseGraph adds the operators that work element by element, and the activations by name."""

from collections.abc import Callable
from typing import Final, Literal

import numpy as np

from attainable.zoo.graph import Graph, Shape, Value

Activation = Literal["relu", "relu6", "leaky_relu", "swish", "hard_swish", "sigmoid", "hard_sigmoid", "gelu"]

LEAKY_SLOPE: Final = 0.1
"""Slope of the leaky ReLU below zero. Source: AlexeyAB/darknet, src/activations.h."""


class ElementwiseGraph(Graph):
    """Each method takes the node's name and its input, and gives the output; broadcasting is as in ONNX."""

    def relu(self, name: str, x: Value) -> Value:
        """max(x, 0)."""
        return self.node("Relu", name, inputs=(x,), shape=x.shape)

    def relu6(self, name: str, x: Value) -> Value:
        """min(max(x, 0), 6), as Clip: ONNX has no operator of this name."""
        bounds = (self.scalar("relu6.min", 0.0), self.scalar("relu6.max", 6.0))
        return self.node("Clip", name, inputs=(x, *bounds), shape=x.shape)

    def leaky_relu(self, name: str, x: Value) -> Value:
        """max(x, 0) + 0.1 min(x, 0)."""
        return self.node("LeakyRelu", name, inputs=(x,), shape=x.shape, attributes={"alpha": LEAKY_SLOPE})

    def sigmoid(self, name: str, x: Value) -> Value:
        """1 / (1 + exp(-x))."""
        return self.node("Sigmoid", name, inputs=(x,), shape=x.shape)

    def hard_sigmoid(self, name: str, x: Value) -> Value:
        """min(max(x / 6 + 1 / 2, 0), 1). Source: Howard et al., MobileNetV3, arXiv:1905.02244, section 5.2."""
        return self.node("HardSigmoid", name, inputs=(x,), shape=x.shape, attributes={"alpha": 1 / 6, "beta": 0.5})

    def hard_swish(self, name: str, x: Value) -> Value:
        """x times its hard sigmoid. Source: Howard et al., MobileNetV3, arXiv:1905.02244, section 5.2."""
        return self.node("HardSwish", name, inputs=(x,), shape=x.shape)

    def swish(self, name: str, x: Value) -> Value:
        """x times its sigmoid, also called SiLU; two nodes, as exporters write it before opset 24."""
        return self.multiply(name, (x, self.sigmoid(f"{name}.sigmoid", x)))

    def gelu(self, name: str, x: Value, *, approximate: Literal["none", "tanh"] = "none") -> Value:
        """The Gelu: exact, with erf, or by the approximation with tanh."""
        # Left out where it is the default, as exporters do.
        attributes = {} if approximate == "none" else {"approximate": approximate}
        return self.node("Gelu", name, inputs=(x,), shape=x.shape, attributes=attributes)

    def activation(self, kind: Activation, name: str, x: Value) -> Value:
        """The activation of this name."""
        return _ACTIVATIONS[kind](self, name, x)

    def tanh(self, name: str, x: Value) -> Value:
        """The hyperbolic tangent."""
        return self.node("Tanh", name, inputs=(x,), shape=x.shape)

    def add(self, name: str, values: tuple[Value, Value]) -> Value:
        """The sum of two tensors, broadcast."""
        return self.node("Add", name, inputs=values, shape=_broadcast(values))

    def subtract(self, name: str, values: tuple[Value, Value]) -> Value:
        """The first tensor less the second, broadcast."""
        return self.node("Sub", name, inputs=values, shape=_broadcast(values))

    def multiply(self, name: str, values: tuple[Value, Value]) -> Value:
        """The product of two tensors, broadcast."""
        return self.node("Mul", name, inputs=values, shape=_broadcast(values))

    def scale(self, name: str, x: Value, *, factor: float) -> Value:
        """The product of x and a constant, which all nodes with the same factor share."""
        return self.node("Mul", name, inputs=(x, self.scalar(f"scale.{factor}", factor)), shape=x.shape)

    def where(self, name: str, condition: Value, values: tuple[Value, Value]) -> Value:
        """The first value where the condition holds, else the second."""
        shape = _broadcast((condition, *values))
        return self.node("Where", name, inputs=(condition, *values), shape=shape)

    def cast(self, name: str, x: Value, *, dtype: int) -> Value:
        """The same values in another element type, a member of ``onnx.TensorProto.DataType``."""
        return self.node("Cast", name, inputs=(x,), shape=x.shape, attributes={"to": dtype})


def _broadcast(values: tuple[Value, ...]) -> Shape:
    return np.broadcast_shapes(*(value.shape for value in values))


_ACTIVATIONS: Final[dict[Activation, Callable[[ElementwiseGraph, str, Value], Value]]] = {
    "relu": ElementwiseGraph.relu,
    "relu6": ElementwiseGraph.relu6,
    "leaky_relu": ElementwiseGraph.leaky_relu,
    "swish": ElementwiseGraph.swish,
    "hard_swish": ElementwiseGraph.hard_swish,
    "sigmoid": ElementwiseGraph.sigmoid,
    "hard_sigmoid": ElementwiseGraph.hard_sigmoid,
    "gelu": ElementwiseGraph.gelu,
}
