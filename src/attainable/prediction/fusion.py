"""Which ops a runtime is taken to run as one kernel, for the fused accounting.

The rule is the least that all deployment runtimes do: an element-wise op, or a BatchNormalization, joins the op that
makes its input when nobody else reads that input. What one runtime really fuses is measured, not assumed.

Source: the fusion table measured in onnxruntime 1.31 (Conv-BN-ReLU, Conv-Add-ReLU, MatMul-Add, Gelu); the same rule
in TFLite, OpenVINO and ncnn.
"""

from attainable.cost.boundary import Boundary
from attainable.cost.count import Count
from attainable.cost.rules import RULES


def fused_kernels(count: Count, boundary: Boundary) -> tuple[tuple[str, ...], ...]:
    """Partition the ops into kernels, each the ids of its ops in running order.

    Ops that cost nothing (views, folded constants) are kernels of their own.
    """
    kernel_of: dict[str, list[str]] = {}
    kernels: list[list[str]] = []
    for entry in count.ops:
        rule = RULES.get(entry.op.type)
        hosts = boundary.private_producers(entry.op.id) if rule is not None and rule.storage == "in_place" else ()
        # the latest producer hosts: a residual Add joins the convolution right before it
        kernel = kernel_of[hosts[-1]] if hosts else []
        if not hosts:
            kernels.append(kernel)
        kernel.append(entry.op.id)
        kernel_of[entry.op.id] = kernel
    return tuple(tuple(kernel) for kernel in kernels)
