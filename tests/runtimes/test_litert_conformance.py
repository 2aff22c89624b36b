"""LiteRT keeps what a runtime has to keep; skipped where it, or what converts ONNX files for it, is not installed."""

import pytest

from attainable.runtimes.environments import find_interpreter
from attainable.runtimes.litert import RUNTIME
from attainable.runtimes.litert.conversion import NAME, REQUIREMENT
from attainable.testing.runtime_conformance import RuntimeConformance


class TestLitert(RuntimeConformance):
    runtime = RUNTIME

    @pytest.fixture(autouse=True)
    def _convertible(self) -> None:
        if find_interpreter(NAME, REQUIREMENT) is None:
            pytest.skip(f"{NAME} is not installed: attainable runtimes install {NAME}")
