"""The networks are those of the papers: work, parameters and layers, counted by a walker that knows nothing of ours."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from attainable import zoo

MACS = {
    "resnet18": 1_814_073_344,
    "resnet50": 4_089_184_256,
    "vgg16": 15_470_264_320,
    "mobilenet_v1": 568_740_352,
    "mobilenet_v2": 300_774_272,
    "squeezenet1_1": 349_151_936,
    "shufflenet_v2_x1_0": 144_907_992,
    # 12 layers of query, key, value and output; scores and context; two feed-forward products
    "transformer_encoder": 12 * (4 * 128 * 768 * 768 + 2 * 128 * 128 * 768 + 2 * 128 * 768 * 3072),
}

PARAMETERS = {
    "resnet18": 11_689_512,
    "resnet50": 25_557_032,
    "vgg16": 138_357_544,
    "mobilenet_v1": 4_231_976,
    "mobilenet_v2": 3_504_872,
    "squeezenet1_1": 1_235_496,
    "shufflenet_v2_x1_0": 2_278_604,
    # the tables and their norm; 12 layers of four square projections, two feed-forward ones and two norms
    "transformer_encoder": (30522 + 512 + 2) * 768
    + 12 * (4 * (768 * 768 + 768) + (768 * 3072 + 3072) + (3072 * 768 + 768) + 4 * 768),
}

# Convolutions as the papers count them plus shortcuts; each of the BatchNorm networks has one norm a convolution.
OPERATORS = {
    "resnet18": {"Conv": 20, "BatchNormalization": 20, "Relu": 17, "Add": 8, "MaxPool": 1, "Gemm": 1},
    "resnet50": {"Conv": 53, "BatchNormalization": 53, "Relu": 49, "Add": 16, "MaxPool": 1, "Gemm": 1},
    "vgg16": {"Conv": 13, "BatchNormalization": 0, "Relu": 15, "MaxPool": 5, "Gemm": 3},
    "mobilenet_v1": {"Conv": 27, "BatchNormalization": 27, "Relu": 27, "Add": 0, "Gemm": 1},
    "mobilenet_v2": {"Conv": 52, "BatchNormalization": 52, "Clip": 35, "Add": 10, "Gemm": 1},
    "squeezenet1_1": {"Conv": 26, "BatchNormalization": 0, "Relu": 26, "Concat": 8, "MaxPool": 3, "Gemm": 0},
    "shufflenet_v2_x1_0": {"Conv": 56, "BatchNormalization": 56, "Split": 13, "Concat": 16, "Transpose": 16},
    "transformer_encoder": {"MatMul": 96, "Softmax": 12, "Gelu": 12, "LayerNormalization": 25, "Slice": 1},
}


@pytest.fixture(scope="session", params=zoo.names())
def model(request: pytest.FixtureRequest) -> onnx.ModelProto:
    """Each network once; pytest keeps one at a time."""
    return zoo.build(request.param)


def without_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with its weights as inputs: half a gigabyte less for onnx to copy."""
    light = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    graph = light.graph
    graph.name = model.graph.name
    graph.node.extend(model.graph.node)
    graph.input.extend(model.graph.input)
    graph.output.extend(model.graph.output)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT64:
            graph.initializer.append(tensor)
        else:
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return light


def shapes(model: onnx.ModelProto) -> dict[str, list[int]]:
    """The shape of every tensor, by onnx's own inference; strict, so that a wrong declared output shape raises."""
    graph = onnx.shape_inference.infer_shapes(without_weights(model), strict_mode=True, data_prop=True).graph
    found = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        found[value.name] = [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
    return found


def macs(model: onnx.ModelProto) -> int:
    """Multiply-accumulates of the contractions: results x products summed into one result."""
    shape = shapes(model)
    total = 0
    for node in model.graph.node:
        results = math.prod(shape[node.output[0]])
        if node.op_type == "Conv":
            total += results * math.prod(shape[node.input[1]][1:])
        elif node.op_type in ("Gemm", "MatMul"):
            total += results * shape[node.input[0]][-1]
    return total


def parameters(model: onnx.ModelProto) -> int:
    """Elements of the float initialisers that are learned: no running statistics, no scalar constants."""
    statistics = {name for node in kind(model, "BatchNormalization") for name in node.input[3:]}
    return sum(
        math.prod(tensor.dims)
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.dims and tensor.name not in statistics
    )


def kind(model: onnx.ModelProto, operator: str) -> Iterable[onnx.NodeProto]:
    return (node for node in model.graph.node if node.op_type == operator)


def random_input(model: onnx.ModelProto, *, seed: int) -> dict[str, NDArray[np.float32] | NDArray[np.int64]]:
    (graph_input,) = model.graph.input
    shape = [dimension.dim_value for dimension in graph_input.type.tensor_type.shape.dim]
    generator = np.random.default_rng(seed)
    if graph_input.type.tensor_type.elem_type == onnx.TensorProto.INT64:
        return {graph_input.name: generator.integers(0, 30522, shape)}
    return {graph_input.name: generator.standard_normal(shape, dtype=np.float32)}


def test_work_and_parameters_are_those_of_the_field(model: onnx.ModelProto) -> None:
    assert macs(model) == MACS[model.graph.name]
    assert parameters(model) == PARAMETERS[model.graph.name]


def test_operators(model: onnx.ModelProto) -> None:
    found = Counter(node.op_type for node in model.graph.node)
    expected = OPERATORS[model.graph.name]
    assert {operator: found[operator] for operator in expected} == expected


def test_input_and_output(model: onnx.ModelProto) -> None:
    shape = shapes(model)
    (graph_input,), (graph_output,) = model.graph.input, model.graph.output
    if model.graph.name == "transformer_encoder":
        assert (graph_input.name, shape[graph_input.name]) == ("input_ids", [1, 128])
        assert (graph_output.name, shape[graph_output.name]) == ("last_hidden_state", [1, 128, 768])
    else:
        assert (graph_input.name, shape[graph_input.name]) == ("input", [1, 3, 224, 224])
        assert (graph_output.name, shape[graph_output.name]) == ("logits", [1, 1000])


def test_onnx_checker_accepts_it(model: onnx.ModelProto) -> None:
    # onnx annotates the path that it could take as well with a bare PathLike.
    onnx.checker.check_model(without_weights(model), full_check=True)  # pyright: ignore[reportUnknownMemberType]
    # The checker's rule for stored tensors, without the copy of the whole model that it would make.
    for tensor in model.graph.initializer:
        item = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        assert len(tensor.raw_data) == item * math.prod(tensor.dims), tensor.name


def test_names_are_unique_and_every_weight_is_used(model: onnx.ModelProto) -> None:
    graph = model.graph
    nodes = Counter(node.name for node in graph.node)
    tensors = Counter(
        [tensor.name for tensor in graph.initializer] + [name for node in graph.node for name in node.output]
    )
    assert max(nodes.values()) == max(tensors.values()) == 1
    read = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    assert tensors.keys() - read == set()


def test_outputs_are_sane_and_tell_inputs_apart(model: onnx.ModelProto) -> None:
    # Fed with the weights instead of holding them: onnxruntime would first parse half a gigabyte for VGG-16.
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    light = without_weights(model)
    fed = {value.name for value in light.graph.input}
    # Any, because onnxruntime has no types.
    session = cast("Any", onnxruntime.InferenceSession(light.SerializeToString(), providers=["CPUExecutionProvider"]))
    feeds = {name: array for name, array in weights.items() if name in fed}
    first, second = (np.asarray(session.run(None, feeds | random_input(model, seed=seed))[0]) for seed in (1, 2))
    assert np.isfinite(first).all()
    assert 0.01 < first.std() < 100
    # Random networks tend to give nearly the same answer to every input; no change could be judged by that.
    assert (first - second).std() > 0.1 * first.std()
