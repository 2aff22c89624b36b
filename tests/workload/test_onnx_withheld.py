"""Operators that onnx's inference does not survive: their shapes, as onnx gives them where it can be asked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, shape_inference

from attainable.errors import ModelGraphError
from attainable.workload import Tensor, load
from attainable.workload.onnx.functions import groups_of
from attainable.workload.onnx.strict_text import is_text
from attainable.workload.onnx.withheld import WITHHELD, give_back, withhold
from tests.models import model, save, value

node = helper.make_node
LEARNING = "ai.onnx.ml"


def whole(name: str, *elements: int) -> TensorProto:
    return numpy_helper.from_array(np.array(elements, np.int64), name)


def output(
    folder: Path, made: onnx.NodeProto, inputs: Sequence[onnx.ValueInfoProto], stored: Sequence[TensorProto] = ()
) -> Tensor:
    proto = model([made], inputs, ["y"], stored)
    for entry in proto.opset_import:
        entry.version = {"": 20, LEARNING: 5}[entry.domain]
    (found,) = load(save(proto, folder)).outputs
    return found


CASES: tuple[tuple[onnx.NodeProto, Sequence[int], int, Sequence[TensorProto], tuple[int, ...], str], ...] = (
    (node("Expand", ["x", "s"], ["y"]), [3, 1], 1, [whole("s", 2, 1, 4)], (2, 3, 4), "float32"),
    (node("EyeLike", ["x"], ["y"]), [3, 2], TensorProto.DOUBLE, [], (3, 2), "float64"),
    (node("EyeLike", ["x"], ["y"], dtype=TensorProto.INT32), [3, 2], 1, [], (3, 2), "int32"),
    # indices [2, 1] of length 1 into [4, 5, 6]: two slices of [5, 6]
    (node("GatherND", ["x", "s"], ["y"]), [4, 5, 6], 1, [numpy_helper.from_array(np.ones((2, 1), np.int64), "s")],
     (2, 5, 6), "float32"),
    # the first axis of both is a batch: one index for each of 2, into [5, 6]
    (node("GatherND", ["x", "s"], ["y"], batch_dims=1), [2, 5, 6], 1,
     [numpy_helper.from_array(np.ones((2, 1), np.int64), "s")], (2, 6), "float32"),
    (node("RegexFullMatch", ["x"], ["y"], pattern="a"), [3, 2], TensorProto.STRING, [], (3, 2), "bool"),
    (node("LabelEncoder", ["x"], ["y"], domain=LEARNING, keys_strings=["a"], values_int64s=[1]), [3, 2],
     TensorProto.STRING, [], (3, 2), "int64"),
    (node("LabelEncoder", ["x"], ["y"], domain=LEARNING, keys_int64s=[1], values_floats=[1.0]), [7],
     TensorProto.INT64, [], (7,), "float32"),
)  # fmt: skip


@pytest.mark.parametrize(("made", "shape", "dtype", "stored", "expected", "type"), CASES)
def test_shapes_are_those_of_onnx(
    made: onnx.NodeProto, shape: Sequence[int], dtype: int, stored: Sequence[TensorProto], expected: tuple[int, ...],
    type: str, tmp_path: Path,
) -> None:  # fmt: skip
    found = output(tmp_path, made, [value("x", shape, dtype)], stored)
    assert (found.shape, found.dtype) == (expected, type)
    proto = model([made], [value("x", shape, dtype)], ["y"], stored)
    for entry in proto.opset_import:
        entry.version = {"": 20, LEARNING: 4}[entry.domain]
    proto.graph.output[0].ClearField("type")  # the test model claims float32
    inferred = shape_inference.infer_shapes(proto).graph.output[0].type.tensor_type
    assert tuple(extent.dim_value for extent in inferred.shape.dim) == expected


def test_a_forest_has_a_row_of_targets_for_each_sample(tmp_path: Path) -> None:
    """(N, n_targets); onnx infers nothing."""
    forest = node("TreeEnsemble", ["x"], ["y"], domain=LEARNING, n_targets=3)
    assert output(tmp_path, forest, [value("x", [5, 2])]).shape == (5, 3)


@pytest.mark.parametrize("type", WITHHELD)
def test_an_input_that_nobody_knows_is_survived(type: str, tmp_path: Path) -> None:
    """onnx 1.23 follows the null pointer of its type."""
    domain, _, kind = type.rpartition(":")
    nodes = [node("Unknown", ["x"], ["u"], domain="no.where"), node(kind, ["u", "u"], ["y"], domain=domain)]
    proto = model(nodes, [value("x", [2])], ["y"])
    assert load(save(proto, tmp_path)).outputs[0].shape is None


def test_a_shape_of_a_billion_elements_makes_no_billion_axes(tmp_path: Path) -> None:
    inputs = [value("x", [1]), value("s", [2**31 - 1], TensorProto.INT64)]
    assert load(save(model([node("Expand", ["x", "s"], ["y"])], inputs, ["y"]), tmp_path)).outputs[0].shape is None


def test_nodes_get_their_own_domain_back_in_graphs_and_bodies() -> None:
    branch = helper.make_graph([node("EyeLike", ["x"], ["t"])], "then", [], [value("t", None)])
    nodes = [
        node("If", ["c"], ["i"], then_branch=branch, else_branch=branch),
        node("LabelEncoder", ["x"], ["y"], domain=LEARNING),
    ]
    proto = model(nodes, [value("x", [2, 2]), value("c", [], TensorProto.BOOL)], ["i", "y"])
    before = proto.SerializeToString()
    withheld = withhold(groups_of(proto.graph.node, proto.graph), ())
    assert len(withheld) == 3
    copy = onnx.GraphProto.FromString(proto.graph.SerializeToString())
    give_back(withheld, copy)
    assert proto.SerializeToString() == before
    assert copy == proto.graph


def _named(name: bytes) -> bytes:
    return (
        model([node("Relu", ["x"], ["@@@@"])], [value("x", [2])], ["@@@@"]).SerializeToString().replace(b"@@@@", name)
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [(b"name", True), ("ñé".encode(), True), (b"\xff\xfe\xfd\xfc", False), (b"\xed\xa0\x80y", False)],
)
def test_text_is_utf8_or_not(name: bytes, expected: bool) -> None:
    """Four bytes each, so that lengths stay; the last is half of a surrogate pair."""
    assert is_text(_named(name)) is expected


FATAL_ATTRIBUTES: tuple[tuple[str, int, str, Any], ...] = (
    ("Split", 1, "num_outputs", 2**40),
    ("LayerNormalization", 2, "axis", 2**31),
    ("Einsum", 2, "equation", b"\xff"),
    ("Einsum", 2, "equation", b"ij,jk-"),
    ("Einsum", 2, "equation", b"i\0j,jk->ik"),
)


@pytest.mark.parametrize(("kind", "inputs", "name", "content"), FATAL_ATTRIBUTES)
def test_a_fatal_attribute_is_refused(kind: str, inputs: int, name: str, content: Any, tmp_path: Path) -> None:
    """onnx 1.23 takes all memory, writes out of bounds, or never ends."""
    fatal = node(kind, ["x"] * inputs, ["y"], **{name: content})
    with pytest.raises(ModelGraphError, match=f"attribute {name} is .* @ node 0 {kind}"):
        load(save(model([fatal], [value("x", [4, 4])], ["y"]), tmp_path))


@pytest.mark.parametrize(("kind", "inputs", "name", "content"), FATAL_ATTRIBUTES)
def test_a_fatal_attribute_from_the_call_of_a_function_is_survived(
    kind: str, inputs: int, name: str, content: Any, tmp_path: Path
) -> None:
    type = onnx.AttributeProto.INT if isinstance(content, int) else onnx.AttributeProto.STRING
    inside = node(kind, ["a"] * inputs, ["b"])
    inside.attribute.add(name=name, ref_attr_name="given", type=type)
    proto = model([node("F", ["x"], ["y"], domain="own", given=content)], [value("x", [4, 4])], ["y"])
    opsets = [helper.make_opsetid("", 20)]
    proto.functions.append(helper.make_function("own", "F", ["a"], ["b"], [inside], opsets, ["given"]))
    (op,) = load(save(proto, tmp_path)).ops
    assert [inner.kind for inner in op.bodies[0].ops] == [kind]


def test_good_equations_are_not_refused(tmp_path: Path) -> None:
    for equation in ("ij,jk->ik", "ij , jk", "...i,...i->...", "ii->i", "Ab,bC->AC"):
        shapes = [value("x", [4, 4])]
        terms = equation.partition("->")[0].count(",") + 1
        load(save(model([node("Einsum", ["x"] * terms, ["y"], equation=equation)], shapes, ["y"]), tmp_path))


def test_a_graph_in_an_operator_without_bodies_is_nobodys_business(tmp_path: Path) -> None:
    split = helper.make_graph([node("Split", ["x"], ["s"], num_outputs=2**40)], "g", [], [value("s", None)])
    proto = model([node("Relu", ["x"], ["y"], body=split)], [value("x", [4, 4])], ["y"])
    assert load(save(proto, tmp_path)).ops[0].bodies == ()
