"""Ops written alone and read back."""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from attainable.advice.model import write_ops
from attainable.workload import load
from tests.models import constant, model, save, value


def test_what_is_written_is_what_was_read(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "evil\x1b[31m", auto_pad="SAME_UPPER", strides=[2, 2]),
        helper.make_node("Clip", ["c", "", "six"], ["d"], "evil\x1b[31m"),
        helper.make_node("LeakyRelu", ["d"], ["y"], alpha=0.25),
    ]
    six = helper.make_tensor("six", 1, [], [6.0])
    proto = model(nodes, [value("x", [1, 4, 9, 9])], ["y"], [constant("w", 5, 4, 3, 3), six], opset=13)
    read = load(save(proto, tmp_path))
    written = write_ops(read.ops, tmp_path / "written.onnx")
    assert [(op.kind, op.attributes, op.opset) for op in written.ops] == [
        (op.kind, op.attributes, op.opset) for op in read.ops
    ]
    assert [op.output.shape for op in written.ops] == [(1, 5, 5, 5)] * 3
    clip = written.ops[1]
    assert clip.optional_input(1) is None
    assert clip.input(2).value == (6.0,)
    assert all(name.isprintable() for op in written.ops for name in (op.name, op.output.name))


def test_every_result_that_nobody_reads_is_an_output(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Sigmoid", ["x"], ["b"])]
    read = load(save(model(nodes, [value("x", [1, 4])], ["a", "b"]), tmp_path))
    written = write_ops(read.ops, tmp_path / "written.onnx")
    assert [tensor.shape for tensor in written.outputs] == [(1, 4), (1, 4)]
    assert len(written.inputs) == 1


def test_weights_are_ordinary_numbers(tmp_path: Path) -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    read = load(save(model(nodes, [value("x", [1, 64, 3, 3])], ["y"], [constant("w", 64, 64, 3, 3)]), tmp_path))
    path = tmp_path / "written.onnx"
    write_ops(read.ops, path)
    proto = onnx.ModelProto()
    proto.ParseFromString(path.read_bytes())
    (initializer,) = proto.graph.initializer
    weights = np.frombuffer(initializer.raw_data, np.float32)
    # a sum over 64 x 3 x 3 numbers of unit size stays of unit size
    assert 0.9 < weights.std() * np.sqrt(576) < 1.1
