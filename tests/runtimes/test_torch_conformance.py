"""PyTorch keeps what a runtime has to keep; skipped where it is not installed."""

from attainable.runtimes.torch import RUNTIME
from attainable.testing.runtime_conformance import RuntimeConformance


class TestTorch(RuntimeConformance):
    runtime = RUNTIME
