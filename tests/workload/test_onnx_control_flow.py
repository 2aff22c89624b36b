"""Bodies and local functions: the shapes inside, the shapes that come out, and nothing blown up."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from attainable.errors import ModelGraphError
from attainable.workload import Op, Workload, load
from tests.models import constant, model, save, value

INT64, BOOL = TensorProto.INT64, TensorProto.BOOL


def graph(
    nodes: list[onnx.NodeProto], inputs: list[onnx.ValueInfoProto], outputs: list[str], *constants: onnx.TensorProto
) -> onnx.GraphProto:
    """A body whose outputs declare nothing."""
    return helper.make_graph(nodes, "body", inputs, [value(name, None) for name in outputs], list(constants))


def integers(name: str, *elements: int) -> onnx.TensorProto:
    """An initialiser of rank 1."""
    return numpy_helper.from_array(np.array(elements, np.int64), name)


def loop_model(body: onnx.GraphProto, carried: list[int], outputs: list[str], *, trips: int | None) -> onnx.ModelProto:
    """A Loop of one carried tensor; the number of trips is stored, or an input."""
    stored = [numpy_helper.from_array(np.array(trips, np.int64), "trips")] if trips is not None else []
    inputs = [value("v", carried), *([value("trips", [], INT64)] if trips is None else [])]
    return model([helper.make_node("Loop", ["trips", "", "v"], outputs, body=body)], inputs, outputs, stored)


def body_inputs() -> list[onnx.ValueInfoProto]:
    return [value("i", [], INT64), value("go", [], BOOL), value("a", None)]


SAME = [
    helper.make_node("Identity", ["go"], ["on"]),
    helper.make_node("Relu", ["a"], ["b"]),
    helper.make_node("ReduceSum", ["b"], ["s"], keepdims=0),
]


def test_a_loop_that_keeps_its_shapes_has_them_inside_and_collects_one_row_a_trip(tmp_path: Path) -> None:
    workload = load(
        save(loop_model(graph(SAME, body_inputs(), ["on", "b", "s"]), [3, 5], ["y", "z"], trips=4), tmp_path)
    )
    (op,) = workload.ops
    assert [tensor.shape for tensor in op.present_outputs] == [(3, 5), (4,)]  # 4 trips of a scalar
    (read,) = op.bodies
    assert [tensor.shape for tensor in read.inputs] == [(), (), (3, 5)]
    assert [inner.output.shape for inner in read.ops] == [(), (3, 5), ()]


def test_an_unknown_trip_count_leaves_only_what_is_collected_open(tmp_path: Path) -> None:
    path = save(loop_model(graph(SAME, body_inputs(), ["on", "b", "s"]), [3, 5], ["y", "z"], trips=None), tmp_path)
    assert [tensor.shape for tensor in load(path).outputs] == [(3, 5), None]
    given = load(path, values={"trips": np.array(6)})
    assert [tensor.shape for tensor in given.outputs] == [(3, 5), (6,)]
    trips = given.ops[0].input(0)
    assert (trips.value, trips.is_constant) == ((6,), False)


GROWING = [
    helper.make_node("Identity", ["go"], ["on"]),
    helper.make_node("Concat", ["a", "a"], ["b"], axis=0),
    helper.make_node("Transpose", ["b"], ["t"]),
]


def test_a_loop_whose_shapes_grow_is_followed_for_its_outputs_only(tmp_path: Path) -> None:
    workload = load(save(loop_model(graph(GROWING, body_inputs(), ["on", "b"]), [3, 5], ["y"], trips=4), tmp_path))
    assert workload.outputs[0].shape == (3 * 2**4, 5)
    (body,) = workload.ops[0].bodies
    assert body.inputs[2].shape is None  # another one in each trip
    assert body.ops[1].output.shape is None


@pytest.mark.parametrize("trips", [None, 10**9])
def test_a_loop_that_grows_without_end_is_left_open_at_once(tmp_path: Path, trips: int | None) -> None:
    path = save(loop_model(graph(GROWING, body_inputs(), ["on", "b"]), [3, 5], ["y"], trips=trips), tmp_path)
    assert load(path).outputs[0].shape is None


def test_loops_in_loops_that_never_settle_end_in_time(tmp_path: Path) -> None:
    """Each level would read the next one again and again: 3^25 times."""
    inner = graph(GROWING, body_inputs(), ["on", "b"])
    for level in range(25):
        nodes = [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Loop", ["trips", "", "a"], [f"b{level}"], body=inner),
        ]
        inner = graph(nodes, body_inputs(), ["on", f"b{level}"])
    assert load(save(loop_model(inner, [3, 5], ["y"], trips=2), tmp_path)).outputs[0].shape is None


def test_scan_sees_slices_and_stacks_what_it_makes(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["s", "x1"], ["s2"]), helper.make_node("MatMul", ["s2", "w"], ["o"])]
    body = graph(nodes, [value("s", None), value("x1", None)], ["s2", "o"], constant("w", 5, 7))
    node = helper.make_node(
        "Scan", ["s0", "x"], ["last", "all"], body=body, num_scan_inputs=1, scan_input_axes=[1], scan_output_axes=[1]
    )
    workload = load(save(model([node], [value("s0", [2, 5]), value("x", [2, 9, 5])], ["last", "all"]), tmp_path))
    assert [tensor.shape for tensor in workload.outputs] == [(2, 5), (2, 9, 7)]
    (body_read,) = workload.ops[0].bodies
    assert [tensor.shape for tensor in body_read.inputs] == [(2, 5), (2, 5)]
    assert body_read.ops[1].output.shape == (2, 7)
    assert [tensor.bytes for tensor in body_read.constants] == [5 * 7 * 4]


def two_branches(then_axis: int) -> onnx.NodeProto:
    return helper.make_node(
        "If",
        ["c"],
        ["y"],
        then_branch=graph([helper.make_node("Concat", ["x", "x"], ["t"], axis=then_axis)], [], ["t"]),
        else_branch=graph([helper.make_node("Concat", ["x", "x"], ["e"], axis=0)], [], ["e"]),
    )


def test_if_has_the_shape_in_which_both_branches_agree_or_that_of_the_branch_taken(tmp_path: Path) -> None:
    inputs = [value("c", [], BOOL), value("x", [2, 3])]
    assert load(save(model([two_branches(0)], inputs, ["y"]), tmp_path)).outputs[0].shape == (4, 3)
    path = save(model([two_branches(1)], inputs, ["y"]), tmp_path)
    assert load(path).outputs[0].shape is None
    for condition, shape in ((True, (2, 6)), (False, (4, 3))):
        workload = load(path, values={"c": np.array(condition)})
        assert workload.outputs[0].shape == shape
        assert workload.ops[0].input(0).value == (condition,)


def test_a_branch_that_never_runs_may_be_impossible(tmp_path: Path) -> None:
    """Exporters write: if the axis is 1, squeeze it, else leave it."""
    squeeze = helper.make_node("Squeeze", ["x", "axes"], ["t"])
    taken = graph([squeeze], [], ["t"])
    other = graph([helper.make_node("Identity", ["x"], ["e"])], [], ["e"])
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], end=1),
        helper.make_node("Equal", ["shape", "one"], ["is_one"]),
        helper.make_node("Squeeze", ["is_one"], ["c"]),
        helper.make_node("If", ["c"], ["y"], then_branch=taken, else_branch=other),
    ]
    proto = model(nodes, [value("x", [4, 3])], ["y"], [integers("axes", 0), integers("one", 1)])
    assert load(save(proto, tmp_path)).outputs[0].shape == (4, 3)


def nested_if(depth: int) -> onnx.NodeProto:
    inner = helper.make_node("Relu", ["x"], ["y0"])
    for level in range(1, depth + 1):
        branch = graph([inner], [], [f"y{level - 1}"])
        inner = helper.make_node("If", ["c"], [f"y{level}"], then_branch=branch, else_branch=branch)
        if level > 5:
            # both branches all the way would be 2^30 bodies
            other = graph([helper.make_node("Relu", ["x"], ["r"])], [], ["r"])
            inner = helper.make_node("If", ["c"], [f"y{level}"], then_branch=branch, else_branch=other)
    return inner


def test_thirty_nested_ifs_are_read(tmp_path: Path) -> None:
    proto = model([nested_if(30)], [value("c", [], BOOL), value("x", [2, 3])], ["y30"])
    workload = load(save(proto, tmp_path))
    assert workload.outputs[0].shape == (2, 3)
    op: Op = workload.ops[0]
    for _ in range(29):
        op = next(inner for body in op.bodies for inner in body.ops if inner.kind == "If")
    assert op.bodies[0].ops[0].output.shape == (2, 3)


def function_model(shapes: list[list[int]], *, depth: int = 1) -> onnx.ModelProto:
    """``f0(a) = leaky_relu(a, alpha)``, ``f1(a) = f0(f0(a))``, ...; the deepest is called once for each shape."""
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("d", 1)]
    leaky = helper.make_node("LeakyRelu", ["a"], ["b"])
    leaky.attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT))
    functions = [helper.make_function("d", "f0", ["a"], ["b"], [leaky], imports, ["slope"])]
    for level in range(1, depth + 1):
        nodes = [
            helper.make_node(f"f{level - 1}", ["a"], ["t"], domain="d", slope=0.5),
            helper.make_node(f"f{level - 1}", ["t"], ["b"], domain="d", slope=0.5),
        ]
        functions.append(helper.make_function("d", f"f{level}", ["a"], ["b"], nodes, imports))
    calls = [helper.make_node(f"f{depth}", [f"x{i}"], [f"y{i}"], domain="d") for i in range(len(shapes))]
    inputs = [value(f"x{index}", shape) for index, shape in enumerate(shapes)]
    proto = model(calls, inputs, [f"y{index}" for index in range(len(shapes))])
    proto.functions.extend(functions)
    return proto


def test_a_local_function_is_a_body_with_the_shapes_and_attributes_of_its_call(tmp_path: Path) -> None:
    workload = load(save(function_model([[2, 3], [2, 3], [4]]), tmp_path))
    first, second, third = workload.ops
    assert (first.type, [tensor.shape for tensor in workload.outputs]) == ("d:f1", [(2, 3), (2, 3), (4,)])
    (body,) = first.bodies
    assert body.name == "function"
    assert [tensor.name for tensor in body.inputs] == ["a"]
    assert [op.kind for op in body.ops] == ["f0", "f0"]
    inner = body.ops[0].bodies[0].ops[0]
    assert (inner.kind, inner.attribute("alpha"), inner.output.shape) == ("LeakyRelu", 0.5, (2, 3))
    # equal calls share one body, others do not
    assert first.bodies[0] is second.bodies[0]
    assert body.ops[0].bodies[0] is body.ops[1].bodies[0]
    assert third.bodies[0].outputs[0].shape == (4,)


def test_functions_that_call_functions_are_not_blown_up(tmp_path: Path) -> None:
    """2^17 calls of the innermost one, eighteen bodies."""
    workload = load(save(function_model([[2, 3]], depth=17), tmp_path))
    bodies: set[int] = set()
    ops = list(workload.ops)
    while ops:
        for body in ops.pop().bodies:
            if id(body) not in bodies:
                bodies.add(id(body))
                ops.extend(body.ops)
    assert len(bodies) == 18


def test_integers_that_a_function_is_handed_decide_its_shapes(tmp_path: Path) -> None:
    imports = [helper.make_opsetid("", 20)]
    reshape = helper.make_node("Reshape", ["a", "s"], ["b"])
    function = helper.make_function("d", "turn", ["a", "s"], ["b"], [reshape], imports)
    calls = [helper.make_node("turn", ["x", name], [f"y_{name}"], domain="d") for name in ("p", "q")]
    proto = model(calls, [value("x", [2, 6])], ["y_p", "y_q"], [integers("p", 3, 4), integers("q", -1)])
    proto.functions.append(function)
    workload = load(save(proto, tmp_path))
    assert [tensor.shape for tensor in workload.outputs] == [(3, 4), (12,)]


def test_a_function_that_calls_itself_inside_a_branch_is_named(tmp_path: Path) -> None:
    branch = graph([helper.make_node("f", ["a"], ["t"], domain="d")], [], ["t"])
    node = helper.make_node("If", ["c"], ["b"], then_branch=branch, else_branch=branch)
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("d", 1)]
    call = helper.make_node("f", ["x", "c"], ["y"], domain="d")
    proto = model([call], [value("x", [2]), value("c", [], BOOL)], ["y"])
    proto.functions.append(helper.make_function("d", "f", ["a", "c"], ["b"], [node], imports))
    with pytest.raises(ModelGraphError, match="a function calls itself: f -> f"):
        load(save(proto, tmp_path))


def sequence_map(workload: Workload) -> list[tuple[int, ...] | None]:
    return [part.shape for part in workload.outputs[0].parts or ()]


def test_sequence_map_maps_every_tensor(tmp_path: Path) -> None:
    body = graph([helper.make_node("Concat", ["e", "e"], ["d"], axis=0)], [value("e", None)], ["d"])
    nodes = [
        helper.make_node("SequenceConstruct", ["x", "z"], ["s"]),
        helper.make_node("SequenceMap", ["s"], ["y"], body=body),
    ]
    for shape in ([2], [3]):
        workload = load(save(model(nodes, [value("x", [2]), value("z", shape)], ["y"]), tmp_path))
        assert sequence_map(workload) == [(4,), (2 * shape[0],)]
        # the body has shapes where all tensors agree
        assert workload.ops[1].bodies[0].inputs[0].shape == ((2,) if shape == [2] else None)
