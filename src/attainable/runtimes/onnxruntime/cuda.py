"""onnxruntime on NVIDIA GPUs, by its CUDA provider. No GPU has run this yet: see docs/use/runtimes.md."""

from attainable.runtimes import Requirement
from attainable.runtimes.onnxruntime import Onnxruntime
from attainable.runtimes.onnxruntime.providers import CUDA

REQUIREMENT = Requirement(
    module="onnxruntime", distribution="onnxruntime-gpu",
    packages=("onnxruntime-gpu[cuda,cudnn]>=1.31", "numpy>=2.0"),
)  # fmt: skip

RUNTIME = Onnxruntime(name="onnxruntime-cuda", requirement=REQUIREMENT, provider=CUDA, least_attributed_share=0.0)
