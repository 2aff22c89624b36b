"""onnxruntime keeps what a runtime has to keep."""

from attainable.runtimes.onnxruntime import RUNTIME
from attainable.testing.runtime_conformance import RuntimeConformance


class TestOnnxruntime(RuntimeConformance):
    runtime = RUNTIME
