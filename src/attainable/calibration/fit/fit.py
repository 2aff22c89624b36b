"""Fits the effective figures of a device to measured latencies of a few networks.

The physics is the base device: its roofs, its bandwidth, the work of every kernel. What is fitted is the share of the
roofs that each kind of operator reaches, and the time to start a kernel and a run. There are more figures than
latencies; a prior (``prior.Prior``) holds every class near a common share unless the latencies say otherwise.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp, log, sqrt
from statistics import median

import numpy as np

from attainable.calibration.fit.figures import common_share, fitted_device
from attainable.calibration.fit.observation import Observation
from attainable.calibration.fit.prior import PRIOR, Prior
from attainable.calibration.fit.refusal import require_meaning, require_usable, warnings_of
from attainable.calibration.fit.result import COVERED, Fit, LeftOut, Prediction
from attainable.calibration.fit.solve import Problem, Solution
from attainable.devices.device import Device
from attainable.prediction.calibrated import ALGORITHMS, ERROR_FACTOR, Algorithm, predicted_seconds, terms
from attainable.prediction.kernel_work import KernelWork

__all__ = ["MOST_FITS", "Fit", "LeftOut", "Prediction", "fit", "predict"]

MOST_FITS = 60
"""Fits that leave models out; of more models several are left out at once."""


def fit(
    observations: Sequence[Observation],
    base: Device,
    *,
    threads: int | None = None,
    name: str | None = None,
    title: str | None = None,
    prior: Prior = PRIOR,
) -> Fit:
    """Fit the effective figures of a device; the same observations give the same figures.

    Args:
        observations: measured models, at least four that differ.
        base: roofs and bandwidth that shares are taken of; its own efficiencies and overheads are replaced.
        threads: cores in use while measuring; None for all of the base.
        name: of the fitted device; None for that of the base with ``-fitted`` behind.
        title: what a person calls it; None for that of the base with ``, fitted`` behind.
        prior: what is likely before anything is measured.

    Raises:
        InputError: the observations cannot be used, all faults are listed; or the fit would be meaningless: it predicts
            left-out models no better than the mean of the others.
    """
    require_usable(observations, base, threads)
    seconds = [observation.seconds for observation in observations]
    dtype, reference = _reference(observations, base, threads)
    problems: dict[Algorithm, Problem] = {}
    for algorithm in ALGORITHMS:
        networks = [terms(row.kernels, base, threads=threads, algorithm=algorithm) for row in observations]
        problems[algorithm] = Problem(networks, seconds, prior, reference)
    solutions: dict[Algorithm, Solution] = {algorithm: problem.solve() for algorithm, problem in problems.items()}
    best = _best(solutions)
    left_out = _left_out(problems, solutions, observations)
    require_meaning(left_out)
    spread = _spread(left_out, prior)
    error = median(abs(row.error) for row in left_out)
    source = f"fitted to {len(observations)} models, leave-one-out error {100 * error:.0f} %"
    device = fitted_device(
        base,
        solution=solutions[best],
        algorithm=best,
        observations=observations,
        threads=threads,
        source=source,
        name=name or f"{base.name}-fitted",
        title=title or f"{base.title}, fitted",
    )
    conditions = {**dict(device.conditions), ERROR_FACTOR: f"{exp(COVERED * spread):.4g}"}
    return Fit(
        device=replace(device, conditions=tuple(conditions.items())),
        threads=threads,
        dtype=dtype,
        compute_share=common_share(solutions[best], "compute", source),
        memory_share=common_share(solutions[best], "memory", source),
        left_out=left_out,
        spread=spread,
        warnings=warnings_of(left_out),
    )


def predict(fit: Fit, kernels: Sequence[KernelWork]) -> Prediction:
    """The time of a model on the fitted device, with the interval that its leave-one-out errors give.

    Args:
        fit: from ``fit``.
        kernels: of the model, from ``kernels_of``, in the element type that was measured.
    """
    seconds = predicted_seconds(fit.device, kernels, threads=fit.threads)
    factor = exp(COVERED * fit.spread)
    return Prediction(seconds, seconds / factor, seconds * factor)


def _reference(observations: Sequence[Observation], base: Device, threads: int | None) -> tuple[str, float]:
    """The element type of most operations of the models, and its roof in operations per second."""
    operations: Counter[tuple[str, str]] = Counter()
    rates: dict[tuple[str, str], float] = {}
    for observation in observations:
        for kernel in observation.kernels:
            roof = base.roof(kernel.engine, kernel.dtype, threads)
            if roof is not None:
                operations[kernel.engine, kernel.dtype] += kernel.operations * kernel.repeats
                rates[kernel.engine, kernel.dtype] = roof.operations_per_second.value
    key = operations.most_common(1)[0][0]
    return key[1], rates[key]


def _best(solutions: Mapping[Algorithm, Solution]) -> Algorithm:
    """The algorithm of the convolutions that explains the latencies best; the first one where they do not tell."""
    return min(solutions, key=lambda algorithm: solutions[algorithm].misfit)


def _left_out(
    problems: Mapping[Algorithm, Problem], solutions: Mapping[Algorithm, Solution], observations: Sequence[Observation]
) -> tuple[LeftOut, ...]:
    """Each network as the others let expect it; what they fit includes the algorithm."""
    groups = min(len(observations), MOST_FITS)
    predicted = np.zeros(len(observations))
    for group in range(groups):
        without = range(group, len(observations), groups)
        others: dict[Algorithm, Solution] = {
            algorithm: problem.solve(without=without, start=solutions[algorithm].figures)
            for algorithm, problem in problems.items()
        }
        best = _best(others)
        predicted[without] = np.exp(problems[best].log_seconds(others[best].figures)[without])
    rows = zip(observations, predicted.tolist(), strict=True)
    return tuple(LeftOut(observation.model, observation.seconds, seconds) for observation, seconds in rows)


def _spread(left_out: Sequence[LeftOut], prior: Prior) -> float:
    """Standard deviation of the log errors, robust, held near the usual one and widened while they are few.

    Source: the median absolute deviation times 1.4826 estimates the standard deviation of a normal distribution
    (Hampel, JASA 69(346), 1974); sqrt((n + 1) / (n - 3)) is the widening of Student's t with n - 1 degrees of freedom
    for a further value.
    """
    errors = [abs(log(row.predicted_seconds / row.seconds)) for row in left_out]
    count = len(errors)
    robust, plain = 1.4826 * median(errors), sqrt(sum(error * error for error in errors) / count)
    # a few that are far off widen the interval, but one alone not without end
    own = max(robust, min(plain, 2.0 * robust))
    held = (count * own**2 + prior.spread_models * prior.spread**2) / (count + prior.spread_models)
    return sqrt(held * (count + 1) / (count - 3))
