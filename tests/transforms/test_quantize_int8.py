"""int8: the written graph is legal for onnxruntime's x86 kernels, and the runtime makes integer kernels of it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnx_ir
import pytest
from onnx import NodeProto, helper, numpy_helper

from attainable.errors import RuntimeRefused
from attainable.transforms import Options, Transformed, transform
from attainable.transforms.int8_kinds import illegal_places
from attainable.transforms.saturation import WeightRange, weight_range
from tests.models import model, save, value
from tests.transforms.nets import Net, compute, image, kinds, noise, residual_network


@dataclass(frozen=True, slots=True)
class Quantised:
    """A model before and after int8."""

    path: Path
    result: Transformed
    proto: onnx.ModelProto

    def array(self, name: str) -> np.ndarray:
        return numpy_helper.to_array(next(item for item in self.proto.graph.initializer if item.name == name))

    def nodes(self, kind: str) -> list[NodeProto]:
        return [node for node in self.proto.graph.node if node.op_type == kind]

    @property
    def weights(self) -> list[NodeProto]:
        """DequantizeLinear of what Conv and Gemm read second."""
        return [self._maker(node.input[1]) for node in (*self.nodes("Conv"), *self.nodes("Gemm"))]

    @property
    def biases(self) -> list[NodeProto]:
        """DequantizeLinear of what they read third, where they do."""
        anchors = (*self.nodes("Conv"), *self.nodes("Gemm"))
        return [self._maker(node.input[2]) for node in anchors if len(node.input) == 3]

    @property
    def activations(self) -> list[NodeProto]:
        constants = {node.output[0] for node in (*self.weights, *self.biases)}
        both = [*self.nodes("QuantizeLinear"), *self.nodes("DequantizeLinear")]
        return [node for node in both if node.output[0] not in constants]

    def _maker(self, tensor: str) -> NodeProto:
        return next(node for node in self.proto.graph.node if tensor in node.output)


def quantise(path: Path, *, reduce_range: bool = True, batch: int | None = None) -> Quantised:
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    result = transform("int8").apply(path, Options(reduce_range=reduce_range, batch=batch))
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert result.content is not None
    return Quantised(path, result, onnx.load_from_string(result.content))


@pytest.fixture(scope="module")
def reduced(tmp_path_factory: pytest.TempPathFactory) -> Quantised:
    """The network with every operator that int8 knows, weights of 7 bits."""
    return quantise(residual_network().save(tmp_path_factory.mktemp("reduced"), [image()], "y"))


def test_activations_are_uint8_with_one_scale_for_the_tensor(reduced: Quantised) -> None:
    assert len(reduced.activations) >= 20
    for node in reduced.activations:
        scale, zero_point = (reduced.array(name) for name in node.input[1:])
        assert (zero_point.dtype, scale.shape, zero_point.shape) == (np.uint8, (), ()), node.name


def test_weights_are_int8_with_a_scale_for_each_output_channel(reduced: Quantised) -> None:
    assert len(reduced.weights) == 5
    for node in reduced.weights:
        weight, scale, zero_point = (reduced.array(name) for name in node.input)
        assert weight.dtype == zero_point.dtype == np.int8
        assert [helper.get_attribute_value(item) for item in node.attribute] == [0]
        assert scale.shape == zero_point.shape == weight.shape[:1]
        assert not zero_point.any()
        # 7 bits: two products with an activation of 255 fit into 16 bits
        assert np.abs(weight.astype(int)).max() == 64


def test_biases_are_int32_in_the_scale_of_the_product(reduced: Quantised) -> None:
    assert len(reduced.biases) == 4
    scales = {reduced.array(weight.input[1]).tobytes(): weight for weight in reduced.weights}
    for bias in reduced.biases:
        assert reduced.array(bias.input[0]).dtype == np.int32
        assert not reduced.array(bias.input[2]).any()
        # the scale of the bias is that of the weight times one number, the scale of the input
        shape = reduced.array(bias.input[1])
        ratios = [shape / array for array in map(np.frombuffer, scales, [np.float32] * 5) if array.size == shape.size]
        assert min(np.ptp(ratio) / ratio.max() for ratio in ratios) < 1e-5


def test_activations_use_all_eight_bits_when_weights_have_seven(reduced: Quantised) -> None:
    (node,) = [node for node in reduced.nodes("QuantizeLinear") if node.input[0] == "x"]
    # Standard normal numbers, thousands of them: from about -4 to 4.
    assert 6 / 255 < float(reduced.array(node.input[1])) < 10 / 255


def test_nothing_stands_between_the_operators_and_their_ranges(reduced: Quantised) -> None:
    assert not {"BatchNormalization", "Relu", "Clip"}.intersection(kinds(reduced.proto))
    assert reduced.result.summary == "4 of 4 Conv, 1 of 1 Gemm run as int8"
    assert reduced.result.details == (
        "2 BatchNormalization folded first",
        "weights have 7 bits: as asked",
        "ranges are the extremes over 32 seeded inputs, seeds 1 to 32",
    )
    assert len(reduced.result.warnings) == 1
    assert reduced.result.warnings[0].endswith("give some with --data")


def test_outputs_stay_close(reduced: Quantised, tmp_path: Path) -> None:
    sample = {"x": noise(1, 3, 8, 8, seed=99)}
    wanted = compute(reduced.path, sample)["y"]
    got = compute(save(reduced.proto, tmp_path), sample)["y"]
    assert np.square(wanted).sum() > 100 * np.square(wanted - got).sum()


def test_weights_of_eight_bits(tmp_path: Path) -> None:
    net = Net()
    full = quantise(net.save(tmp_path, [image()], net.conv("x", 3, 8)), reduce_range=False)
    (weight,) = full.weights
    assert np.abs(full.array(weight.input[0]).astype(int)).max() == 127


def test_an_old_nameless_model_with_constant_nodes_and_a_free_batch(tmp_path: Path) -> None:
    net = Net()
    net.op("Relu", net.batch_normalization(net.conv("x", 3, 8), 8), outputs=["y"])
    constants = [helper.make_node("Constant", [], [tensor.name], value=tensor) for tensor in net.constants]
    for node in net.nodes:
        node.name = ""
    path = save(model([*constants, *net.nodes], [image(batch="N")], ["y"], opset=11), tmp_path)
    old = quantise(path, batch=2)
    assert old.result.summary == "1 of 1 Conv run as int8"
    # per-channel scales came with opset 13
    assert [entry.version for entry in old.proto.opset_import if not entry.domain] == [13]
    assert old.proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_what_has_no_integer_kernel_stays_in_float(tmp_path: Path) -> None:
    net = Net()
    made = net.op("Conv", "x", "w")
    path = net.save(tmp_path, [image(), value("w", [8, 3, 3, 3])], net.conv(made, 8, 8))
    mixed = quantise(path)
    assert mixed.result.summary == "1 of 1 Conv run as int8"
    assert mixed.result.details[-1] == "1 nodes stay in float: no constant float32 weights"


def test_a_product_of_activations_is_uint8_by_uint8(tmp_path: Path) -> None:
    net = Net()
    left, right = (net.op("Add", net.op("MatMul", "x", net.weight(8, 8)), net.weight(8)) for _ in range(2))
    quantised = quantise(net.save(tmp_path, [value("x", [8, 8])], net.op("MatMul", left, right)))
    assert quantised.result.summary == "3 of 3 MatMul run as int8"


def test_infinite_activations_stay_in_float_and_are_said(tmp_path: Path) -> None:
    net = Net()
    masked = net.op("Add", net.conv("x", 3, 8), net.constant(-np.inf))
    path = net.save(tmp_path, [image()], net.op("Relu", net.op("Add", net.op("Relu", masked), net.conv("x", 3, 8))))
    result = quantise(path).result
    assert result.summary == "2 of 2 Conv run as int8"
    assert "1 tensors are not finite; what reads or writes them stays in float" in result.warnings


def unchanged(path: Path) -> str:
    result = transform("int8").apply(path, Options())
    assert result.content is None
    return result.summary


def test_there_may_be_nothing_to_quantise(reduced: Quantised, tmp_path: Path) -> None:
    assert unchanged(save(reduced.proto, tmp_path)) == "the model is quantised already"
    net = Net()
    assert unchanged(net.save(tmp_path, [image()], net.op("Relu", "x"))).startswith("there is no Conv, Gemm or MatMul")


def test_a_model_that_onnxruntime_does_not_run_is_refused(tmp_path: Path) -> None:
    net = Net()
    foreign = helper.make_node("Mystery", [net.conv("x", 3, 8)], ["y"], domain="nowhere")
    path = save(model([*net.nodes, foreign], [image()], ["y"], net.constants), tmp_path)
    with pytest.raises(RuntimeRefused, match="onnxruntime's quantiser fails: ") as caught:
        transform("int8").apply(path, Options())
    assert caught.value.where == str(path)


def test_illegal_places_are_found(reduced: Quantised) -> None:
    def faults(*, of: NodeProto, dtype: str, size: int = 1) -> list[str]:
        proto = onnx.ModelProto.FromString(reduced.proto.SerializeToString())
        for tensor in proto.graph.initializer:
            if tensor.name == of.input[2]:
                tensor.CopyFrom(numpy_helper.from_array(np.zeros(size, dtype), tensor.name))
            if tensor.name == of.input[1]:
                tensor.CopyFrom(numpy_helper.from_array(np.ones(size, np.float32), tensor.name))
        return illegal_places(onnx_ir.from_proto(proto))

    assert illegal_places(onnx_ir.from_proto(reduced.proto)) == []
    activation = reduced.nodes("QuantizeLinear")[0]
    assert faults(of=activation, dtype="int8")[0] == "an activation is int8, not uint8 @ x"
    assert faults(of=activation, dtype="uint8", size=3)[0] == "an activation has 3 scales @ x"
    weight, bias = reduced.weights[0], reduced.biases[0]
    assert faults(of=weight, dtype="uint8", size=16) == [f"a weight is uint8, not int8 @ {weight.input[0]}"]
    (fault,) = faults(of=weight, dtype="int8")
    assert fault.startswith("a weight has 1 scales on axis 0, not one for each of 16 output channels")
    assert faults(of=bias, dtype="int8", size=16) == [f"a bias is int8, not int32 @ {bias.input[0]}"]


@pytest.mark.parametrize(
    ("isa", "bits"),
    [
        (("avx2", "fma"), 7),
        (("avx512f", "avx512_bf16"), 7),
        (("avx2", "avx_vnni"), 8),
        (("avx512f", "avx512_vnni"), 8),
        (("amx_int8",), 8),
        (("asimd", "asimddp"), 8),
        ((), 7),
    ],
)
def test_the_range_of_weights_follows_the_processor(isa: tuple[str, ...], bits: int) -> None:
    assert weight_range(isa=isa).bits == bits
    assert weight_range(reduce=False, isa=isa) == WeightRange(8, "as asked")
    assert weight_range(reduce=True, isa=isa).bits == 7
