"""Fits to a few of many measured networks, again and again, and what they miss of the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from attainable.calibration.fit.observation import Observation
from attainable.calibration.fit.prior import Prior
from attainable.calibration.fit.solve import CLASS_COMPUTE, CLASS_MEMORY, Problem, Solution
from attainable.devices import Device
from attainable.devices.traits import OP_CLASSES
from attainable.prediction.calibrated import ALGORITHMS, Terms, terms

Floats = NDArray[np.float64]
Predict = Callable[[NDArray[np.intp]], Floats]
"""From the positions of the networks that are known to the predicted seconds of all."""


@dataclass(frozen=True, slots=True)
class Errors:
    """What trials missed.

    Attributes:
        log_ratio: logarithm of predicted over measured, a row a trial, a column a network; NaN for those it was fitted
            to.
    """

    log_ratio: Floats

    def _of_trials(self, measure: Callable[[Floats], float]) -> Floats:
        relative = np.abs(np.expm1(self.log_ratio))
        return np.array([measure(row[~np.isnan(row)]) for row in relative])

    @property
    def medians(self) -> Floats:
        """The median error of each trial, without sign."""
        return self._of_trials(lambda row: float(np.median(row)))

    def row(self) -> str:
        """Columns of a table: median, its range over trials, mean, ninth decile, share within 10 %."""
        medians = self.medians
        mean, high = (np.median(self._of_trials(f)) for f in (_mean, _ninth_decile))
        near = np.median(self._of_trials(_near))
        spread = f"{100 * medians.min():.1f}-{100 * medians.max():.1f}" if len(medians) > 1 else ""
        return f"{np.median(medians):.1%} | {spread} | {mean:.1%} | {high:.0%} | {near:.0%}"


def _mean(row: Floats) -> float:
    return float(row.mean())


def _ninth_decile(row: Floats) -> float:
    return float(np.percentile(row, 90))


def _near(row: Floats) -> float:
    return float(np.mean(row <= 0.1))


def repeated(predict: Predict, seconds: Floats, choices: Sequence[NDArray[np.intp]]) -> Errors:
    """The errors of a way to predict, for several choices of the networks that it is told."""
    rows: list[Floats] = []
    for known in choices:
        row = np.log(np.maximum(predict(known), 1e-12) / seconds)
        row[known] = np.nan
        rows.append(row)
    return Errors(np.array(rows))


class Fitted:
    """The product's fit, without its leave-one-out errors, which take most of its time and change no figure."""

    def __init__(self, observations: Sequence[Observation], base: Device) -> None:
        """Lays out all networks once.

        Args:
            observations: all measured networks.
            base: the described device.
        """
        dtype = "float16" if base.category == "gpu" else "float32"
        roof = base.roof("matrix", dtype)
        assert roof is not None
        self._reference = roof.operations_per_second.value
        self.seconds: Floats = np.array([row.seconds for row in observations])
        self._terms: dict[str, list[Terms]] = {
            algorithm: [terms(row.kernels, base, algorithm=algorithm) for row in observations]
            for algorithm in ALGORITHMS
        }
        self._all: dict[str, Problem] = {}

    def solve(self, known: NDArray[np.intp], prior: Prior) -> tuple[str, Solution]:
        """The algorithm and the figures that explain the networks at some positions best."""
        solved: dict[str, Solution] = {}
        for algorithm, columns in self._terms.items():
            networks: list[Terms] = [columns[int(position)] for position in known]
            solved[algorithm] = Problem(networks, self.seconds[known].tolist(), prior, self._reference).solve()
        best = min(solved, key=lambda algorithm: solved[algorithm].misfit)
        return best, solved[best]

    def solve_all(self, prior: Prior) -> Solution:
        """The figures that explain all networks best."""
        return self.solve(np.arange(len(self.seconds)), prior)[1]

    def predict(self, known: NDArray[np.intp], prior: Prior) -> Floats:
        """Seconds of all networks, from the latencies of some."""
        algorithm, solution = self.solve(known, prior)
        if algorithm not in self._all:
            # the prior has no part in what figures predict
            self._all[algorithm] = Problem(self._terms[algorithm], self.seconds.tolist(), prior, self._reference)
        return np.exp(self._all[algorithm].log_seconds(solution.figures))


COMPUTE_WIDTH, MEMORY_WIDTH = 0.5, 0.3
"""How far a class is taken to be from where it is on another device, as a standard deviation of the logarithm."""


def prior_from(solution: Solution, default: Prior) -> Prior:
    """A prior whose classes stand to each other as in a solution for another device."""
    compute, memory = solution.figures[CLASS_COMPUTE:], solution.figures[CLASS_MEMORY:]
    return replace(
        default,
        class_compute={name: (float(mean), COMPUTE_WIDTH) for name, mean in zip(OP_CLASSES, compute, strict=False)},
        class_memory={name: (float(mean), MEMORY_WIDTH) for name, mean in zip(OP_CLASSES, memory, strict=False)},
    )
