"""Activation memory by example: every figure with its derivation."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from attainable.cost.count import count
from attainable.cost.memory import ActivationMemory
from attainable.workload import load
from attainable.zoo import write
from tests.models import constant, model, save, value

FLOAT = 4


def memory_of(proto_path: Path) -> ActivationMemory:
    """Count a model file and return its activation memory."""
    return count(load(proto_path)).totals.memory


def test_a_chain_holds_two_tensors_at_a_time(tmp_path: Path) -> None:
    nodes = [helper.make_node("Neg", ["x"], ["a"]), helper.make_node("Transpose", ["a"], ["b"])]
    memory = memory_of(
        save(model([*nodes, helper.make_node("Neg", ["b"], ["y"])], [value("x", [10, 10])], ["y"]), tmp_path)
    )
    tensor = 100 * FLOAT
    assert memory.peak_bytes == 2 * tensor  # what an op reads and what it writes
    assert memory.peak_bytes_inputs_kept == 3 * tensor  # x stays while b is made from a
    assert memory.all_bytes == 4 * tensor  # x, a, b, y
    assert memory.mean_bytes == 2 * tensor
    assert memory.swing_bytes == 0


def test_in_place_needs_an_input_that_dies_and_is_not_the_callers(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),  # a dies: b is written over it
        helper.make_node("Add", ["b", "b"], ["y"]),
    ]
    memory = memory_of(save(model(nodes, [value("x", [10, 10])], ["y"]), tmp_path))
    tensor = 100 * FLOAT
    assert memory.peak_bytes == 2 * tensor
    assert memory.peak_bytes_in_place == 2 * tensor  # the Transpose still needs both


def test_the_callers_input_is_never_written_over(tmp_path: Path) -> None:
    memory = memory_of(save(model([helper.make_node("Relu", ["x"], ["y"])], [value("x", [8])], ["y"]), tmp_path))
    assert memory.peak_bytes_in_place == memory.peak_bytes == 2 * 8 * FLOAT


def test_a_view_has_no_memory_and_keeps_what_it_views(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["a"]),
        helper.make_node("Flatten", ["a"], ["v"]),
        helper.make_node("Transpose", ["x"], ["b"]),
        helper.make_node("Add", ["v", "b"], ["y"]),
    ]
    memory = memory_of(save(model(nodes, [value("x", [10, 10])], ["y"]), tmp_path))
    tensor = 100 * FLOAT
    assert memory.all_bytes == 4 * tensor  # x, a (= v), b, y
    assert memory.peak_bytes == 3 * tensor  # Add: v, b, y; and before it x, a, b


@pytest.fixture(scope="module")
def resnet50(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zoo's ResNet-50 in a file."""
    path = tmp_path_factory.mktemp("zoo") / "resnet50.onnx"
    write("resnet50", path)
    return path


def test_resnet50_peaks_at_the_first_residual_block(resnet50: Path) -> None:
    """56 x 56 with 256 channels: the block's input, a branch's convolution and its BatchNorm are live together."""
    wide = 256 * 56 * 56 * FLOAT
    image = 3 * 224 * 224 * FLOAT
    memory = memory_of(resnet50)
    assert memory.peak_bytes == 3 * wide == 9_633_792  # 9.63 MB
    assert memory.peak_bytes_inputs_kept == 3 * wide + image == 10_235_904  # 10.24 MB


def test_resnet50_traffic_is_the_sum_of_reads_and_writes(resnet50: Path) -> None:
    """Each op moves its inputs, its weights and its outputs once."""
    counted = count(load(resnet50))
    stem = next(entry for entry in counted.ops if entry.op.kind == "Conv")
    # reads: image 3x224x224, weight 64x3x7x7; writes: 64x112x112
    assert stem.work.bytes_activation_in == 3 * 224 * 224 * FLOAT
    assert stem.work.bytes_weight == 64 * 3 * 7 * 7 * FLOAT
    assert stem.work.bytes_activation_out == 64 * 112 * 112 * FLOAT
    assert stem.work.macs == 112 * 112 * 64 * 3 * 7 * 7
    # parameters are read once each; BatchNorm reads its mean and variance beside them: 53 layers, 26,560 channels
    running_statistics = 2 * 26_560
    assert counted.totals.work.bytes_weight == (25_557_032 + running_statistics) * FLOAT
    assert counted.unavoidable_bytes == (25_557_032 + running_statistics + 3 * 224 * 224 + 1000) * FLOAT


def test_what_a_body_makes_is_live_while_its_op_runs(tmp_path: Path) -> None:
    """A branch makes a of 1000 elements, b of as many, and returns their sum over the rows: 10 elements."""
    wide = 1000 * FLOAT
    branch = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["a"]),
            helper.make_node("Relu", ["a"], ["b"]),
            helper.make_node("ReduceSum", ["b", "axes"], ["r"], keepdims=0),
        ],
        "wide", [], [value("r", [10])],
    )  # fmt: skip
    slim = helper.make_graph([helper.make_node("Identity", ["s"], ["t"])], "slim", [], [value("t", [10])])
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=slim)
    inputs = [value("x", [10, 4]), value("s", [10]), value("c", [], TensorProto.BOOL)]
    constants = [constant("w", 4, 100), numpy_helper.from_array(np.array([1]), "axes")]
    memory = memory_of(save(model([node], inputs, ["y"], constants), tmp_path))
    # x, s, the condition and y; inside, a and b at the Relu; r is y
    assert memory.peak_bytes == (40 + 10 + 10) * FLOAT + 1 + 2 * wide


def test_a_loop_holds_what_comes_in_and_what_goes_out(tmp_path: Path) -> None:
    """A row of 8 goes round: the one that came in is live beside the one that is made, which becomes the output."""
    body = helper.make_graph(
        [helper.make_node("MatMul", ["row", "w"], ["next"]), helper.make_node("Identity", ["go"], ["goes"])],
        "body",
        [value("trip", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("row", [1, 8])],
        [value("goes", [], TensorProto.BOOL), value("next", [1, 8])],
    )  # fmt: skip
    node = helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body)
    constants = [constant("w", 8, 8), numpy_helper.from_array(np.array(10), "trips")]
    memory = memory_of(save(model([node], [value("x", [1, 8])], ["y"], constants), tmp_path))
    # x and y outside; inside the row that came in and the condition
    assert memory.peak_bytes == 2 * 8 * FLOAT + 8 * FLOAT + 1
