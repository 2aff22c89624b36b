"""The counter on whole networks: parameters, sharing, gaps, boundaries."""

from pathlib import Path
from time import process_time

import pytest
from onnx import TensorProto, helper

from attainable.cost.boundary import Boundary
from attainable.cost.count import count
from attainable.workload import load
from attainable.zoo import write
from tests.models import chain, constant, model, save, value

ZOO = {
    "resnet50": (4_089_184_256, 25_557_032),
    "resnet18": (1_814_073_344, 11_689_512),
    "mobilenet_v2": (300_774_272, 3_504_872),
    "squeezenet1_1": (349_151_936, 1_235_496),
    "mobilenet_v1": (568_740_352, 4_231_976),
    "shufflenet_v2_x1_0": (144_907_992, 2_278_604),
    "transformer_encoder": (11_173_625_856, 108_890_112),
}


@pytest.mark.parametrize("name", ZOO)
def test_zoo_networks_are_exact(name: str, tmp_path: Path) -> None:
    """Published totals: torchvision's model pages; closed form for the encoder."""
    path = tmp_path / f"{name}.onnx"
    write(name, path)
    counted = count(load(path))
    assert (counted.totals.macs, counted.totals.parameters) == ZOO[name]
    assert counted.coverage.kinds_without_rule == ()
    assert counted.coverage.unresolved == ()
    assert not counted.totals.at_least


def test_a_shared_weight_counts_once_and_moves_each_time(tmp_path: Path) -> None:
    result = count(load(save(chain(3), tmp_path)))
    convolutions = [entry for entry in result.ops if entry.op.kind == "Conv"]
    assert [entry.parameters for entry in convolutions] == [8 * 8 * 9, 0, 0]
    assert [entry.shared for entry in convolutions] == [False, True, True]
    assert {entry.work.bytes_weight for entry in convolutions} == {8 * 8 * 9 * 4}
    assert result.totals.parameter_bytes == 8 * 8 * 9 * 4


def test_an_unknown_op_is_listed_and_makes_totals_at_least(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Mystery", ["a"], ["b"], domain="my.own"),
        helper.make_node("Relu", ["b"], ["y"]),
    ]
    result = count(load(save(model(nodes, [value("x", [4])], ["y"]), tmp_path)))
    assert result.coverage.kinds_without_rule == ("my.own:Mystery",)
    assert result.coverage.ops_with_rule == 2
    assert result.coverage.unresolved == ("2",)  # nobody knows what Mystery returns
    assert result.totals.at_least
    assert result.totals.operations == 4


def test_parameters_reach_through_identity_and_are_no_activation(tmp_path: Path) -> None:
    nodes = [helper.make_node("Identity", ["w"], ["same"]), helper.make_node("MatMul", ["x", "same"], ["y"])]
    result = count(load(save(model(nodes, [value("x", [1, 4])], ["y"], [constant("w", 4, 2)]), tmp_path)))
    assert result.totals.parameters == 8
    assert result.ops[0].state == "folded"
    assert result.totals.memory.all_bytes == (4 + 2) * 4  # x and y


def test_buffers_are_not_parameters(tmp_path: Path) -> None:
    norm = [constant(name, 3) for name in ("scale", "bias", "mean", "variance")]
    nodes = [
        helper.make_node("BatchNormalization", ["x", "scale", "bias", "mean", "variance"], ["a"]),
        helper.make_node("Mul", ["a", "half"], ["b"]),
        helper.make_node("Reshape", ["b", "shape"], ["y"]),
    ]
    shape = helper.make_tensor("shape", TensorProto.INT64, [2], [1, 12])
    proto = model(nodes, [value("x", [1, 3, 2, 2])], ["y"], [*norm, constant("half"), shape])
    result = count(load(save(proto, tmp_path)))
    assert result.totals.parameters == 6  # scale and bias
    assert result.totals.buffer_bytes == 6 * 4 + 4 + 2 * 8  # mean, variance, the scalar, the shape


def test_a_boundary_moves_only_what_crosses_it(tmp_path: Path) -> None:
    """Conv, Relu, Add of one block: x in, the weight in, the sum out; c and r stay inside."""
    result = count(load(save(chain(1), tmp_path)))
    tensor = 8 * 14 * 14 * 4
    whole = Boundary(result).work(["0", "1", "2"])
    assert whole.bytes_activation_in == tensor  # x, although Conv and Add both read it
    assert whole.bytes_weight == 8 * 8 * 9 * 4
    assert whole.bytes_activation_out == tensor
    assert whole.total_operations == result.totals.operations
    assert Boundary(result).work(["0"]).bytes_moved == result.ops[0].work.bytes_moved


def test_a_boundary_looks_through_views(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Flatten", ["a"], ["v"]),
        helper.make_node("Neg", ["v"], ["y"]),
    ]
    result = count(load(save(model(nodes, [value("x", [2, 3, 4])], ["y"]), tmp_path)))
    both = Boundary(result).work(["0", "2"])
    assert both.bytes_moved == 2 * 24 * 4  # x in, y out; a is read through v, inside


@pytest.mark.parametrize("square_first", [True, False])
def test_a_square_reads_its_factor_once_beside_a_product_of_equal_shapes(square_first: bool, tmp_path: Path) -> None:
    square = helper.make_node("Mul", ["x", "x"], ["a"])
    product = helper.make_node("Mul", ["x", "z"], ["b"])
    nodes = [square, product] if square_first else [product, square]
    proto = model(nodes, [value("x", [100]), value("z", [100])], ["a", "b"])
    work = {entry.op.output.name: entry.work for entry in count(load(save(proto, tmp_path))).ops}
    assert work["a"].bytes_moved == (1 + 1) * 400  # x read, a written
    assert work["b"].bytes_moved == (2 + 1) * 400  # x and z read, b written


def test_a_chain_of_folded_sums_takes_linear_time(tmp_path: Path) -> None:
    """Each sum stems from all constants before it: listing them all for each would take minutes and gigabytes."""
    length = 10_000
    names = [f"w{index}" for index in range(length)]
    nodes = [helper.make_node("Add", [names[0], names[1]], ["s1"])]
    nodes += [helper.make_node("Add", [f"s{index - 1}", names[index]], [f"s{index}"]) for index in range(2, length)]
    nodes.append(helper.make_node("Mul", ["x", f"s{length - 1}"], ["y"]))
    proto = model(nodes, [value("x", [2])], ["y"], [constant(name, 2) for name in names])
    workload = load(save(proto, tmp_path))
    start = process_time()
    result = count(workload)
    assert process_time() - start < 20
    assert result.totals.operations == 2  # the product; all sums are done before the run
    assert result.totals.parameters > 0


def test_a_weight_folded_from_many_constants_carries_them_all_once(tmp_path: Path) -> None:
    names = [f"w{index}" for index in range(20)]
    nodes = [
        helper.make_node("Sum", names, ["w"]),
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("MatMul", ["a", "w"], ["y"]),
    ]
    proto = model(nodes, [value("x", [1, 4])], ["y"], [constant(name, 4, 4) for name in names])
    result = count(load(save(proto, tmp_path)))
    assert [entry.parameters for entry in result.ops] == [0, 20 * 16, 0]
    assert [entry.shared for entry in result.ops] == [False, False, True]
    assert (result.totals.parameter_bytes, result.totals.buffer_bytes) == (20 * 16 * 4, 0)


def test_packed_weights_that_are_joined_hold_their_share_each(tmp_path: Path) -> None:
    """Two halves of 4 x 32 weights of 4 bits, 16 bytes a row, joined to one matrix of 8 features."""
    nodes = [
        helper.make_node("Concat", ["low", "high"], ["both"], axis=0),
        helper.make_node("MatMulNBits", ["x", "both", "scales"], ["y"], domain="com.microsoft", K=32, N=8, bits=4,
                         block_size=32),
    ]  # fmt: skip
    halves = [constant(name, 4, 1, 16, dtype="uint8") for name in ("low", "high")]
    proto = model(nodes, [value("x", [1, 32])], ["y"], [*halves, constant("scales", 8)])
    totals = count(load(save(proto, tmp_path))).totals
    assert (totals.parameters, totals.parameter_bytes) == (8 * 32, 2 * 4 * 16)


def test_what_the_graph_returns_belongs_to_nobody_alone(tmp_path: Path) -> None:
    """a is read by Neg only, but returned; b is read by Exp only."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Neg", ["a"], ["b"]),
        helper.make_node("Exp", ["b"], ["y"]),
    ]
    boundary = Boundary(count(load(save(model(nodes, [value("x", [4])], ["a", "y"]), tmp_path))))
    assert boundary.private_producers("1") == ()
    assert boundary.private_producers("2") == ("1",)
