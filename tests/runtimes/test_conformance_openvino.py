"""OpenVINO keeps what a runtime has to keep; skipped where it is not installed."""

from attainable.runtimes.openvino import RUNTIME
from attainable.testing.runtime_conformance import RuntimeConformance


class TestOpenvino(RuntimeConformance):
    runtime = RUNTIME
