"""Measuring: valid inputs, warm-up, repetitions, and which ops the time went to."""

from attainable.measurement.measure import measure_workload
from attainable.measurement.run import Run

__all__ = ["Run", "measure_workload"]
