"""Finds the figures that explain the latencies best: Levenberg-Marquardt on logarithms, robust, with a prior.

The sum that is least is over models of (f + 1) / 2 x log(1 + (r / noise)^2 / f), where r is the logarithm of predicted
over measured and f the degrees of freedom, plus over figures of ((x - mean) / width)^2 / 2.

Source: Lange, Little, Taylor, Robust statistical modeling using the t distribution, JASA 84(408), 1989 (the weights);
Marquardt, An algorithm for least-squares estimation of nonlinear parameters, SIAM J. 11(2), 1963 (the damping).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attainable.calibration.fit.prior import Prior
from attainable.devices.traits import OP_CLASSES
from attainable.prediction.calibrated import NORM, Floats, Terms, combined

COMPUTE, MEMORY, LAUNCH, RUN = range(4)
"""Positions of the common figures; behind them the classes, computing, and the classes, moving."""

CLASS_COMPUTE = 4
CLASS_MEMORY = CLASS_COMPUTE + len(OP_CLASSES)
FIGURES = CLASS_MEMORY + len(OP_CLASSES)

_MOST_STEPS = 200
_LONGEST_STEP = 1.5
_CONVERGED = 1e-9


@dataclass(frozen=True, slots=True)
class Solution:
    """Figures, all as natural logarithms.

    Attributes:
        figures: common slowdown of computing; that of moving relative to it; launch and run seconds relative to the
            common slowdown; slowdowns of the classes, computing and moving.
        covariance: of the figures, by the curvature at the least sum.
        misfit: the sum that is least there.
        told: share of what the prior left open of each figure that the latencies tell, 0 to 1.
    """

    figures: Floats
    covariance: Floats
    misfit: float
    told: Floats


class Problem:
    """Latencies of some networks, and the prior; solved for all of them or for all but one."""

    def __init__(self, networks: Sequence[Terms], seconds: Sequence[float], prior: Prior, reference: float) -> None:
        """Lays the kernels out as columns.

        Args:
            networks: their kernels at the full roofs.
            seconds: the latencies.
            prior: of the figures.
            reference: operations per second that ``launch_operations`` and ``run_operations`` are counted in.
        """
        self._count = len(networks)
        self._network = np.repeat(np.arange(self._count), [len(network.repeats) for network in networks])
        self._op_class = np.concatenate([network.op_class for network in networks])
        self._repeats = np.concatenate([network.repeats for network in networks])
        self._compute = np.concatenate([network.compute_seconds for network in networks])
        self._memory = np.concatenate([network.memory_seconds for network in networks])
        self._launches = np.array([network.repeats.sum() for network in networks])
        self._measured = np.log(np.asarray(seconds, dtype=np.float64))
        self._prior = prior
        self._means, self._widths = _prior_columns(prior, reference)

    def solve(self, *, without: Sequence[int] = (), start: Floats | None = None) -> Solution:
        """The most likely figures.

        Args:
            without: positions of networks whose latencies are not looked at.
            start: figures to begin with; None to begin at the prior, scaled to the latencies.
        """
        used = np.ones(self._count)
        used[list(without)] = 0.0
        figures = self._start(used) if start is None else start
        damping, value = 1e-3, self._value(figures, used)
        precision = self.precision
        for _ in range(_MOST_STEPS):
            residual, slopes = self._linearised(figures)
            weight = used * self._weight(residual)
            curvature = (slopes.T * weight) @ slopes + np.diag(precision)
            downhill = -slopes.T @ (weight * residual) - precision * (figures - self._means)
            damped = curvature + damping * np.diag(np.diag(curvature))
            step = np.clip(np.linalg.solve(damped, downhill), -_LONGEST_STEP, _LONGEST_STEP)
            reached = self._value(figures + step, used)
            if reached <= value:
                gained, value, figures = value - reached, reached, figures + step
                damping = max(damping / 5, 1e-9)
                if gained <= _CONVERGED * (1.0 + abs(value)):
                    break
            else:
                damping *= 8
                if damping > 1e12:
                    break
        residual, slopes = self._linearised(figures)
        curvature = (slopes.T * (used * self._weight(residual))) @ slopes + np.diag(precision)
        covariance: Floats = np.asarray(np.linalg.inv(curvature), dtype=np.float64)
        told = 1.0 - np.diag(covariance) * precision
        return Solution(figures, covariance, value, told)

    def slopes_at_prior(self) -> Floats:
        """How each network's log time follows each figure, where the figures are those of the prior."""
        return self._linearised(self._means)[1]

    @property
    def precision(self) -> Floats:
        """What the prior knows of each figure: one over its variance."""
        return self._widths**-2.0

    def log_seconds(self, figures: Floats) -> Floats:
        """The logarithm of the predicted time of each network."""
        return np.log(self._parts(figures)[0])

    def _start(self, used: Floats) -> Floats:
        figures = self._means.copy()
        figures[COMPUTE] += np.median((self._measured - self.log_seconds(figures))[used > 0])
        return figures

    def _weight(self, residual: Floats) -> Floats:
        freedom, noise = self._prior.freedom, self._prior.noise
        return (freedom + 1.0) / (freedom + (residual / noise) ** 2) / noise**2

    def _value(self, figures: Floats, used: Floats) -> float:
        freedom, noise = self._prior.freedom, self._prior.noise
        residual = self.log_seconds(figures) - self._measured
        misfit = (freedom + 1.0) / 2.0 * np.log1p((residual / noise) ** 2 / freedom)
        return float(np.sum(used * misfit) + 0.5 * np.sum(((figures - self._means) / self._widths) ** 2))

    def _linearised(self, figures: Floats) -> tuple[Floats, Floats]:
        """Residuals, and the slope of each network's log time along each figure."""
        seconds, compute, memory = self._parts(figures)
        slopes = np.zeros((self._count, FIGURES))
        np.add.at(slopes, (self._network, CLASS_COMPUTE + self._op_class), compute)
        np.add.at(slopes, (self._network, CLASS_MEMORY + self._op_class), memory)
        slopes[:, MEMORY] = slopes[:, CLASS_MEMORY:].sum(axis=1)
        slopes[:, LAUNCH] = self._launches * np.exp(figures[COMPUTE] + figures[LAUNCH])
        slopes[:, RUN] = np.exp(figures[COMPUTE] + figures[RUN])
        # the common slowdown scales the whole run: what is not moving follows computing
        slopes[:, COMPUTE] = seconds
        return np.log(seconds) - self._measured, slopes / seconds[:, None]

    def _parts(self, figures: Floats) -> tuple[Floats, Floats, Floats]:
        """Seconds of each network, and of each kernel what computing and moving contribute to the norm's slope."""
        slow_compute = np.exp(figures[COMPUTE] + figures[CLASS_COMPUTE:CLASS_MEMORY])[self._op_class]
        slow_memory = np.exp(figures[COMPUTE] + figures[MEMORY] + figures[CLASS_MEMORY:])[self._op_class]
        compute, memory = self._compute * slow_compute, self._memory * slow_memory
        both = combined(compute, memory)
        kernels = np.bincount(self._network, self._repeats * both, minlength=self._count)
        fixed = np.exp(figures[COMPUTE]) * (self._launches * np.exp(figures[LAUNCH]) + np.exp(figures[RUN]))
        divisor = np.where(both > 0, both, 1.0)
        contributions = [self._repeats * part * (part / divisor) ** (NORM - 1.0) for part in (compute, memory)]
        return kernels + fixed, contributions[0], contributions[1]


def _prior_columns(prior: Prior, reference: float) -> tuple[Floats, Floats]:
    compute = [prior.class_compute.get(name, (0.0, prior.class_compute_width)) for name in OP_CLASSES]
    memory = [prior.class_memory.get(name, (0.0, prior.class_memory_width)) for name in OP_CLASSES]
    columns: NDArray[np.float64] = np.array(
        [
            (0.0, prior.compute_width),
            (prior.memory_mean, prior.memory_width),
            (np.log(prior.launch_operations / reference), prior.launch_width),
            (np.log(prior.run_operations / reference), prior.run_width),
            *compute,
            *memory,
        ]
    )
    return columns[:, 0].copy(), columns[:, 1].copy()
