"""What PyTorch's profile says beside its kernels."""

from pathlib import Path
from statistics import median

import pytest

from attainable.measurement.inputs import make_inputs
from attainable.runtimes.torch import RUNTIME
from attainable.testing.conformance import why_not_installed
from tests.runtimes.nets import Net, image


def test_what_no_kernel_has_is_said_where_it_is_much(tmp_path: Path) -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)
    net = Net()
    workload = net.load(tmp_path, [image()], net.op("Relu", "x"))
    with RUNTIME.open(workload, make_inputs(workload).arrays, threads=1, deadline_seconds=120.0) as session:
        session.run(seconds=0.0, minimum=3, maximum=3, deadline_seconds=60.0)
        profile = session.profile(runs=5, deadline_seconds=60.0)
    # a network of one small kernel is mostly the call of it
    assert len(profile.kernels) == 1
    assert "no kernel's time" in profile.warnings[0]
    assert profile.kernels[0].seconds < median(profile.profiled_seconds)
