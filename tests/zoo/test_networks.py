"""Every network is a valid graph of the layers it should have; a choice of them runs and answers sanely."""

import math
from collections import Counter
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from attainable import zoo
from attainable.zoo import gpt
from tests.zoo.graphs import graph_of, is_weight, shapes, without_weights

# Convolutions as the papers count them plus shortcuts; each of the BatchNorm networks has one norm a convolution.
OPERATORS = {
    "resnet18": {"Conv": 20, "BatchNormalization": 20, "Relu": 17, "Add": 8, "MaxPool": 1, "Gemm": 1},
    "resnet50": {"Conv": 53, "BatchNormalization": 53, "Relu": 49, "Add": 16, "MaxPool": 1, "Gemm": 1},
    "resnet152": {"Conv": 155, "BatchNormalization": 155, "Relu": 151, "Add": 50, "MaxPool": 1, "Gemm": 1},
    "regnet_y_400mf": {"Conv": 1 + 16 * 5 + 4, "BatchNormalization": 1 + 16 * 3 + 4, "Sigmoid": 16, "Mul": 16},
    "repvgg_a0": {"Conv": 44, "BatchNormalization": 44 + 17, "Relu": 22, "Add": 22 + 17},
    "repvgg_a0_deploy": {"Conv": 22, "BatchNormalization": 0, "Relu": 22, "Add": 0},
    "vgg16": {"Conv": 13, "BatchNormalization": 0, "Relu": 15, "MaxPool": 5, "Gemm": 3},
    "alexnet": {"Conv": 5, "Relu": 7, "MaxPool": 3, "Gemm": 3},
    "inception_v3": {"Conv": 94, "BatchNormalization": 94, "Relu": 94, "Concat": 15, "AveragePool": 9, "MaxPool": 4},
    "xception": {"Conv": 2 + 34 * 2 + 4, "BatchNormalization": 2 + 34 + 4, "Relu": 35, "Add": 12},
    "densenet121": {"Conv": 120, "BatchNormalization": 121, "Relu": 121, "Concat": 58, "AveragePool": 3},
    "vovnet39": {"Conv": 39, "BatchNormalization": 39, "Concat": 6, "MaxPool": 3, "Add": 0},
    "darknet53": {"Conv": 52, "BatchNormalization": 52, "LeakyRelu": 52, "Add": 23, "Gemm": 1},
    "convnext_tiny": {"Conv": 22, "LayerNormalization": 23, "Gelu": 18, "MatMul": 36, "Gemm": 1},
    "mobilenet_v1": {"Conv": 27, "BatchNormalization": 27, "Relu": 27, "Add": 0, "Gemm": 1},
    "mobilenet_v2": {"Conv": 52, "BatchNormalization": 52, "Clip": 35, "Add": 10, "Gemm": 1},
    "mobilenet_v3_large": {"Conv": 46 + 16, "HardSigmoid": 8, "HardSwish": 21, "Relu": 11 + 8, "Add": 10},
    "efficientnet_b0": {"Conv": 49 + 32, "BatchNormalization": 49, "Sigmoid": 49 + 16, "Add": 9},
    "efficientnet_lite0": {"Conv": 49, "BatchNormalization": 49, "Clip": 33, "Add": 9},
    "squeezenet1_0": {"Conv": 26, "BatchNormalization": 0, "Relu": 26, "Concat": 8, "MaxPool": 3, "Gemm": 0},
    "squeezenet1_1": {"Conv": 26, "BatchNormalization": 0, "Relu": 26, "Concat": 8, "MaxPool": 3, "Gemm": 0},
    "shufflenet_v1_g3": {"Conv": 49, "BatchNormalization": 49, "Transpose": 16, "Concat": 3, "Add": 13},
    "shufflenet_v2_x1_0": {"Conv": 56, "BatchNormalization": 56, "Split": 13, "Concat": 16, "Transpose": 16},
    "yolov4_tiny": {"Conv": 21, "BatchNormalization": 19, "LeakyRelu": 19, "Concat": 7, "Slice": 3, "Resize": 1},
    "vit_b_16": {"Conv": 1, "MatMul": 72, "Softmax": 12, "Gelu": 12, "LayerNormalization": 25, "Gemm": 1},
    # two projections, scores, context and two feed-forward products a block, and three reductions
    "swin_t": {"Conv": 1, "MatMul": 12 * 6 + 3, "Softmax": 12, "Where": 5, "LayerNormalization": 29},
    "transformer_encoder": {"MatMul": 96, "Softmax": 12, "Gelu": 12, "LayerNormalization": 25, "Slice": 1},
    "bert_base": {"MatMul": 96, "Softmax": 12, "Gather": 2, "Tanh": 1, "Gemm": 1},
    "gpt2_small_prefill": {"MatMul": 72, "Softmax": 12, "Where": 12, "Gemm": 1, "Concat": 0},
    "gpt2_small_decode": {"MatMul": 72, "Softmax": 12, "Where": 0, "Gemm": 1, "Concat": 24},
}

PIXELS = {
    **dict.fromkeys(("inception_v3", "xception"), 299),
    **dict.fromkeys(("darknet53", "cspdarknet53", "cspresnet50"), 256),
    **dict.fromkeys(("yolov3_tiny", "yolov4_tiny"), 416),
    **dict.fromkeys(("mobiledet_dsp", *(name for name in zoo.names() if name.startswith("yolo_fastest"))), 320),
}
"""Of the images that are not of 224 x 224 pixels."""

RUN = (
    *("resnet18", "regnet_y_400mf", "g_ghost_regnet_x_400mf", "repvgg_a0", "repvgg_a0_deploy", "inception_v3"),
    *("xception", "densenet121", "vovnet27_slim", "cspresnet50", "convnext_tiny", "mobilenet_v1", "mobilenet_v2"),
    *("mobilenet_v3_small", "mobilenet_v3_large", "efficientnet_b0", "efficientnet_lite0", "ghostnet"),
    *("mobiledet_dsp", "squeezenet1_0", "squeezenet1_1", "shufflenet_v1_g3", "shufflenet_v2_x1_0", "yolov3_tiny"),
    *("yolov4_tiny", "yolo_fastest", "yolo_fastest_1_1_xl", "swin_t", "transformer_encoder"),
)
"""At least one of each family but the heavy ones; ``benchmarks/zoo_runs.py`` runs all."""


def image_networks() -> list[str]:
    return [name for name, network in zoo.NETWORKS.items() if network.sequence is None]


def session_of(model: onnx.ModelProto) -> Any:
    # Any, because onnxruntime has no types.
    return cast("Any", onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]))


def random_inputs(model: onnx.ModelProto, *, seed: int) -> dict[str, NDArray[np.float32] | NDArray[np.int64]]:
    generator = np.random.default_rng(seed)
    made: dict[str, NDArray[np.float32] | NDArray[np.int64]] = {}
    for value in model.graph.input:
        shape = [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        if value.type.tensor_type.elem_type == onnx.TensorProto.INT64:
            made[value.name] = generator.integers(0, 30522, shape)
        else:
            made[value.name] = generator.standard_normal(shape, dtype=np.float32)
    return made


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name: str) -> None:
    found = Counter(node.op_type for node in graph_of(name).graph.node)
    assert {operator: found[operator] for operator in OPERATORS[name]} == OPERATORS[name]


@pytest.mark.parametrize("name", image_networks())
def test_image_networks_read_one_image(name: str) -> None:
    (graph_input,) = graph_of(name).graph.input
    pixels = PIXELS.get(name, 224)
    assert (graph_input.name, shapes(name)[graph_input.name]) == ("input", [1, 3, pixels, pixels])


def test_outputs() -> None:
    shape = {
        name: {value.name: shapes(name)[value.name] for value in graph_of(name).graph.output} for name in zoo.names()
    }
    others = {name: outputs for name, outputs in shape.items() if outputs != {"logits": [1, 1000]}}
    present = {f"present.{layer}.{role}" for layer in range(12) for role in ("key", "value")}
    for form, tokens, positions in (("prefill", 128, 128), ("decode", 1, 129)):
        outputs = others.pop(f"gpt2_small_{form}")
        assert outputs.pop("logits") == [1, tokens, 50257]
        assert outputs == {name: [1, 12, positions, 64] for name in present}
    assert others == {
        "mobiledet_dsp": {"features": [1, 240, 10, 10]},
        "yolov3_tiny": {"coarse": [1, 255, 13, 13], "fine": [1, 255, 26, 26]},
        "yolov4_tiny": {"coarse": [1, 255, 13, 13], "fine": [1, 255, 26, 26]},
        **{
            f"yolo_fastest{version}": {"coarse": [1, 255, 10, 10], "fine": [1, 255, 20, 20]}
            for version in ("", "_xl", "_1_1", "_1_1_xl")
        },
        "transformer_encoder": {"last_hidden_state": [1, 128, 768]},
        "bert_base": {"last_hidden_state": [1, 128, 768], "pooler_output": [1, 768]},
    }


@pytest.mark.parametrize("name", zoo.names())
def test_onnx_checker_accepts_it(name: str) -> None:
    # onnx annotates the path that it could take as well with a bare PathLike.
    onnx.checker.check_model(without_weights(graph_of(name)), full_check=True)  # pyright: ignore[reportUnknownMemberType]


@pytest.mark.parametrize("name", zoo.names())
def test_names_are_unique_and_every_weight_is_used(name: str) -> None:
    graph = graph_of(name).graph
    nodes = Counter(node.name for node in graph.node)
    tensors = Counter(
        [tensor.name for tensor in graph.initializer] + [name for node in graph.node for name in node.output]
    )
    assert max(nodes.values()) == max(tensors.values()) == 1
    read = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    assert tensors.keys() - read == set()


@pytest.mark.parametrize("name", RUN)
def test_outputs_are_sane_and_tell_inputs_apart(name: str) -> None:
    # Few tokens are enough; networks for images take no sequence.
    model = zoo.build(name, sequence=None if zoo.network(name).sequence is None else 16)
    # The checker's rule for stored tensors, without the copy of the whole model that it would make.
    for tensor in model.graph.initializer:
        item = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        assert len(tensor.raw_data) == item * math.prod(tensor.dims), tensor.name
    # Fed with the weights instead of holding them, which onnxruntime would parse first.
    weights = {
        tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer if is_weight(tensor)
    }
    session = session_of(without_weights(model))
    first, second = (np.asarray(session.run(None, weights | random_inputs(model, seed=seed))[0]) for seed in (1, 2))
    assert np.isfinite(first).all()
    assert 0.01 < first.std() < 100
    # Random networks tend to give nearly the same answer to every input; no change could be judged by that.
    assert (first - second).std() > 0.1 * first.std()


def test_a_token_decoded_from_the_cache_is_the_token_of_the_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpt, "LAYERS", 2)
    monkeypatch.setattr(gpt, "VOCABULARY", 100)
    # Both forms draw the same weights: eight tokens at once, and seven in the cache with the eighth alone.
    prompt = np.random.default_rng(0).integers(0, 100, (2, 8))
    prefill = gpt.build("gpt2_small_prefill", batch=2, sequence=8)
    logits, *present = session_of(prefill).run(None, {"input_ids": prompt})
    decode = gpt.build("gpt2_small_decode", batch=2, sequence=7)
    _, *caches = (value.name for value in decode.graph.input)
    feeds = {name: kept[:, :, :7] for name, kept in zip(caches, present, strict=True)}
    decoded, *grown = session_of(decode).run(None, {"input_ids": prompt[:, 7:], **feeds})
    np.testing.assert_allclose(decoded[:, 0], logits[:, 7], atol=1e-4)
    np.testing.assert_allclose(grown[-1], present[-1], atol=1e-4)
