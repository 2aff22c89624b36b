"""Networks with seeded weights for transforms, and what they compute."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from attainable.runtimes.onnxruntime import RUNTIME
from attainable.workload import load
from tests.models import model, save, value

Array = NDArray[np.generic]
Numbers = NDArray[np.float64]
Attributes = Mapping[str, int | float | Sequence[int]]


class Net:
    """Collects nodes and weights; every method gives the name of its output or constant."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._generator = np.random.default_rng(0)

    def constant(self, elements: object, dtype: str = "float32") -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(elements, dtype), name))
        return name

    def weight(self, *shape: int, scale: float = 0.3) -> str:
        return self.constant(scale * self._generator.standard_normal(shape, dtype=np.float32))

    def op(self, kind: str, *inputs: str, outputs: Sequence[str] = (), attributes: Attributes | None = None) -> str:
        names = list(outputs) or [f"{kind}{len(self.nodes)}_out"]
        node = helper.make_node(kind, list(inputs), names, f"{kind}{len(self.nodes)}")
        node.attribute.extend(helper.make_attribute(name, setting) for name, setting in (attributes or {}).items())
        self.nodes.append(node)
        return names[0]

    def conv(self, x: str, channels_in: int, channels: int, *, group: int = 1, bias: bool = False) -> str:
        operands = [x, self.weight(channels, channels_in // group, 3, 3), *([self.weight(channels)] if bias else [])]
        return self.op("Conv", *operands, attributes={"pads": [1, 1, 1, 1], "group": group})

    def statistics(self, channels: int) -> list[str]:
        """Scale, bias, mean and variance as training leaves them."""
        variance = np.abs(self._generator.standard_normal(channels)) + 0.1
        return [*(self.weight(channels) for _ in range(3)), self.constant(variance)]

    def batch_normalization(self, x: str, channels: int, *, output: str = "") -> str:
        attributes = {"epsilon": 1e-3}
        outputs = [output] if output else []
        return self.op("BatchNormalization", x, *self.statistics(channels), outputs=outputs, attributes=attributes)

    def proto(self, inputs: Sequence[ValueInfoProto], *outputs: str, opset: int = 20) -> onnx.ModelProto:
        return model(self.nodes, inputs, outputs, self.constants, opset=opset)

    def save(self, folder: Path, inputs: Sequence[ValueInfoProto], *outputs: str, opset: int = 20) -> Path:
        return save(self.proto(inputs, *outputs, opset=opset), folder)


def image(channels: int = 3, size: int = 8, *, batch: int | str = 1) -> ValueInfoProto:
    return value("x", [batch, channels, size, size])


def residual_network() -> Net:
    """Every operator that int8 knows: Conv with BN, Relu and Clip, depthwise, Add, Concat, pools, Gemm; output y."""
    net = Net()
    stem = net.op("Relu", net.batch_normalization(net.conv("x", 3, 16), 16))
    low, high = net.constant(0.0), net.constant(6.0)
    deep = net.op("Clip", net.batch_normalization(net.conv(stem, 16, 16, group=16), 16), low, high)
    summed = net.op("Add", net.conv(deep, 16, 16, bias=True), stem)
    pooled = net.op("MaxPool", summed, attributes={"kernel_shape": [2, 2], "strides": [2, 2]})
    joined = net.op("Concat", pooled, net.op("Relu", net.conv(pooled, 16, 8)), attributes={"axis": 1})
    flat = net.op("Flatten", net.op("GlobalAveragePool", joined))
    net.op("Gemm", flat, net.weight(10, 24), net.weight(10), outputs=["y"], attributes={"transB": 1})
    return net


def evaluate(proto: onnx.ModelProto, inputs: Mapping[str, Array]) -> list[Numbers]:
    """What a model computes, by onnx's reference implementation."""
    outputs = ReferenceEvaluator(proto).run(None, dict(inputs))  # pyright: ignore[reportUnknownMemberType]
    return [np.asarray(output, np.float64) for output in outputs]


def compute(path: Path, inputs: Mapping[str, Array]) -> dict[str, Numbers]:
    """What a model computes, by onnxruntime in a worker."""
    with RUNTIME.open(load(path), inputs, threads=1, deadline_seconds=60) as session:
        outputs = session.compute(inputs, deadline_seconds=60)
    return {name: array.astype(np.float64) for name, array in outputs.items()}


def read(path: Path) -> onnx.ModelProto:
    """A model with all weights inside."""
    return onnx.ModelProto.FromString(path.read_bytes())


def noise(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def kinds(proto: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in proto.graph.node]
