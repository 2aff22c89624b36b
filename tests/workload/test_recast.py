from dataclasses import replace
from pathlib import Path

from onnx import helper

from attainable.cost.count import count
from attainable.workload import load
from attainable.workload.graph import Body
from attainable.workload.line import described
from attainable.workload.recast import recast
from tests.models import constant, model, save, value


def test_floating_tensors_become_the_type_and_the_macs_stay(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Reshape", ["a", "shape"], ["y"]),
    ]
    shape = helper.make_tensor("shape", 7, [2], [4, 8])
    workload = load(save(model(nodes, [value("x", [8, 16])], ["y"], [constant("w", 16, 4), shape]), tmp_path))
    float32, int8 = count(workload), count(recast(workload, "int8"))
    assert float32.totals.macs == int8.totals.macs == 8 * 16 * 4
    # a quarter of the bytes of x (8 x 16), w (16 x 4) and a (8 x 4)
    assert float32.ops[0].work.bytes_moved == 4 * int8.ops[0].work.bytes_moved == 4 * (128 + 64 + 32)
    assert {dtype for _, dtype, _ in int8.totals.work.operations} == {"int8"}
    # the shape is no floating tensor
    assert recast(workload, "int8").ops[1].inputs[1] == workload.ops[1].inputs[1]


def test_bodies_are_recast_too(tmp_path: Path) -> None:
    branch = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["r"])], "branch", [], [helper.make_tensor_value_info("r", 1, [4])]
    )
    node = helper.make_node("If", ["condition"], ["y"], then_branch=branch, else_branch=branch)
    inputs = [value("condition", [], 9), value("x", [4])]
    (op,) = recast(load(save(model([node], inputs, ["y"]), tmp_path)), "float16").ops
    assert {tensor.dtype for body in op.bodies for inner in body.ops for tensor in inner.present_inputs} == {"float16"}


def test_a_body_that_many_share_is_recast_once() -> None:
    shared = Body("function", (), (), ())
    for depth in range(40):
        inner = described("relu 4x4").ops[0]
        calls = tuple(replace(inner, id=f"{depth}/{call}", bodies=(shared,)) for call in range(2))
        shared = Body("function", calls, (), ())
    workload = described("relu 4x4")
    (op,) = recast(replace(workload, ops=(replace(workload.ops[0], bodies=(shared,)),)), "int8").ops
    first, second = op.bodies[0].ops
    assert first.bodies[0] is second.bodies[0]


def test_packed_types_take_their_packed_bytes(tmp_path: Path) -> None:
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    workload = load(save(model([node], [value("x", [1, 3])], ["y"], [constant("w", 3, 1)]), tmp_path))
    # three elements of 4 bits fill 1.5 bytes, rounded up
    assert recast(workload, "int4").constants[0].bytes == 2
