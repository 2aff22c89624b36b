"""PyTorch on the processor through torch.compile: inductor compiles the network, weights frozen, while it is loaded."""

from attainable.runtimes.torch import Torch

__all__ = ["RUNTIME", "TorchCompile"]


class TorchCompile(Torch):
    """PyTorch with torch.compile. It needs a C++ compiler where the worker runs."""

    name = "torch-compile"
    least_attributed_share = 0.9
    _compiled = True
    _least_deadline_seconds = 300.0
    """Compiling takes minutes for a deep network on a slow machine, and is no hang."""


RUNTIME = TorchCompile()
