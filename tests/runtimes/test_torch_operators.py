"""Every operator that is translated to PyTorch gives what onnxruntime gives; skipped where PyTorch is not installed."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.shape_inference import infer_shapes

from attainable.errors import RuntimeRefused
from attainable.measurement.inputs import make_inputs
from attainable.runtimes.agreement import agreements
from attainable.runtimes.onnxruntime import RUNTIME as REFERENCE
from attainable.runtimes.process import SESSIONS
from attainable.runtimes.torch import RUNTIME
from attainable.testing.conformance import why_not_installed
from attainable.workload import Workload, load
from tests.models import model, save, value
from tests.runtimes.nets import Net

UNARY = re.findall(
    r"\w+",
    """
Abs Acos Asin Asinh Atan Atanh Ceil Cos Cosh Erf Exp Floor Identity IsNaN Neg Reciprocal Round Sign Sin Sinh Tan
Tanh Relu Sigmoid HardSwish Mish Softplus Softsign LeakyRelu Elu Celu HardSigmoid Selu Gelu Softmax LogSoftmax Dropout
GlobalAveragePool GlobalMaxPool ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare
ReduceLogSumExp ArgMax ArgMin Flatten Transpose Shape Size Squeeze Trilu
""",
)
OF_POSITIVE = ["Acosh", "Log", "Sqrt", "ReduceLogSum"]
BINARY = ["Add", "Sub", "Mul", "Div", "Min", "Max", "Sum", "Mean", "Equal", "Greater", "GreaterOrEqual", "Less",
          "LessOrEqual", "PRelu"]  # fmt: skip
LOGICAL = ["And", "Or", "Xor"]
ON_INTEGERS = ["Div", "Mod", "BitwiseAnd", "BitwiseOr", "BitwiseXor"]
X = (1, 4, 7, 6)
"""Shape of the input."""


class Cases(Net):
    """A network in which the result of every case is an output."""

    def __init__(self) -> None:
        super().__init__()
        self.kinds: dict[str, str] = {}

    def case(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        first = self.op(kind, *inputs, outputs=outputs)
        self.nodes[-1].attribute.extend(helper.make_attribute(name, setting) for name, setting in attributes.items())
        self.give(kind, *self.nodes[-1].output)
        return first

    def give(self, kind: str, *results: str) -> None:
        """Make results outputs, in their own types."""
        self.kinds |= {each: kind for each in results if each}

    def loaded(self, folder: Path, *, opset: int = 20) -> Workload:
        inputs = [value("x", X), value("other", X)]
        proto = model(self.nodes, inputs, list(self.kinds), self.constants, opset=opset)
        for output in proto.graph.output:
            output.ClearField("type")
        proto = infer_shapes(proto)
        for output in proto.graph.output:
            # Of operators that are functions the types are not inferred.
            output.type.tensor_type.elem_type = output.type.tensor_type.elem_type or TensorProto.FLOAT
        return load(save(proto, folder))

    def drop(self, *places: int) -> None:
        """Leave results of the last node out."""
        for place in places:
            self.kinds.pop(self.nodes[-1].output[place], None)
            self.nodes[-1].output[place] = ""


def integers(net: Net, *elements: int) -> str:
    return net.constant(list(elements), "int64")


def element_wise(net: Cases) -> None:
    for kind in UNARY:
        net.case(kind, "x")
    positive = net.op("Add", net.op("Abs", "x"), net.constant(1.5))
    for kind in OF_POSITIVE:
        net.case(kind, positive)
    for kind in BINARY:
        net.case(kind, "x", "other")
    net.case("Pow", positive, "other")
    flags = [net.op("Greater", "x", net.constant(0.1)), net.op("Less", "other", net.constant(0.2))]
    for kind in LOGICAL:
        net.case(kind, *flags)
    net.case("Not", flags[0])
    net.case("Where", flags[0], "x", "other")
    whole = [net.op("Cast", net.op("Mul", each, net.constant(20)), attributes={"to": TensorProto.INT32})
             for each in ("x", "other")]  # fmt: skip
    divisors = net.op("Add", net.op("Abs", whole[1]), net.constant(1, "int32"))
    for kind in ON_INTEGERS:
        net.case(kind, whole[0], divisors)
    net.case("BitwiseNot", whole[0])
    for kind in ("ReduceSum", "ReduceProd", "ReduceL1", "ReduceSumSquare", "ReduceMax"):
        net.case(kind, divisors, integers(net, 3))
    net.case("Dropout", "x", net.constant(0.5), net.constant(False, "bool"), outputs=2)
    net.drop(1)
    net.case("Mod", "x", net.constant(0.3), fmod=1)
    net.case("CastLike", whole[0], "x")
    net.case("HardSigmoid", "x", alpha=1 / 6, beta=0.5)
    net.case("Gelu", "x", approximate="tanh")
    net.case("Clip", "x", net.constant(-0.2), net.constant(0.3))
    net.case("Clip", "x", "", net.constant(0.1))
    net.case("ReduceMean", "x", integers(net, -1, 1), keepdims=0)
    net.case("ReduceSum", "x", integers(net, 2))
    net.case("CumSum", "x", net.constant(1, "int64"))
    net.case("TopK", "x", integers(net, 3), outputs=2, axis=1, largest=0)


def contractions(net: Cases) -> None:
    net.case("Conv", "x", net.weight(6, 4, 3, 3), net.weight(6), strides=[2, 1], pads=[1, 0, 1, 0])
    net.case("Conv", "x", net.weight(4, 1, 3, 2), group=4, pads=[1, 0, 2, 1], dilations=[1, 2])
    net.case("Conv", "x", net.weight(6, 2, 3, 3), group=2, auto_pad="SAME_UPPER", strides=[2, 2])
    net.case("Conv", "x", net.weight(6, 4, 2, 2), auto_pad="SAME_LOWER")
    net.case("ConvTranspose", "x", net.weight(4, 3, 3, 3), net.weight(3), strides=[2, 2], pads=[1, 1, 1, 1],
             output_padding=[1, 0])  # fmt: skip
    net.case("MatMul", "x", net.weight(6, 5))
    net.case("Einsum", "x", "other", equation="abcd,abed->abce")
    rows = net.op("Reshape", "x", integers(net, 28, 6))
    net.case("Gemm", rows, net.weight(5, 6), net.weight(5), transB=1)
    net.case("Gemm", rows, net.weight(28, 5), net.weight(1, 5), transA=1, alpha=0.5, beta=2.0)
    net.case("Gemm", rows, net.weight(6, 5))
    net.case("Gemm", rows, net.weight(6, 5), alpha=0.5)


def windows_and_norms(net: Cases) -> None:
    net.case("MaxPool", "x", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0])
    net.case("MaxPool", "x", kernel_shape=[2, 2], pads=[0, 0, 1, 1], dilations=[2, 1])
    net.case("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    net.case("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    net.case("AveragePool", "x", kernel_shape=[2, 2], pads=[0, 0, 1, 1], count_include_pad=1)
    net.give("BatchNormalization", net.batch_normalization("x", 4))
    net.case("LayerNormalization", "x", net.weight(7, 6), net.weight(7, 6), axis=2)
    net.case("LayerNormalization", "x", net.weight(6))
    net.case("InstanceNormalization", "x", net.weight(4), net.weight(4))
    net.case("LRN", "x", size=3, alpha=0.1)
    net.case("LpNormalization", "x", axis=1)
    net.case("LpNormalization", net.op("Mul", "x", net.constant([[[[0], [1], [1], [1], [1], [1], [1]]]])))
    net.case("MaxPool", "x", outputs=2, kernel_shape=[2, 2])
    net.drop(1)
    net.case("LayerNormalization", "x", net.weight(6), outputs=3)
    net.drop(1, 2)
    quantised = net.case("QuantizeLinear", "x", net.constant(0.02), net.constant(3, "int8"))
    net.case("DequantizeLinear", quantised, net.constant(0.02), net.constant(3, "int8"))
    scales, zeros = net.constant([0.1, 0.2, 0.3, 0.4]), net.constant([1, 2, 3, 4], "int8")
    net.case("DequantizeLinear", quantised, scales, zeros, axis=1)


def movements(net: Cases) -> None:
    net.case("Reshape", "x", integers(net, 0, -1, 3))
    net.case("Flatten", "x", axis=-1)
    net.case("Unsqueeze", "x", integers(net, -1, 0))
    net.case("Squeeze", "x", integers(net, 0))
    net.case("Transpose", "x", perm=[0, 2, 3, 1])
    net.case("Concat", "x", "other", "x", axis=-2)
    net.case("Split", "x", outputs=2, axis=1, num_outputs=2)
    net.case("Split", "x", integers(net, 1, 4, 2), outputs=3, axis=2)
    net.case("Slice", "x", integers(net, 1, -4), integers(net, 100, -1), integers(net, 2, 3), integers(net, 2, 1))
    net.case("Slice", "x", integers(net, -1), integers(net, -100), integers(net, 2), integers(net, -2))
    net.case("Expand", "x", integers(net, 3, 1, 1, 6))
    net.case("Tile", "x", integers(net, 2, 1, 1, 3))
    net.case("Pad", "x", integers(net, 0, 0, 1, 2, 0, 0, 0, 1), net.constant(0.5))
    net.case("Pad", "x", integers(net, 0, 0, 1, 2, 0, 0, 0, 1), mode="reflect")
    net.case("Pad", "x", integers(net, 1, 2), "", integers(net, 3), mode="edge")
    for mode in ("DCR", "CRD"):
        net.case("DepthToSpace", "x", blocksize=2, mode=mode)
    net.case("SpaceToDepth", net.op("Slice", "x", integers(net, 0), integers(net, 6), integers(net, 2)), blocksize=2)
    sizes = {"scales": net.constant([1, 1, 2, 2]), "none": ""}
    net.case("Resize", "x", "", sizes["scales"], mode="nearest", coordinate_transformation_mode="asymmetric",
             nearest_mode="floor")  # fmt: skip
    net.case("Resize", "x", "", "", integers(net, 1, 4, 11, 9), mode="linear")
    net.case("Resize", "x", "", sizes["scales"], mode="linear", coordinate_transformation_mode="align_corners")
    net.case("Gather", "x", integers(net, 2, -1, 0), axis=2)
    net.case("Gather", "x", net.constant(-2, "int64"), axis=1)
    net.case("Gather", "x", net.constant([[0, 1], [3, -1]], "int64"), axis=3)
    net.case("Gather", net.weight(9, 5), net.op("ArgMax", "x"))
    net.case("GatherElements", "x", net.op("ArgMax", "x", attributes={"axis": 2}), axis=2)
    places = net.constant([[0, 1, 2], [0, -1, 0]], "int64")
    net.case("GatherND", "x", places)
    net.case("ScatterND", "x", places, net.weight(2, 6))
    net.case("ScatterElements", "x", net.constant([[[[5, 0, 1, 2, 3, 4]]]], "int64"), net.weight(1, 1, 1, 6), axis=3)
    net.case("Trilu", "x", net.constant(1, "int64"), upper=0)
    net.case("Cast", "x", to=TensorProto.DOUBLE, saturate=1)


def constants(net: Cases) -> None:
    shape = net.op("Shape", "x")
    ones = net.op("ConstantOfShape", shape)
    net.nodes[-1].attribute.append(
        helper.make_attribute("value", helper.make_tensor("", TensorProto.FLOAT, [1], [2.0]))
    )
    net.case("Add", "x", ones)
    steps = net.op("Range", net.constant(0, "int64"), net.op("Size", "x"), net.constant(24, "int64"))
    factor = net.op("Constant")
    net.nodes[-1].attribute.append(helper.make_attribute("value_float", 1.5))
    net.case("Mul", net.op("Cast", steps, attributes={"to": TensorProto.FLOAT}), factor)
    # A view by a computed shape, as exporters write it.
    rows = net.op("Concat", net.op("Gather", shape, integers(net, 0)), integers(net, -1), attributes={"axis": 0})
    net.case("Reshape", "x", rows)
    net.case("Identity", net.weight(3))


def newer(net: Cases) -> None:
    net.case("GroupNormalization", "x", net.weight(4), net.weight(4), num_groups=2)
    net.case("RMSNormalization", "x", net.weight(6))
    net.case("Swish", "x", alpha=0.7)


OPSETS = {"newer": 24}
"""Where it is not that of the other tables."""
TABLES = {
    "element-wise": element_wise, "contractions": contractions, "windows and norms": windows_and_norms,
    "movements": movements, "constants": constants, "newer": newer,
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_operators_give_what_onnxruntime_gives(table: str, tmp_path: Path) -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)
    net = Cases()
    TABLES[table](net)
    workload = net.loaded(tmp_path, opset=OPSETS.get(table, 20))
    inputs = make_inputs(workload).arrays
    wanted, found = (_computed(runtime, workload, inputs) for runtime in (REFERENCE, RUNTIME))
    wrong = [
        f"{net.kinds[each.output]}: {each.fault or each.relative_error}"
        for each in agreements(wanted, found)
        if not each.is_within(RUNTIME.tolerances["float32"])
    ]
    assert not wrong


def test_every_operator_of_the_table_is_tested() -> None:
    rows = set[str]()
    for name in ("torch_operators", "torch_movements"):
        rows.update(re.findall(r'"([A-Z][A-Za-z0-9]+)": ', (SESSIONS / f"{name}.py").read_text("utf-8")))
    net = Cases()
    for build in TABLES.values():
        build(net)
    assert rows <= {node.op_type for node in net.nodes}


def test_what_is_not_translated_is_refused_with_its_name(tmp_path: Path) -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)
    net = Cases()
    net.case("Det", net.op("Slice", "x", integers(net, 0), integers(net, 6), integers(net, 2)))
    net.case("NonZero", "x")
    workload = net.loaded(tmp_path)
    inputs = make_inputs(workload).arrays
    with pytest.raises(RuntimeRefused, match="no translation to PyTorch of Det, NonZero"):
        RUNTIME.open(workload, inputs, threads=1, deadline_seconds=60)


def test_an_input_that_has_to_be_a_constant_is_named(tmp_path: Path) -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)
    net = Cases()
    highest = net.op("ReduceMax", "x", integers(net, 1, 2, 3), attributes={"keepdims": 0})
    net.case("Expand", net.constant(1.0), net.op("Cast", highest, attributes={"to": TensorProto.INT64}))
    workload = net.loaded(tmp_path)
    inputs = make_inputs(workload).arrays
    with pytest.raises(RuntimeRefused, match="Expand, node 2: its input 1 depends on what the network is given"):
        RUNTIME.open(workload, inputs, threads=1, deadline_seconds=60)


REFUSED: dict[str, Callable[[Cases], object]] = {
    "QuantizeLinear with output_dtype": lambda net: net.case(
        "QuantizeLinear", "x", net.constant(0.1), output_dtype=TensorProto.INT8
    ),
    "Resize with exclude_outside": lambda net: net.case(
        "Resize", "x", "", "", integers(net, 1, 4, 5, 5), mode="cubic", exclude_outside=1
    ),
    "Resize by a scale": lambda net: net.case("Resize", "x", "", net.constant([1, 1, 1.3, 1.3]), mode="linear"),
    "Cast to torch.float8_e4m3fn": lambda net: net.case(
        "Cast", net.op("Cast", "x", attributes={"to": TensorProto.FLOAT8E4M3FN}), to=TensorProto.FLOAT
    ),
    "training_mode that is not constant": lambda net: net.case(
        "Dropout", "x", "", net.op("Greater", net.op("ReduceMax", "x", attributes={"keepdims": 0}), net.constant(9))
    ),
    "its attribute imagined": lambda net: net.case("Relu", "x", imagined=1),
    "GlobalMaxPool over no axes": lambda net: net.case("GlobalMaxPool", net.op("Flatten", "x")),
    "ReduceMean of integers": lambda net: net.case("ReduceMean", net.op("Shape", "x")),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_would_be_computed_in_another_way_is_refused(words: str, tmp_path: Path) -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)
    net = Cases()
    REFUSED[words](net)
    workload = load(save(model(net.nodes, [value("x", X)], list(net.kinds), net.constants, opset=21), tmp_path))
    with pytest.raises(RuntimeRefused, match=words):
        RUNTIME.open(workload, make_inputs(workload).arrays, threads=1, deadline_seconds=60)


def test_a_split_may_leave_parts_out(tmp_path: Path) -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)
    # Four channels in four parts, of which only two are given.
    node = helper.make_node("Split", ["x"], ["", "second", "third", ""], axis=1, num_outputs=4)
    workload = load(save(model([node], [value("x", X)], ["second", "third"]), tmp_path))
    inputs = make_inputs(workload).arrays
    found = _computed(RUNTIME, workload, inputs)
    assert [found[name].tolist() for name in ("second", "third")] == [
        inputs["x"][:, at : at + 1].tolist() for at in (1, 2)
    ]


@pytest.mark.parametrize("kind", ["Div", "Mod"])
def test_integers_that_the_network_is_given_can_be_divided_by(kind: str, tmp_path: Path) -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)
    proto = model(
        [helper.make_node(kind, ["a", "b"], ["y"]), helper.make_node("Gather", ["table", "a"], ["row"])],
        [value("a", [1, 4], TensorProto.INT64), value("b", [1, 4], TensorProto.INT64)], ["y", "row"],
        # A table of one row, where the places that are tried must not be one.
        [numpy_helper.from_array(np.ones((1, 3), "float32"), "table")],
    )  # fmt: skip
    proto.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    workload = load(save(proto, tmp_path))
    given = {"a": np.array([[0, 0, -1, 0]]), "b": np.array([[3, -4, 5, 7]])}
    with RUNTIME.open(workload, given, threads=1, deadline_seconds=60) as session:
        found = session.compute(given, deadline_seconds=60)
    # Division rounds towards zero; the remainder has the sign of the divisor: -1 = -1 * 5 + 4.
    assert found["y"].tolist() == [[0, 0, 0, 0] if kind == "Div" else [0, 0, 4, 0]]


def _computed(runtime: Any, workload: Workload, inputs: Mapping[str, Any]) -> Mapping[str, np.ndarray[Any, Any]]:
    with runtime.open(workload, inputs, threads=1, deadline_seconds=120) as session:
        return session.compute(inputs, deadline_seconds=60)
