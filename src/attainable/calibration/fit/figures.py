"""Turns the solution of a fit into the figures of a device, each with its interval and where it came from."""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, sqrt

import numpy as np

from attainable.calibration.fit.observation import Observation
from attainable.calibration.fit.result import COVERED
from attainable.calibration.fit.solve import (
    CLASS_COMPUTE,
    CLASS_MEMORY,
    COMPUTE,
    FIGURES,
    LAUNCH,
    MEMORY,
    RUN,
    Solution,
)
from attainable.devices.device import Device
from attainable.devices.figures import Sourced
from attainable.devices.traits import OP_CLASSES, Efficiency, Limit
from attainable.names import short_name
from attainable.prediction.calibrated import CONVOLUTIONS, NORM, Algorithm, Floats

_LEAST_TOLD = 0.1
"""Share of what was open about a figure that the latencies tell, below which it is assumed."""

_MOST_LISTED = 50
"""Models that a profile names."""


def fitted_device(
    base: Device,
    *,
    solution: Solution,
    algorithm: Algorithm,
    observations: Sequence[Observation],
    threads: int | None,
    source: str,
    name: str,
    title: str,
) -> Device:
    """The base device with the fitted efficiencies and overheads.

    Args:
        base: what was fitted on top of.
        solution: the figures.
        algorithm: of the 3x3 convolutions.
        observations: what they were fitted to.
        threads: cores in use while measuring.
        source: what is said of every figure.
        name: of the fitted device.
        title: what a person calls it.
    """
    efficiencies: list[Efficiency] = []
    for position, op_class in enumerate(OP_CLASSES):
        rows: tuple[tuple[Limit, int, tuple[int, ...]], ...] = (
            ("compute", CLASS_COMPUTE + position, (COMPUTE,)),
            ("memory", CLASS_MEMORY + position, (COMPUTE, MEMORY)),
        )
        for limit, own, common in rows:
            share = _figure(solution, -_direction(own, *common), source)
            told = _if_told(share, solution, own, "they do not tell this kind apart from others")
            efficiencies.append(Efficiency(op_class, limit, told))
    untold = "they do not tell it apart from the rest of a run"
    launch = _figure(solution, _direction(COMPUTE, LAUNCH), source)
    run = _figure(solution, _direction(COMPUTE, RUN), source)
    conditions = (
        (CONVOLUTIONS, algorithm),
        ("fitted to", _listed([observation.model for observation in observations])),
        ("fitted threads", "all" if threads is None else str(threads)),
        ("fitted model", f"run + kernels x launch + p-norm {NORM:g} of computing and moving, kernel by kernel"),
    )
    kept = tuple(pair for pair in base.conditions if pair[0] not in {key for key, _ in conditions})
    return replace(
        base,
        name=name,
        title=title,
        efficiencies=tuple(efficiencies),
        launch_seconds=_if_told(launch, solution, LAUNCH, untold),
        run_seconds=_if_told(run, solution, RUN, untold),
        conditions=(*kept, *conditions),
    )


def common_share(solution: Solution, limit: Limit, source: str) -> Sourced:
    """The share of a roof that all kinds of operators have in common, before what is particular to each."""
    positions: dict[Limit, tuple[int, ...]] = {"compute": (COMPUTE,), "memory": (COMPUTE, MEMORY)}
    return _figure(solution, -_direction(*positions[limit]), source)


def _if_told(number: Sourced, solution: Solution, figure: int, untold: str) -> Sourced:
    """The number as it is where the latencies determine its figure, else as an assumption."""
    if solution.told[figure] >= _LEAST_TOLD:
        return number
    return replace(number, kind="assumed", source=f"{number.source}; {untold}")


def _listed(models: Sequence[str]) -> str:
    named = [short_name(model) for model in models[:_MOST_LISTED]]
    return ", ".join([*named, f"and {len(models) - len(named)} more"] if len(models) > len(named) else named)


def _direction(*positions: int) -> Floats:
    """The sum of some figures, as a vector."""
    direction = np.zeros(FIGURES)
    direction[list(positions)] = 1.0
    return direction


def _figure(solution: Solution, direction: Floats, source: str) -> Sourced:
    """A product of figures with the interval that holds it nine times in ten."""
    value = float(direction @ solution.figures)
    width = COVERED * sqrt(float(direction @ solution.covariance @ direction))
    return Sourced(exp(value), source, "measured", low=exp(value - width), high=exp(value + width))
