"""Attribution on whole networks: every op has its kernels, heavy ops have exactly one, groups stay small."""

from pathlib import Path

import pytest

from attainable.measurement.attribution import attributed_share, groups
from attainable.workload import load
from attainable.zoo import write
from tests.runtimes.nets import profile_of

HEAVY = ("Conv", "MatMul", "Gemm")


@pytest.mark.parametrize("name", ["mobilenet_v2", "shufflenet_v2_x1_0", "squeezenet1_1"])
def test_a_network_of_the_zoo(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.onnx"
    write(name, path)
    workload = load(path)
    kernels = profile_of(workload).kernels
    computing = [kernel for kernel in kernels if kernel.attribution != "layout"]
    total = sum(kernel.seconds for kernel in kernels)

    assert attributed_share(kernels) >= 0.95
    assert {op for kernel in kernels for op in kernel.ops} == {op.id for op in workload.ops}
    for op in workload.ops:
        if op.kind in HEAVY:
            (kernel,) = [kernel for kernel in computing if op.id in kernel.ops]
            assert kernel.kind.endswith(HEAVY)
    for kernel in computing:
        assert sum(op.kind in HEAVY for op in workload.ops if op.id in kernel.ops) <= 1
    for group in groups(kernels):
        assert len(group.ops) <= 12 or group.seconds <= 0.25 * total
