"""QNT004: quantised convolutions that the runtime did not take as such."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from attainable.advice.find import find
from attainable.advice.model import write_ops
from attainable.advice.quantized import find_quantized_convolutions
from attainable.advice.rule import Advice, Conclusion
from attainable.advice.rules import quantization
from attainable.cost.count import count
from attainable.measurement.run import Run
from attainable.workload import Workload, load
from tests.advice.situations import AVX2, RUN, always, network, pairs, situation, with_kernels
from tests.models import model, save, value

RULE = quantization.RULES["QNT004"]
CHANNELS = 8


def quantized(folder: Path, *, dtype: str = "int8", zero: int = 0, convolutions: int = 2) -> Workload:
    """Quantise, then convolutions with ReLU between dequantise and quantise, then dequantise."""
    constants = [array("scale", np.array(0.1, np.float32)), array("zero", np.array(zero, dtype))]
    nodes: list[onnx.NodeProto] = [node("QuantizeLinear", ["x", "scale", "zero"], "q0")]
    for index in range(convolutions):
        constants += [
            array(f"w{index}", np.ones((CHANNELS, CHANNELS, 1, 1), np.int8)),
            array(f"ws{index}", np.array(0.01, np.float32)),
            array(f"wz{index}", np.array(0, np.int8)),
        ]
        nodes += [
            node("DequantizeLinear", [f"q{index}", "scale", "zero"], f"d{index}"),
            node("DequantizeLinear", [f"w{index}", f"ws{index}", f"wz{index}"], f"wd{index}"),
            node("Conv", [f"d{index}", f"wd{index}"], f"c{index}"),
            node("Relu", [f"c{index}"], f"r{index}"),
            node("QuantizeLinear", [f"r{index}", "scale", "zero"], f"q{index + 1}"),
        ]
    nodes.append(node("DequantizeLinear", [f"q{convolutions}", "scale", "zero"], "y"))
    return load(save(model(nodes, [value("x", [1, CHANNELS, 6, 6])], ["y"], constants, opset=17), folder))


def array(name: str, numbers: np.ndarray) -> onnx.TensorProto:
    return numpy_helper.from_array(numbers, name)


def node(kind: str, inputs: list[str], output: str) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], output)


def run_of(workload: Workload, *, kind: str) -> Run:
    return with_kernels(workload, {"d0": ("DequantizeLinear", 1e-4), "c0": (kind, 1e-3), "c1": (kind, 1e-3)})


def advice(workload: Workload, run: Run, *seconds: float) -> Advice:
    return find(count(workload), run, conditions=AVX2, prober=always(*seconds), rules=[RULE])


def test_floating_point_kernels_are_the_evidence(tmp_path: Path) -> None:
    workload = quantized(tmp_path)
    (finding,) = advice(workload, run_of(workload, kind="com.microsoft:FusedConv"), 3e-3, 1e-3).findings
    assert finding.title == "2 quantised convolutions run in floating point"
    assert "int8 activations, int8 weights" in finding.observation
    assert "take 100 us of 10.0 ms" in finding.observation
    assert finding.saves_low_seconds == pytest.approx(2 * 2e-3 * 0.9)
    assert finding.saves_high_seconds == pytest.approx(2 * 2e-3 * 1.1)
    assert "uint8 activations per tensor" in finding.action


def test_integer_kernels_are_checked(tmp_path: Path) -> None:
    workload = quantized(tmp_path)
    found = advice(workload, run_of(workload, kind="com.microsoft:QLinearConv"))
    assert found.findings == []
    assert found.checked[0].observation.startswith("All 2 quantised convolutions run in integer kernels")


def test_no_gain_is_a_result(tmp_path: Path) -> None:
    workload = quantized(tmp_path)
    found = advice(workload, run_of(workload, kind="com.microsoft.nchwc:Conv"), 1e-3, 1e-3)
    assert found.findings == []
    assert "as they are 2.00 ms" in found.checked[0].observation


def test_what_cannot_be_said(tmp_path: Path) -> None:
    plain, workload = network(tmp_path, pairs(64)), quantized(tmp_path)
    situations = (
        situation(plain), situation(workload), situation(workload, conditions=replace(AVX2, isa=("asimd",)))
    )  # fmt: skip
    said: list[str] = []
    for each in situations:
        (seen,) = RULE.look(each)
        assert isinstance(seen, Conclusion)
        said.append(seen.observation)
    assert said == [
        "The network has no QuantizeLinear and no DequantizeLinear.",
        "The kernels of the run are not known, so that nothing can be said.",
        "Which pairs onnxruntime should fuse on this processor is not known.",
    ]


@pytest.mark.parametrize(("dtype", "zero"), [("int8", 0), ("uint8", 128)])
def test_the_form_that_is_taken(tmp_path: Path, dtype: str, zero: int) -> None:
    first, _ = find_quantized_convolutions(quantized(tmp_path, dtype=dtype, zero=zero))
    found = write_ops(first.as_found(), tmp_path / "found.onnx")
    taken = write_ops(first.as_taken(), tmp_path / "taken.onnx")
    kinds = [
        "QuantizeLinear",
        "DequantizeLinear",
        "DequantizeLinear",
        "Conv",
        "Relu",
        "QuantizeLinear",
        "DequantizeLinear",
    ]
    assert [op.kind for op in found.ops] == kinds
    assert [op.kind for op in taken.ops] == kinds
    assert [op.input(0).dtype for op in taken.ops if op.kind == "DequantizeLinear"] == ["uint8", "int8", "uint8"]
    # in front of the convolution numbers may be negative, behind the ReLU they are not
    assert [op.input(2).value for op in taken.ops if op.kind == "QuantizeLinear"] == [(128,), (0,)]
    assert found.ops[0].input(2).value == (zero,)
    for written in (found, taken):
        assert [tensor.dtype for tensor in (*written.inputs, *written.outputs)] == ["float32", "float32"]


def test_a_convolution_whose_result_stays_real_is_none(tmp_path: Path) -> None:
    workload = quantized(tmp_path)
    ops = tuple(op for op in workload.ops if op.name not in ("q2", "y"))
    last = next(op for op in ops if op.name == "r1")
    kept = replace(workload, ops=ops, outputs=(last.output,))
    assert [each.convolution.name for each in find_quantized_convolutions(kept)] == ["c0"]


def test_without_a_profile_nothing_is_probed(tmp_path: Path) -> None:
    found = advice(quantized(tmp_path), RUN)
    assert found.findings == []
    assert found.warnings == []
