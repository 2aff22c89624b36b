"""PyTorch on whole networks: right answers, each contraction in exactly one kernel; skipped where it is missing."""

import shutil
from pathlib import Path

import pytest

from attainable.measurement.attribution import attributed_share
from attainable.measurement.inputs import make_inputs
from attainable.runtimes import runtime
from attainable.runtimes.agreement import agreements
from attainable.testing.conformance import why_not_installed
from attainable.workload import load
from attainable.zoo import write

HEAVY = ("Conv", "MatMul", "Gemm")


@pytest.mark.parametrize(
    ("runs_in", "name"),
    [
        ("torch", "shufflenet_v2_x1_0"),
        ("torch", "efficientnet_b0"),
        # One of those that compile fastest: a minute and a half for others where the machine is busy.
        ("torch-compile", "mobilenet_v2"),
    ],
)
def test_a_network_of_the_zoo(runs_in: str, name: str, tmp_path: Path) -> None:
    chosen = runtime(runs_in)
    if reason := why_not_installed(chosen):
        pytest.skip(reason)
    if runs_in == "torch-compile" and not any(map(shutil.which, ("g++", "clang++"))):
        pytest.skip("there is no C++ compiler")
    path = tmp_path / f"{name}.onnx"
    write(name, path)
    workload = load(path)
    inputs = make_inputs(workload).arrays
    with runtime("onnxruntime").open(workload, inputs, threads=1, deadline_seconds=120) as session:
        wanted = session.compute(inputs, deadline_seconds=60)
    with chosen.open(workload, inputs, threads=1, deadline_seconds=600) as session:
        found = session.compute(inputs, deadline_seconds=60)
        kernels = session.profile(runs=3, deadline_seconds=120).kernels

    assert all(each.is_within(chosen.tolerances["float32"]) for each in agreements(wanted, found))
    assert attributed_share(kernels) >= 0.99
    assert {op for kernel in kernels for op in kernel.ops} == {op.id for op in workload.ops}
    heavy = {op.id for op in workload.ops if op.kind in HEAVY}
    computing = [kernel for kernel in kernels if kernel.attribution != "layout"]
    assert sorted(op for kernel in computing for op in kernel.ops if op in heavy) == sorted(heavy)
    assert all(len(heavy.intersection(kernel.ops)) <= 1 for kernel in computing)
