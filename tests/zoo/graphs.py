"""Zoo networks for the tests beside this file, and a counter that knows nothing of attainable's."""

import functools
import math
from collections.abc import Iterable

import onnx

from attainable import zoo


@functools.cache
def graph_of(name: str) -> onnx.ModelProto:
    """The network without weight values, built once."""
    return zoo.build(name, seed=None)


def without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its weights as inputs: half a gigabyte less for onnx to copy, and none that it misses."""
    light = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    graph = light.graph
    graph.name = model.graph.name
    graph.node.extend(model.graph.node)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    for tensor in model.graph.initializer:
        if is_weight(tensor):
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
        else:
            graph.initializer.append(tensor)
    return light


def is_weight(tensor: onnx.TensorProto) -> bool:
    """Whether a stored tensor holds more than shapes, scalars and the scales of a Resize."""
    return tensor.data_type == onnx.TensorProto.FLOAT and bool(tensor.dims) and not tensor.name.endswith(".scales")


@functools.cache
def shapes(name: str) -> dict[str, list[int]]:
    """The shape of every tensor, by onnx's own inference; strict, so that a wrong declared output shape raises."""
    light = without_weights(graph_of(name))
    graph = onnx.shape_inference.infer_shapes(light, strict_mode=True, data_prop=True).graph
    found = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        found[value.name] = [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
    return found


def macs(name: str) -> int:
    """Multiply-accumulates of the contractions: results x products summed into one result."""
    shape = shapes(name)
    total = 0
    for node in graph_of(name).graph.node:
        results = math.prod(shape[node.output[0]])
        if node.op_type == "Conv":
            total += results * math.prod(shape[node.input[1]][1:])
        elif node.op_type in ("Gemm", "MatMul"):
            total += results * shape[node.input[0]][-1]
    return total


def statistics(name: str) -> int:
    """Elements of the running means and variances."""
    shape = shapes(name)
    norms = kind(graph_of(name), "BatchNormalization")
    return sum(math.prod(shape[tensor]) for node in norms for tensor in node.input[3:])


def parameters(name: str) -> int:
    """Elements that are learned: no running statistics, no scalar constants."""
    weights = filter(is_weight, graph_of(name).graph.initializer)
    return sum(math.prod(tensor.dims) for tensor in weights) - statistics(name)


def kind(model: onnx.ModelProto, operator: str) -> Iterable[onnx.NodeProto]:
    """The nodes of this operator."""
    return (node for node in model.graph.node if node.op_type == operator)
