"""The builder: names a person can read, shapes that onnx agrees with, faults of a definition caught at once."""

import onnx
import pytest

from attainable import zoo
from attainable.zoo.builder import GraphBuilder


def test_names_are_those_of_the_layers() -> None:
    graph = zoo.build("resnet18").graph
    conv = next(node for node in graph.node if node.name == "layer1.0.conv1")
    assert list(conv.input) == ["maxpool.output", "layer1.0.conv1.weight"]
    assert list(conv.output) == ["layer1.0.conv1.output"]
    norm = next(node for node in graph.node if node.name == "layer1.0.bn1")
    roles = ("weight", "bias", "running_mean", "running_var")
    assert list(norm.input) == ["layer1.0.conv1.output", *(f"layer1.0.bn1.{role}" for role in roles)]


def test_format_versions() -> None:
    model = zoo.build("squeezenet1_1")
    assert model.ir_version == 10
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 20)]


@pytest.mark.parametrize(("ceil_mode", "extent"), [(False, 3), (True, 4)])
def test_max_pool_extent(ceil_mode: bool, extent: int) -> None:
    # Windows of 3 start at 0, 2, 4 on 8 pixels; with ceil_mode a fourth starts at 6 and hangs over by one.
    builder = GraphBuilder("pool")
    x = builder.input("input", (1, 1, 8, 8))
    pooled = builder.max_pool("pool", x, kernel=3, stride=2, ceil_mode=ceil_mode)
    model = builder.finish(pooled, name="output")
    assert pooled.shape == (1, 1, extent, extent)
    # Strict: raises where onnx infers another shape than the one the graph declares for its output.
    onnx.shape_inference.infer_shapes(model, strict_mode=True)


def test_a_name_used_twice_is_refused() -> None:
    builder = GraphBuilder("twice")
    x = builder.input("input", (1, 3, 8, 8))
    builder.relu("relu", x)
    with pytest.raises(ValueError, match="the name relu is used twice"):
        builder.relu("relu", x)


def test_the_output_is_what_the_last_node_makes() -> None:
    builder = GraphBuilder("output")
    x = builder.input("input", (1, 3, 8, 8))
    first = builder.relu("first", x)
    builder.relu("second", first)
    with pytest.raises(ValueError, match=r"first\.output is not what the last node, second, makes"):
        builder.finish(first, name="output")
