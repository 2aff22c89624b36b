"""The shape of a network by example: depth, width, branches, critical path."""

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from attainable.cost.count import count
from attainable.cost.topology import Stage, Topology, topology
from attainable.workload import load
from attainable.zoo import write
from tests.models import chain, constant, model, save, value


def shape_of(nodes: list[onnx.NodeProto], folder: Path, *weights: onnx.TensorProto) -> Topology:
    return topology(count(load(save(model(nodes, [value("x", [8, 8])], ["y"], weights), folder))))


def test_a_chain_is_as_deep_as_it_is_long_and_has_no_parallelism(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Exp", ["a"], ["y"])]
    shape = shape_of(nodes, tmp_path)
    assert (shape.ops, shape.depth, shape.layers) == (2, 2, 0)
    assert (shape.widest_level, shape.fragments) == (1, 1)
    assert shape.critical_path_operations == shape.operations == 2 * 64  # one operation an element, twice
    assert shape.parallelism == 1


def test_the_critical_path_takes_the_dearer_branch(tmp_path: Path) -> None:
    """x -> matmul -> Add and x -> Relu -> Add."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Relu", ["x"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    shape = shape_of(nodes, tmp_path, constant("w", 8, 8))
    product, element = 2 * 8 * 8 * 8, 8 * 8
    assert shape.critical_path_operations == product + element  # MatMul, then Add
    assert shape.operations == product + 2 * element
    assert shape.parallelism == (product + 2 * element) / (product + element)
    assert (shape.depth, shape.layers) == (2, 1)
    assert shape.widest_level == 2  # MatMul and Relu
    assert shape.fragments == 3  # the two branches, and the Add that joins them


def test_views_are_no_steps_and_a_fork_starts_a_fragment_on_each_side(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Flatten", ["a"], ["b"]),
        helper.make_node("Exp", ["b"], ["c"]),
        helper.make_node("Neg", ["a"], ["d"]),
        helper.make_node("Add", ["c", "d"], ["y"]),
    ]
    shape = shape_of(nodes, tmp_path)
    assert (shape.ops, shape.depth) == (4, 3)
    assert shape.fragments == 4  # Relu; Exp and Neg behind the fork; Add behind the join


def test_stages_are_runs_of_one_resolution(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("MaxPool", ["b"], ["c"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Mul", ["c", "d"], ["y"]),
    ]
    path = save(model(nodes, [value("x", [1, 3, 8, 8])], ["y"], [constant("w", 16, 3, 3, 3)]), tmp_path)
    wide = 16 * 8 * 8
    assert topology(count(load(path))).stages == (
        Stage((8, 8), 2, 16, 2 * wide * 3 * 3 * 3 + wide),  # Conv: 27 MACs each; Relu
        # MaxPool: 3 comparisons each; the pooled pixel in between belongs to no stage; Mul
        Stage((4, 4), 2, 16, 16 * 4 * 4 * 3 + 16 * 4 * 4),
    )


@pytest.mark.parametrize(("name", "layers"), [("resnet18", 18), ("resnet50", 50), ("vgg16", 16)])
def test_networks_have_as_many_layers_as_their_name_says(name: str, layers: int, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.onnx"
    write(name, path)
    assert topology(count(load(path))).layers == layers


def test_resnet18_has_a_stage_for_each_resolution(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.onnx"
    write("resnet18", path)
    stages = topology(count(load(path))).stages
    assert [stage.resolution[0] for stage in stages] == [112, 56, 28, 14, 7]
    assert [stage.channels for stage in stages] == [64, 64, 128, 256, 512]


def test_what_is_summed_over_the_stages_is_summed_over_their_ops(tmp_path: Path) -> None:
    """A chain of Conv, Relu, Add at one resolution is one stage that holds all operations."""
    counted = count(load(save(chain(5), tmp_path), batch=1))
    shape = topology(counted)
    assert [stage.operations for stage in shape.stages] == [counted.totals.operations]
    assert shape.layers == 5  # one shared weight, used five times in a row


def test_what_a_branch_reads_from_outside_comes_before_it(tmp_path: Path) -> None:
    branch = helper.make_graph([helper.make_node("Neg", ["a"], ["b"])], "branch", [], [value("b", [8, 8])])
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("If", ["flag"], ["y"], then_branch=branch, else_branch=branch),
    ]
    proto = model(nodes, [value("x", [8, 8]), value("flag", [], TensorProto.BOOL)], ["y"])
    shape = topology(count(load(save(proto, tmp_path))))
    assert (shape.depth, shape.critical_path_operations) == (2, 2 * 64)
