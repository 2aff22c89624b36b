"""What whole-network figures predict: the yardsticks that a fit of kernels is compared with.

Each sees the figures of the table (multiply-adds, activations, parameters) and the latencies of the same few networks.
"""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from benchmarks.timm_networks.measured import Measurement

Floats = NDArray[np.float64]


def columns(rows: Sequence[Measurement]) -> Floats:
    """For each row 1, multiply-adds, activations and parameters of the whole batch."""
    return np.array([[1.0, (r.macs or 0.0) * r.batch, (r.activations or 0.0) * r.batch, r.parameters] for r in rows])


def macs_alone(known: Floats, seconds: Floats, asked: Floats) -> Floats:
    """Time in proportion to the multiply-adds."""
    return asked[:, 1] * np.median(seconds / known[:, 1])


def macs_or_activations(known: Floats, seconds: Floats, asked: Floats) -> Floats:
    """The larger of a time in proportion to the multiply-adds and one in proportion to the activations."""
    best, chosen = np.inf, (1.0, 1.0)
    for ratio in np.geomspace(1e-1, 1e4, 200):
        shape = np.maximum(known[:, 1], known[:, 2] * ratio)
        scale = float(np.median(seconds / shape))
        error = float(np.sum(np.abs(np.log(scale * shape / seconds))))
        if error < best:
            best, chosen = error, (scale, float(ratio))
    scale, ratio = chosen
    return scale * np.maximum(asked[:, 1], asked[:, 2] * ratio)


def linear(known: Floats, seconds: Floats, asked: Floats) -> Floats:
    """A constant, multiply-adds, activations and parameters, each with a factor that is not negative.

    The relative errors are least squares; of all subsets of the terms whose factors come out positive the best is
    taken, which is the exact solution.
    """
    scaled = known / seconds[:, None]
    best, factors = np.inf, np.zeros(known.shape[1])
    for size in range(1, known.shape[1] + 1):
        for subset in map(list, combinations(range(known.shape[1]), size)):
            terms: Floats = scaled[:, subset]
            sizes: Floats = np.sqrt(np.sum(terms**2, axis=0))
            solved = np.linalg.lstsq(terms / sizes, np.ones(len(seconds)), rcond=None)[0] / sizes
            error = float(np.sum((scaled[:, subset] @ solved - 1.0) ** 2))
            if (solved >= 0).all() and error < best:
                best, factors = error, np.zeros(known.shape[1])
                factors[subset] = solved
    return asked @ factors


Baseline = Callable[[Floats, Floats, Floats], Floats]

BASELINES: dict[str, Baseline] = {
    "multiply-adds alone": macs_alone,
    "larger of multiply-adds and activations": macs_or_activations,
    "constant + multiply-adds + activations + parameters": linear,
}
