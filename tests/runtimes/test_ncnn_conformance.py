"""ncnn keeps what a runtime has to keep; skipped where it is not installed."""

from attainable.runtimes.ncnn import RUNTIME
from attainable.testing.runtime_conformance import RuntimeConformance


class TestNcnn(RuntimeConformance):
    runtime = RUNTIME
