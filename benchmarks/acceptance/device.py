"""Peaks, bandwidths and ridge points, from the profiles that ship or as a claim describes a device."""

from collections.abc import Sequence

from attainable.devices import Device, Engine, load_device
from attainable.prediction.estimate import estimate
from benchmarks.acceptance.claim import Check, Checks, Figure, Finding, Holds
from benchmarks.acceptance.counting import conv, ridge_point, toy

CORES, OPERATIONS_A_CYCLE, TURBO = 18, 64, 4.0e9
"""Of the Core i9-10980XE. The clock is not in the claims: it is the one at which they hold."""

PROFILE = "i9-10980xe"
"""The one that ships: on paper and as measured."""

DESCRIBED = toy(96e9, vector=CORES * OPERATIONS_A_CYCLE * TURBO)
CORRECTED = toy(74e9, vector=2.86e12)
"""The same with the bandwidth and the peak that A2 measured."""


def _peak(device: Device, engine: Engine, dtype: str, threads: int | None = None) -> float:
    roof = device.roof(engine, dtype, threads, basis="specified")
    return roof.operations_per_second.value if roof is not None else float("nan")


def _bandwidth(device: Device) -> float:
    found = device.bytes_per_second(basis="specified")
    return found.value if found is not None else float("nan")


def t025() -> Sequence[Finding]:
    """The profile."""
    return [Figure("96.0", _bandwidth(load_device(PROFILE)) / 1e9, meaning="GB/s")]


def t026() -> Sequence[Finding]:
    """At 4.0 GHz on all cores."""
    ridge = load_device(PROFILE).ridge_point("vector", "float32", basis="specified")
    return [Figure("48.0", ridge_point(DESCRIBED)), Figure("48.0", ridge or 0.0, meaning="the profile, on paper")]


def t027() -> Sequence[Finding]:
    """The profile on 16 of the 18 cores."""
    peak = _peak(load_device(PROFILE), "vector", "float32", 16) / 1e12
    return [Figure("2.9696", peak, meaning="Top/s"), Figure("2.96", peak, meaning="as A2 prints it")]


def t029() -> Sequence[Finding]:
    """Measured over described."""
    share = 100 * _bandwidth(CORRECTED) / _bandwidth(load_device(PROFILE))
    return [Figure("77.1", share, meaning="% of the profile"), Figure("77", share, "printed", "as A2 prints it")]


def t030() -> Sequence[Finding]:
    """Both roofs as measured."""
    ridge = load_device(PROFILE).ridge_point("vector", "float32")
    return [Figure("38.65", ridge_point(CORRECTED)), Figure("38.65", ridge or 0.0, meaning="the profile, measured")]


def t031() -> Sequence[Finding]:
    """A convolution between the two ridge points."""
    work = conv(20, 20, 112).totals.work
    before, after = (estimate(work, device, threads=None).bound_by for device in (DESCRIBED, CORRECTED))
    return [
        Figure("44.68", work.operational_intensity or 0, "printed"),
        Holds("memory-bound at 48", before == "memory"),
        Holds("compute-bound at 38.65", after == "compute"),
    ]


def t033() -> Sequence[Finding]:
    """A toy with the numbers of the row."""
    return [Figure("17.44", ridge_point(toy(0.9e12, vector=15.7e12)))]


A4000 = toy(256 * 14e9 / 8, vector=19.2e12, matrix=153.4e12)
"""RTX A4000: 256 bit at 14 Gbit/s each."""


def t034() -> Sequence[Finding]:
    """A toy with the numbers of the row."""
    return [Figure("448", _bandwidth(A4000) / 1e9, meaning="GB/s")]


def t035() -> Sequence[Finding]:
    """One ridge point an engine."""
    return [
        Figure("42.86", ridge_point(A4000), meaning="vector unit"),
        Figure("342.4", ridge_point(A4000, "matrix"), meaning="matrix unit"),
    ]


def t037() -> Sequence[Finding]:
    """The profile of the RK1808, whose unit is the same."""
    peak = _peak(load_device("rk1808-npu"), "matrix", "int8") / 1e12
    return [Figure("3.07", peak, meaning="Top/s"), Figure("3", peak, meaning="as A0 says it")]


def t038() -> Sequence[Finding]:
    """The profile."""
    device = load_device("kirin990-cpu")
    return [
        Figure("167.0", _peak(device, "vector", "float32") / 1e9, meaning="Gop/s"),
        Figure("4.9", ridge_point(device), meaning="ridge point"),
        Figure("34.1", _bandwidth(device) / 1e9, meaning="GB/s"),
    ]


CHECKS: Checks = {
    "T025": Check("exact", t025, "profile i9-10980xe"),
    "T026": Check("exact", t026, "18 cores x 64 operations a cycle x 4.0 GHz over 96 GB/s; the clock is inferred"),
    "T027": Check("0.5%", t027, "profile i9-10980xe on 16 cores"),
    "T029": Check("0.1%", t029),
    "T030": Check("0.01", t030),
    "T031": Check("exact class", t031),
    "T033": Check("0.01", t033, "float32 peak"),
    "T034": Check("exact", t034),
    "T035": Check("0.1", t035, "the row does not say the element type of the tensor peak"),
    "T037": Check("3%", t037, "profile rk1808-npu"),
    "T038": Check("1%", t038, "profile kirin990-cpu"),
}
