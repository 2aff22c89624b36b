"""Exported programs written by hand, so that tests of the reader need no PyTorch."""

import json
import zipfile
from pathlib import Path
from typing import Any

Json = dict[str, Any]


def tensor(*sizes: int | str, dtype: int = 7) -> Json:
    """The record of a tensor; a text is an expression."""
    extents = [{"as_int": size} if isinstance(size, int) else {"as_expr": {"expr_str": size}} for size in sizes]
    return {"dtype": dtype, "sizes": extents, "layout": 7}


def node(target: str, output: str, **arguments: Json) -> Json:
    """A call with named arguments."""
    return {
        "target": f"torch.ops.aten.{target}",
        "inputs": [{"name": name, "arg": argument, "kind": 1} for name, argument in arguments.items()],
        "outputs": [{"as_tensor": {"name": output}}],
        "metadata": {"nn_module_stack": "L__self__,,M;L__self__block_fc,block.fc@1,torch.nn.modules.linear.Linear"},
        "name": output,
    }


def named(name: str) -> Json:
    """A tensor as an argument."""
    return {"as_tensor": {"name": name}}


def program(batch: int | str = 3) -> Json:
    """``relu(linear(x))`` of [batch, 4] to [batch, 5], with a weight and no bias."""
    graph = {
        "inputs": [named("p_fc_weight"), named("x")],
        "outputs": [named("relu")],
        "nodes": [
            node("linear.default", "linear", input=named("x"), weight=named("p_fc_weight")),
            node("relu.default", "relu", self=named("linear")),
        ],
        "tensor_values": {
            "p_fc_weight": tensor(5, 4),
            "x": tensor(batch, 4),
            "linear": tensor(batch, 5),
            "relu": tensor(batch, 5),
        },
        "sym_int_values": {},
    }
    signature = {
        "input_specs": [
            {"parameter": {"arg": {"name": "p_fc_weight"}, "parameter_name": "fc.weight"}},
            {"user_input": {"arg": named("x")}},
        ],
        "output_specs": [{"user_output": {"arg": named("relu")}}],
    }
    return {
        "graph_module": {"graph": graph, "signature": signature},
        "schema_version": {"major": 8, "minor": 20},
        "torch_version": "2.13.0",
    }


def archive(folder: Path, content: Json | bytes, **entries: bytes) -> Path:
    """A ``.pt2`` file with this graph, and further entries; ``__`` in a name stands for a slash."""
    path = folder / "model.pt2"
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model/models/model.json", text)
        for name, data in entries.items():
            file.writestr(f"model/{name.replace('__', '/')}", data)
    return path
