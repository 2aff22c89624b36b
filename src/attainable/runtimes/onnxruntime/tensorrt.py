"""onnxruntime on NVIDIA GPUs, by its TensorRT provider. No GPU has run this yet: see docs/use/runtimes.md.

TensorRT itself is not among the packages, because the package index has no wheels of its libraries: they come from
NVIDIA, and the refusal says so.
"""

from attainable.runtimes.onnxruntime import Onnxruntime
from attainable.runtimes.onnxruntime.cuda import REQUIREMENT
from attainable.runtimes.onnxruntime.providers import TENSORRT

RUNTIME = Onnxruntime(
    name="onnxruntime-tensorrt", requirement=REQUIREMENT, provider=TENSORRT, least_attributed_share=0.0
)
