"""The ONNX reader on real files: shapes bound and inferred, weights left alone, broken graphs named."""

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from attainable.errors import AttainableError, InvalidQuantity, ModelFileError, ModelGraphError, UnboundDimensions
from attainable.workload import load
from attainable.workload.shapes import Bindings
from tests.models import chain, constant, model, save, value


def test_shapes_follow_from_the_inputs_alone(tmp_path: Path) -> None:
    proto = model(
        [helper.make_node("Conv", ["x", "w"], ["y"], "first/conv", strides=[2, 2])],
        [value("x", [1, 3, 32, 32])],
        ["y"],
        [constant("w", 16, 3, 3, 3)],
    )
    # a wrong claim in the file must not reach the counts
    proto.graph.output[0].type.tensor_type.shape.dim.add().dim_value = 999
    workload = load(save(proto, tmp_path))
    (op,) = workload.ops
    assert op.output.dims == (1, 16, 15, 15)  # (32 - 3) // 2 + 1
    assert (op.id, op.name, op.kind, op.opset) == ("0", "first/conv", "Conv", 20)
    assert op.input(1).is_constant
    assert op.input(1).bytes == 16 * 3 * 3 * 3 * 4
    assert op.integers("strides") == (2, 2)


def test_a_lone_batch_dimension_becomes_one_and_says_so(tmp_path: Path) -> None:
    workload = load(save(chain(1), tmp_path))
    assert workload.inputs[0].dims == (1, 8, 14, 14)
    assert workload.bindings == (("N", 1),)
    assert workload.notes == ("batch dimension 'N' set to 1; choose another with --batch or --shape",)


@pytest.mark.parametrize(
    ("shapes", "batch"), [({"N": 4}, None), ({"x": (4, 8, 14, 14)}, None), ({}, 4)], ids=["symbol", "input", "batch"]
)
def test_three_ways_to_bind_the_batch(tmp_path: Path, shapes: Bindings, batch: int | None) -> None:
    workload = load(save(chain(1), tmp_path), shapes, batch=batch)
    assert workload.inputs[0].dims == (4, 8, 14, 14)
    assert not workload.notes


def test_unbound_dimensions_print_the_line_to_complete(tmp_path: Path) -> None:
    proto = model([helper.make_node("Relu", ["tokens"], ["y"])], [value("tokens", ["batch", "time", 64])], ["y"])
    path = save(proto, tmp_path)
    with pytest.raises(UnboundDimensions) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}: has dimensions without a number: batch, time\n"
        "  help: complete: --shape batch=? --shape time=?"
    )  # fmt: skip
    assert load(path, {"batch": 2, "time": 7}).ops[0].output.dims == (2, 7, 64)
    assert load(path, {"time": 7}).ops[0].output.dims == (1, 7, 64)  # what is left is a lone batch dimension


def test_unnamed_dimensions_are_asked_for_by_input(tmp_path: Path) -> None:
    proto = model([helper.make_node("Relu", ["x"], ["y"])], [value("x", [None, 3, None, None])], ["y"])
    with pytest.raises(UnboundDimensions, match=r"complete: --shape x=\?x3x\?x\?"):
        load(save(proto, tmp_path))


def test_every_wrong_binding_is_listed(tmp_path: Path) -> None:
    path = save(chain(1), tmp_path)
    with pytest.raises(InvalidQuantity) as caught:
        load(path, {"x": (1, 8, 15, 14), "M": 3})
    assert caught.value.faults == (
        "the file fixes this axis at 14, not 15 @ x[2]",
        "no dimension or input has this name @ M",
    )
    assert caught.value.help == "inputs and dimensions are: x, N"


def test_a_fixed_batch_is_not_silently_changed(tmp_path: Path) -> None:
    proto = model([helper.make_node("Relu", ["x"], ["y"])], [value("x", [1, 3])], ["y"])
    with pytest.raises(InvalidQuantity, match="the file fixes the batch at 1"):
        load(save(proto, tmp_path), batch=8)


def test_nodes_out_of_order_are_sorted_and_keep_their_position(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["a"], ["y"]), helper.make_node("Neg", ["x"], ["a"])]
    workload = load(save(model(nodes, [value("x", [2])], ["y"]), tmp_path))
    assert [(op.id, op.kind) for op in workload.ops] == [("1", "Neg"), ("0", "Relu")]
    assert workload.ops[1].output.dims == (2,)
    assert "sorted" in workload.notes[0]


def test_a_cycle_is_listed(tmp_path: Path) -> None:
    nodes = [helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    with pytest.raises(ModelGraphError, match="cycle") as caught:
        load(save(model(nodes, [value("x", [2])], ["b"]), tmp_path))
    assert caught.value.faults == ("node 0 waits for [1]", "node 1 waits for [0]")


def test_missing_inputs_and_repeated_outputs_name_the_nodes(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["gone"], ["y"]), helper.make_node("Relu", ["x"], ["y"])]
    with pytest.raises(ModelGraphError) as caught:
        load(save(model(nodes, [value("x", [2])], ["y", "never"]), tmp_path))
    assert [fault.partition(" @ ")[0] for fault in caught.value.faults] == [
        "node 1 makes 'y', which node 0 makes already",
        "node 0 (Relu) reads 'gone', which nothing makes",
        "graph output 'never' is made by no node",
    ]


def test_constants_stay_constant_through_what_is_computed_from_them(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Identity", ["w"], ["same"]),
        helper.make_node("Constant", [], ["shape"], value=helper.make_tensor("", TensorProto.INT64, [2], [4, 2])),
        helper.make_node("Reshape", ["same", "shape"], ["turned"]),
        helper.make_node("MatMul", ["x", "turned"], ["y"]),
    ]
    workload = load(save(model(nodes, [value("x", [1, 4])], ["y"], [constant("w", 2, 4)]), tmp_path))
    product = workload.ops[-1]
    assert product.input(1).is_constant
    assert product.input(1).dims == (4, 2)
    assert workload.ops[1].output.value == (4, 2)


def test_shapes_computed_in_the_graph_are_resolved(tmp_path: Path) -> None:
    """Exporters write Shape, Gather, Concat, Reshape for a view; data propagation must see through it."""
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "zero"], ["n"]),
        helper.make_node("Unsqueeze", ["n", "axes"], ["n1"]),
        helper.make_node("Concat", ["n1", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["y"]),
    ]
    constants = [
        onnx.numpy_helper.from_array(array, name)
        for name, array in {
            "zero": onnx.numpy_helper.to_array(helper.make_tensor("", TensorProto.INT64, [], [0])),
            "axes": onnx.numpy_helper.to_array(helper.make_tensor("", TensorProto.INT64, [1], [0])),
            "rest": onnx.numpy_helper.to_array(helper.make_tensor("", TensorProto.INT64, [1], [-1])),
        }.items()
    ]
    workload = load(save(model(nodes, [value("x", ["N", 3, 5])], ["y"], constants), tmp_path), {"N": 6})
    assert workload.ops[-1].output.dims == (6, 15)


def test_bodies_are_read_with_the_outer_tensors_in_sight(tmp_path: Path) -> None:
    branch = helper.make_graph([helper.make_node("Relu", ["x"], ["r"])], "branch", [], [value("r", [3])])
    node = helper.make_node("If", ["condition"], ["y"], then_branch=branch, else_branch=branch)
    inputs = [value("condition", [], TensorProto.BOOL), value("x", [3])]
    workload = load(save(model([node], inputs, ["y"]), tmp_path))
    (op,) = workload.ops
    assert [body.name for body in op.bodies] == ["else_branch", "then_branch"] or [body.name for body in op.bodies] == [
        "then_branch",
        "else_branch",
    ]
    assert op.bodies[0].ops[0].id.startswith("0/")
    assert op.bodies[0].ops[0].input(0).dims == (3,)


def test_stripping_changes_nothing_but_the_weights(tmp_path: Path) -> None:
    """The same model with small weights (kept) and large ones (stripped) gives the same records."""
    path = save(chain(3), tmp_path)
    assert path.stat().st_size > 8 * 8 * 9 * 4
    workload = load(path)
    assert workload.constants[0].bytes == 8 * 8 * 9 * 4
    assert workload.constants[0].value is None


def test_raw_data_of_the_wrong_length_is_refused_with_both_numbers(tmp_path: Path) -> None:
    for size, name in ((12, "small.onnx"), (4096, "stripped.onnx")):
        weight = constant("w", 2, 2)
        weight.raw_data = bytes(size)
        proto = model([helper.make_node("MatMul", ["x", "w"], ["y"])], [value("x", [1, 2])], ["y"], [weight])
        with pytest.raises(ModelFileError) as caught:
            load(save(proto, tmp_path, name))
        assert caught.value.faults == (f"has {size} bytes of data, its shape needs 16 @ initializer w",)


def test_external_data_is_counted_and_never_opened(tmp_path: Path) -> None:
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1024, 1024], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="../../not/there.bin")
    proto = model([helper.make_node("MatMul", ["x", "w"], ["y"])], [value("x", [1, 1024])], ["y"], [weight])
    workload = load(save(proto, tmp_path))
    assert workload.provenance.external_bytes == 4 * 1024 * 1024
    assert workload.ops[0].output.dims == (1, 1024)


def test_functions_that_expand_without_end_are_refused_at_once(tmp_path: Path) -> None:
    proto = model([helper.make_node("f40", ["x"], ["y"], domain="laugh")], [value("x", [2])], ["y"])
    imports = [helper.make_opsetid("", 20), helper.make_opsetid("laugh", 1)]
    for depth in range(41):
        inner = "Relu" if depth == 0 else f"f{depth - 1}"
        domain = "" if depth == 0 else "laugh"
        nodes = [
            helper.make_node(inner, ["a"], ["t"], domain=domain),
            helper.make_node(inner, ["t"], ["b"], domain=domain),
        ]
        proto.functions.append(helper.make_function("laugh", f"f{depth}", ["a"], ["b"], nodes, imports))
    with pytest.raises(ModelGraphError, match="cannot be read") as caught:
        load(save(proto, tmp_path))
    assert "its functions expand to 2199023255552 nodes" in caught.value.faults[0]  # 2^41


def test_a_function_that_calls_itself_is_named(tmp_path: Path) -> None:
    proto = model([helper.make_node("f", ["x"], ["y"], domain="d")], [value("x", [2])], ["y"])
    node = helper.make_node("f", ["a"], ["b"], domain="d")
    proto.functions.append(helper.make_function("d", "f", ["a"], ["b"], [node], [helper.make_opsetid("d", 1)]))
    with pytest.raises(ModelGraphError, match="a function calls itself: f -> f"):
        load(save(proto, tmp_path))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is an empty file"),
        (b"<!DOCTYPE html><html>404</html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"\x1f\x8b\x08\x00more", "gzip"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"\x80\x02}q\x00.", "pickle"),
        (b"GGUF\x03\x00", "GGUF"),
        (b"\x00\x01\x02 not a model at all", "not a valid ONNX protobuf"),
        (b"\x3a\xff\xff\xff\xff\x07", "not a valid ONNX protobuf (byte 0)"),  # a graph that claims 2 GB
        (b"\x08\x0a", "without a graph"),
    ],
)
def test_what_is_no_model_is_named_for_what_it_is(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        load(path)
    assert what in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


def test_truncation_anywhere_is_a_typed_error(tmp_path: Path) -> None:
    whole = chain(2).SerializeToString()
    for length in range(1, len(whole), 97):
        path = tmp_path / "model.onnx"
        path.write_bytes(whole[:length])
        with pytest.raises(AttainableError):
            load(path)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.onnx")
    for path, kind in ((tmp_path / "pipe.onnx", "a pipe"), (tmp_path, "a folder"), (Path("/dev/zero"), "a device")):
        with pytest.raises(ModelFileError, match=kind):
            load(path)
    with pytest.raises(ModelFileError, match="cannot be read: No such file"):
        load(tmp_path / "gone.onnx")


def test_hostile_numbers_are_refused(tmp_path: Path) -> None:
    weight = constant("w", 1)
    del weight.dims[:]
    weight.dims.extend([2**40, 2**40])
    proto = model([helper.make_node("Add", ["x", "w"], ["y"])], [value("x", [2])], ["y"], [weight])
    with pytest.raises(ModelGraphError, match="impossible shape"):
        load(save(proto, tmp_path))
    proto = model([helper.make_node("Relu", ["x"], ["y"])], [value("x", [2])], ["y"], opset=999)
    with pytest.raises(ModelGraphError, match="opset 999 is not known"):
        load(save(proto, tmp_path))


@pytest.mark.parametrize(
    ("name", "what"), [("net.safetensors", "weights without a network"), ("net.xml", "OpenVINO"), ("net.py", "factory")]
)
def test_a_format_that_is_not_read_is_named_with_the_way_out(name: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("something")
    with pytest.raises(ModelFileError) as refused:
        load(path)
    assert what in str(refused.value)
    assert refused.value.help
