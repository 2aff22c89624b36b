"""LiteRT on whole networks: right answers, one kernel for every contraction; skipped where it is missing."""

from pathlib import Path

import pytest

from attainable.measurement.attribution import attributed_share
from attainable.measurement.inputs import make_inputs
from attainable.runtimes.agreement import agreements
from attainable.runtimes.environments import find_interpreter
from attainable.runtimes.litert import RUNTIME
from attainable.runtimes.litert.conversion import NAME, REQUIREMENT
from attainable.runtimes.onnxruntime import RUNTIME as REFERENCE
from attainable.testing.conformance import why_not_installed
from attainable.workload import load
from attainable.zoo import write

HEAVY = ("Conv", "MatMul", "Gemm")
COMPUTING = ("Convolution", "Fully Connected", "Batch Matrix Multiply")


@pytest.mark.parametrize(
    "name", ["resnet18", "mobilenet_v2", "shufflenet_v2_x1_0", "efficientnet_b0", "transformer_encoder"]
)
def test_a_network_of_the_zoo(name: str, tmp_path: Path) -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)
    if find_interpreter(NAME, REQUIREMENT) is None:
        pytest.skip(f"{NAME} is not installed: attainable runtimes install {NAME}")
    path = tmp_path / f"{name}.onnx"
    write(name, path)
    workload = load(path)
    inputs = make_inputs(workload).arrays
    with REFERENCE.open(workload, inputs, threads=1, deadline_seconds=120) as session:
        wanted = session.compute(inputs, deadline_seconds=60)
    with RUNTIME.open(workload, inputs, threads=1, deadline_seconds=300) as session:
        found = session.compute(inputs, deadline_seconds=60)
        profile = session.profile(runs=3, deadline_seconds=120)

    assert profile.warnings == ()
    kernels = profile.kernels
    assert all(each.is_within(RUNTIME.tolerances["float32"]) for each in agreements(wanted, found))
    assert attributed_share(kernels) >= 0.99
    assert {op for kernel in kernels for op in kernel.ops} == {op.id for op in workload.ops}
    computing = [kernel for kernel in kernels if kernel.kind.startswith(COMPUTING)]
    heavy = {op.id for op in workload.ops if op.kind in HEAVY}
    assert sorted(op for kernel in computing for op in kernel.ops if op in heavy) == sorted(heavy)
    assert all(len(heavy.intersection(kernel.ops)) == 1 for kernel in computing)
