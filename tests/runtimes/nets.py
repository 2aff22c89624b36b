"""Small networks for runtimes: layers with seeded weights, and their kernels as onnxruntime runs them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from attainable.measurement.inputs import make_inputs
from attainable.runtimes import Profile
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.workload import Workload, load
from attainable.workload.kernel import Kernel
from tests.models import model, save, value


class Net:
    """Collects nodes; every method gives the name of its output."""

    def __init__(self, *, named: bool = True) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._named = named
        self._generator = np.random.default_rng(0)

    def weight(self, *shape: int) -> str:
        numbers = 0.1 * self._generator.standard_normal(shape, dtype=np.float32)
        return self.constant(numbers)

    def constant(self, elements: object, dtype: str = "float32") -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(elements, dtype), name))
        return name

    def op(self, kind: str, *inputs: str, outputs: int = 1, attributes: Mapping[str, int | Sequence[int]] = {}) -> str:
        number = len(self.nodes)
        names = [f"{kind}{number}_out{index}" for index in range(outputs)]
        node = helper.make_node(kind, list(inputs), names, f"{kind}{number}" if self._named else "")
        node.attribute.extend(helper.make_attribute(name, setting) for name, setting in attributes.items())
        self.nodes.append(node)
        return names[0]

    def conv(self, x: str, channels_in: int, channels: int, kernel: int = 3, group: int = 1) -> str:
        weight = self.weight(channels, channels_in // group, kernel, kernel)
        return self.op("Conv", x, weight, attributes={"pads": [kernel // 2] * 4, "group": group})

    def batch_normalization(self, x: str, channels: int) -> str:
        scale, bias, mean = (self.weight(channels) for _ in range(3))
        return self.op("BatchNormalization", x, scale, bias, mean, self.constant(np.ones(channels)))

    def linear(self, x: str, width_in: int, width: int) -> str:
        return self.op("Add", self.op("MatMul", x, self.weight(width_in, width)), self.weight(width))

    def load(self, folder: Path, inputs: Sequence[ValueInfoProto], *outputs: str) -> Workload:
        return load(save(model(self.nodes, inputs, outputs, self.constants), folder))


def image(channels: int = 3, size: int = 16) -> ValueInfoProto:
    return value("x", [1, channels, size, size])


def profile_of(workload: Workload) -> Profile:
    """A short profile by onnxruntime in a real worker."""
    inputs = make_inputs(workload)
    with RUNTIME.open(workload, inputs.arrays, threads=1, deadline_seconds=60) as session:
        return session.profile(runs=3, deadline_seconds=60)


def ops_of(workload: Workload, kernel: Kernel) -> list[str]:
    """Kinds of the ops that a kernel covers."""
    kinds = {op.id: op.kind for op in workload.ops}
    return [kinds[identifier] for identifier in kernel.ops]


def kernel_ops(workload: Workload) -> list[tuple[str, list[str], str]]:
    """Kind, kinds of ops and attribution of each kernel, in the order in which they run."""
    profile = profile_of(workload)
    return [(kernel.kind, ops_of(workload, kernel), kernel.attribution) for kernel in profile.kernels]
