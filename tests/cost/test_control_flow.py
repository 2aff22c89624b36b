"""Branches, loops and functions: a body is counted once and multiplied, nothing is unrolled."""

from collections.abc import Sequence
from pathlib import Path
from time import process_time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from attainable.cost.control_flow import parse_trip_counts
from attainable.cost.count import count
from attainable.errors import InvalidQuantity, UnknownName
from attainable.workload import load
from tests.models import constant, model, save, value

BODY_MACS = 8 * 8
"""A row of 8 by an 8x8 matrix."""


def _loop(*, stops: str = "passes") -> onnx.NodeProto:
    """A loop over ``row @ w``; its condition is passed on, or computed from the row."""
    nodes = [helper.make_node("MatMul", ["row", "w"], ["next"])]
    if stops == "passes":
        nodes.append(helper.make_node("Identity", ["go"], ["goes"]))
    else:
        nodes += [helper.make_node("ReduceMax", ["next"], ["top"], keepdims=0),
                  helper.make_node("Less", ["top", "limit"], ["goes"])]  # fmt: skip
    body = helper.make_graph(
        nodes, "body",
        [value("trip", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("row", [1, 8])],
        [value("goes", [], TensorProto.BOOL), value("next", [1, 8])],
    )  # fmt: skip
    return helper.make_node("Loop", ["trips", "", "x"], ["y"], name="recur", body=body)


def _looping(folder: Path, trips: int | None, *, stops: str = "passes") -> Path:
    inputs, constants = (
        [value("x", [1, 8])],
        [constant("w", 8, 8), numpy_helper.from_array(np.array(1e9, np.float32), "limit")],
    )
    if trips is None:
        inputs.append(value("trips", [], TensorProto.INT64))
    else:
        constants.append(numpy_helper.from_array(np.array(trips), "trips"))
    return save(model([_loop(stops=stops)], inputs, ["y"], constants), folder)


def test_a_loop_costs_its_body_times_its_trips_and_holds_its_weight_once(tmp_path: Path) -> None:
    result = count(load(_looping(tmp_path, 10)))
    assert result.totals.macs == 10 * BODY_MACS
    assert result.totals.parameters == 64
    (loop,) = result.ops
    # row and matrix are read, the row is written, in every trip: (8 + 64 + 8) elements of 4 bytes
    assert loop.work.bytes_moved == 10 * (8 + 64 + 8) * 4
    assert [(body.name, body.repeats, len(body.ops)) for body in loop.bodies] == [("body", 10, 2)]
    assert not result.totals.at_least
    assert result.totals.least == result.totals.work


def test_a_loop_that_can_stop_early_runs_at_least_once(tmp_path: Path) -> None:
    result = count(load(_looping(tmp_path, 10, stops="by itself")))
    assert (result.totals.macs, result.totals.least.macs) == (10 * BODY_MACS, BODY_MACS)


def test_a_loop_without_a_number_is_counted_once_and_listed(tmp_path: Path) -> None:
    result = count(load(_looping(tmp_path, None)))
    assert result.totals.macs == BODY_MACS
    assert result.coverage.unknown_trips == ("0",)
    assert result.totals.at_least


@pytest.mark.parametrize("name", ["*", "recur", "0"])
def test_the_user_says_how_often_a_loop_runs(name: str, tmp_path: Path) -> None:
    result = count(load(_looping(tmp_path, None)), trip_counts={name: 7})
    assert result.totals.macs == 7 * BODY_MACS
    assert not result.totals.at_least


def test_a_loop_of_an_unknown_name_is_refused_with_the_names(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no loop is called 'other'") as refused:
        count(load(_looping(tmp_path, None)), trip_counts={"other": 7})
    assert "recur" in refused.value.help


def _branching(folder: Path, *, condition: bool | None) -> Path:
    """One branch multiplies by w (64 MACs), the other adds 1 (8 operations)."""
    wide = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["a"])], "wide", [], [value("a", [1, 8])])
    slim = helper.make_graph([helper.make_node("Add", ["x", "one"], ["b"])], "slim", [], [value("b", [1, 8])])
    inputs, constants = (
        [value("x", [1, 8])],
        [constant("w", 8, 8), numpy_helper.from_array(np.array(1, np.float32), "one")],
    )
    if condition is None:
        inputs.append(value("c", [], TensorProto.BOOL))
    else:
        constants.append(numpy_helper.from_array(np.array(condition), "c"))
    node = helper.make_node("If", ["c"], ["y"], then_branch=wide, else_branch=slim)
    return save(model([node], inputs, ["y"], constants), folder)


def test_an_if_costs_its_dearer_branch_and_at_least_the_cheaper_one(tmp_path: Path) -> None:
    totals = count(load(_branching(tmp_path, condition=None))).totals
    assert (totals.macs, totals.operations) == (64, 128)
    assert (totals.least.macs, totals.least.total_operations) == (0, 8)
    assert totals.parameters == 64


@pytest.mark.parametrize(("condition", "operations"), [(True, 128), (False, 8)])
def test_an_if_with_a_known_condition_costs_the_branch_it_takes(
    condition: bool, operations: int, tmp_path: Path
) -> None:
    totals = count(load(_branching(tmp_path, condition=condition))).totals
    assert (totals.operations, totals.least.total_operations) == (operations, operations)


def test_a_scan_costs_its_body_for_every_slice(tmp_path: Path) -> None:
    """12 rows, each multiplied by an 8x8 matrix and added to the state."""
    body = helper.make_graph(
        [helper.make_node("MatMul", ["row", "w"], ["p"]), helper.make_node("Add", ["state", "p"], ["next"])],
        "body", [value("state", [1, 8]), value("row", [1, 8])], [value("next", [1, 8])],
    )  # fmt: skip
    node = helper.make_node("Scan", ["s", "rows"], ["y"], body=body, num_scan_inputs=1)
    proto = model([node], [value("s", [1, 8]), value("rows", [12, 1, 8])], ["y"], [constant("w", 8, 8)])
    totals = count(load(save(proto, tmp_path))).totals
    assert totals.macs == 12 * BODY_MACS
    assert totals.operations == 12 * (2 * BODY_MACS + 8)


def _calling(folder: Path, weights: Sequence[str]) -> Path:
    """A local function ``linear(x, w)`` called once for each weight."""
    function = helper.make_function(
        "my.own", "linear", ["x", "w"], ["y"], [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [helper.make_opsetid("", 20)],
    )  # fmt: skip
    nodes, previous = list[onnx.NodeProto](), "x"
    for index, weight in enumerate(weights):
        nodes.append(helper.make_node("linear", [previous, weight], [f"y{index}"], domain="my.own"))
        previous = f"y{index}"
    constants = [constant(name, 8, 8) for name in dict.fromkeys(weights)]
    proto = model(nodes, [value("x", [1, 8])], [previous], constants)
    proto.functions.append(function)
    return save(proto, folder)


def test_a_function_costs_its_body_for_every_call(tmp_path: Path) -> None:
    result = count(load(_calling(tmp_path, ["a", "b"])))
    assert result.totals.macs == 2 * BODY_MACS
    assert result.totals.parameters == 2 * 64
    assert result.coverage.kinds_without_rule == ()


def test_a_weight_that_two_calls_share_counts_once(tmp_path: Path) -> None:
    result = count(load(_calling(tmp_path, ["a", "a"])))
    assert [entry.parameters for entry in result.ops] == [64, 0]
    assert [entry.shared for entry in result.ops] == [False, True]


def test_trip_counts_are_read_or_refused_all_at_once() -> None:
    assert parse_trip_counts(["10", "recur=7", "a=b=3"]) == {"*": 10, "recur": 7, "a=b": 3}
    with pytest.raises(InvalidQuantity) as refused:
        parse_trip_counts(["ten", "=3", "x=-1"])
    assert len(refused.value.faults) == 3


def _doubling(folder: Path, depth: int) -> Path:
    """Functions each of which calls the next one twice: the last one multiplies by w, ``2 ** depth`` times."""
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("my.own", 1)]
    functions = [
        helper.make_function(
            "my.own", f"f{level}", ["x", "w"], ["y"],
            [helper.make_node(f"f{level + 1}", ["x", "w"], ["a"], domain="my.own"),
             helper.make_node(f"f{level + 1}", ["a", "w"], ["y"], domain="my.own")], imports,
        )
        for level in range(depth)
    ]  # fmt: skip
    product = helper.make_node("MatMul", ["x", "w"], ["y"])
    functions.append(helper.make_function("my.own", f"f{depth}", ["x", "w"], ["y"], [product], imports))
    node = helper.make_node("f0", ["x", "w"], ["y"], domain="my.own")
    proto = model([node], [value("x", [1, 8])], ["y"], [constant("w", 8, 8)])
    proto.functions.extend(functions)
    return save(proto, folder)


def test_functions_that_call_functions_twice_are_worked_out_once(tmp_path: Path) -> None:
    """A million products; 60 us each would be a minute."""
    workload = load(_doubling(tmp_path, 19))
    start = process_time()
    result = count(workload)
    assert process_time() - start < 20
    assert result.totals.macs == 2**19 * BODY_MACS
    assert (result.totals.parameters, result.totals.parameter_bytes) == (64, 64 * 4)
    # the two calls in the body: one carries the weight, the other shares it
    assert [entry.parameters for entry in result.ops[0].bodies[0].ops] == [64, 0]
    assert [entry.shared for entry in result.ops[0].bodies[0].ops] == [True, True]


def test_calls_with_other_weights_carry_their_own(tmp_path: Path) -> None:
    result = count(load(_calling(tmp_path, ["a", "a", "a", "b", "b", "b"])))
    assert [entry.parameters for entry in result.ops] == [64, 0, 0, 64, 0, 0]


def test_a_loop_whose_condition_starts_false_never_runs(tmp_path: Path) -> None:
    proto = onnx.ModelProto.FromString(_looping(tmp_path, 10).read_bytes())
    proto.graph.node[0].input[1] = "never"
    proto.graph.initializer.append(numpy_helper.from_array(np.array(False), "never"))
    totals = count(load(save(proto, tmp_path))).totals
    assert (totals.macs, totals.least.macs) == (0, 0)


@pytest.mark.parametrize("goes_on", ["Cast", "Constant"])
def test_a_condition_that_is_passed_on_or_always_true_ends_no_loop(goes_on: str, tmp_path: Path) -> None:
    proto = onnx.ModelProto.FromString(_looping(tmp_path, 10).read_bytes())
    body = proto.graph.node[0].attribute[0].g
    true = numpy_helper.from_array(np.array(True), "true")
    del body.node[1]
    body.node.append(
        helper.make_node("Cast", ["go"], ["goes"], to=TensorProto.BOOL)
        if goes_on == "Cast"
        else helper.make_node("Constant", [], ["goes"], value=true)
    )
    totals = count(load(save(proto, tmp_path))).totals
    assert (totals.macs, totals.least.macs) == (10 * BODY_MACS, 10 * BODY_MACS)


def test_a_scan_of_opset_8_runs_for_every_slice_of_every_sequence(tmp_path: Path) -> None:
    """3 sequences of 12 rows; without their lengths all of them are whole."""
    body = helper.make_graph([helper.make_node("MatMul", ["row", "w"], ["p"])], "body", [value("row", [1, 8])],
                             [value("p", [1, 8])])  # fmt: skip
    node = helper.make_node("Scan", ["", "rows"], ["y"], body=body, num_scan_inputs=1)
    proto = model([node], [value("rows", [3, 12, 1, 8])], ["y"], [constant("w", 8, 8)], opset=8)
    totals = count(load(save(proto, tmp_path))).totals
    assert (totals.macs, totals.least.macs) == (3 * 12 * BODY_MACS, 3 * 12 * BODY_MACS)


def test_a_sequence_map_runs_for_every_tensor_of_the_sequence(tmp_path: Path) -> None:
    body = helper.make_graph([helper.make_node("MatMul", ["row", "w"], ["p"])], "body", [value("row", [1, 8])],
                             [value("p", [1, 8])])  # fmt: skip
    nodes = [
        helper.make_node("SequenceConstruct", ["x", "x", "x"], ["s"]),
        helper.make_node("SequenceMap", ["s"], ["m"], body=body),
        helper.make_node("ConcatFromSequence", ["m"], ["y"], axis=0),
    ]
    result = count(load(save(model(nodes, [value("x", [1, 8])], ["y"], [constant("w", 8, 8)]), tmp_path)))
    assert result.totals.macs == 3 * BODY_MACS
