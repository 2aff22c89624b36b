"""GraphBuilder adds the layers that networks are made of, with weights from a seed."""

import math

import numpy as np

from attainable.zoo.graph import Graph, Value
from attainable.zoo.weights import RandomWeights, Weights


class GraphBuilder(Graph):
    """Adds one layer a call; each takes the node's name and its input, and gives the output.

    The output of layer ``n`` is ``n.output``, its weights are ``n.weight``, ``n.bias`` and so on, as in a PyTorch
    state dictionary. Images are [batch, channels, height, width], float32; every shape is concrete. ``after_relu``
    says whether a layer reads what a ReLU or the like made; it sets the scale of the weights.

    Args:
        name: of the graph.
        seed: of the random weights, zero or more.

    Raises:
        InvalidQuantity: the seed is negative.
    """

    def __init__(self, name: str, *, seed: int = 0) -> None:
        super().__init__(name)
        self._weights = RandomWeights(seed)

    # --- layers with weights ---

    def conv(
        self,
        name: str,
        x: Value,
        *,
        channels: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        bias: bool = False,
        after_relu: bool = True,
    ) -> Value:
        """A square convolution; weight [channels, channels in / groups, kernel, kernel], bias [channels]."""
        batch, channels_in, height, width = x.shape
        shape = (channels, channels_in // groups, kernel, kernel)
        draw = self._weights.dense if groups == 1 else self._weights.grouped
        weight = draw(shape, inputs=(1, 2, 3), after_relu=after_relu)
        operands = [x, self._parameter(name, "weight", weight)]
        if bias:
            operands.append(self._bias(name, channels))
        extents = [(extent + 2 * padding - kernel) // stride + 1 for extent in (height, width)]
        attributes = {
            "kernel_shape": [kernel, kernel],
            "strides": [stride, stride],
            "pads": [padding] * 4,
            "dilations": [1, 1],
            "group": groups,
        }
        return self.node("Conv", name, inputs=operands, shape=(batch, channels, *extents), attributes=attributes)

    def batch_norm(self, name: str, x: Value, *, scale: float = 1.0) -> Value:
        """Batch normalisation at inference, a node of its own, with statistics a trained network could have.

        Args:
            name: of the node.
            x: [batch, channels, height, width].
            scale: mean of the scales; below one on a residual branch, so that the sum does not grow with depth.
        """
        _, features, *_ = x.shape
        channels = (features,)
        parameters = {
            "weight": self._weights.normal(channels, mean=scale, deviation=0.1 * scale),
            "bias": self._weights.normal(channels, deviation=0.1 * scale),
            "running_mean": self._weights.normal(channels, deviation=0.1),
            "running_var": self._weights.uniform(channels, low=0.75, high=1.25),
        }
        operands = [x, *(self._parameter(name, role, array) for role, array in parameters.items())]
        return self.node("BatchNormalization", name, inputs=operands, shape=x.shape, attributes={"epsilon": 1e-5})

    def layer_norm(self, name: str, x: Value) -> Value:
        """Layer normalisation over the last axis, with epsilon 1e-12 as in BERT."""
        *_, features = x.shape
        weight = self._parameter(name, "weight", self._weights.normal((features,), mean=1.0, deviation=0.1))
        operands = (x, weight, self._bias(name, features))
        attributes = {"axis": -1, "epsilon": 1e-12}
        return self.node("LayerNormalization", name, inputs=operands, shape=x.shape, attributes=attributes)

    def linear(self, name: str, x: Value, *, features: int, after_relu: bool = False) -> Value:
        """A linear layer as Gemm; x [batch, features in], weight [features, features in], bias [features]."""
        batch, inputs = x.shape
        weight = self._weights.dense((features, inputs), inputs=(1,), after_relu=after_relu)
        operands = (x, self._parameter(name, "weight", weight), self._bias(name, features))
        return self.node("Gemm", name, inputs=operands, shape=(batch, features), attributes={"transB": 1})

    def projection(self, name: str, x: Value, *, features: int, after_relu: bool = False) -> Value:
        """A linear layer on the last axis of any x, as MatMul and Add; weight [features in, features].

        Gemm takes matrices only, so exporters write a linear layer on [batch, sequence, features] this way.
        """
        *leading, inputs = x.shape
        weight = self._weights.dense((inputs, features), inputs=(0,), after_relu=after_relu)
        operands = (x, self._parameter(name, "weight", weight))
        product = self.node("MatMul", f"{name}.matmul", inputs=operands, shape=(*leading, features))
        return self.add(f"{name}.add", (product, self._bias(name, features)))

    def table(self, name: str, *, rows: int, features: int) -> Value:
        """A learned table [rows, features], not yet a node; standard deviation 0.02, as BERT starts its own."""
        return self._parameter(name, "weight", self._weights.normal((rows, features), deviation=0.02))

    def _parameter(self, layer: str, role: str, array: Weights) -> Value:
        return self.initializer(f"{layer}.{role}", array)

    def _bias(self, layer: str, features: int) -> Value:
        return self._parameter(layer, "bias", self._weights.normal((features,), deviation=0.1))

    # --- element by element ---

    def relu(self, name: str, x: Value) -> Value:
        """max(x, 0)."""
        return self.node("Relu", name, inputs=(x,), shape=x.shape)

    def relu6(self, name: str, x: Value) -> Value:
        """min(max(x, 0), 6), as Clip: ONNX has no operator of this name."""
        bounds = (self.scalar("relu6.min", 0.0), self.scalar("relu6.max", 6.0))
        return self.node("Clip", name, inputs=(x, *bounds), shape=x.shape)

    def gelu(self, name: str, x: Value) -> Value:
        """The exact Gelu, with erf."""
        return self.node("Gelu", name, inputs=(x,), shape=x.shape)

    def add(self, name: str, values: tuple[Value, Value]) -> Value:
        """The sum of two tensors, broadcast."""
        shape = np.broadcast_shapes(*(value.shape for value in values))
        return self.node("Add", name, inputs=values, shape=shape)

    def scale(self, name: str, x: Value, *, factor: float) -> Value:
        """The product of x and a constant, which all nodes with the same factor share."""
        return self.node("Mul", name, inputs=(x, self.scalar(f"scale.{factor}", factor)), shape=x.shape)

    # --- across elements ---

    def matmul(self, name: str, values: tuple[Value, Value]) -> Value:
        """The product of the last two axes: [..., m, k] x [..., k, n] -> [..., m, n]."""
        left, right = values
        *leading, rows, _ = left.shape
        *_, columns = right.shape
        return self.node("MatMul", name, inputs=values, shape=(*leading, rows, columns))

    def softmax(self, name: str, x: Value) -> Value:
        """Softmax over the last axis."""
        return self.node("Softmax", name, inputs=(x,), shape=x.shape, attributes={"axis": -1})

    def max_pool(
        self, name: str, x: Value, *, kernel: int, stride: int, padding: int = 0, ceil_mode: bool = False
    ) -> Value:
        """Square max pooling; ``ceil_mode`` keeps a last window that hangs over the edge."""
        batch, channels, height, width = x.shape
        overhang = stride - 1 if ceil_mode else 0
        extents = [(extent + 2 * padding - kernel + overhang) // stride + 1 for extent in (height, width)]
        attributes = {
            "kernel_shape": [kernel, kernel],
            "strides": [stride, stride],
            "pads": [padding] * 4,
            "ceil_mode": int(ceil_mode),
        }
        return self.node("MaxPool", name, inputs=(x,), shape=(batch, channels, *extents), attributes=attributes)

    def global_average_pool(self, name: str, x: Value) -> Value:
        """The mean of each channel, [batch, channels, 1, 1]."""
        batch, channels, *_ = x.shape
        return self.node("GlobalAveragePool", name, inputs=(x,), shape=(batch, channels, 1, 1))

    def mean(self, name: str, x: Value) -> Value:
        """The mean of each channel as ReduceMean, [batch, channels]."""
        batch, channels, *_ = x.shape
        operands = (x, self.integers(f"{name}.axes", [2, 3]))
        return self.node("ReduceMean", name, inputs=operands, shape=(batch, channels), attributes={"keepdims": 0})

    # --- layout ---

    def gather(self, name: str, table: Value, *, indices: Value) -> Value:
        """The rows of [rows, features] that ``indices`` name; the indices' shape, then [features]."""
        _, features = table.shape
        shape = (*indices.shape, features)
        return self.node("Gather", name, inputs=(table, indices), shape=shape, attributes={"axis": 0})

    def first_rows(self, name: str, table: Value, *, count: int) -> Value:
        """The first ``count`` rows of [rows, features], as Slice."""
        _, features = table.shape
        bounds = {"starts": 0, "ends": count, "axes": 0}
        operands = [self.integers(f"{name}.{role}", [value]) for role, value in bounds.items()]
        return self.node("Slice", name, inputs=(table, *operands), shape=(count, features))

    def split_channels(self, name: str, x: Value, *, parts: int) -> tuple[Value, ...]:
        """Equal parts of the channels; their outputs are ``<name>.output.0`` and on."""
        batch, channels, *extents = x.shape
        shapes = [(batch, channels // parts, *extents)] * parts
        attributes = {"axis": 1, "num_outputs": parts}
        return self.node_with_outputs("Split", name, inputs=(x,), shapes=shapes, attributes=attributes)

    def concat_channels(self, name: str, values: tuple[Value, ...]) -> Value:
        """The channels of all values, one after the other."""
        batch, _, *extents = values[0].shape
        channels = sum(value_channels for _, value_channels, *_ in (value.shape for value in values))
        shape = (batch, channels, *extents)
        return self.node("Concat", name, inputs=values, shape=shape, attributes={"axis": 1})

    def flatten(self, name: str, x: Value) -> Value:
        """One row a batch entry: [batch, everything else]."""
        batch, *rest = x.shape
        return self.node("Flatten", name, inputs=(x,), shape=(batch, math.prod(rest)), attributes={"axis": 1})

    def reshape(self, name: str, x: Value, *, shape: tuple[int, ...]) -> Value:
        """The same elements in a concrete ``shape``, batch included."""
        return self.node("Reshape", name, inputs=(x, self.integers(f"{name}.shape", shape)), shape=shape)

    def transpose(self, name: str, x: Value, *, order: tuple[int, ...]) -> Value:
        """The axes of x in another order: axis i of the output is axis ``order[i]`` of x."""
        shape = tuple(x.shape[axis] for axis in order)
        return self.node("Transpose", name, inputs=(x,), shape=shape, attributes={"perm": order})
