"""Input values that the user gives, and shapes that follow from elements."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from attainable.cost.count import count
from attainable.errors import InvalidQuantity
from attainable.workload import load
from attainable.workload.onnx import evaluation
from tests.models import model, save, value


def test_a_given_input_binds_its_shape_decides_others_and_stays_no_constant(tmp_path: Path) -> None:
    nodes = [helper.make_node("NonZero", ["x"], ["i"]), helper.make_node("Transpose", ["i"], ["y"])]
    path = save(model(nodes, [value("x", ["N", 3])], ["y"]), tmp_path)
    assert load(path, {"N": 2}).outputs[0].shape is None
    workload = load(path, values={"x": np.array([[1, 0, 2], [0, 0, 3]], np.float32)})
    assert workload.inputs[0].shape == (2, 3)
    assert workload.outputs[0].shape == (3, 2)  # three elements are not zero, two axes
    assert not workload.ops[0].input(0).is_constant
    assert {entry.state for entry in count(workload).ops} == {"counted"}


def test_a_reshape_by_an_input(tmp_path: Path) -> None:
    inputs = [value("x", [2, 6]), value("s", [2], TensorProto.INT64)]
    path = save(model([helper.make_node("Reshape", ["x", "s"], ["y"])], inputs, ["y"]), tmp_path)
    assert load(path).outputs[0].shape is None
    assert load(path, values={"s": np.array([-1, 4])}).outputs[0].shape == (3, 4)


def test_every_wrong_value_is_listed(tmp_path: Path) -> None:
    path = save(model([helper.make_node("Relu", ["x"], ["y"])], [value("x", [2])], ["y"]), tmp_path)
    with pytest.raises(InvalidQuantity) as caught:
        load(path, values={"x": np.ones(2), "z": np.ones(2, np.float32)})
    assert caught.value.faults == ("is float32, the value float64 @ x", "no input has this name @ z")
    assert caught.value.help == "inputs are: x"
    with pytest.raises(InvalidQuantity, match=r"is a tensor, not a sequence @ x"):
        load(path, values={"x": [np.ones(2, np.float32)]})
    with pytest.raises(InvalidQuantity, match=r"the file fixes this axis at 2, not 3 @ x\[0\]"):
        load(path, values={"x": np.ones(3, np.float32)})
    with pytest.raises(InvalidQuantity, match="the value has shape"):
        load(path, {"x": (3,)}, values={"x": np.ones(2, np.float32)})


def test_values_are_for_onnx_models_only(tmp_path: Path) -> None:
    path = tmp_path / "net.param"
    path.write_text("7767517\n")
    with pytest.raises(InvalidQuantity, match="input values can be given for ONNX models only"):
        load(path, values={"x": np.ones(1)})


def old_chain() -> list[onnx.NodeProto]:
    """A shape computed as before opset 13, when Unsqueeze had its axes in an attribute."""
    return [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "two"], ["h"]),
        helper.make_node("Add", ["h", "offset"], ["h2"]),
        helper.make_node("Unsqueeze", ["h2"], ["h1"], axes=[0]),
        helper.make_node("Concat", ["minus", "h1"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["y"]),
    ]


def test_values_flow_through_old_operators(tmp_path: Path) -> None:
    """The offset is an input, so that onnx's own propagation stops and ours goes on."""
    constants = [
        numpy_helper.from_array(np.array(2, np.int64), "two"),
        numpy_helper.from_array(np.array([-1], np.int64), "minus"),
    ]
    inputs = [value("x", [2, 3, 4]), value("offset", [], TensorProto.INT64)]
    path = save(model(old_chain(), inputs, ["y"], constants, opset=11), tmp_path)
    assert load(path, values={"offset": np.array(-2)}).outputs[0].shape == (12, 2)  # 24 / (4 - 2)


def test_integer_division_cuts_off_towards_zero(tmp_path: Path) -> None:
    nodes = [helper.make_node("Div", ["a", "b"], ["q"]), helper.make_node("Range", ["q", "z", "o"], ["y"])]
    constants = [numpy_helper.from_array(np.array(n, np.int64), name) for name, n in (("b", 2), ("z", 0), ("o", 1))]
    path = save(model(nodes, [value("a", [], TensorProto.INT64)], ["y"], constants), tmp_path)
    assert load(path, values={"a": np.array(-7)}).outputs[0].shape == (3,)  # -7 / 2 = -3: -3, -2, -1


def test_nothing_large_is_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result is known to be too large before anything runs."""
    ran: list[str] = []

    def noted(node: onnx.NodeProto, *others: object) -> tuple[()]:
        ran.append(node.op_type)
        return ()

    monkeypatch.setattr("attainable.workload.onnx.values.evaluate", noted)
    nodes = [helper.make_node("ConstantOfShape", ["n"], ["zeros"]), helper.make_node("NonZero", ["zeros"], ["y"])]
    stored = numpy_helper.from_array(np.array([evaluation.LARGEST_OPERAND + 1], np.int64), "n")
    assert load(save(model(nodes, [], ["y"], [stored]), tmp_path)).outputs[0].shape is None
    assert ran == []


def test_a_model_can_evaluate_only_so_much() -> None:
    budget = evaluation.Budget()
    assert budget.take(evaluation.MOST_ELEMENTS - 1)
    assert not budget.take(2)


@pytest.mark.parametrize(("dtype", "bits"), [("INT4", 4), ("UINT4", 4), ("FLOAT4E2M1", 4), ("INT2", 2), ("UINT2", 2)])
def test_packed_types_are_counted_by_their_stored_bytes(tmp_path: Path, dtype: str, bits: int) -> None:
    number = TensorProto.DataType.Value(dtype)
    elements = 9
    packed = bytes((elements * bits + 7) // 8)
    weight = TensorProto(name="w", data_type=number, dims=[elements], raw_data=packed)
    scale = numpy_helper.from_array(np.array(0.5, np.float32), "scale")
    node = helper.make_node("DequantizeLinear", ["w", "scale"], ["d"])
    nodes = [node, helper.make_node("Add", ["d", "x"], ["y"])]
    workload = load(save(model(nodes, [value("x", [elements])], ["y"], [weight, scale], opset=25), tmp_path))
    tensor = workload.ops[0].input(0)
    assert (tensor.dtype, tensor.bytes) == (dtype.lower(), len(packed))
    assert workload.outputs[0].shape == (elements,)


def test_a_sparse_initialiser_counts_what_is_stored(tmp_path: Path) -> None:
    values = helper.make_tensor("w", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
    indices = helper.make_tensor("w_indices", TensorProto.INT64, [3], [0, 5, 11])
    proto = model([helper.make_node("MatMul", ["x", "w"], ["y"])], [value("x", [2, 3])], ["y"])
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [3, 4]))
    workload = load(save(proto, tmp_path))
    weight = workload.ops[0].input(1)
    assert (weight.shape, weight.bytes) == ((3, 4), 3 * 4 + 3 * 8)
    assert workload.outputs[0].shape == (2, 4)
    assert count(workload).totals.macs == 2 * 3 * 4
