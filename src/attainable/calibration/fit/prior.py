"""What is taken to be likely about a device before it is measured, so that a few latencies suffice for many figures.

Every figure is a natural logarithm with a mean and a width (one standard deviation). The share of the compute roof that
all classes have in common is nearly free; everything else is stated relative to it, so that the same prior serves a
wristwatch and a server.

The widths and the means of `PRIOR` are chosen once, over all of ncnn's table of latencies (Tencent/ncnn @ a4d2ea1d,
benchmark/README.md). ``benchmarks/fit_ncnn_halves.py`` has what tuning them on one half of the boards, or of
the networks, gives on the other half, ``benchmarks/fit_ncnn.py`` what is left without any mean for a class.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log

from attainable.devices.traits import OpClass

ClassPrior = Mapping[OpClass, tuple[float, float]]
"""Mean and width of the slowdown of single classes."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Means and widths, in natural logarithms.

    Attributes:
        compute_width: of the slowdown against the compute roofs that all classes share.
        memory_mean: of the slowdown against the bandwidth that all classes share, relative to that of computing.
        memory_width: its width.
        launch_operations: operations at the reached speed that take as long as starting a kernel.
        launch_width: of its logarithm.
        run_operations: the same for starting a run.
        run_width: of its logarithm.
        class_compute_width: of the slowdown of one class against all, computing.
        class_memory_width: of the slowdown of one class against all, moving.
        class_compute: mean and width for single classes, where more is known.
        class_memory: mean and width for single classes, where more is known.
        noise: relative error of one latency that is explained by nothing.
        freedom: degrees of freedom of its distribution (Student's t); fewer forgive single bad rows more.
        spread: what models that were not measured are usually missed by, as a standard deviation.
        spread_models: how many left-out models that experience counts for.
    """

    compute_width: float = 20.0
    memory_mean: float = log(2.5)
    memory_width: float = 1.2
    launch_operations: float = 2e5
    launch_width: float = 4.0
    run_operations: float = 4e5
    run_width: float = 2.0
    class_compute_width: float = 0.2
    class_memory_width: float = 0.3
    class_compute: ClassPrior = field(default_factory=dict[OpClass, tuple[float, float]])
    class_memory: ClassPrior = field(default_factory=dict[OpClass, tuple[float, float]])
    noise: float = 0.15
    freedom: float = 4.0
    spread: float = 0.25
    spread_models: float = 4.0


# a product reads its operands as they lie; a convolution pads, packs and transforms them first, which costs passes over
# the activations that compulsory traffic does not count: hence the mean of `memory_mean`, and the exceptions from it
_LIGHT: dict[OpClass, tuple[float, float]] = dict.fromkeys(
    ("pool", "elementwise", "normalization", "softmax", "reduction", "resize", "movement", "other"), (-0.5, 0.3)
)

PRIOR = Prior(
    class_compute={
        # a window of few elements in one channel fills no vector unit as a sum over channels does
        "depthwise": (log(2.6), 0.3),
        "grouped": (log(2.0), 0.3),
        # runtimes for convolutions differ much in how well they multiply matrices
        "matmul": (0.0, 0.7),
        "product": (0.0, 0.7),
        "recurrent": (0.0, 0.7),
    },
    class_memory={
        **_LIGHT,
        # weights that are used once come in one long stream
        "matvec": (-1.5, 1.5),
    },
)
"""The prior of every fit, for runtimes of convolutional networks on processors and graphics processors."""

WITHOUT_CLASSES = Prior(
    class_compute_width=0.25,
    class_compute=dict.fromkeys(("depthwise", "grouped", "matmul", "product", "recurrent"), (0.0, 0.8)),
    class_memory={"matvec": (0.0, 1.5)},
)
"""A prior without any mean that was learnt for a class; for comparison."""
