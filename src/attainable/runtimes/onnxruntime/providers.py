"""Execution providers of onnxruntime: who computes the nodes of a graph, and what onnxruntime is told about it.

onnxruntime takes a list of providers and gives each node to the first that has a kernel for it. Where a provider
cannot be loaded, it goes on without it and prints a line; the session file checks what it really got.

Source: ONNX Runtime documentation, "CUDA Execution Provider" (``use_tf32`` is on by default on Ampere and newer),
"TensorRT Execution Provider" (behind it stands CUDA for what TensorRT does not take); NVIDIA TensorRT documentation,
"Working with reduced precision": ``NVIDIA_TF32_OVERRIDE=0`` turns TF32 off in all of NVIDIA's libraries.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from attainable.quantities import format_share
from attainable.runtimes import Execution
from attainable.workload.kernel import Kernel

_CPU_NAME = "CPUExecutionProvider"
_CUDA_NAME = "CUDAExecutionProvider"


@dataclass(frozen=True, slots=True)
class Provider:
    """Who computes.

    Attributes:
        name: the provider that is wanted, as onnxruntime calls it.
        options: of it, as onnxruntime takes them.
        behind: providers for the nodes that it has no kernel for, with their options; the processor stands last.
        device: whose memory inputs and outputs are in, as onnxruntime names devices.
        compiles: whether it makes a kernel of its own of many nodes, so that the optimised graph cannot be saved.
    """

    name: str
    options: tuple[tuple[str, str], ...] = ()
    behind: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    device: str = "cpu"
    compiles: bool = False

    @property
    def arguments(self) -> dict[str, object]:
        """What the session file is told."""
        names = [(self.name, self.options), *self.behind]
        if self.name != _CPU_NAME:
            names.append((_CPU_NAME, ()))
        return {"providers": [[name, dict(options)] for name, options in names], "device": self.device}


_SINGLE_PRECISION = (("device_id", "0"), ("use_tf32", "0"))

CPU = Provider(_CPU_NAME)
CUDA = Provider(_CUDA_NAME, options=_SINGLE_PRECISION, device="cuda")
TENSORRT = Provider(
    "TensorrtExecutionProvider", options=(("device_id", "0"),), behind=((_CUDA_NAME, _SINGLE_PRECISION),),
    device="cuda", compiles=True,
)  # fmt: skip


def profile_warnings(provider: Provider, kernels: Sequence[Kernel], executions: Sequence[Execution]) -> tuple[str, ...]:
    """What to know of a profile: kernels that another provider ran, and what their times are on a GPU.

    Args:
        provider: the one that was wanted.
        kernels: of the profile.
        executions: of the same kernels; ``implementation`` names the provider.
    """
    warnings: list[str] = []
    total = sum(kernel.seconds for kernel in kernels)
    others = dict.fromkeys(each.implementation for each in executions if each.implementation != provider.name)
    for other in filter(None, others):
        theirs = [kernel for kernel, each in zip(kernels, executions, strict=True) if each.implementation == other]
        share = sum(kernel.seconds for kernel in theirs) / total if total else 0.0
        warnings.append(
            f"{len(theirs)} of {len(kernels)} kernels ran on {other} and not on {provider.name}: "
            f"{format_share(share)} of the kernels' time"
        )
    if provider.device != "cpu":
        warnings.append(
            "the times of kernels are those of starting them: what the GPU computes after that is in none of them; a "
            "trace of the GPU's kernels tells (attainable import)"
        )
    if provider.compiles:
        warnings.append(f"{provider.name} makes kernels of its own of many ops, which are not traced to these")
    return tuple(warnings)
