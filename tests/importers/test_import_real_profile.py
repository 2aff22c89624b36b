"""A profile that onnxruntime really wrote, of networks of the zoo: read, and joined by names alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from attainable.importers import read_log
from attainable.importers.attribution import attribute
from attainable.workload import load
from attainable.zoo import write

HEAVY = ("Conv", "MatMul", "Gemm")
RUN = """
import sys, numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.enable_profiling, options.intra_op_num_threads = True, 1
options.profile_file_prefix = sys.argv[2]
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
feeds = {entry.name: numpy.zeros(entry.shape, numpy.float32) for entry in session.get_inputs()}
for _ in range(3):
    session.run(None, feeds)
print(session.end_profiling())
"""


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "shufflenet_v2_x1_0"])
def test_a_profile_of_a_network_of_the_zoo(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.onnx"
    write(name, path)
    shown = subprocess.run(
        [sys.executable, "-I", "-c", RUN, path, tmp_path / "profile"], check=True, capture_output=True, text=True
    )
    (log,) = read_log(Path(shown.stdout.split()[-1]))
    assert log.sources[0].format == "onnxruntime"
    assert log.times.samples == 2
    assert log.times.median is not None
    assert log.kernels_seconds is not None
    assert log.times.maximum is not None
    # medians of kernels leave out what disturbed single runs, so that their sum may be smaller on a busy machine
    assert 0 < log.kernels_seconds <= 1.02 * log.times.maximum

    workload = load(path)
    kernels = attribute(log.kernels, log.runtime, workload)
    # shares of time depend on the load of the machine, these do not
    assert {kernel.attribution for kernel in kernels if not kernel.ops} <= {"layout"}
    assert {op for kernel in kernels for op in kernel.ops} == {op.id for op in workload.ops}
    for op in workload.ops:
        if op.kind in HEAVY:
            (kernel,) = [kernel for kernel in kernels if op.id in kernel.ops]
            assert kernel.kind.endswith(HEAVY)
    for kernel in kernels:
        assert sum(op.kind in HEAVY for op in workload.ops if op.id in kernel.ops) <= 1
