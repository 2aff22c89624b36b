"""torch.compile keeps what a runtime has to keep; skipped where it is not installed, or has no C++ compiler.

Every session compiles for ten seconds and more, so one network of the suite runs here; test_torch_zoo.py has another.
All of them: ``python -m attainable.testing.conformance torch-compile``.
"""

import shutil
from pathlib import Path

import pytest

from attainable.runtimes.torch.compile import RUNTIME
from attainable.testing.runtime_conformance import RuntimeConformance


@pytest.mark.skipif(not shutil.which("g++") and not shutil.which("clang++"), reason="there is no C++ compiler")
class TestTorchCompile(RuntimeConformance):
    runtime = RUNTIME

    @pytest.mark.parametrize("network", ["residual"])
    def test_a_network_runs_as_it_should(
        self, network: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        super().test_a_network_runs_as_it_should(network, tmp_path, capsys)
