"""Kernel and Group: what a runtime really ran, and the ops that it covers.

Runtimes fuse and split, so that one latency per node would lie: kernels and ops are many to many.
"""

from dataclasses import dataclass
from typing import Literal

Attribution = Literal["exact", "name", "region", "layout", "none"]
"""How a kernel found its ops: by the tensors at its boundary (exact), by its node name, as part of a region whose inner
tensors have no name in the model, as a layout change the runtime inserted, or not at all."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """One thing the runtime ran.

    Attributes:
        name: the runtime's name for it; may be hostile text.
        kind: the runtime's operator, with its domain where that is not the default one.
        seconds: in a typical run, by the runtime's own profiler.
        ops: ids of the ops that it computes; empty where none was found.
        attribution: how they were found.
    """

    name: str
    kind: str
    seconds: float
    ops: tuple[str, ...]
    attribution: Attribution


@dataclass(frozen=True, slots=True)
class Group:
    """A connected component of kernels and ops: the smallest unit whose time can be compared with a roofline.

    Attributes:
        kernels: positions in the run's list of kernels.
        ops: ids of the ops they cover.
        seconds: sum of the kernels' times.
    """

    kernels: tuple[int, ...]
    ops: tuple[str, ...]
    seconds: float
