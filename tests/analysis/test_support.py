from pathlib import Path

import pytest
from onnx import GraphProto, NodeProto, TensorProto, helper

from attainable import zoo
from attainable.analysis.support import check, target_support
from attainable.analysis.support_records import SupportRow, TargetSupport
from attainable.cost.count import count
from attainable.devices.targets import load_target, names
from attainable.devices.targets.table import parse_table
from attainable.workload import load
from tests.models import chain, constant, model, save, value

HEAD = {
    "name": "toy",
    "title": "Toy",
    "toolchain": "T",
    "beside": "CPU",
    "complete": True,
    "outside": "no",
    "sources": {"list": {"document": "Guide", "section": "Ops", "date": "2024"}},
}


def held(path: Path, *operators: dict[str, object], **head: object) -> TargetSupport:
    target = parse_table({**HEAD, "operators": list(operators), **head}, "toy")
    return target_support(count(load(path)), target)


def entry(*types: str, support: str = "yes", **rest: object) -> dict[str, object]:
    return {"types": list(types), "support": support, **rest}


def only(result: TargetSupport) -> SupportRow:
    (row,) = result.rows
    return row


# Conv 3x3 of 8 channels on 14 x 14, Relu, Add, twice
@pytest.fixture
def twice(tmp_path: Path) -> Path:
    return save(chain(2), tmp_path)


def test_a_network_that_is_listed_is_taken(twice: Path) -> None:
    result = held(twice, entry("Conv", "Relu", "Add"))
    assert (result.ops, result.taken, result.rows) == (6, 6, [])
    assert (result.macs_share, result.bytes_share, result.segments, result.transfers) == (0, 0, 1, 0)


def test_a_refused_operator_is_one_row_with_its_ids_work_help_and_source(twice: Path) -> None:
    refused = entry("Conv", support="no", help="do without", note="why")
    result = held(twice, refused, entry("Relu", "Add"))
    row = only(result)
    assert (row.status, row.operator, row.reason, row.ids) == ("refused", "Conv", "not supported", ["0", "3"])
    # 2 convolutions x 8 x 8 channels x 3 x 3 taps x 14 x 14 pixels
    assert row.macs == 2 * 8 * 8 * 9 * 14 * 14
    assert (row.label, row.help, row.note) == ("Conv 3x3 8->8 on 14x14", "do without", "why")
    assert row.source is not None
    assert (row.source.document, row.source.section, row.source.date) == ("Guide", "Ops", "2024")
    assert (result.taken, result.refused, result.macs_share) == (4, 2, 1)
    # Conv | Relu Add | Conv | Relu Add: each Conv gives to its Relu, and the first Add to the second Conv
    assert (result.segments, result.segments_beside, result.transfers) == (2, 2, 3)


def test_shares_are_of_macs_and_of_memory_access(twice: Path) -> None:
    result = held(twice, entry("Add", support="fallback"), entry("Conv", "Relu"))
    assert (result.fallback, result.macs_share) == (2, 0)
    image, weight = 8 * 14 * 14 * 4, 8 * 8 * 9 * 4
    # Add moves 3 images, Relu 2, Conv 2 and its weight
    assert result.bytes_share == pytest.approx(3 * image / (7 * image + weight))


def test_what_a_complete_table_lacks_is_refused_or_runs_beside(twice: Path) -> None:
    rest = entry("Conv", "Add")
    assert (only(held(twice, rest)).status, held(twice, rest).refused) == ("refused", 2)
    assert only(held(twice, rest)).reason == "not in the operator list"
    beside = held(twice, rest, outside="fallback")
    assert (beside.refused, beside.fallback, beside.not_listed) == (0, 2, 0)


def test_what_a_partial_table_lacks_is_counted_and_not_refused(twice: Path) -> None:
    result = held(twice, entry("Conv", "Add"), complete=False)
    assert (result.taken, result.refused, result.fallback, result.not_listed) == (4, 0, 0, 2)
    assert only(result).source is None
    # nothing is known of it, so it is not what cuts the graph
    assert (result.segments, result.macs_share) == (1, 0)


def test_an_op_outside_of_the_limits_says_which(twice: Path) -> None:
    limits = {"max_kernel": 1, "max_pad": 0x10, "attributes": {"auto_pad": ["VALID"]}}
    result = held(twice, entry("Conv", support="partial", limits=limits), entry("Relu", "Add"))
    assert only(result).reason == "kernel 3, at most 1; auto_pad is NOTSET, takes VALID"
    assert only(result).status == "refused"
    eased = held(twice, entry("Conv", support="partial", limits=limits, outside="fallback"), entry("Relu", "Add"))
    assert only(eased).status == "fallback"


def test_one_alternative_is_enough_and_the_nearest_gives_the_reason(twice: Path) -> None:
    wrong = {"max_kernel": 1, "strides": [2]}
    nearer = {"groups": ["depthwise"]}
    taken = held(twice, entry("Conv", support="partial", limits=[wrong, {"max_kernel": 3}]), entry("Relu", "Add"))
    assert taken.rows == []
    missed = held(twice, entry("Conv", support="partial", limits=[wrong, nearer]), entry("Relu", "Add"))
    assert only(missed).reason == "convolution dense, takes depthwise"


def test_limits_of_two_documents_both_hold_and_the_graver_counts(twice: Path) -> None:
    eased = entry("Conv", support="partial", limits={"max_kernel": 1}, outside="fallback")
    strict = entry("Conv", support="partial", limits={"max_channels": 4})
    assert only(held(twice, eased, strict, entry("Relu", "Add"))).reason == "channels 8, at most 4"
    kept = entry("Conv", support="partial", limits={"max_channels": 8})
    assert only(held(twice, eased, kept, entry("Relu", "Add"))).reason == "kernel 3, at most 1"


def test_limits_of_every_op_hold_beside_its_own(twice: Path) -> None:
    common = {"limits": {"max_rank": 3}, "exempt": ["Conv", "Add"]}
    result = held(twice, entry("Conv", "Relu", "Add"), common=[common])
    assert (only(result).operator, only(result).reason) == ("Relu", "rank 4, at most 3")


def test_a_limit_that_the_file_does_not_tell_is_counted_as_unchecked(tmp_path: Path) -> None:
    # the axes are computed at run time
    nodes = [helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=1)]
    inputs = [value("x", [1, 8, 4, 4]), value("axes", [1], TensorProto.INT64)]
    path = save(model(nodes, inputs, ["y"]), tmp_path)
    result = held(path, entry("ReduceSum", support="partial", limits={"axes": [1], "attributes": {"keepdims": [1]}}))
    assert (result.taken, result.unchecked) == (1, 1)


def test_an_attribute_that_the_file_does_not_set_has_the_operator_s_default(tmp_path: Path) -> None:
    path = save(model([helper.make_node("ReduceSum", ["x"], ["y"])], [value("x", [1, 8])], ["y"]), tmp_path)
    kept = {"attributes": {"keepdims": [1]}}
    assert held(path, entry("ReduceSum", support="partial", limits=kept)).rows == []
    dropped = {"attributes": {"keepdims": [0]}}
    assert only(held(path, entry("ReduceSum", support="partial", limits=dropped))).reason == "keepdims is 1, takes 0"


def test_what_is_computed_before_the_run_is_left_out(tmp_path: Path) -> None:
    nodes = [helper.make_node("Neg", ["w"], ["v"]), helper.make_node("Add", ["x", "v"], ["y"])]
    path = save(model(nodes, [value("x", [4])], ["y"], [constant("w", 4)]), tmp_path)
    assert held(path, entry("Add")).ops == 1


def branching(kind: str, *, depth: int = 1) -> NodeProto:
    """An If whose other branch is a Relu; the op stands in as many of them as ``depth`` says."""
    inner = helper.make_node(kind, ["x"], ["out"]) if depth == 1 else branching(kind, depth=depth - 1)
    other = helper.make_node("Relu", ["x"], ["out"])
    return helper.make_node("If", ["which"], ["out"], then_branch=graph(inner), else_branch=graph(other))


def graph(node: NodeProto) -> GraphProto:
    return helper.make_graph([node], "branch", [], [value("out", [4])])


@pytest.mark.parametrize("depth", [1, 2])
def test_a_body_that_holds_a_refused_op_refuses_the_op_around_it(tmp_path: Path, depth: int) -> None:
    inputs = [value("x", [4]), value("which", [], TensorProto.BOOL)]
    path = save(model([branching("Erf", depth=depth)], inputs, ["out"]), tmp_path)
    result = held(path, entry("If", "Relu"))
    assert (only(result).operator, only(result).ids) == ("If", ["0"])
    assert only(result).reason == "its body holds Erf 4: not in the operator list"
    assert held(path, entry("If", "Relu", "Erf")).rows == []


def test_a_local_function_is_what_it_holds(tmp_path: Path) -> None:
    opset = [helper.make_opsetid("", 20), helper.make_opsetid("mine", 1)]
    proto = model([helper.make_node("Outer", ["x"], ["y"], domain="mine")], [value("x", [4])], ["y"])
    call = helper.make_node("Inner", ["a"], ["b"], domain="mine")
    for name, node in (("Outer", call), ("Inner", helper.make_node("Relu", ["a"], ["b"]))):
        proto.functions.append(helper.make_function("mine", name, ["a"], ["b"], [node], opset))
    path = save(proto, tmp_path)
    assert held(path, entry("Relu")).rows == []
    assert only(held(path, entry("Add"))).reason == "its body holds Relu 4: not in the operator list"


def test_a_shuffle_is_one_row_where_the_table_speaks_of_it(tmp_path: Path) -> None:
    zoo.write("shufflenet_v2_x1_0", tmp_path / "net.onnx")
    path = tmp_path / "net.onnx"
    everything = sorted({op.type for op in load(path).ops} - {"Transpose"})
    plain = held(path, entry(*everything))
    assert [(row.operator, row.pattern) for row in plain.rows] == [("Transpose", False)]
    refused = held(path, entry(*everything), patterns=[{"pattern": "channel_shuffle", "support": "no", "help": "h"}])
    row = only(refused)
    # 16 units shuffle, with three ops each
    assert (row.operator, row.pattern, len(row.ids), row.help) == ("channel shuffle", True, 48, "h")
    taken = held(path, entry(*everything), patterns=[{"pattern": "channel_shuffle", "support": "yes"}])
    assert taken.rows == []


def test_every_target_answers_for_a_network_and_counts_every_op(tmp_path: Path) -> None:
    zoo.write("mobilenet_v3_small", tmp_path / "net.onnx")
    counted = count(load(tmp_path / "net.onnx"))
    result = check(counted, [load_target(name) for name in names()])
    assert [target.name for target in result.targets] == list(names())
    for target in result.targets:
        assert target.taken + target.refused + target.fallback + target.not_listed == target.ops
        assert sum(len(row.ids) for row in target.rows) == target.ops - target.taken


def test_the_shuffle_of_shufflenet_is_what_a_horizon_x3_runs_on_its_cpu(tmp_path: Path) -> None:
    zoo.write("shufflenet_v1_g3", tmp_path / "net.onnx")
    result = target_support(count(load(tmp_path / "net.onnx")), load_target("horizon-x3"))
    shuffles = next(row for row in result.rows if row.operator == "channel shuffle")
    assert (shuffles.status, shuffles.macs) == ("fallback", 0)
    assert result.segments_beside >= 16


def test_a_condition_that_no_limit_can_state_is_named_once_for_ops_that_are_taken(twice: Path) -> None:
    conv = entry("Conv", support="partial", limits={"max_kernel": 3}, condition="in a good mood")
    result = held(twice, conv, entry("Relu", "Add"))
    assert (result.taken, result.conditions) == (6, ["Conv: in a good mood"])
    refused = held(twice, {**conv, "limits": {"max_kernel": 1}}, entry("Relu", "Add"))
    assert (refused.refused, refused.conditions) == (2, [])


def test_ops_that_miss_one_limit_by_different_values_are_one_row(tmp_path: Path) -> None:
    sizes = (3, 5, 7, 9)
    nodes = [helper.make_node("Relu", [f"x{size}"], [f"y{size}"]) for size in sizes]
    inputs = [value(f"x{size}", [size]) for size in sizes]
    path = save(model(nodes, inputs, [f"y{size}" for size in sizes]), tmp_path)

    def reason(most: int) -> tuple[str, int]:
        row = only(held(path, entry("Relu", support="partial", limits={"max_elements": most})))
        return row.reason, len(row.ids)

    assert reason(6) == ("elements 7, 9, at most 6", 2)
    assert reason(1) == ("elements 3 to 9, at most 1", 4)
