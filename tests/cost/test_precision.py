"""Quantised networks in QDQ form: integers are counted as integers."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from attainable.cost.count import count
from attainable.devices import load_device
from attainable.prediction.roofline import bound
from attainable.workload import load
from tests.models import model, save, value


def quantised(folder: Path, *, weight_too: bool) -> Path:
    """Conv between DequantizeLinear and QuantizeLinear; the weight quantised as well or left in float32."""
    scale = numpy_helper.from_array(np.array(0.5, np.float32), "scale")
    zero = numpy_helper.from_array(np.array(128, np.uint8), "zero")
    weight_type = np.int8 if weight_too else np.float32
    weight = numpy_helper.from_array(np.ones((4, 3, 1, 1), weight_type), "w")
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "scale", "zero"], ["xd"]),
        *([helper.make_node("DequantizeLinear", ["w", "scale"], ["wd"])] if weight_too else []),
        helper.make_node("Conv", ["xd", "wd" if weight_too else "w"], ["c"]),
        helper.make_node("QuantizeLinear", ["c", "scale", "zero"], ["y"]),
    ]
    proto = model(nodes, [value("x", [1, 3, 8, 8], TensorProto.FLOAT)], ["y"], [scale, zero, weight])
    return save(proto, folder)


def test_a_convolution_of_quantised_operands_counts_as_integers(tmp_path: Path) -> None:
    counted = count(load(quantised(tmp_path, weight_too=True)))
    convolution = next(entry for entry in counted.ops if entry.op.kind == "Conv")
    macs = 8 * 8 * 4 * 3
    assert convolution.work.operations == (("matrix", "uint8", 2 * macs),)
    assert convolution.dtype == "uint8"
    assert convolution.work.bytes_weight == 4 * 3  # as stored, one byte each
    assert counted.totals.parameters == 4 * 3
    assert counted.totals.parameter_bytes == 4 * 3


def test_a_float_operand_keeps_the_convolution_in_float(tmp_path: Path) -> None:
    counted = count(load(quantised(tmp_path, weight_too=False)))
    convolution = next(entry for entry in counted.ops if entry.op.kind == "Conv")
    assert [dtype for engine, dtype, _ in convolution.work.operations if engine == "matrix"] == ["float32"]


def test_no_float_roof_bounds_integers(tmp_path: Path) -> None:
    """A processor described in float32 only cannot bound them; an NPU with int8 units can, unsigned ones too."""
    counted = count(load(quantised(tmp_path, weight_too=True)))
    without = bound(counted, load_device("i9-10980xe")).without_roof
    assert [(engine, dtype) for engine, dtype, _ in without] == [("matrix", "uint8")]
    assert ("matrix", "uint8") not in {row[:2] for row in bound(counted, load_device("rk1808-npu")).without_roof}


def test_integers_are_followed_through_views(tmp_path: Path) -> None:
    scale = numpy_helper.from_array(np.array(0.5, np.float32), "scale")
    weight = numpy_helper.from_array(np.ones((4, 3), np.int8), "w")
    shape = numpy_helper.from_array(np.array([2, 4], np.int64), "shape")
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "scale"], ["xd"]),
        helper.make_node("Reshape", ["xd", "shape"], ["rows"]),
        helper.make_node("DequantizeLinear", ["w", "scale"], ["wd"]),
        helper.make_node("MatMul", ["rows", "wd"], ["y"]),
    ]
    proto = model(nodes, [value("x", [8], TensorProto.INT8)], ["y"], [scale, weight, shape])
    product = count(load(save(proto, tmp_path))).ops[-1]
    assert product.work.operations == (("matrix", "int8", 2 * 2 * 4 * 3),)
