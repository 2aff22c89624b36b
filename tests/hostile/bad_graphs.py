"""Bad inputs whose graph is impossible, hostile or merely odd: rows 9 to 30 and 32 of the table."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from benchmarks.networks.large import write_chain
from tests.hostile.bad_input import BadInput
from tests.models import constant, model, save, value

node = helper.make_node

Writer = Callable[[Path], Path]
Build = Callable[[], onnx.ModelProto]


def _written(build: Build) -> Writer:
    return lambda folder: save(build(), folder)


def _graph(
    nodes: Sequence[NodeProto], inputs: Sequence[ValueInfoProto] | None = None, outputs: Sequence[str] = ("y",),
    constants: Sequence[TensorProto] = (), *, change: Callable[[onnx.ModelProto], object] | None = None,
) -> Writer:  # fmt: skip
    """A model of these nodes that reads ``x``, changed at the end."""

    def build() -> onnx.ModelProto:
        made = model(nodes, [value("x", [1, 3, 8, 8])] if inputs is None else inputs, outputs, constants)
        if change is not None:
            change(made)
        return made

    return _written(build)


def _whole(name: str, *elements: int) -> TensorProto:
    return numpy_helper.from_array(np.array(elements, np.int64), name)


def _scalar(name: str, element: float) -> TensorProto:
    return numpy_helper.from_array(np.array(element), name)


def _bare(name: str, dims: Sequence[int], dtype: int = TensorProto.FLOAT, content: bytes | None = None) -> TensorProto:
    made = TensorProto(name=name, dims=dims, data_type=dtype)
    if content is not None:
        made.raw_data = content
    return made


def _nested_ifs() -> onnx.ModelProto:
    inner = helper.make_graph([node("Relu", ["x"], ["y25"])], "deepest", [], [value("y25", None)])
    for depth in reversed(range(25)):
        branch = node("If", ["c"], [f"y{depth}"], then_branch=inner, else_branch=_other(depth))
        inner = helper.make_graph([branch], f"level{depth}", [], [value(f"y{depth}", None)])
    condition = value("c", [], TensorProto.BOOL)
    return model(list(inner.node), [value("x", [1, 3, 8, 8]), condition], ["y0"])


def _other(depth: int) -> onnx.GraphProto:
    return helper.make_graph([node("Neg", ["x"], [f"e{depth}"])], f"else{depth}", [], [value(f"e{depth}", None)])


def _chain(nodes: int) -> Writer:
    def write(folder: Path) -> Path:
        path = folder / "model.onnx"
        write_chain(path, nodes)
        return path

    return write


def _loop(trips: int, body: Sequence[NodeProto]) -> Writer:
    inside = helper.make_graph(
        [node("Identity", ["c"], ["go"]), *body],
        "body",
        [value("i", [], TensorProto.INT64), value("c", [], TensorProto.BOOL), value("v", None)],
        [value("go", [], TensorProto.BOOL), value("w", None)],
    )
    return _graph(
        [node("Loop", ["trips", "yes", "x"], ["y"], body=inside)],
        constants=[_scalar("trips", trips), numpy_helper.from_array(np.array(True), "yes")],
    )


def _functions(*bodies: tuple[str, Sequence[NodeProto]], call: str) -> Writer:
    def build() -> onnx.ModelProto:
        made = model([node(call, ["x"], ["y"], domain="own")], [value("x", [2, 3])], ["y"])
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid("own", 1)]
        made.functions.extend(helper.make_function("own", name, ["a"], ["b"], nodes, opsets) for name, nodes in bodies)
        return made

    return _written(build)


def _twice(called: str, domain: str = "own") -> list[NodeProto]:
    return [node(called, ["a"], ["m"], domain=domain), node(called, ["m"], ["b"], domain=domain)]


def _laughs(levels: int) -> Writer:
    return _functions(
        ("f0", _twice("Neg", "")), *((f"f{n}", _twice(f"f{n - 1}")) for n in range(1, levels)), call=f"f{levels - 1}"
    )


def _through_control_flow() -> list[NodeProto]:
    branch = helper.make_graph([node("f", ["a"], ["t"], domain="own")], "then", [], [value("t", None)])
    return [node("Constant", [], ["c"], value=numpy_helper.from_array(np.array(True))),
            node("If", ["c"], ["b"], then_branch=branch, else_branch=branch)]  # fmt: skip


def _conv(**attributes: Any) -> Writer:
    return _graph([node("Conv", ["x", "w"], ["y"], "culprit", **attributes)], constants=[constant("w", 4, 3, 3, 3)])


def _opset(domain: str, version: int) -> Callable[[onnx.ModelProto], object]:
    def change(made: onnx.ModelProto) -> None:
        del made.opset_import[:]
        if version:
            made.opset_import.append(helper.make_opsetid(domain, version))

    return change


def _bomb(kind: str, stored: Sequence[TensorProto], *inputs: str, **attributes: Any) -> BadInput:
    # what would have to know its elements stands behind it
    nodes = [node(kind, inputs, ["bomb"], **attributes), node("NonZero", ["bomb"], ["y"])]
    return BadInput(
        17, kind, _graph(nodes, [value("x", [4, 3])], constants=stored), r"needs \d+\.?\d* TB for its output"
    )


_RELU = node("Relu", ["x"], ["y"], "relu")
_HUGE = 2**40
_MATRIX = [value("x", [4, 3]), value("z", [4, 3])]
_AT_LEAST = "at least"
_REFUSED = "beyond 2^62 elements onnx's own inference overflows; smaller ones are counted"

BAD_GRAPHS: tuple[BadInput, ...] = (
    BadInput(9, "25 nested Ifs", _written(_nested_ifs), "operations", code=0),
    BadInput(10, "chain of 10,000 nodes", _chain(10_000), "operations", code=0),
    BadInput(11, "node name of 1 MB", _graph([node("Relu", ["x"], ["y"], "n" * 10**6)]), "operations", code=0),
    BadInput(
        11,
        "in an error",
        _graph([node("MatMul", ["x", "w"], ["y"], "n" * 10**6)], constants=[constant("w", 5, 5)]),
        r"^error: .{1,400}\n.{1,600}n{80}\.\.\.",
    ),
    BadInput(
        11,
        "missing tensor of 1 MB",
        _graph([node("Relu", ["z" * 10**6], ["y"])]),
        r"^error: .{1,400}\n.{1,400}nothing makes",
    ),
    BadInput(
        12,
        "product of axes overflows",
        _graph([node("Add", ["x", "w"], ["y"])], constants=[_bare("w", [_HUGE, _HUGE])]),
        "impossible shape.*w",
    ),
    BadInput(
        12,
        "product wraps to 4",
        _graph([node("Add", ["x", "w"], ["y"])], constants=[_bare("w", [2**62, 4], content=bytes(16))]),
        "impossible shape.*w",
    ),
    BadInput(
        12,
        "negative axis",
        _graph([node("Add", ["x", "w"], ["y"])], constants=[_bare("w", [-3, 2])]),
        "negative axis.*w|impossible shape.*w",
    ),
    BadInput(
        12,
        "shapes multiply beyond 64 bits",
        _graph([node("Expand", ["x", "s"], ["y"])], constants=[_whole("s", 2**31, 2**31, 3, 8, 8)]),
        "TB for its output|impossible",
    ),
    BadInput(
        13,
        "rank 20000",
        _graph([node("Add", ["x", "w"], ["y"])], constants=[_bare("w", [1] * 20_000)]),
        "has 20000 axes, at most 64",
    ),
    BadInput(13, "input of rank 20000", _graph([_RELU], [value("x", [1] * 20_000)]), "has 20000 axes, at most 64"),
    BadInput(
        13,
        "rank made by Expand",
        _graph([node("Expand", ["x", "s"], ["y"])], [value("x", [1]), value("s", [2**31 - 1], TensorProto.INT64)]),
        _AT_LEAST,
        code=0,
    ),
    BadInput(
        14,
        "raw_data too short",
        _graph([node("Add", ["x", "w"], ["y"])], constants=[_bare("w", [8], content=bytes(31))]),
        "has 31 bytes of data, its shape needs 32.*w",
    ),
    BadInput(
        14,
        "raw_data too long",
        _graph([node("Add", ["x", "w"], ["y"])], constants=[_bare("w", [8], content=bytes(33))]),
        "has 33 bytes of data, its shape needs 32.*w",
    ),
    BadInput(
        14,
        "float_data too short",
        _graph(
            [node("Add", ["x", "w"], ["y"])], constants=[TensorProto(name="w", dims=[8], data_type=1, float_data=[1.0])]
        ),
        "w",
    ),
    BadInput(
        15,
        "unknown type of a constant",
        _graph([node("Add", ["x", "w"], ["y"])], constants=[_bare("w", [8], 999, bytes(32))]),
        "unknown element type 999.*w",
    ),
    BadInput(15, "unknown type of an input", _graph([_RELU], [value("x", [8], 999)]), "unknown element type 999.*x"),
    BadInput(
        15,
        "types of few bits",
        _graph(
            [node("Cast", ["x"], ["y"], to=TensorProto.FLOAT4E2M1)],
            [value("x", [8], TensorProto.INT4)],
            change=_opset("", 25),
        ),
        "operations",
        code=0,
    ),
    BadInput(16, "input of 13 TB", _graph([_RELU], [value("x", [1, 3, 2**20, 2**20])]), "operations", code=0),
    BadInput(
        16,
        "input of 3 x 2^62",
        _graph([_RELU], [value("x", [1, 3, 2**31, 2**31])]),
        "more elements than can be counted|at most",
        otherwise=_REFUSED,
    ),
    _bomb("ConstantOfShape", [_whole("s", _HUGE)], "s"),
    _bomb("Expand", [_whole("s", _HUGE, 4, 3)], "x", "s"),
    _bomb("Tile", [_whole("s", _HUGE, 1)], "x", "s"),
    _bomb("Pad", [_whole("s", _HUGE, 0, 0, 0)], "x", "s"),
    _bomb("Resize", [_whole("s", _HUGE, 3)], "x", "", "", "s"),
    _bomb("Range", [_scalar("a", 0), _scalar("b", _HUGE), _scalar("c", 1)], "a", "b", "c"),
    _bomb("OneHot", [_whole("i", 1, 2), _whole("d", _HUGE), constant("v", 2)], "i", "d", "v"),
    BadInput(
        17, "Split into 2^40", _graph([node("Split", ["x"], ["y"], num_outputs=_HUGE)]), "num_outputs is 1099511627776"
    ),
    BadInput(18, "Loop of 2^62 trips", _loop(2**62, [node("Neg", ["v"], ["w"])]), "operations", code=0),
    BadInput(
        19, "Loop that doubles its state", _loop(60, [node("Concat", ["v", "v"], ["w"], axis=0)]), "operations", code=0
    ),
    BadInput(
        20,
        "cycle",
        _graph([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["b"], ["y"])]),
        r"has a cycle(.|\n)*node 0 waits for",
    ),
    BadInput(20, "reads itself", _graph([node("Add", ["x", "y"], ["y"])]), "has a cycle"),
    BadInput(21, "unsorted nodes", _graph([node("Relu", ["a"], ["y"]), node("Neg", ["x"], ["a"])]), "sorted", code=0),
    BadInput(
        22,
        "two nodes make one tensor",
        _graph([_RELU, node("Neg", ["x"], ["y"])]),
        "node 1 makes 'y', which node 0 makes",
    ),
    BadInput(
        22, "missing input", _graph([node("Add", ["x", "z"], ["y"])]), "node 0 .Add. reads 'z', which nothing makes"
    ),
    BadInput(
        22, "output that nothing makes", _graph([_RELU], outputs=["y", "z"]), "graph output 'z' is made by no node"
    ),
    BadInput(
        22,
        "required input omitted",
        _graph([node("Conv", ["x"], ["y"])]),
        _AT_LEAST,
        code=0,
        otherwise="the rest is counted and the node is listed",
    ),
    BadInput(
        23,
        "unknown operator",
        _graph([_RELU, node("Frobnicate", ["y"], ["z"])], outputs=["z"]),
        "Frobnicate(.|\n)*at least|at least(.|\n)*Frobnicate",
        code=0,
    ),
    BadInput(
        23,
        "unknown domain",
        _graph([_RELU, node("Add", ["y"], ["z"], domain="some.where")], outputs=["z"]),
        _AT_LEAST,
        code=0,
    ),
    BadInput(
        24,
        "opset 999",
        _graph([_RELU], change=_opset("", 999)),
        "opset 999 is not known to the installed onnx, which reads up to",
    ),
    BadInput(24, "opset -1", _graph([_RELU], change=_opset("", -1)), "opset -1 is not known"),
    BadInput(24, "no opset", _graph([_RELU], change=_opset("", 0)), "imports no operator set"),
    BadInput(
        24,
        "IR 999",
        _graph([_RELU], change=lambda made: setattr(made, "ir_version", 999)),
        "IR version 999|operations",
        code=0,
        otherwise="counting needs nothing of the IR version, which is left to the runtime",
    ),
    BadInput(25, "no nodes", _graph([], outputs=["x"]), "0 ops|operations", code=0),
    BadInput(25, "no outputs", _graph([_RELU], outputs=[]), "operations", code=0),
    BadInput(25, "no graph", _graph([_RELU], change=lambda made: made.ClearField("graph")), "without a graph"),
    BadInput(25, "empty graph", _graph([_RELU], change=lambda made: made.graph.Clear()), "operations|no ", code=0),
    BadInput(26, "function that calls itself", _functions(("f", _twice("f")), call="f"), "calls itself: f -> f"),
    BadInput(
        26,
        "functions that call each other",
        _functions(("f", _twice("g")), ("g", _twice("f")), call="f"),
        "calls itself: . -> . -> .",
    ),
    BadInput(
        26, "through a branch of If", _functions(("f", _through_control_flow()), call="f"), "calls itself: f -> f"
    ),
    BadInput(
        27, "functions of 2^60 nodes", _laughs(60), "expand to 1152921504606846976 nodes, at most 2000000|nest 60 deep"
    ),
    BadInput(27, "functions of 2^25 nodes", _laughs(25), "expand to 33554432 nodes, at most 2000000"),
    BadInput(27, "functions of 2^12 nodes", _laughs(12), "operations", code=0),
    BadInput(28, "stride 0", _conv(strides=[0, 0]), "strides(.|\n)*culprit"),
    BadInput(28, "group 0", _conv(group=0), "group is 0(.|\n)*culprit"),
    BadInput(28, "group 3", _conv(group=3), "group = 3 does not fit(.|\n)*culprit"),
    BadInput(28, "negative pads", _conv(pads=[-9] * 4), "pads(.|\n)*culprit"),
    BadInput(28, "pads of 2^30", _conv(pads=[2**30] * 4), "1073741824"),
    BadInput(28, "dilation 2^31", _conv(dilations=[2**31] * 2), "2147483648"),
    BadInput(28, "kernel of five axes", _conv(kernel_shape=[3] * 5), "kernel_shape(.|\n)*culprit"),
    BadInput(
        29,
        "Reshape",
        _graph([node("Reshape", ["x", "s"], ["y"])], _MATRIX, constants=[_whole("s", 5, 2)]),
        r"cannot reshape \[4, 3\] to \[5, 2\]",
    ),
    BadInput(
        29,
        "Split",
        _graph([node("Split", ["x", "s"], ["y", "w"])], _MATRIX, constants=[_whole("s", 5, 2)]),
        r"\(7\) and the split dimension of the input \(4\)",
    ),
    BadInput(
        29,
        "Einsum",
        _graph([node("Einsum", ["x", "z"], ["y"], equation="ij,jk->ik")], _MATRIX),
        r"is 3 and 4; input shapes \[4, 3\], \[4, 3\]",
    ),
    BadInput(
        29, "Einsum without end", _graph([node("Einsum", ["x", "z"], ["y"], equation=b"\xff")], _MATRIX), "equation"
    ),
    BadInput(29, "MatMul", _graph([node("MatMul", ["x", "z"], ["y"])], _MATRIX), r"input shapes \[4, 3\], \[4, 3\]"),
    BadInput(
        29,
        "Concat",
        _graph([node("Concat", ["x", "w"], ["y"], axis=0)], _MATRIX, constants=[constant("w", 4, 2)]),
        r"\[4, 3\], \[4, 2\]",
    ),
    BadInput(
        30,
        "Gather",
        _graph([node("Gather", ["x", "s"], ["y"])], _MATRIX, constants=[_whole("s", 0, 99)]),
        "index 99 is not in an axis of 4",
    ),
    BadInput(
        30,
        "ScatterElements",
        _graph([node("ScatterElements", ["x", "s", "x"], ["y"], axis=1)], _MATRIX, constants=[_whole("s", -4)]),
        "index -4 is not in an axis of 3",
    ),
    BadInput(30, "axis 7", _graph([node("Softmax", ["x"], ["y"], axis=7)], _MATRIX), "axis"),
    BadInput(
        32,
        "empty axis",
        _graph([_RELU, node("MatMul", ["y", "w"], ["m"])], [value("x", [0, 4])], ["m"], [constant("w", 4, 5)]),
        "0 operations|operations",
        code=0,
    ),
    BadInput(32, "scalar", _graph([_RELU], [value("x", [])]), "operations", code=0),
    BadInput(
        32,
        "empty constant",
        _graph([node("Concat", ["x", "w"], ["y"], axis=0)], [value("x", [4])], constants=[constant("w", 0)]),
        "operations",
        code=0,
    ),
)
"""In the order of the table."""
