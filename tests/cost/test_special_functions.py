"""Special functions among the operations: against the function bodies of ONNX, else derived from the formula."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import onnx.defs
import pytest
from onnx import TensorProto, helper, numpy_helper

from attainable.cost.count import OpCount, count
from attainable.cost.rules import RULES
from attainable.cost.special_functions import SPECIAL, special_operations
from attainable.workload import load
from attainable.workload.graph import Op
from tests.models import model, save, value
from tests.specs.bodies import elementary_ops
from tests.specs.ops import activation, constant, fused, make_op, with_outputs, work_of
from tests.specs.test_function_bodies import CASES

ELEMENTARY = {
    "Reciprocal", "Sqrt", "Erf", "Exp", "Log", "Sigmoid", "Tanh", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh",
    "Cos", "Cosh", "Sin", "Sinh", "Tan",
}  # fmt: skip
"""One for each element that they make."""

EXCUSED = {
    "BlackmanWindow": "made before the run in every network; its two cosines a sample stay on the vector roof",
    "HammingWindow": "the same",
    "HannWindow": "the same",
    "AffineGrid": "its divisions by a size that is computed are one an axis",
}
"""Operators with a body that has special functions and that are in no table, with the reason."""


def counted(op: Op) -> OpCount:
    return OpCount(op, work_of(op), 0, False, "counted")


def special(op: Op) -> int:
    return special_operations(counted(op))


def in_body(op: Op) -> int:
    """Special functions of the elementary ops that a composite stands for, which know no table of ours."""
    if op.kind in ELEMENTARY:
        return op.output.elements
    if op.kind in ("Div", "Mod"):
        return 0 if op.input(1).is_constant else op.output.elements
    if op.kind == "Pow":
        # every body raises to a constant: the square, the cube, or one half, which is a root
        assert op.input(1).is_constant
        return 0
    if op.kind == "QuantizeLinear":
        # x / scale, rounded, shifted, clipped: it has no body
        return 0 if op.input(1).is_constant else op.output.elements
    if op.kind in ("Softmax", "LogSoftmax") and op.opset < 13:
        # bodies take rows along the last axis, where both forms agree; the older one has no body
        return in_body(replace(op, opset=13))
    if not onnx.defs.has(op.kind, op.opset, op.domain):
        return 0  # Where in the body of an Elu that is older than Where
    schema = cast(Any, onnx.defs.get_schema(op.kind, op.opset, op.domain))
    if schema.has_function or schema.has_context_dependent_function:
        return sum(in_body(part) for part in elementary_ops(op))
    return 0


@pytest.mark.parametrize("op", CASES, ids=[f"{op.kind}-{op.opset}" for op in CASES])
def test_an_operator_with_a_body_has_those_of_its_body(op: Op) -> None:
    if op.type in EXCUSED:
        assert op.type not in SPECIAL
        return
    assert special(op) == in_body(op)


X = (2, 4, 3, 5)  # 120 elements, 4 channels


def cell(kind: str, gates: int, *, directions: int = 1, **attributes: int | float | tuple[str, ...]) -> Op:
    """6 steps of a batch of 2, 3 features, 4 hidden units."""
    inputs = [activation(6, 2, 3), constant(directions, gates * 4, 3), constant(directions, gates * 4, 4)]
    outputs = 3 if kind == "LSTM" else 2
    given = {"hidden_size": 4, "direction": "forward" if directions == 1 else "bidirectional", **attributes}
    return make_op(kind, inputs, attributes=given, outputs=outputs)


UNITS = 6 * 2 * 4  # steps x batch x hidden units

SCALE, STATISTICS = constant(4), activation(4)


def batch_normalization(*, known: bool) -> Op:
    statistics = constant(4) if known else STATISTICS
    return make_op("BatchNormalization", [activation(*X), SCALE, SCALE, statistics, statistics])


def of_microsoft(kind: str, *inputs: tuple[int, ...], output: tuple[int, ...], **attributes: int | str) -> Op:
    return fused(kind, [activation(*shape) for shape in inputs], activation(*output), attributes=attributes)


def grouped_query_attention(**attributes: float) -> Op:
    heads = {"num_heads": 4, "kv_num_heads": 2}
    inputs = [activation(1, 5, 32), activation(1, 5, 16), activation(1, 5, 16)]
    return fused("GroupQueryAttention", inputs, activation(1, 5, 32), attributes={**heads, **attributes})


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        # a division by what is known is a product
        (make_op("Div", [activation(*X), activation(*X)]), 120),
        (make_op("Div", [activation(*X), constant(1, value=(2.0,))]), 0),
        # whole powers are products, others are not
        (make_op("Pow", [activation(*X), constant(1, value=(3.0,))]), 0),
        (make_op("Pow", [activation(*X), constant(1, value=(0.5,))]), 120),
        (make_op("Pow", [activation(*X), constant(1, value=(-1.0,))]), 120),
        (make_op("Pow", [activation(*X), activation(*X)]), 120),
        (make_op("Add", [activation(*X), activation(*X)]), 0),
        # (x - mean) / sqrt(variance + epsilon): the root is known with the variance, else 1 a channel, 1 an element
        (batch_normalization(known=True), 0),
        (batch_normalization(known=False), 120 + 4),
        # as LayerNormalization, over 2 images x 4 channels of 15 elements: 8 roots
        (make_op("InstanceNormalization", [activation(*X), SCALE, SCALE]), 120 + 8),
        # x / sqrt(sum of squares): 24 rows of 5; the 1-norm has no root
        (make_op("LpNormalization", [activation(*X)]), 120 + 24),
        (make_op("LpNormalization", [activation(*X)], attributes={"p": 1}), 120),
        # x / (...) ** beta
        (make_op("LRN", [activation(*X)], attributes={"size": 3}), 240),
        (make_op("LRN", [activation(*X)], attributes={"size": 3, "beta": 1.0}), 120),
        # (sum of |x|^p)^(1/p) over 2 x 2: 2 x 4 x 2 x 4 = 64 outputs; the square is a product, the cube a power
        (make_op("LpPool", [activation(*X)], attributes={"kernel_shape": (2, 2)}), 64),
        (make_op("LpPool", [activation(*X)], attributes={"kernel_shape": (2, 2), "p": 1}), 0),
        (make_op("LpPool", [activation(*X)], attributes={"kernel_shape": (2, 2), "p": 3}), 64 * 4 + 64),
        (make_op("AveragePool", [activation(*X)], attributes={"kernel_shape": (2, 2)}), 0),
        (make_op("Hardmax", [activation(*X)]), 0),
        # x / scale
        (make_op("QuantizeLinear", [activation(*X), constant()]), 0),
        (make_op("QuantizeLinear", [activation(*X), activation()]), 120),
        # h = tanh(g);  2 sigmoids and tanh;  3 sigmoids and 2 tanh, one sigmoid fewer where gates are coupled
        (cell("RNN", 1), UNITS),
        (cell("RNN", 1, activations=("Relu",)), 0),
        (cell("GRU", 3), 3 * UNITS),
        (cell("LSTM", 4), 5 * UNITS),
        (cell("LSTM", 4, input_forget=1), 4 * UNITS),
        (cell("LSTM", 4, directions=2), 2 * 5 * UNITS),
        # softplus is exp and log, affine has none
        (cell("LSTM", 4, activations=("Softplus", "Affine", "Tanh")), (3 * 2 + 0 + 1) * UNITS),
        # erf or tanh of each; the split one of each output
        (of_microsoft("Gelu", X, output=X), 120),
        (of_microsoft("FastGelu", X, output=X), 120),
        (of_microsoft("BiasSplitGelu", (2, 3, 8), (8,), output=(2, 3, 4)), 24),
        # 24 rows of 5, each with a root; a division for each element
        (of_microsoft("SkipLayerNormalization", X, X, (5,), (5,), output=X), 120 + 24),
        # 2 images x 3 groups; a sigmoid for each element where SiLU follows
        (of_microsoft("GroupNorm", (2, 4, 4, 6), (6,), (6,), output=(2, 4, 4, 6), groups=3), 192 + 6),
        (of_microsoft("GroupNorm", (2, 4, 4, 6), (6,), (6,), output=(2, 4, 4, 6), groups=3, activation=1), 390),
        # Conv 3x3 with an activation inside
        (of_microsoft("FusedConv", X, (8, 4, 3, 3), output=(2, 8, 1, 3), activation="Sigmoid"), 48),
        (of_microsoft("FusedConv", X, (8, 4, 3, 3), output=(2, 8, 1, 3), activation="Relu"), 0),
        # 2 x 4 heads x 5 queries x 5 keys: exp and division of each score, the projections apart
        (of_microsoft("Attention", (2, 5, 24), (24, 72), (72,), output=(2, 5, 24), num_heads=4), 2 * 200),
        (of_microsoft("MultiHeadAttention", (2, 5, 24), (2, 7, 24), (2, 7, 24), output=(2, 5, 24), num_heads=4), 560),
        (of_microsoft("QAttention", (2, 5, 24), (24, 72), (72,), (), (), output=(2, 5, 24), num_heads=4), 2 * 200),
        # 4 heads of 8, 5 queries x 5 keys: 100 scores; a cap takes tanh of each
        (grouped_query_attention(), 2 * 100),
        (grouped_query_attention(softcap=30.0), 3 * 100),
        # 6 outputs with tanh; Gelu by tanh
        (of_microsoft("FusedGemm", (2, 4), (4, 3), output=(2, 3), activation="Tanh"), 6),
        (of_microsoft("GemmFastGelu", (2, 4), (4, 3), output=(2, 3)), 6),
        # a sine and a cosine of each of 10 angles
        (
            of_microsoft("GemmaRotaryEmbedding", (1, 5, 2), *[(1, 2, 5, 4)] * 4, output=(1, 2, 5, 4)),
            20,
        ),
        # no table says what it holds
        (of_microsoft("CDist", (3, 4), (5, 4), output=(3, 5)), 0),
    ],
)
def test_an_operator_without_a_body_has_those_of_its_formula(op: Op, expected: int) -> None:
    assert special(op) == expected


def of_tflite(kind: str, *inputs: tuple[int, ...], output: tuple[int, ...] = X, **attributes: str) -> Op:
    tensors = tuple(activation(*shape) for shape in inputs)
    return Op("0", "", kind, "tflite", 1, tensors, (activation(*output),), tuple(sorted(attributes.items())))


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (of_tflite("RSQRT", X), 240),  # counted as a root and a reciprocal
        (of_tflite("SOFTMAX", X), 240),
        (of_tflite("LOG_SOFTMAX", X), 120 + 24),  # exp of each, a logarithm for each row of 5
        (of_tflite("L2_NORMALIZATION", X), 120 + 24),
        (of_tflite("ADD", X, X), 0),
        (of_tflite("FULLY_CONNECTED", (2, 6), (4, 6), output=(2, 4), activation="TANH"), 8),
        (of_tflite("FULLY_CONNECTED", (2, 6), (4, 6), output=(2, 4), activation="RELU6"), 0),
    ],
)
def test_tflite(op: Op, expected: int) -> None:
    assert special(op) == expected


def test_contractions_have_none() -> None:
    assert special(make_op("MatMul", [activation(4, 8), constant(8, 3)])) == 0
    assert special(make_op("Conv", [activation(1, 3, 8, 8), constant(4, 3, 3, 3), constant(4)])) == 0


@pytest.mark.parametrize("op", CASES, ids=[f"{op.kind}-{op.opset}" for op in CASES])
def test_never_more_than_the_vector_operations(op: Op) -> None:
    vector = sum(number for engine, _, number in work_of(op).operations if engine == "vector")
    assert 0 <= special(op) <= vector


def test_what_was_not_counted_has_none() -> None:
    op = make_op("Softmax", [activation(2, 8)])
    assert special_operations(OpCount(op, work_of(op).times(0), 0, False, "unresolved shape")) == 0
    without_shape = with_outputs(op, [((2, 8), "float32")])
    entry = OpCount(replace(without_shape, inputs=()), work_of(op), 0, False, "counted")
    assert special_operations(entry) == 0


def test_the_table_names_operators_that_have_rules() -> None:
    assert SPECIAL.keys() <= RULES.keys()


def test_a_loop_has_those_of_its_body_times_its_trips(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Exp", ["row"], ["grown"]),
        helper.make_node("Add", ["grown", "row"], ["next"]),
        helper.make_node("Identity", ["go"], ["goes"]),
    ]
    body = helper.make_graph(
        nodes, "body",
        [value("trip", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("row", [8])],
        [value("goes", [], TensorProto.BOOL), value("next", [8])],
    )  # fmt: skip
    loop = helper.make_node("Loop", ["trips", "", "x"], ["y"], body=body)
    trips = numpy_helper.from_array(np.array(10), "trips")
    (entry,) = count(load(save(model([loop], [value("x", [8])], ["y"], [trips]), tmp_path))).ops
    assert special_operations(entry) == 10 * 8


def test_a_branch_has_those_of_the_body_that_works_most(tmp_path: Path) -> None:
    def branch(name: str, *kinds: str) -> onnx.GraphProto:
        nodes = [
            helper.make_node(kind, [f"{name}{place}" if place else "x"], [f"{name}{place + 1}"])
            for place, kind in enumerate(kinds)
        ]
        return helper.make_graph(nodes, name, [], [value(f"{name}{len(kinds)}", [8])])

    choice = helper.make_node(
        "If", ["either"], ["y"],
        then_branch=branch("long", "Abs", "Neg", "Tanh"), else_branch=branch("short", "Exp", "Exp"),
    )  # fmt: skip
    inputs = [value("x", [8]), value("either", [], TensorProto.BOOL)]
    (entry,) = count(load(save(model([choice], inputs, ["y"]), tmp_path))).ops
    assert entry.work.total_operations == 3 * 8
    assert special_operations(entry) == 8  # tanh; the two exponentials are in the branch that works less


def test_functions_that_call_functions_are_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    depth = 18

    def function(level: int) -> onnx.FunctionProto:
        twice = [helper.make_node(f"level{level - 1}", [x], [y], domain="mine") for x, y in ("ab", "bc")]
        nodes = twice if level else [helper.make_node("Exp", ["a"], ["c"])]
        imports = [helper.make_opsetid("", 20), helper.make_opsetid("mine", 1)]
        return helper.make_function("mine", f"level{level}", ["a"], ["c"], nodes, imports)

    looks: list[OpCount] = []

    def look(entry: OpCount) -> int:
        looks.append(entry)
        return entry.op.output.elements

    monkeypatch.setitem(SPECIAL, "Exp", look)
    proto = model([helper.make_node(f"level{depth - 1}", ["x"], ["y"], domain="mine")], [value("x", [8])], ["y"])
    proto.functions.extend(function(level) for level in range(depth))
    (entry,) = count(load(save(proto, tmp_path))).ops
    assert special_operations(entry) == 8 * 2 ** (depth - 1)
    assert len(looks) <= 2 * depth
