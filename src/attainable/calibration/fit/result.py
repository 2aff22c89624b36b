"""What a fit gives: a device, how each model is predicted by the others, and how far to trust it."""

from dataclasses import dataclass
from statistics import median

from attainable.devices.device import Device
from attainable.devices.figures import Sourced

COVERED = 1.645
"""Standard deviations to either side that hold 90 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A model predicted from a fit to all others.

    Attributes:
        model: its name.
        seconds: measured.
        predicted_seconds: without having seen it.
    """

    model: str
    seconds: float
    predicted_seconds: float

    @property
    def error(self) -> float:
        """Relative error: predicted over measured, less one."""
        return self.predicted_seconds / self.seconds - 1.0


@dataclass(frozen=True, slots=True)
class Prediction:
    """The time of one run, and the interval that holds it nine times in ten."""

    seconds: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Fit:
    """A device that explains the latencies.

    Attributes:
        device: the base with the fitted ``efficiencies``, ``launch_seconds`` and ``run_seconds``.
        threads: cores that the latencies were measured with; None for all.
        dtype: element type of most operations of the models.
        compute_share: of the compute roofs, what all kinds of operators have in common.
        memory_share: of the bandwidth, the same.
        left_out: each model predicted from the others.
        spread: standard deviation of the logarithm of measured over predicted, for a model that was not seen.
        warnings: what to know before the figures are used.
    """

    device: Device
    threads: int | None
    dtype: str
    compute_share: Sourced
    memory_share: Sourced
    left_out: tuple[LeftOut, ...]
    spread: float
    warnings: tuple[str, ...]

    @property
    def median_error(self) -> float:
        """Median over models of the leave-one-out error, without sign."""
        return median(abs(row.error) for row in self.left_out)


@dataclass(frozen=True, slots=True)
class PredictedModel:
    """A model that was not measured, on the fitted device."""

    model: str
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class FitReport:
    """What ``attainable devices fit`` tells: the fit, and the models that were asked for."""

    fit: Fit
    predictions: tuple[PredictedModel, ...]
