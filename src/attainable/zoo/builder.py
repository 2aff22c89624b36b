"""GraphBuilder adds the layers that networks are made of, with weights from a seed."""

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper

from attainable.zoo.graph import Value
from attainable.zoo.layout import LayoutGraph
from attainable.zoo.weights import AbsentWeights, RandomWeights, Weights

Extents = int | tuple[int, int]
"""Height and width, or one number for both."""


class GraphBuilder(LayoutGraph):
    """Adds one layer a call; each takes the node's name and its input, and gives the output.

    The output of layer ``n`` is ``n.output``, its weights are ``n.weight``, ``n.bias`` and so on, as in a PyTorch
    state dictionary. Images are [batch, channels, height, width], float32; every shape is concrete. ``after_relu``
    says whether a layer reads what a ReLU or the like made; it sets the scale of the weights.

    Args:
        name: of the graph.
        seed: of the random weights, zero or more; None stores the shapes of the weights and no values.

    Raises:
        InvalidQuantity: the seed is negative.
    """

    def __init__(self, name: str, *, seed: int | None = 0) -> None:
        super().__init__(name)
        self._stored = seed is not None
        self._weights = AbsentWeights() if seed is None else RandomWeights(seed)

    def finish_as(self, outputs: Mapping[str, Value]) -> onnx.ModelProto:
        """The model, with several float32 outputs under new names."""
        renamed = {value.name: self._claim(name) for name, value in outputs.items()}
        for node in self._graph.node:
            for names in (node.input, node.output):
                for position, old in enumerate(names):
                    names[position] = renamed.get(old, old)
        self._graph.output.extend(
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, value.shape) for name, value in outputs.items()
        )
        return self._model

    # --- layers with weights ---

    def conv(
        self,
        name: str,
        x: Value,
        *,
        channels: int,
        kernel: Extents,
        stride: int = 1,
        padding: Extents = 0,
        groups: int = 1,
        bias: bool = False,
        after_relu: bool = True,
    ) -> Value:
        """A convolution; weight [channels, channels in / groups, kernel height, kernel width], bias [channels]."""
        batch, channels_in, *extents = x.shape
        window, margin = _both(kernel), _both(padding)
        shape = (channels, channels_in // groups, *window)
        draw = self._weights.depthwise if channels_in == groups else self._weights.dense
        weight = draw(shape, inputs=(1, 2, 3), after_relu=after_relu)
        operands = [x, self._parameter(name, "weight", weight)]
        if bias:
            operands.append(self._bias(name, channels))
        extents = [
            (extent + 2 * before - size) // stride + 1
            for extent, before, size in zip(extents, margin, window, strict=True)
        ]
        attributes = {
            "kernel_shape": window,
            "strides": [stride, stride],
            "pads": margin * 2,
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

    def layer_norm(self, name: str, x: Value, *, epsilon: float) -> Value:
        """Layer normalisation over the last axis."""
        *_, features = x.shape
        weight = self._parameter(name, "weight", self._weights.normal((features,), mean=1.0, deviation=0.1))
        operands = (x, weight, self._bias(name, features))
        attributes = {"axis": -1, "epsilon": epsilon}
        return self.node("LayerNormalization", name, inputs=operands, shape=x.shape, attributes=attributes)

    def linear(self, name: str, x: Value, *, features: int, after_relu: bool = False) -> Value:
        """A linear layer as Gemm; x [batch, features in], weight [features, features in], bias [features]."""
        batch, inputs = x.shape
        weight = self._weights.dense((features, inputs), inputs=(1,), after_relu=after_relu)
        operands = (x, self._parameter(name, "weight", weight), self._bias(name, features))
        return self.node("Gemm", name, inputs=operands, shape=(batch, features), attributes={"transB": 1})

    def product_with_table(self, name: str, x: Value, *, table: Value) -> Value:
        """The products of rows [batch, features] with all rows of a table [rows, features]: [batch, rows]."""
        (batch, _), (rows, _) = x.shape, table.shape
        return self.node("Gemm", name, inputs=(x, table), shape=(batch, rows), attributes={"transB": 1})

    def projection(self, name: str, x: Value, *, features: int, after_relu: bool = False, bias: bool = True) -> Value:
        """A linear layer on the last axis of any x, as MatMul and Add; weight [features in, features].

        Gemm takes matrices only, so exporters write a linear layer on [batch, sequence, features] this way.
        """
        *leading, inputs = x.shape
        weight = self._weights.dense((inputs, features), inputs=(0,), after_relu=after_relu)
        operands = (x, self._parameter(name, "weight", weight))
        product = self.node("MatMul", f"{name}.matmul", inputs=operands, shape=(*leading, features))
        return self.add(f"{name}.add", (product, self._bias(name, features))) if bias else product

    def table(self, name: str, *, rows: int, features: int) -> Value:
        """A learned table [rows, features], not yet a node; standard deviation 0.02, as BERT starts its own."""
        return self.learned(name, (rows, features), deviation=0.02)

    def learned(self, name: str, shape: tuple[int, ...], *, deviation: float, mean: float = 0.0) -> Value:
        """A learned tensor, not yet a node, normally distributed."""
        return self._parameter(name, "weight", self._weights.normal(shape, deviation=deviation, mean=mean))

    def _parameter(self, layer: str, role: str, array: Weights) -> Value:
        name = f"{layer}.{role}"
        return self.initializer(name, array) if self._stored else self._absent(name, array.shape)

    def _absent(self, name: str, shape: tuple[int, ...]) -> Value:
        # External data that is nowhere: who counts never looks, who runs is told which file is missing.
        tensor = self._graph.initializer.add(
            name=self._claim(name),
            dims=shape,
            data_type=onnx.TensorProto.FLOAT,
            data_location=onnx.TensorProto.EXTERNAL,
        )
        tensor.external_data.add(key="location", value="weights-left-out")
        return Value(name, shape)

    def _bias(self, layer: str, features: int) -> Value:
        return self._parameter(layer, "bias", self._weights.normal((features,), deviation=0.1))

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
        self,
        name: str,
        x: Value,
        *,
        kernel: int,
        stride: int,
        padding: int = 0,
        padding_after: int = 0,
        ceil_mode: bool = False,
    ) -> Value:
        """Square max pooling.

        Args:
            name: of the node.
            x: [batch, channels, height, width].
            kernel: extent of the window.
            stride: between windows.
            padding: on every side.
            padding_after: more of it below and to the right.
            ceil_mode: keeps a last window that hangs over the edge.
        """
        batch, channels, height, width = x.shape
        more = padding_after + (stride - 1 if ceil_mode else 0)
        extents = [(extent + 2 * padding - kernel + more) // stride + 1 for extent in (height, width)]
        attributes = {
            "kernel_shape": [kernel, kernel],
            "strides": [stride, stride],
            "pads": [padding] * 2 + [padding + padding_after] * 2,
            "ceil_mode": int(ceil_mode),
        }
        return self.node("MaxPool", name, inputs=(x,), shape=(batch, channels, *extents), attributes=attributes)

    def average_pool(self, name: str, x: Value, *, kernel: int, stride: int, padding: int = 0) -> Value:
        """Square average pooling; padding counts as zeros, as in PyTorch."""
        batch, channels, height, width = x.shape
        extents = [(extent + 2 * padding - kernel) // stride + 1 for extent in (height, width)]
        attributes = {
            "kernel_shape": [kernel, kernel],
            "strides": [stride, stride],
            "pads": [padding] * 4,
            "count_include_pad": 1,
        }
        return self.node("AveragePool", name, inputs=(x,), shape=(batch, channels, *extents), attributes=attributes)

    def global_average_pool(self, name: str, x: Value) -> Value:
        """The mean of each channel, [batch, channels, 1, 1]."""
        batch, channels, *_ = x.shape
        return self.node("GlobalAveragePool", name, inputs=(x,), shape=(batch, channels, 1, 1))

    def mean(self, name: str, x: Value, *, axes: tuple[int, ...] = (2, 3)) -> Value:
        """The mean over some axes as ReduceMean, which go away; of each channel of an image unless told."""
        shape = tuple(extent for axis, extent in enumerate(x.shape) if axis not in axes)
        operands = (x, self.integers(f"{name}.axes", axes))
        return self.node("ReduceMean", name, inputs=operands, shape=shape, attributes={"keepdims": 0})

    def upsample(self, name: str, x: Value) -> Value:
        """Twice the height and width, each pixel repeated."""
        batch, channels, height, width = x.shape
        scales = self.initializer(f"{name}.scales", np.array([1, 1, 2, 2], np.float32))
        attributes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        shape = (batch, channels, 2 * height, 2 * width)
        return self.node("Resize", name, inputs=(x, Value("", ()), scales), shape=shape, attributes=attributes)


def _both(extents: Extents) -> tuple[int, int]:
    return (extents, extents) if isinstance(extents, int) else extents
