"""What the prior of a fit is worth on boards and networks that it was not tuned on.

Claim: tuned on one half of ncnn's boards, or scored on one half of the networks, the median error over configurations
stays <= 15 % on processors for the other half. On graphics processors, of which the table has 23 configurations, it is
given without a claim.

The priors below are what a coordinate search over all widths and means found on that half alone, from the same start.
Boards are halved by their place in the alphabet (even and odd), and so are the networks; a search that is scored on one
half of the networks still fits to eight of all.

The searches took 2.25 for what Winograd's way saves on every wide 3x3 convolution; the fits here have its tiles.

``python -m benchmarks.fit_ncnn_halves --quick`` takes 1 random choice of 8 models for each configuration instead of 5.
"""

import sys
from collections.abc import Sequence
from math import inf, log
from statistics import median

import numpy as np

from attainable.calibration.fit.observation import Observation
from attainable.calibration.fit.prior import PRIOR, Prior
from attainable.devices.traits import OpClass
from benchmarks.fit_ncnn import FOLDER, MODELS, Configuration, Kernels, fitted, latencies, networks

CHOICES = 5
_RIDGE = 100e9 / 25e9
_LIGHT: tuple[OpClass, ...] = ("pool", "elementwise", "normalization", "softmax", "reduction", "resize", "other")


def found(
    *,
    compute_width: float,
    memory_width: float,
    noise: float,
    launch: float,
    launch_width: float,
    run: float,
    ridge: float,
    ridge_width: float,
    depthwise: float,
    grouped: float,
    pointwise: float,
    product: float,
    matvec: float,
    light: float,
    movement: float,
) -> Prior:
    """A prior in the terms of the search.

    Args:
        compute_width: of a class, computing.
        memory_width: of a class, moving.
        noise: of a latency.
        launch: operations that a launch takes as long as, as a logarithm.
        launch_width: of that.
        run: operations that a run takes to start, as a logarithm; its width was 2.
        ridge: operations that a byte takes as long as, as a logarithm.
        ridge_width: of that.
        depthwise: slowdown, computing.
        grouped: slowdown, computing.
        pointwise: slowdown, computing.
        product: slowdown of matrix products, computing.
        matvec: slowdown, moving; its width was 1.5.
        light: slowdown of pooling, element-wise and such, moving.
        movement: slowdown, moving.
    """
    compute: dict[OpClass, float] = {
        "depthwise": depthwise, "grouped": grouped, "pointwise": pointwise, "matmul": product, "product": product,
    }  # fmt: skip
    memory: dict[OpClass, tuple[float, float]] = dict.fromkeys(_LIGHT, (light, memory_width))
    return Prior(
        memory_mean=ridge - log(_RIDGE),
        memory_width=ridge_width,
        launch_operations=float(np.exp(launch)),
        launch_width=launch_width,
        run_operations=float(np.exp(run)),
        class_compute_width=compute_width,
        class_memory_width=memory_width,
        class_compute={name: (mean, compute_width) for name, mean in compute.items()},
        class_memory={**memory, "matvec": (matvec, 1.5), "movement": (movement, memory_width)},
        noise=noise,
    )


BOARDS_EVEN = found(
    compute_width=0.149, memory_width=0.182, noise=0.165, launch=12.013, launch_width=4.12, run=12.816, ridge=1.603,
    ridge_width=1.168, depthwise=1.075, grouped=0.612, pointwise=-0.15, product=1.25, matvec=-2.2, light=-0.125,
    movement=0.0,
)  # fmt: skip
BOARDS_ODD = found(
    compute_width=0.149, memory_width=0.265, noise=0.165, launch=11.013, launch_width=4.12, run=13.316, ridge=1.603,
    ridge_width=0.909, depthwise=1.2, grouped=0.7, pointwise=0.0, product=1.0, matvec=-1.45, light=-0.5, movement=0.25,
)  # fmt: skip
NETWORKS_EVEN = found(
    compute_width=0.426, memory_width=0.32, noise=0.165, launch=7.513, launch_width=2.5, run=11.816, ridge=1.778,
    ridge_width=0.803, depthwise=0.45, grouped=0.787, pointwise=-0.3, product=1.25, matvec=-2.2, light=-1.0,
    movement=0.0,
)  # fmt: skip
NETWORKS_ODD = found(
    compute_width=0.149, memory_width=0.11, noise=0.1, launch=12.513, launch_width=6.79, run=12.816, ridge=1.953,
    ridge_width=0.909, depthwise=1.2, grouped=0.525, pointwise=-0.15, product=1.0, matvec=-1.7, light=0.25,
    movement=-0.125,
)  # fmt: skip

Scored = tuple[tuple[str, list[str]], ...]
"""Titles, and the networks whose errors count under them."""

Errors = dict[Configuration, list[dict[str, float]]]
"""Of each configuration and choice of models: the error without sign by network that was not seen; empty if refused."""


def errors(prior: Prior, choices: int, kernels: Kernels, boards: Sequence[str]) -> Errors:
    """Errors of fits to random models, with one prior, on some boards."""
    result = Errors()
    for configuration, measured in latencies().items():
        if configuration[0] not in boards:
            continue
        rows = [Observation(name, measured[name][0], kernels[name]) for name in sorted(kernels) if name in measured]
        generator = np.random.default_rng([1, *(ord(letter) for letter in "|".join(configuration))])
        for _ in range(choices):
            picked = set(generator.choice(len(rows), MODELS, replace=False).tolist())
            seen = [row for position, row in enumerate(rows) if position in picked]
            unseen = [row for position, row in enumerate(rows) if position not in picked]
            found_errors = fitted(seen, unseen, prior)
            names = [row.model for row in unseen]
            by_name = dict(zip(names, found_errors, strict=True)) if found_errors is not None else {}
            result.setdefault(configuration, []).append(by_name)
    return result


def median_error(found_errors: Errors, *, gpu: bool, counted: Sequence[str]) -> float:
    """Median over configurations of the median over choices of the median over networks; refused ones without end."""
    medians: list[float] = []
    for configuration, choices in found_errors.items():
        if (configuration[2] != "-1") == gpu:
            per_choice = [[error for name, error in choice.items() if name in counted] for choice in choices]
            medians.append(median(median(each) if each else inf for each in per_choice))
    return median(medians)


def main() -> None:
    """Print the table."""
    if not FOLDER.is_dir():
        print(f"skipped: {FOLDER.name} is not here")
        return
    choices = 1 if "--quick" in sys.argv else CHOICES
    boards = sorted({configuration[0] for configuration in latencies()})
    kernels = networks()
    names = sorted(kernels)
    rows: tuple[tuple[Prior, list[str], Scored], ...] = (
        (BOARDS_EVEN, boards[1::2], (("even boards, on odd boards", names),)),
        (BOARDS_ODD, boards[::2], (("odd boards, on even boards", names),)),
        (NETWORKS_EVEN, boards, (("even networks, on odd networks", names[1::2]),)),
        (NETWORKS_ODD, boards, (("odd networks, on even networks", names[::2]),)),
        (
            PRIOR,
            boards,
            (("all, on all", names), ("all, on odd networks", names[1::2]), ("all, on even networks", names[::2])),
        ),
    )
    print(f"{'prior tuned on':<40}{'CPU':>8}{'GPU':>8}")
    for prior, tested, scored in rows:
        result = errors(prior, choices, kernels, tested)
        for title, counted in scored:
            cpu, gpu = (median_error(result, gpu=each, counted=counted) for each in (False, True))
            print(f"{title:<40}{cpu:>8.1%}{gpu:>8.1%}", flush=True)


if __name__ == "__main__":
    main()
