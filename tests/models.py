"""Small ONNX models for tests, written through onnx.helper."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Dimension = int | str | None


def value(name: str, shape: Sequence[Dimension] | None, dtype: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    """A graph input or output."""
    return helper.make_tensor_value_info(name, dtype, shape)


def constant(name: str, *shape: int, dtype: str = "float32") -> onnx.TensorProto:
    """An initialiser of ones."""
    return numpy_helper.from_array(np.ones(shape, dtype), name)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[str],
    constants: Sequence[onnx.TensorProto] = (),
    *,
    opset: int = 20,
) -> onnx.ModelProto:
    """A model whose outputs have no declared shape."""
    graph = helper.make_graph(nodes, "graph", inputs, [value(name, None) for name in outputs], constants)
    imports = [helper.make_opsetid("", opset)]
    domains = {node.domain for node in nodes if node.domain}
    imports += [helper.make_opsetid(domain, 1) for domain in sorted(domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def save(proto: onnx.ModelProto, folder: Path, name: str = "model.onnx") -> Path:
    """Write a model and return its path."""
    path = folder / name
    path.write_bytes(proto.SerializeToString())
    return path


def chain(length: int) -> onnx.ModelProto:
    """``length`` times Conv, Relu, Add with one shared weight."""
    nodes: list[onnx.NodeProto] = []
    previous = "x"
    for index in range(length):
        nodes.append(helper.make_node("Conv", [previous, "w"], [f"c{index}"], f"conv{index}", pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"c{index}"], [f"r{index}"], f"relu{index}"))
        nodes.append(helper.make_node("Add", [f"r{index}", previous], [f"a{index}"], f"add{index}"))
        previous = f"a{index}"
    return model(nodes, [value("x", ["N", 8, 14, 14])], [previous], [constant("w", 8, 8, 3, 3)])
