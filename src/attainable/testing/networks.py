"""Small networks that every runtime is asked to run: one a habit of real networks that runtimes have got wrong."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import onnx

from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value

_BATCH = "N"


def residual() -> onnx.ModelProto:
    """Convolutions with batch normalisation and Relu, and a residual sum: what runtimes fuse first."""
    builder = GraphBuilder("residual")
    start = _convolution(builder, "stem", builder.input("image", (1, 3, 48, 48)), channels=32)
    inner = _convolution(builder, "inner", start, channels=32)
    last = builder.batch_norm("last.bn", builder.conv("last", inner, channels=32, kernel=3, padding=1))
    return builder.finish(builder.relu("out", builder.add("sum", (last, start))), name="features")


def depthwise() -> onnx.ModelProto:
    """An inverted residual block, its channels no multiple of a vector, and a classifier behind a mean."""
    builder = GraphBuilder("depthwise")
    start = builder.input("image", (1, 20, 40, 40))
    wide = builder.relu6("expand.clip", builder.conv("expand", start, channels=60, kernel=1))
    deep = builder.conv("depthwise", wide, channels=60, kernel=3, padding=1, groups=60)
    narrow = builder.conv("project", builder.relu6("depthwise.clip", deep), channels=20, kernel=1)
    mean = builder.flatten("flat", builder.global_average_pool("mean", builder.add("sum", (narrow, start))))
    return builder.finish(builder.linear("classifier", mean, features=10), name="logits")


def attention() -> onnx.ModelProto:
    """One head of attention spelled out in matrix products, and a layer normalisation."""
    builder = GraphBuilder("attention")
    x = builder.input("sequence", (1, 64, 64))
    query, key, value = (builder.projection(name, x, features=64) for name in ("query", "key", "value"))
    scores = builder.matmul("scores", (query, builder.transpose("turned", key, order=(0, 2, 1))))
    weights = builder.softmax("weights", builder.scale("scaled", scores, factor=0.125))
    mixed = builder.add("sum", (builder.matmul("mixed", (weights, value)), x))
    return builder.finish(builder.layer_norm("norm", mixed, epsilon=1e-5), name="attended")


def two_outputs() -> onnx.ModelProto:
    """Two outputs, one of which is also read by what makes the other."""
    builder = GraphBuilder("two_outputs")
    shared = _convolution(builder, "shared", builder.input("image", (1, 3, 32, 32)), channels=16)
    second = builder.conv("head", shared, channels=8, kernel=1, bias=True)
    return builder.finish_as({"features": shared, "scores": second})


def token_ids() -> onnx.ModelProto:
    """An int64 input that indexes a table."""
    builder = GraphBuilder("token_ids")
    ids = builder.input("input_ids", (1, 48), dtype=onnx.TensorProto.INT64)
    rows = builder.gather("embedding", builder.table("table", rows=500, features=64), indices=ids)
    hidden = builder.gelu("gelu", builder.projection("hidden", rows, features=256))
    return builder.finish(builder.projection("out", hidden, features=64), name="hidden")


def dynamic_batch() -> onnx.ModelProto:
    """A batch without a number in the file; the workload gives it one."""
    builder = GraphBuilder("dynamic_batch")
    x = _convolution(builder, "stem", builder.input("image", (1, 3, 32, 32)), channels=16)
    pooled = builder.flatten("flat", builder.global_average_pool("mean", x))
    model = builder.finish(builder.linear("classifier", pooled, features=10), name="logits")
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = _BATCH
    return model


def nameless() -> onnx.ModelProto:
    """Nodes without names: exporters write such files."""
    model = residual()
    for node in model.graph.node:
        node.name = ""
    return model


def unknown_operator() -> onnx.ModelProto:
    """An operator that no runtime has. It has to be refused."""
    builder = GraphBuilder("unknown_operator")
    x = builder.relu("relu", builder.input("x", (1, 8)))
    model = builder.finish(builder.relu("imagined", x), name="y")
    model.graph.node[-1].op_type, model.graph.node[-1].domain = "Imagined", "attainable.testing"
    model.opset_import.add(domain="attainable.testing", version=1)
    return model


def _convolution(builder: GraphBuilder, name: str, x: Value, *, channels: int) -> Value:
    convolved = builder.conv(name, x, channels=channels, kernel=3, padding=1)
    return builder.relu(f"{name}.relu", builder.batch_norm(f"{name}.bn", convolved))


NETWORKS: Mapping[str, Callable[[], onnx.ModelProto]] = MappingProxyType(
    {
        "residual": residual,
        "depthwise": depthwise,
        "attention": attention,
        "two_outputs": two_outputs,
        "token_ids": token_ids,
        "dynamic_batch": dynamic_batch,
        "nameless": nameless,
    }
)
"""By name; each builds its model anew."""

BINDINGS: Mapping[str, int] = MappingProxyType({_BATCH: 3})
"""Numbers for the dimensions that have none."""
