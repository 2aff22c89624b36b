"""Which models are worth measuring: those that together tell the most about the figures of a device."""

from collections.abc import Mapping, Sequence

import numpy as np

from attainable.calibration.fit.prior import PRIOR, Prior
from attainable.calibration.fit.solve import Problem
from attainable.devices.device import Device
from attainable.prediction.calibrated import terms
from attainable.prediction.kernel_work import KernelWork


def choose_models(
    candidates: Mapping[str, Sequence[KernelWork]],
    number: int,
    base: Device,
    *,
    threads: int | None = None,
    prior: Prior = PRIOR,
) -> tuple[str, ...]:
    """Names of the models to measure, the most telling first; nothing needs to be measured for that.

    Each next model is the one that lowers the volume of what is still possible most (greedy D-optimal design).

    Args:
        candidates: the kernels of each model.
        number: of models to choose; all of them where there are fewer.
        base: the device that will be fitted.
        threads: cores in use; None for all.
        prior: of the fit.

    Source: Chaloner, Verdinelli, Bayesian experimental design: a review, Statistical Science 10(3), 1995, section 2.2.
    """
    names = list(candidates)
    networks = [terms(candidates[name], base, threads=threads) for name in names]
    problem = Problem(networks, [1.0] * len(names), prior, reference=_reference(candidates, base, threads))
    slopes = problem.slopes_at_prior() / prior.noise
    covariance = np.diag(1.0 / problem.precision)
    chosen: list[int] = []
    while len(chosen) < min(number, len(names)):
        # det(A + s s') = det(A) (1 + s' A^-1 s)
        gain = np.einsum("mp,pq,mq->m", slopes, covariance, slopes)
        gain[chosen] = -1.0
        best = int(np.argmax(gain))
        chosen.append(best)
        seen = covariance @ slopes[best]
        covariance = covariance - np.outer(seen, seen) / (1.0 + slopes[best] @ seen)
    return tuple(names[position] for position in chosen)


def _reference(candidates: Mapping[str, Sequence[KernelWork]], base: Device, threads: int | None) -> float:
    """The largest roof that any kernel runs under, in operations per second; 1 where there is none."""
    roofs = [base.roof(kernel.engine, kernel.dtype, threads) for kernels in candidates.values() for kernel in kernels]
    return max((roof.operations_per_second.value for roof in roofs if roof is not None), default=1.0)
