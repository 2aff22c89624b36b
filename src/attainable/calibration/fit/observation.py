"""What a device is fitted to: the kernels of a network, and how long the network takes."""

from dataclasses import dataclass

from attainable.prediction.kernel_work import KernelWork


@dataclass(frozen=True, slots=True)
class Observation:
    """A measured network.

    Attributes:
        model: its name; each may be measured once.
        seconds: of one run.
        kernels: what a run does.
    """

    model: str
    seconds: float
    kernels: tuple[KernelWork, ...]
