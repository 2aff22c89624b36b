"""Claims about this machine: all but one are measured, by ``python -m benchmarks local_claims``."""

from collections.abc import Sequence

from benchmarks.acceptance.claim import Check, Checks, Finding, Holds, measured_apart
from benchmarks.acceptance.equivalence import folding

MEASURED = {
    "T141": ">=10x",
    "T142": ">1.5x",
    "T143": ">1.5x",
    **dict.fromkeys(("T144", "T145", "T146", "T147", "T149", "T150", "T151"), "range"),
    **dict.fromkeys(("T153", "T154", "T155", "T156", "T157"), "range"),
}
"""Tolerances of the claims that are measured."""


def t148() -> Sequence[Finding]:
    """The transform ``bn-fold``."""
    fused, difference = folding(relu_first=False)
    apart, _ = folding(relu_first=True)
    return [
        Holds("Conv-BN-ReLU becomes Conv-ReLU", fused == ["Conv", "Relu"]),
        Holds(f"largest difference {difference:.1e} < 1e-4", difference < 1e-4),
        Holds("Conv-ReLU-BN stays", apart == ["Conv", "Relu", "BatchNormalization"]),
    ]


CHECKS: Checks = {
    "T148": Check("exact graph", t148, "transform bn-fold, run in onnxruntime"),
    **measured_apart(MEASURED),
}
