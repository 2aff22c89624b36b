"""The builder: names a person can read, shapes that onnx agrees with, faults of a definition caught at once."""

import math
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from attainable import zoo
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.convolution import channel_shuffle, conv_norm
from attainable.zoo.elementwise import Activation
from tests.zoo.graphs import graph_of


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


def run(model: onnx.ModelProto, image: NDArray[np.float32]) -> NDArray[np.float32]:
    # Any, because onnxruntime has no types.
    session = cast("Any", onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]))
    return np.asarray(session.run(None, {"input": image})[0])


def counting_image(*shape: int) -> NDArray[np.float32]:
    return np.arange(math.prod(shape), dtype=np.float32).reshape(shape)


def test_a_rectangular_convolution_keeps_both_extents() -> None:
    builder = GraphBuilder("wide")
    x = builder.input("input", (1, 2, 9, 9))
    wide = conv_norm(builder, "wide", x, channels=4, kernel=(1, 7))
    assert wide.shape == (1, 4, 9, 9)
    onnx.shape_inference.infer_shapes(builder.finish(wide, name="output"), strict_mode=True)


def test_a_pool_with_padding_below_and_to_the_right_only() -> None:
    # Windows of 2 with stride 1: the last row and column see themselves and the padding.
    builder = GraphBuilder("pool")
    x = builder.input("input", (1, 1, 3, 3))
    model = builder.finish(builder.max_pool("pool", x, kernel=2, stride=1, padding_after=1), name="output")
    assert run(model, counting_image(1, 1, 3, 3)).tolist() == [[[[4, 5, 5], [7, 8, 8], [7, 8, 8]]]]


@pytest.mark.parametrize("offset", [3, -3])
def test_roll_goes_around_the_end(offset: int) -> None:
    builder = GraphBuilder("roll")
    x = builder.input("input", (1, 5, 2))
    model = builder.finish(builder.roll("roll", x, axis=1, offset=offset), name="output")
    image = counting_image(1, 5, 2)
    np.testing.assert_array_equal(run(model, image), np.roll(image, -offset, axis=1))


def test_a_slice_with_a_step_takes_every_other_row() -> None:
    builder = GraphBuilder("slice")
    x = builder.input("input", (1, 5, 4))
    part = builder.slice("slice", x, bounds={1: (1, 5), 2: (0, 4)}, step=2)
    assert part.shape == (1, 2, 2)
    image = counting_image(1, 5, 4)
    np.testing.assert_array_equal(run(builder.finish(part, name="output"), image), image[:, 1::2, ::2])


def test_a_shuffle_deals_the_groups_in_turn() -> None:
    builder = GraphBuilder("shuffle")
    x = builder.input("input", (1, 6, 1, 1))
    model = builder.finish(channel_shuffle(builder, "shuffle", x, groups=3), name="output")
    # Groups 0 1 | 2 3 | 4 5: the first of each, then the second of each.
    assert run(model, counting_image(1, 6, 1, 1)).ravel().tolist() == [0, 2, 4, 1, 3, 5]


def test_upsampling_repeats_each_pixel() -> None:
    builder = GraphBuilder("upsample")
    x = builder.input("input", (1, 1, 1, 2))
    model = builder.finish(builder.upsample("upsample", x), name="output")
    assert run(model, counting_image(1, 1, 1, 2)).tolist() == [[[[0, 0, 1, 1], [0, 0, 1, 1]]]]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("relu6", 7, 6),
        ("leaky_relu", -2, -0.2),
        ("swish", 1, 1 / (1 + math.exp(-1))),
        ("hard_sigmoid", 1, 1 / 6 + 1 / 2),
        ("hard_swish", 2, 2 * (2 / 6 + 1 / 2)),
        ("gelu", 1, 0.5 * (1 + math.erf(1 / math.sqrt(2)))),
    ],
)
def test_activations(kind: Activation, value: float, expected: float) -> None:
    builder = GraphBuilder(kind)
    x = builder.input("input", (1, 1))
    model = builder.finish(builder.activation(kind, "activation", x), name="output")
    assert run(model, np.full((1, 1), value, np.float32)).item() == pytest.approx(expected, rel=1e-5)


def test_several_outputs_get_their_names_wherever_they_are_read() -> None:
    builder = GraphBuilder("outputs")
    x = builder.input("input", (1, 3))
    inner = builder.relu("inner", x)
    outer = builder.sigmoid("outer", inner)
    model = builder.finish_as({"early": inner, "late": outer})
    assert [value.name for value in model.graph.output] == ["early", "late"]
    assert [(list(node.input), list(node.output)) for node in model.graph.node] == [
        (["input"], ["early"]),
        (["early"], ["late"]),
    ]


def test_shifted_windows_keep_patches_apart_that_are_no_neighbours() -> None:
    # The image of 56 x 56 patches is rolled by 3: patches p and q of a window are apart where the way from p to q on
    # the rolled image is not the way on the image itself.
    stored = {tensor.name: tensor for tensor in graph_of("swin_t").graph.initializer}
    masked = onnx.numpy_helper.to_array(stored["features.1.1.attn.masked"])
    assert masked.shape == (1, 64, 1, 49, 49)
    for number in range(64):
        top, left = 7 * (number // 8), 7 * (number % 8)
        places = [(top + row, left + column) for row in range(7) for column in range(7)]
        for p, (row_p, column_p) in enumerate(places):
            for q, (row_q, column_q) in enumerate(places):
                same_rows = (row_p + 3) % 56 - (row_q + 3) % 56 == row_p - row_q
                same_columns = (column_p + 3) % 56 - (column_q + 3) % 56 == column_p - column_q
                assert masked[0, number, 0, p, q] == (not (same_rows and same_columns))


def test_equal_offsets_in_a_window_share_a_bias() -> None:
    stored = {tensor.name: tensor for tensor in graph_of("swin_t").graph.initializer}
    index = onnx.numpy_helper.to_array(stored["features.1.0.attn.relative_position_index"]).reshape(49, 49)
    places = [(row, column) for row in range(7) for column in range(7)]
    rows_of: dict[tuple[int, int], set[int]] = {}
    for p, (row_p, column_p) in enumerate(places):
        for q, (row_q, column_q) in enumerate(places):
            rows_of.setdefault((row_p - row_q, column_p - column_q), set()).add(int(index[p, q]))
    # 13 x 13 offsets, each with a row of its own
    assert all(len(rows) == 1 for rows in rows_of.values())
    assert set().union(*rows_of.values()) == set(range(13 * 13))
