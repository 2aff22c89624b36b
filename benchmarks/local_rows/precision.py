"""The row on narrow weights: size of the file, and how far the outputs turn."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from attainable import zoo
from attainable.runtimes.agreement import agreements
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.transforms import Options, transform
from attainable.transforms.input_sets import InputSet, input_sets
from attainable.workload import Workload, load
from benchmarks.local_rows.judging import Finding, Result, Verdict
from benchmarks.local_rows.rounds import Effort
from benchmarks.local_rows.row import Row, Rows

NETWORK = "resnet18"
INPUTS = 8
LIMITS = {"int8": ((0.25, 0.30), 0.99), "fp16": ((0.50, 0.52), 0.9999)}
"""Share of the file, and the cosine that is to be exceeded."""

_DEADLINE_SECONDS = 60.0


def in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The network with float16 weights and activations, float32 at its ends."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    graph = changed.graph
    del graph.value_info[:]
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32:
            tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), tensor.name))
    inner = {value.name: f"{value.name}.half" for value in (*graph.input, *graph.output)}
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                names[place] = inner.get(name, name)
    casts = [
        *(
            helper.make_node("Cast", [each.name], [inner[each.name]], to=onnx.TensorProto.FLOAT16)
            for each in graph.input
        ),
        *graph.node,
        *(
            helper.make_node("Cast", [inner[each.name]], [each.name], to=onnx.TensorProto.FLOAT)
            for each in graph.output
        ),
    ]
    del graph.node[:]
    graph.node.extend(casts)
    return changed


def cosines(original: Workload, changed: Workload, inputs: InputSet) -> list[float]:
    """Cosine of the outputs of two networks, one an input; of the output where it is lowest."""
    found: list[float] = []
    first = next(iter(inputs))
    with (
        RUNTIME.open(original, first, threads=1, deadline_seconds=_DEADLINE_SECONDS) as reference,
        RUNTIME.open(changed, first, threads=1, deadline_seconds=_DEADLINE_SECONDS) as candidate,
    ):
        for sample in inputs:
            wanted, got = (
                session.compute(sample, deadline_seconds=_DEADLINE_SECONDS) for session in (reference, candidate)
            )
            found.append(min(each.cosine for each in agreements(wanted, got)))
    return found


def _narrow(effort: Effort) -> Result:
    found: list[Finding] = []
    effort.progress(0, 1)
    with tempfile.TemporaryDirectory(prefix="attainable-") as folder:
        paths = {name: Path(folder) / f"{name}.onnx" for name in ("fp32", *LIMITS)}
        model = zoo.build(NETWORK)
        paths["fp32"].write_bytes(model.SerializeToString())
        paths["int8"].write_bytes(transform("int8").apply(paths["fp32"], Options()).content or b"")
        paths["fp16"].write_bytes(in_half(model).SerializeToString())
        original = load(paths["fp32"])
        sample = input_sets(original, None).verification
        inputs = InputSet(original, sample.seeds[:INPUTS], (), sample.description)
        full = paths["fp32"].stat().st_size
        for name, ((least, most), cosine) in LIMITS.items():
            size = paths[name].stat().st_size / full
            lowest = min(cosines(original, load(paths[name]), inputs))
            found.append(Finding(f"{name} size {size:.3f}", _said(least <= size <= most)))
            found.append(Finding(f"{name} lowest cosine {lowest:.6f}", _said(lowest > cosine)))
    effort.progress(1, 1)
    note = f"{NETWORK}, random weights, {INPUTS} random inputs; int8 by the transform, fp16 by this script"
    return Result(tuple(found), 0, note=note)


def _said(holds: bool) -> Verdict:
    return "passed" if holds else "contradicted"


ROWS: Rows = {
    "T156": Row(
        "Size of int8 and fp16 files, and cosine of their outputs",
        "0.25 to 0.30 and > 0.99; 0.50 to 0.52 and > 0.9999",
        _narrow,
    ),
}
