"""What a compiled network runs on a CPU beside the kernels that the product fuses for any runtime.

Inductor knows that weights are constant only with ``freezing``, which is off by default. So at every run a
convolution finds its weights as they are stored, writes them in the blocked layout that it computes in, and reads that:
three passes over the weights instead of one.

Source: PyTorch pull requests 93811 and 100652 (prepacked weights, freezing); oneDNN Developer Guide, "Memory Format
Propagation" (a convolution chooses its layout; what comes in another one is reordered).
"""

from dataclasses import replace

from attainable.devices.traits import OpClass
from attainable.prediction.kernel_work import KernelWork

_CONVOLUTIONS: frozenset[OpClass] = frozenset({"conv", "pointwise", "grouped", "depthwise", "transposed"})
_PASSES = 3


def compiled_kernels(fused: tuple[KernelWork, ...]) -> tuple[KernelWork, ...]:
    """The kernels of a network in float32 with what convolutions do to their weights at every run."""
    return tuple(
        replace(kernel, bytes_weight=_PASSES * kernel.bytes_weight) if kernel.op_class in _CONVOLUTIONS else kernel
        for kernel in fused
    )
