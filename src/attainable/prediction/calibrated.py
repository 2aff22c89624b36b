"""The time of a network on a fitted device, from the figures of the device alone.

A run takes ``run_seconds`` and, for each kernel, ``launch_seconds`` and the p-norm of two times::

    compute = operations / (roof x efficiency of its class, compute)
    memory  = bytes      / (bandwidth x efficiency of its class, memory)
    kernel  = (compute ** NORM + memory ** NORM) ** (1 / NORM)

The larger of the two alone (NORM without end) is the roofline; a finite norm says that real kernels overlap computing
and moving imperfectly. The norm is part of what a profile means, so a fitted profile repeats it in its conditions. So
is the algorithm of the convolutions, which a profile names there under ``CONVOLUTIONS``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from attainable.cost.work import Engine
from attainable.devices.device import Device
from attainable.devices.traits import OP_CLASSES, Limit
from attainable.prediction.kernel_work import KernelWork

NORM = 2.0
"""How computing and moving combine; chosen once over all ncnn configurations, see ``benchmarks/fit_ncnn.py``."""

Algorithm = Literal["direct", "winograd"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)

CONVOLUTIONS = "convolutions"
"""The condition of a profile that names the algorithm of its runtime's 3x3 convolutions; ``direct`` without it."""

ERROR_FACTOR = "fitted error factor"
"""The condition of a fitted profile with the factor that holds a network which was not measured nine times in ten."""

_WINOGRAD_TILES = (2, 4, 6)
"""Sides of the output tiles that runtimes have transforms for."""

_WINOGRAD_TRANSFORM = 32.0
"""Channels on the other side that a transform costs as much as: with fewer, it costs more than multiplying."""

Floats = NDArray[np.float64]
_POSITION = {op_class: position for position, op_class in enumerate(OP_CLASSES)}


@dataclass(frozen=True, slots=True)
class Terms:
    """Kernels as columns, each figure the time at the full roof.

    Attributes:
        op_class: position in ``OP_CLASSES``, one per kernel.
        repeats: how many equal kernels.
        compute_seconds: operations at the roof; 0 where the device states none for the element type.
        memory_seconds: bytes at the bandwidth of the main memory.
    """

    op_class: NDArray[np.intp]
    repeats: Floats
    compute_seconds: Floats
    memory_seconds: Floats


def terms(
    kernels: Sequence[KernelWork], device: Device, *, threads: int | None = None, algorithm: Algorithm = "direct"
) -> Terms:
    """The kernels at the full roofs of a device.

    Args:
        kernels: of a network.
        device: its roofs and the bandwidth of its main memory.
        threads: cores in use; None for all.
        algorithm: of the 3x3 convolutions.
    """
    kinds: set[tuple[Engine, str]] = {(kernel.engine, kernel.dtype) for kernel in kernels}
    rates = {
        (engine, dtype): roof.operations_per_second.value if (roof := device.roof(engine, dtype, threads)) else np.inf
        for engine, dtype in kinds
    }
    bandwidth = device.bytes_per_second(threads)
    bytes_per_second = bandwidth.value if bandwidth else np.inf
    executed = [operations_executed(kernel, algorithm) / rates[kernel.engine, kernel.dtype] for kernel in kernels]
    return Terms(
        op_class=np.array([_POSITION[kernel.op_class] for kernel in kernels], dtype=np.intp),
        repeats=np.array([kernel.repeats for kernel in kernels], dtype=np.float64),
        compute_seconds=np.array(executed, dtype=np.float64),
        memory_seconds=np.array([kernel.bytes_moved / bytes_per_second for kernel in kernels]),
    )


def operations_executed(kernel: KernelWork, algorithm: Algorithm) -> float:
    """Operations that a kernel really does: fewer than counted for a 3x3 convolution of stride 1 by Winograd's way.

    A tile of m x m outputs takes (m + 2)^2 products instead of 9 m^2; tiles at the edge are computed whole; inputs are
    transformed once for all output channels and outputs once for all input channels. The tile is the one that is best.

    Source: Lavin, Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016, sections 4.1 and 4.3; what a
    transform costs is chosen over ncnn's table, as the prior is.
    """
    channels = (kernel.input_channels, kernel.output_channels)
    applies = kernel.op_class == "conv" and kernel.taps == 9 and kernel.stride == 1 and min(channels) > 0
    if algorithm != "winograd" or not applies:
        return kernel.operations
    side = sqrt(max(kernel.output_positions, 1))
    transforms = 1.0 + sum(_WINOGRAD_TRANSFORM / number for number in channels)
    shares = (((tile + 2) / 3) ** 2 * (ceil(side / tile) / side) ** 2 * transforms for tile in _WINOGRAD_TILES)
    return kernel.operations * min(1.0, *shares)


def algorithm_of(device: Device) -> Algorithm:
    """The algorithm that a profile names for its convolutions; ``direct`` where it names none that is known."""
    named = dict(device.conditions).get(CONVOLUTIONS)
    return "winograd" if named == "winograd" else "direct"


def error_factor(device: Device) -> float | None:
    """How far a prediction may be off, nine times in ten, as a factor of at least 1; None where it is not known."""
    try:
        factor = float(dict(device.conditions).get(ERROR_FACTOR, ""))
    except ValueError:
        return None
    return factor if isfinite(factor) and factor >= 1 else None


def combined(compute: Floats, memory: Floats) -> Floats:
    """The time of kernels that compute and move: the p-norm of the two."""
    larger = np.maximum(compute, memory)
    share = np.minimum(compute, memory) / np.where(larger > 0, larger, 1.0)
    return larger * (1.0 + share**NORM) ** (1.0 / NORM)


def predicted_seconds(device: Device, kernels: Sequence[KernelWork], *, threads: int | None = None) -> float:
    """The time of one run on a device, fitted or described with efficiencies and overheads.

    Args:
        device: its roofs, bandwidth, efficiencies, ``launch_seconds``, ``run_seconds`` and convolutions.
        kernels: of the network, from ``kernels_of``.
        threads: cores in use, the same as in the fit; None for all.
    """
    columns = terms(kernels, device, threads=threads, algorithm=algorithm_of(device))
    compute = columns.compute_seconds / _shares(device, "compute")[columns.op_class]
    memory = columns.memory_seconds / _shares(device, "memory")[columns.op_class]
    launch = device.launch_seconds.value if device.launch_seconds else 0.0
    run = device.run_seconds.value if device.run_seconds else 0.0
    return float(run + np.sum(columns.repeats * (launch + combined(compute, memory))))


def _shares(device: Device, limit: Limit) -> Floats:
    return np.array([device.efficiency(op_class, limit) for op_class in OP_CLASSES])
