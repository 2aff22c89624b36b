"""Counted MACs and parameters against closed forms: every form of five networks, and operators that others miss.

Claim: 0 % error everywhere. The networks come as modules through our reader, as ONNX files of both PyTorch exporters,
and quantised by ONNX Runtime as QDQ, QOperator and dynamic int8. The newer exporter needs onnxscript, which is put
into a folder of its own in the user's cache.

Closed forms of MACs: convolutions are output positions x output channels x kernel x input channels of the group, summed
over the layers of arXiv:1512.03385, table 1 (stride in the 3x3, as torchvision) and arXiv:1801.04381, table 2. The
encoder of S tokens, d features, L layers and a feed-forward of 4 d is L (12 S d^2 + 2 S^2 d).

Parameters of a file: exporters fold each batch normalisation into its convolution, so that scale and shift, two a
channel, become one bias a channel.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import onnx
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper

from attainable.cost.count import count
from attainable.workload import Workload, load
from benchmarks.peers.environment import files_of
from benchmarks.peers.exported_forms import FORMS, network

S, D, LAYERS = 128, 768, 12
ENCODER_MACS = LAYERS * (12 * S * D**2 + 2 * S**2 * D)
ENCODER_PARAMETERS = LAYERS * (12 * D**2 + 13 * D)
"""Per layer: 4 d^2 + 4 d around the attention, 8 d^2 + 5 d in the feed-forward, 4 d in two normalisations."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Closed forms: MACs, parameters, and channels that are normalised."""

    macs: int
    parameters: int
    channels: int = 0


EXPECTED: dict[str, Expected] = {
    "resnet50": Expected(4_089_184_256, 25_557_032, 26_560),
    "mobilenet_v2": Expected(300_774_272, 3_504_872, 17_056),
    **{
        f"encoder_{spelling}": Expected(ENCODER_MACS, ENCODER_PARAMETERS)
        for spelling in ("module", "fused", "explicit")
    },
}


def value(name: str, *shape: int, dtype: int = TensorProto.FLOAT) -> ValueInfoProto:
    """An input or output."""
    return helper.make_tensor_value_info(name, dtype, shape)


def weight(name: str, *shape: int, dtype: int = TensorProto.FLOAT) -> TensorProto:
    """A constant of zeros."""
    return helper.make_tensor(
        name, dtype, shape, bytes((1 if dtype == TensorProto.UINT8 else 4) * prod(shape)), raw=True
    )


def model(
    nodes: list[NodeProto], inputs: list[ValueInfoProto], constants: list[TensorProto], functions: bool = False
) -> onnx.ModelProto:
    """A model whose output is ``y``; with a local function ``local:Twice`` of two products where asked for."""
    graph = helper.make_graph(nodes, "graph", inputs, [helper.make_tensor_value_info("y", 1, None)], constants)
    opsets = [helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)]
    body: list[onnx.FunctionProto] = []
    if functions:
        opsets.append(helper.make_opsetid("local", 1))
        twice = [helper.make_node("MatMul", ["a", "b"], ["c"]), helper.make_node("MatMul", ["c", "b"], ["d"])]
        body.append(helper.make_function("local", "Twice", ["a", "b"], ["d"], twice, opsets[:1]))
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, functions=body)


def branch(name: str, columns: int) -> GraphProto:
    """A branch that multiplies ``x`` [1, 8] by [8, columns], then sums the columns."""
    nodes = [
        helper.make_node("MatMul", ["x", f"{name} w"], [f"{name} p"]),
        helper.make_node("ReduceSum", [f"{name} p"], [f"{name} y"], keepdims=0),
    ]
    return helper.make_graph(nodes, name, [], [value(f"{name} y")], [weight(f"{name} w", 8, columns)])


def lstm() -> onnx.ModelProto:
    """5 steps of 2 sequences, 7 features, 6 hidden, both directions: 2 directions x 5 x 2 x 4 gates x 6 x (7 + 6)."""
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=6, direction="bidirectional")
    return model([node], [value("x", 5, 2, 7)], [weight("w", 2, 24, 7), weight("r", 2, 24, 6)])


def conditional() -> onnx.ModelProto:
    """The branch that works most: 1 x 8 x 16; the other has 1 x 8 x 8."""
    node = helper.make_node("If", ["c"], ["y"], then_branch=branch("then", 8), else_branch=branch("else", 16))
    return model([node], [value("c", dtype=TensorProto.BOOL), value("x", 1, 8)], [])


def loop() -> onnx.ModelProto:
    """10 trips of a body of 1 x 8 x 8."""
    nodes = [
        helper.make_node("MatMul", ["h", "w"], ["g"]),
        helper.make_node("Identity", ["on"], ["goes on"]),
    ]
    inputs = [value("i", dtype=TensorProto.INT64), value("on", dtype=TensorProto.BOOL), value("h", 1, 8)]
    outputs = [value("goes on", dtype=TensorProto.BOOL), value("g", 1, 8)]
    body = helper.make_graph(nodes, "body", inputs, outputs, [weight("w", 8, 8)])
    trips = helper.make_tensor("trips", TensorProto.INT64, [], [10])
    on = helper.make_tensor("start", TensorProto.BOOL, [], [True])
    return model([helper.make_node("Loop", ["trips", "start", "x"], ["y"], body=body)], [value("x", 1, 8)], [trips, on])


def function() -> onnx.ModelProto:
    """A local function of two products, called twice: 4 x 1 x 8 x 8."""
    calls = [helper.make_node("Twice", ["x", "w"], ["m"], domain="local")]
    calls.append(helper.make_node("Twice", ["m", "w"], ["y"], domain="local"))
    return model(calls, [value("x", 1, 8)], [weight("w", 8, 8)], functions=True)


def attention() -> onnx.ModelProto:
    """Grouped: 8 query heads on 2 of keys, 4 positions on 6, heads of 16: 8 x 4 x 6 x (16 + 16)."""
    node = helper.make_node("Attention", ["x", "k", "v"], ["y"])
    return model([node], [value("x", 1, 8, 4, 16), value("k", 1, 2, 6, 16), value("v", 1, 2, 6, 16)], [])


def four_bits() -> onnx.ModelProto:
    """3 rows of 64 by 32 columns, packed in blocks of 32: 3 x 64 x 32."""
    node = helper.make_node(
        "MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft", K=64, N=32, bits=4, block_size=32
    )
    constants = [weight("w", 32, 2, 16, dtype=TensorProto.UINT8), weight("s", 64)]
    return model([node], [value("x", 3, 64)], constants)


OPERATORS: dict[str, tuple[Callable[[], onnx.ModelProto], Expected]] = {
    "LSTM, both directions": (lstm, Expected(2 * 5 * 2 * 4 * 6 * (7 + 6), 2 * 4 * 6 * (7 + 6))),
    "If": (conditional, Expected(8 * 16, 8 * 8 + 8 * 16)),
    "Loop, 10 trips": (loop, Expected(640, 64)),
    "local function, 2 calls": (function, Expected(4 * 64, 64)),
    "Attention-23, grouped": (attention, Expected(8 * 4 * 6 * 32, 0)),
    "MatMulNBits": (four_bits, Expected(3 * 64 * 32, 64 * 32)),
}


def export(name: str, form: str, folder: Path) -> Path | str:
    """The file of a network in a form, made by another process; or the last line of what went wrong."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{files_of('onnxscript==0.7.2')}{os.pathsep}{Path(__file__).parent.parent}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.exported_forms", name, form, str(folder)],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        return done.stderr.strip().rpartition("\n")[2]
    return folder / f"{form.replace(' ', '_')}.onnx"


def row(label: str, workload: Workload, expected: Expected) -> bool:
    """Print a row; tell whether both numbers are exact."""
    totals = count(workload).totals
    error = 100 * (totals.macs - expected.macs) / expected.macs
    exact = totals.macs == expected.macs and totals.parameters == expected.parameters and not totals.at_least
    least = ">=" if totals.at_least else ""
    print(
        f"{label:<34}{least}{totals.macs:>15,}{error:>10.4f} %{totals.parameters:>14,}{expected.parameters:>14,}",
        end="",
    )
    print("" if exact else "   NOT EXACT", flush=True)
    return exact


def networks() -> Iterator[bool]:
    """A row for each form of each network."""
    for name, expected in EXPECTED.items():
        module, x = network(name)
        yield row(f"{name} module", load(module, (x,)), expected)
        del module
        folded = Expected(expected.macs, expected.parameters - expected.channels)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            for form in FORMS:
                made = export(name, form, folder)
                if isinstance(made, str):
                    print(f"{name + ' ' + form:<34}not made: {made[:90]}", flush=True)
                    yield False
                    continue
                yield row(f"{name} {form}", load(made), folded)


def operators() -> Iterator[bool]:
    """A row for each operator."""
    with tempfile.TemporaryDirectory() as temporary:
        for label, (make, expected) in OPERATORS.items():
            path = Path(temporary) / "operator.onnx"
            path.write_bytes(make().SerializeToString())
            yield row(label, load(path), expected)


def main() -> None:
    """Print the table."""
    print(f"{'what':<34}{'MACs':>15}{'error':>12}{'parameters':>14}{'expected':>14}")
    rows = [*operators(), *networks()]
    print(f"\n{sum(rows)} of {len(rows)} rows exact in MACs and parameters")


if __name__ == "__main__":
    main()
