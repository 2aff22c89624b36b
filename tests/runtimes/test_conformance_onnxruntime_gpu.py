"""The conformance suite for onnxruntime's providers on GPUs; skips where they are not installed."""

from attainable.runtimes.onnxruntime.cuda import RUNTIME as CUDA
from attainable.runtimes.onnxruntime.tensorrt import RUNTIME as TENSORRT
from attainable.testing.runtime_conformance import RuntimeConformance


class TestOnnxruntimeCuda(RuntimeConformance):
    runtime = CUDA


class TestOnnxruntimeTensorrt(RuntimeConformance):
    runtime = TENSORRT
