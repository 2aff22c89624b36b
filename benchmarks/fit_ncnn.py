"""Devices fitted to eight models of ncnn's table of latencies predict the others.

Claims: over the configurations (board x threads x power mode x loops) with at least 18 float models, fitted to 8 random
ones, the median over configurations of the median error on the others is <= 15 % on processors and <= 20 % on graphics
processors. MACs alone and a linear model on whole-network figures see the same 8 models.

What was tuned: the widths and class means of `PRIOR`, once, over all configurations; ``benchmarks/fit_ncnn_halves.py``
tells what that is worth. ``no class means`` is the same fit without what was learnt of depthwise, grouped, fully
connected and light operators; the saving of Winograd's algorithm is arithmetic. A choice of models whose fit is refused
counts as an error without end.

Latency: ``min_ms``, the least disturbed of the loops. Of equal configurations that the table lists twice the first row
of each model counts. Measured networks without a description (blazeface, efficientnetv2_b0, nanodet_m) are left out;
regnety_400m is the zoo's. Every configuration keeps at least 18 models.

``python -m benchmarks.fit_ncnn --quick`` takes 2 random choices instead of 10.
"""

import csv
import itertools
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isinf
from pathlib import Path
from statistics import median

import numpy as np

from attainable import zoo
from attainable.calibration.fit.choose import choose_models
from attainable.calibration.fit.fit import fit, predict
from attainable.calibration.fit.observation import Observation
from attainable.calibration.fit.prior import PRIOR, WITHOUT_CLASSES, Prior
from attainable.cost.count import count
from attainable.devices import Bandwidth, Device, Memory, Roof, Sourced
from attainable.errors import InputError
from attainable.prediction.kernel_work import KernelWork, kernels_of
from attainable.workload import load

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "ncnn-benchmark"
SHAPES = {"FastestDet": {"in0": (1, 3, 352, 352)}, "vision_transformer": {"input": (1, 3, 384, 384)}}
ZOO = {"regnety_400m": "regnet_y_400mf"}
MODELS = 8
FEWEST = 18
CHOICES = 10

Configuration = tuple[str, str, str, str, str]
"""Board, threads, GPU (-1 for none), power mode, loops."""

Kernels = Mapping[str, tuple[KernelWork, ...]]


def base() -> Device:
    """A device with round roofs: what the table's boards reach is fitted, not looked up."""

    def assumed(value: float) -> Sourced:
        return Sourced(value, "round figure", "assumed")

    return Device(
        name="round",
        title="Round figures",
        cores=None,
        roofs=(Roof("vector", "float32", None, assumed(100e9)),),
        memories=(Memory("DRAM", None, (Bandwidth(None, assumed(25e9)),)),),
    )


@dataclass(slots=True)
class Row:
    """Errors of one configuration, each the median over models that were not seen."""

    configuration: Configuration
    models: int
    spread: float
    errors: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    inside: list[bool] = field(default_factory=list[bool])
    by_model: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    @property
    def is_gpu(self) -> bool:
        """Whether it ran on a graphics processor."""
        return self.configuration[2] != "-1"

    def error(self, method: str) -> float:
        """Median over the choices of models."""
        return median(self.errors[method])


def networks() -> dict[str, tuple[KernelWork, ...]]:
    """The kernels of every float network that has a description."""
    found: dict[str, tuple[KernelWork, ...]] = {}
    for path in sorted((FOLDER / "models").glob("*.param")):
        if "int8" not in path.stem:
            found[path.stem] = kernels_of(count(load(path, SHAPES.get(path.stem))))
    with tempfile.TemporaryDirectory() as scratch:
        for name, network in ZOO.items():
            built = Path(scratch) / f"{network}.onnx"
            zoo.write(network, built, seed=None)
            found[name] = kernels_of(count(load(built)))
    return found


def latencies() -> dict[Configuration, dict[str, tuple[float, float]]]:
    """Seconds of the fastest loop, and slowest over fastest, by configuration and float model."""
    table: dict[Configuration, dict[str, tuple[float, float]]] = {}
    with (FOLDER / "devices.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if "int8" in row["model"]:
                continue
            key = (row["device"], row["threads"], row["gpu_device"], row["powersave"], row["loops"])
            least = float(row["min_ms"])
            table.setdefault(key, {}).setdefault(row["model"], (least * 1e-3, float(row["max_ms"]) / least))
    return {key: rows for key, rows in table.items() if len(rows) >= FEWEST}


def whole_network(kernels: Iterable[KernelWork]) -> list[float]:
    """One, MACs, activation bytes and weight bytes of a network: what a linear model sees."""
    rows = list(kernels)
    return [
        1.0,
        sum(row.operations * row.repeats for row in rows if row.engine == "matrix") / 2e9,
        sum((row.bytes_activation_in + row.bytes_activation_out) * row.repeats for row in rows) / 1e9,
        sum(row.bytes_weight * row.repeats for row in rows) / 1e9,
    ]


def macs_alone(seen: Sequence[Observation], unseen: Sequence[Observation]) -> list[float]:
    """Errors of one speed in MACs per second, the median of those seen."""
    speed = median(row.seconds / whole_network(row.kernels)[1] for row in seen)
    return [abs(speed * whole_network(row.kernels)[1] / row.seconds - 1.0) for row in unseen]


def linear(seen: Sequence[Observation], unseen: Sequence[Observation]) -> list[float]:
    """Errors of non-negative least squares on relative errors: constant, MACs, activations, weights."""
    features = np.array([whole_network(row.kernels) for row in seen])
    relative = features / np.array([row.seconds for row in seen])[:, None]
    best, coefficients = np.inf, np.zeros(features.shape[1])
    # four columns: the non-negative optimum is the best of the sixteen free ones that are non-negative
    for size in range(1, features.shape[1] + 1):
        for columns in itertools.combinations(range(features.shape[1]), size):
            chosen = np.linalg.lstsq(relative[:, columns], np.ones(len(seen)), rcond=None)[0]
            misfit = float(np.sum((relative[:, columns] @ chosen - 1.0) ** 2))
            if np.all(chosen >= 0) and misfit < best:
                best, coefficients = misfit, np.zeros(features.shape[1])
                coefficients[list(columns)] = chosen
    predicted = np.array([whole_network(row.kernels) for row in unseen]) @ coefficients
    return [abs(float(guess) / row.seconds - 1.0) for guess, row in zip(predicted, unseen, strict=True)]


def fitted(
    seen: Sequence[Observation], unseen: Sequence[Observation], prior: Prior, row: Row | None = None
) -> list[float] | None:
    """Errors of the fit; None where it is refused. Notes in ``row`` what lies inside the interval."""
    try:
        found = fit(seen, base(), prior=prior)
    except InputError:
        return None
    errors: list[float] = []
    for observation in unseen:
        prediction = predict(found, observation.kernels)
        error = prediction.seconds / observation.seconds - 1.0
        errors.append(abs(error))
        if row is not None:
            row.inside.append(prediction.low <= observation.seconds <= prediction.high)
            row.by_model.setdefault(observation.model, []).append(error)
    return errors


def evaluate(
    configuration: Configuration,
    measured: Mapping[str, tuple[float, float]],
    kernels: Kernels,
    order: Sequence[str],
    choices: int,
) -> Row:
    """All errors of one configuration.

    Args:
        configuration: its name.
        measured: seconds and noise by model.
        kernels: by model.
        order: models, the most telling first.
        choices: how many random subsets.
    """
    observations = [Observation(name, measured[name][0], kernels[name]) for name in sorted(kernels) if name in measured]
    row = Row(configuration, len(observations), median(measured[each.model][1] for each in observations))
    generator = np.random.default_rng([ord(letter) for letter in "|".join(configuration)])
    for choice in range(choices):
        picked = set(generator.choice(len(observations), MODELS, replace=False).tolist())
        seen = [each for position, each in enumerate(observations) if position in picked]
        unseen = [each for position, each in enumerate(observations) if position not in picked]
        _note(row, "random", fitted(seen, unseen, PRIOR, row))
        if choice < max(2, choices // 5):
            _note(row, "no class means", fitted(seen, unseen, WITHOUT_CLASSES))
        _note(row, "MACs", macs_alone(seen, unseen))
        _note(row, "linear", linear(seen, unseen))
    best = [name for name in order if name in measured][:MODELS]
    seen = [each for each in observations if each.model in best]
    unseen = [each for each in observations if each.model not in best]
    _note(row, "chosen", fitted(seen, unseen, PRIOR))
    _note(row, "leave one out", left_out_errors(observations))
    return row


def left_out_errors(observations: Sequence[Observation]) -> list[float] | None:
    """Errors of each model as all others let expect it; None where the fit is refused."""
    try:
        return [abs(row.error) for row in fit(observations, base()).left_out]
    except InputError:
        return None


def _note(row: Row, method: str, errors: Sequence[float] | None) -> None:
    row.errors.setdefault(method, []).append(inf if errors is None else median(errors))


METHODS = ("random", "chosen", "leave one out", "no class means", "linear", "MACs")


def main() -> None:
    """Print the table, and what the errors consist of."""
    if not FOLDER.is_dir():
        print(f"skipped: {FOLDER.name} is not here")
        return
    choices = 2 if "--quick" in sys.argv else CHOICES
    kernels, table = networks(), latencies()
    order = choose_models(kernels, MODELS + 8, base())
    print(f"chosen: {', '.join(order[:MODELS])} (then {', '.join(order[MODELS : MODELS + 4])} where one is missing)\n")
    print(f"{'configuration':<58}{'models':>7}{'noise':>7}" + "".join(f"{method:>16}" for method in METHODS))
    rows: list[Row] = []
    for configuration, measured in table.items():
        row = evaluate(configuration, measured, kernels, order, choices)
        rows.append(row)
        board, threads, gpu, power, _ = configuration
        where = f"{threads} threads" if gpu == "-1" else f"gpu {gpu}"
        cells = "".join(f"{_percent(row.error(method)):>16}" for method in METHODS)
        print(f"{board[:42]:<43}{where + ' p' + power:<15}{row.models:>7}{row.spread - 1:>7.0%}{cells}", flush=True)
    for title, part in (("CPU", [row for row in rows if not row.is_gpu]), ("GPU", [row for row in rows if row.is_gpu])):
        _print_summary(title, part)


def _percent(error: float) -> str:
    return "refused" if isinf(error) else f"{error:.1%}"


def _print_summary(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title}: {len(rows)} configurations")
    for method in METHODS:
        errors = sorted(row.error(method) for row in rows)
        fits = [error for row in rows for error in row.errors[method]]
        print(
            f"  {method:<16} median {_percent(median(errors)):>8}   worst quarter above "
            f"{_percent(errors[3 * len(errors) // 4]):>8}"
            f"   refused {sum(map(isinf, fits))} of {len(fits)} fits"
        )
    inside = [hit for row in rows for hit in row.inside]
    print(f"  the 90 % interval held {np.mean(inside):.0%} of {len(inside)} predictions")
    quiet = [row.error("random") for row in rows if row.spread < 1.05]
    noisy = [row.error("random") for row in rows if row.spread >= 1.05]
    for name, part in (("below 5 %", quiet), ("5 % and more", noisy)):
        if part:
            print(f"  noise (max / min - 1) {name}: {len(part)} configurations, median {median(part):.1%}")
    models = sorted({model for row in rows for model in row.by_model})
    print("  by model, median over all fits that did not see it: without sign, and with")
    for model in models:
        errors = [error for row in rows for error in row.by_model.get(model, ())]
        print(f"    {model:<20}{median(map(abs, errors)):6.1%}{median(errors):+8.1%}")


if __name__ == "__main__":
    main()
