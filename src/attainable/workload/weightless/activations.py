"""Activation functions, as ONNX nodes."""

from collections.abc import Callable

import numpy as np

from attainable.workload.weightless.layers import multiplied
from attainable.workload.weightless.moments import Floats
from attainable.workload.weightless.writer import NetworkWriter, Value


def activation(net: NetworkWriter, name: str, x: Value, kind: str, **attributes: float) -> Value:
    """One ONNX operator of one input, with its attributes. Raises KeyError for one that is not in the table."""
    function = FUNCTIONS[kind]
    moments = x.moments.through(lambda values: function(values, **attributes))
    return net.node(kind, name, [x], shape=x.shape, moments=moments, attributes=attributes)


def clipped(net: NetworkWriter, name: str, x: Value, low: float, high: float) -> Value:
    """min(max(x, low), high)."""
    moments = x.moments.through(lambda values: np.clip(values, low, high))
    return net.node("Clip", name, [x, net.scalar(low), net.scalar(high)], shape=x.shape, moments=moments)


def gelu(net: NetworkWriter, name: str, x: Value, *, exact: bool) -> Value:
    """With erf, or its approximation with tanh."""
    attributes = {} if exact else {"approximate": "tanh"}
    return net.node("Gelu", name, [x], shape=x.shape, moments=x.moments.through(_gelu), attributes=attributes)


def swish(net: NetworkWriter, name: str, x: Value) -> Value:
    """``x * sigmoid(x)``, as exporters write it: ONNX has no such operator before opset 24."""
    gate = activation(net, f"{name}.sigmoid", x, "Sigmoid")
    product = multiplied(net, name, x, gate)
    moments = x.moments.through(lambda values: values * _sigmoid(values))
    return Value(product.name, product.shape, moments)


def hard_swish(net: NetworkWriter, name: str, x: Value, *, alpha: float, beta: float) -> Value:
    """``x * hard_sigmoid(x)`` for any slope; ONNX's HardSwish has one of its own."""
    gate = activation(net, f"{name}.gate", x, "HardSigmoid", alpha=alpha, beta=beta)
    product = multiplied(net, name, x, gate)
    moments = x.moments.through(lambda values: values * _hard_sigmoid(values, alpha, beta))
    return Value(product.name, product.shape, moments)


def _sigmoid(x: Floats) -> Floats:
    return 1 / (1 + np.exp(-x))


def _relu(x: Floats) -> Floats:
    return np.maximum(x, 0)


def _leaky_relu(x: Floats, alpha: float = 0.01) -> Floats:
    return np.where(x < 0, alpha * x, x)


def _elu(x: Floats, alpha: float = 1.0) -> Floats:
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


def _selu(x: Floats) -> Floats:
    return 1.0507009873554805 * _elu(x, 1.6732632423543772)


def _softplus(x: Floats) -> Floats:
    return np.logaddexp(0, x)


def _mish(x: Floats) -> Floats:
    return x * np.tanh(_softplus(x))


def _hard_sigmoid(x: Floats, alpha: float = 0.2, beta: float = 0.5) -> Floats:
    return np.clip(alpha * x + beta, 0, 1)


def _hard_swish(x: Floats) -> Floats:
    return x * np.clip(x / 6 + 0.5, 0, 1)


def _gelu(x: Floats) -> Floats:
    # the tanh form is within 0.001 of the exact one, which is enough for an estimate of moments
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))


FUNCTIONS: dict[str, Callable[..., Floats]] = {
    "Relu": _relu,
    "LeakyRelu": _leaky_relu,
    "Elu": _elu,
    "Selu": _selu,
    "Sigmoid": _sigmoid,
    "Tanh": np.tanh,
    "Mish": _mish,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _hard_swish,
    "Gelu": _gelu,
    "Softplus": _softplus,
}
"""What each operator does to an element; the moments of the output come from it.

Source: ONNX operator specification, the operators by name.
"""
