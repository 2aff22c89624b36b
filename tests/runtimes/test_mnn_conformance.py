"""MNN keeps what a runtime has to keep; skipped where it is not installed."""

from attainable.runtimes.mnn import RUNTIME
from attainable.testing.runtime_conformance import RuntimeConformance


class TestMnn(RuntimeConformance):
    runtime = RUNTIME
