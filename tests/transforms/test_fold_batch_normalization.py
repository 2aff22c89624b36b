"""Folding batch normalisation: exact, never at the cost of another reader, and said where it is impossible."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from attainable.transforms import Options, Transformed, transform
from tests.models import model, save, value
from tests.transforms.nets import Net, compute, evaluate, image, kinds, noise, read


def fold(path: Path) -> Transformed:
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    result = transform("bn-fold").apply(path, Options())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    return result


def folded(path: Path) -> onnx.ModelProto:
    result = fold(path)
    assert result.content is not None
    proto = onnx.load_from_string(result.content)
    inferred = onnx.shape_inference.infer_shapes(proto, strict_mode=True)
    onnx.checker.check_model(inferred)  # pyright: ignore[reportUnknownMemberType]
    return proto


def require_equal(path: Path, changed: onnx.ModelProto, *inputs: np.ndarray) -> None:
    given = dict(zip([item.name for item in changed.graph.input], inputs, strict=True))
    for wanted, got in zip(evaluate(read(path), given), evaluate(changed, given), strict=True):
        assert np.abs(wanted - got).max() <= 1e-5 * np.abs(wanted).max()


def test_plain_grouped_and_depthwise_convolutions(tmp_path: Path) -> None:
    net = Net()
    x = net.batch_normalization(net.conv("x", 4, 8), 8)
    x = net.op("Relu", net.batch_normalization(net.conv(x, 8, 12, group=4, bias=True), 12))
    x = net.batch_normalization(net.conv(x, 12, 12, group=12), 12, output="y")
    path = net.save(tmp_path, [image(4)], x)
    result = fold(path)
    assert result.summary == "3 BatchNormalization folded: 3 into Conv"
    assert (result.details, result.warnings) == ((), ())
    changed = folded(path)
    assert kinds(changed) == ["Conv", "Conv", "Relu", "Conv"]
    assert [output.name for output in changed.graph.output] == ["y"]
    # a weight and a bias for each convolution, nothing of the normalisations
    assert len(changed.graph.initializer) == 6
    require_equal(path, changed, noise(1, 4, 8, 8))


def test_transposed_convolutions_number_channels_within_groups(tmp_path: Path) -> None:
    net = Net()
    x = net.op("ConvTranspose", "x", net.weight(4, 6, 3, 3), attributes={"strides": [2, 2]})
    x = net.batch_normalization(x, 6)
    x = net.op("ConvTranspose", x, net.weight(6, 5, 2, 2), net.weight(15), attributes={"group": 3})
    path = net.save(tmp_path, [image(4, 5)], net.batch_normalization(x, 15, output="y"))
    changed = folded(path)
    assert kinds(changed) == ["ConvTranspose", "ConvTranspose"]
    # onnx's reference implementation knows no groups here
    sample = {"x": noise(1, 4, 5, 5)}
    wanted, got = compute(path, sample)["y"], compute(save(changed, tmp_path, "changed.onnx"), sample)["y"]
    assert wanted.shape == (1, 15, 12, 12)
    assert np.abs(wanted - got).max() <= 1e-5 * np.abs(wanted).max()


def test_gemm_with_factors_transposed_or_not(tmp_path: Path) -> None:
    net = Net()
    x = net.op("Gemm", "x", net.weight(6, 8), net.weight(1, 8), attributes={"alpha": 0.5, "beta": 2.0})
    x = net.op("Gemm", net.batch_normalization(x, 8), net.weight(5, 8), attributes={"transB": 1})
    path = net.save(tmp_path, [value("x", [3, 6])], net.batch_normalization(x, 5, output="y"))
    assert fold(path).summary == "2 BatchNormalization folded: 2 into Gemm"
    require_equal(path, folded(path), noise(3, 6))


def test_normalisations_in_a_row_go_into_one_weight(tmp_path: Path) -> None:
    net = Net()
    x = net.batch_normalization(net.batch_normalization(net.conv("x", 3, 8), 8), 8)
    path = net.save(tmp_path, [image()], x)
    changed = folded(path)
    assert kinds(changed) == ["Conv"]
    require_equal(path, changed, noise(1, 3, 8, 8))


def test_a_shared_weight_is_copied_and_not_changed(tmp_path: Path) -> None:
    net = Net()
    weight = net.weight(8, 3, 3, 3)
    first, second, plain = (net.op("Conv", "x", weight) for _ in range(3))
    outputs = [net.batch_normalization(first, 8), net.batch_normalization(second, 8), plain]
    path = net.save(tmp_path, [image()], *outputs)
    changed = folded(path)
    assert kinds(changed) == ["Conv"] * 3
    kept = {tensor.name: tensor for tensor in changed.graph.initializer}[weight]
    assert np.array_equal(numpy_helper.to_array(kept), numpy_helper.to_array(net.constants[0]))
    require_equal(path, changed, noise(1, 3, 8, 8))


def test_what_cannot_be_folded_is_left_with_the_reason(tmp_path: Path) -> None:
    net = Net()
    read_twice = net.conv("x", 3, 8)
    returned = net.conv("x", 3, 8)
    negative = [*net.statistics(8)[:3], net.constant([-1.0] * 8)]
    outputs = [
        net.op("Add", net.batch_normalization(read_twice, 8), read_twice),
        net.batch_normalization(returned, 8),
        returned,
        net.batch_normalization(net.op("Relu", net.conv("x", 3, 8)), 8),
        net.op("BatchNormalization", net.conv("x", 3, 8), *negative),
        net.op("BatchNormalization", net.conv("x", 3, 8), *net.statistics(8), attributes={"training_mode": 1},
               outputs=["trained", "mean", "variance"]),
    ]  # fmt: skip
    result = fold(net.save(tmp_path, [image()], *outputs))
    assert result.content is None
    assert result.summary == "no BatchNormalization can be folded"
    assert result.details == (
        "2 BatchNormalization left: the output of the Conv before it has other readers",
        "1 BatchNormalization left: no Conv, ConvTranspose, Gemm comes before it",
        "1 BatchNormalization left: its statistics give weights that are not finite",
        "1 BatchNormalization left: it is in training mode",
    )


def test_without_any_normalisation_there_is_nothing_to_do(tmp_path: Path) -> None:
    net = Net()
    result = fold(net.save(tmp_path, [image()], net.conv("x", 3, 8)))
    assert (result.content, result.summary) == (None, "there is no BatchNormalization")


def with_weights_as_inputs(folder: Path, *, ir_version: int) -> Path:
    """All constants are listed as inputs too: defaults that a caller may replace, before version 4 mere custom."""
    net = Net()
    proto = net.proto([image()], net.batch_normalization(net.conv("x", 3, 8), 8), opset=9)
    for tensor in proto.graph.initializer:
        proto.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    proto.ir_version = ir_version
    return save(proto, folder)


def test_weights_that_a_caller_may_replace_are_no_constants(tmp_path: Path) -> None:
    result = fold(with_weights_as_inputs(tmp_path, ir_version=4))
    assert result.content is None
    assert result.details == ("1 BatchNormalization left: its statistics, or the weights before it, are no constants",)


def test_old_files_list_constants_as_inputs(tmp_path: Path) -> None:
    changed = folded(with_weights_as_inputs(tmp_path, ir_version=3))
    assert kinds(changed) == ["Conv"]
    assert [item.name for item in changed.graph.input] == ["x"]


def test_constant_nodes_count_as_constants_and_bodies_are_looked_at(tmp_path: Path) -> None:
    net = Net()
    x = net.batch_normalization(net.conv("x", 3, 8), 8, output="inner")
    constants = [helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in net.constants]
    body = helper.make_graph([*constants, *net.nodes], "body", [], [value(x, [1, 8, 8, 8])])
    other = helper.make_graph(
        [helper.make_node("Concat", ["x", "x", "x"], ["many"], axis=1),
         helper.make_node("Slice", ["many", "starts", "ends", "axes"], ["cut"])],
        "other", [], [value("cut", [1, 8, 8, 8])],
    )  # fmt: skip
    choice = helper.make_node("If", ["which"], ["y"], then_branch=body, else_branch=other)
    bounds = [
        numpy_helper.from_array(np.array([number]), name) for name, number in (("starts", 0), ("ends", 8), ("axes", 1))
    ]
    path = save(model([choice], [image(), value("which", [], onnx.TensorProto.BOOL)], ["y"], bounds), tmp_path)
    changed = folded(path)
    require_equal(path, changed, noise(1, 3, 8, 8), np.array(True))
    (branch,) = [attribute.g for attribute in changed.graph.node[0].attribute if attribute.name == "then_branch"]
    # the constants of the normalisation and the old weight are gone with it
    assert [node.op_type for node in branch.node] == ["Conv"]


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_floating_types_keep_their_type(tmp_path: Path, dtype: str) -> None:
    net = Net()
    net.batch_normalization(net.conv("x", 3, 8), 8, output="y")
    constants = [
        numpy_helper.from_array(numpy_helper.to_array(tensor).astype(dtype), tensor.name) for tensor in net.constants
    ]
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    proto = model(net.nodes, [value("x", [1, 3, 8, 8], kind)], ["y"], constants)
    proto.graph.output[0].type.tensor_type.elem_type = kind
    assert {tensor.data_type for tensor in folded(save(proto, tmp_path)).graph.initializer} == {kind}
