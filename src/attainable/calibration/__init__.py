"""Measures this machine: the roofs that bound what runs on it."""

from attainable.calibration.local import calibrate, local_device

__all__ = ["calibrate", "local_device"]
