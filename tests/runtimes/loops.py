"""Models that never end, or eat all memory: what limits are for."""

from pathlib import Path

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from tests.models import model, save, value


def _loop(folder: Path, body_nodes: list[NodeProto], elements: int) -> Path:
    """Run a body that makes ``s_out`` of ``s_in`` for as long as a 64-bit number can count."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go_in"], ["go_out"]), *body_nodes],
        "body",
        [value("trip", [], TensorProto.INT64), value("go_in", [], TensorProto.BOOL), value("s_in", None)],
        [value("go_out", [], TensorProto.BOOL), value("s_out", None)],
    )
    nodes = [
        helper.make_node("Loop", ["trips", "go", "x"], ["s"], body=body),
        helper.make_node("ReduceSum", ["s"], ["y"], keepdims=0),
    ]
    constants = [
        numpy_helper.from_array(np.array(2**62, np.int64), "trips"), numpy_helper.from_array(np.array(True), "go")
    ]  # fmt: skip
    return save(model(nodes, [value("x", [elements])], ["y"], constants), folder)


def endless_loop(folder: Path, *, elements: int = 1024) -> Path:
    """A Loop of 2**62 trips."""
    return _loop(folder, [helper.make_node("Relu", ["s_in"], ["s_out"])], elements)


def doubling_loop(folder: Path, *, elements: int = 1024) -> Path:
    """A Loop whose tensor is twice as large after each trip."""
    return _loop(folder, [helper.make_node("Concat", ["s_in", "s_in"], ["s_out"], axis=0)], elements)
