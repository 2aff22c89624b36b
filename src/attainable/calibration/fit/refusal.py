"""When a fit is refused, and when it is given with a warning."""

from collections import Counter
from collections.abc import Sequence
from math import exp, inf, log
from statistics import median

from attainable.calibration.fit.observation import Observation
from attainable.calibration.fit.result import LeftOut
from attainable.devices.device import Device
from attainable.errors import InputError
from attainable.names import short_name
from attainable.prediction.kernel_work import KernelWork

FEWEST = 4
"""Models below which a fit says nothing: common shares of computing and moving, a launch and a run are four figures."""

SHORTEST_SECONDS, LONGEST_SECONDS = 1e-9, 1e6
"""Latencies that a network can have: from less than a clock cycle for each op to eleven days."""

_LEAST_SHARE_WITH_ROOF = 0.99
"""Share of the operations of a model for which the base must state a roof."""


def require_usable(observations: Sequence[Observation], base: Device, threads: int | None) -> None:
    """Check that a device can be fitted to the observations.

    Raises:
        InputError: it cannot; everything that is wrong is listed.
    """
    faults: list[str] = []
    times = Counter(observation.model for observation in observations)
    faults += [f"measured {number} times @ {short_name(model)}" for model, number in times.items() if number > 1]
    for observation in observations:
        where = short_name(observation.model)
        # written so that what is no number is a fault as well
        if not SHORTEST_SECONDS <= observation.seconds <= LONGEST_SECONDS:
            faults.append(f"latency of {observation.seconds} s @ {where}")
        if not sum(kernel.operations for kernel in observation.kernels):
            faults.append(f"computes nothing that is counted @ {where}")
        elif (missing := _without_roof(observation.kernels, base, threads)) is not None:
            faults.append(f"{base.name} states no roof for {missing} @ {where}")
    if base.bytes_per_second(threads) is None:
        faults.append(f"states no bandwidth @ {base.name}")
    distinct = len({frozenset(observation.kernels) for observation in observations})
    if distinct < FEWEST:
        faults.append(f"{distinct} different models, at least {FEWEST} are needed @ measurements")
    if faults:
        raise InputError(
            "the device cannot be fitted",
            where="measurements",
            faults=faults,
            help=f"give latencies of at least {FEWEST} models that differ in size and in kinds of layers; 8 are better",
        )


def _without_roof(kernels: Sequence[KernelWork], base: Device, threads: int | None) -> str | None:
    """The element type of most operations that have no roof, where they are too many to leave out."""
    missing: Counter[str] = Counter()
    total = 0
    for kernel in kernels:
        operations = kernel.operations * kernel.repeats
        total += operations
        if base.roof(kernel.engine, kernel.dtype, threads) is None:
            missing[kernel.dtype] += operations
    return missing.most_common(1)[0][0] if missing.total() > (1.0 - _LEAST_SHARE_WITH_ROOF) * total else None


def require_meaning(left_out: Sequence[LeftOut]) -> None:
    """Check that the fit knows more of a model than the latencies of the others do.

    Raises:
        InputError: it does not.
    """
    logs = [log(row.seconds) for row in left_out]
    by_mean = [abs(exp((sum(logs) - own) / (len(logs) - 1) - own) - 1.0) for own in logs]
    error, mean_error = median(abs(row.error) for row in left_out), median(by_mean)
    if error >= mean_error or error == inf:
        raise InputError(
            f"the fit is meaningless: left-out models are predicted with an error of {100 * error:.0f} %, and the mean "
            f"of the others has {100 * mean_error:.0f} %",
            where="measurements",
            faults=[f"{100 * row.error:+.0f} % @ {short_name(row.model)}" for row in left_out],
            help="check that the latencies belong to these models, runtime and thread count; add models that differ",
        )


_FEW = 8
_LARGE = 0.25


def warnings_of(left_out: Sequence[LeftOut]) -> tuple[str, ...]:
    """What to know before the figures of a fit are used."""
    warnings: list[str] = []
    if len(left_out) < _FEW:
        warnings.append(f"only {len(left_out)} models: the intervals are wide; {_FEW} or more are better")
    error = median(abs(row.error) for row in left_out)
    if error > _LARGE:
        warnings.append(f"left-out models are predicted with a median error of {100 * error:.0f} %")
    outliers = [row.model for row in left_out if abs(log(row.predicted_seconds / row.seconds)) > log(2.0)]
    if outliers:
        listed = ", ".join(map(short_name, outliers))
        warnings.append(f"more than twice or less than half of what the others let expect: {listed}; measure again")
    return tuple(warnings)
