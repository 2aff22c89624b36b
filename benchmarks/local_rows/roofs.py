"""Rows on the roofs of this machine, and on what networks reach of them at one thread."""

from collections.abc import Callable
from functools import cache

import onnx

from attainable.calibration.local import Effort as CalibrationEffort
from attainable.calibration.local import calibrate
from attainable.calibration.local_profile import NOISY
from attainable.cost.count import count
from attainable.devices import Device, Sourced
from attainable.workload import Workload
from attainable.zoo.builder import GraphBuilder
from attainable.zoo.graph import Value
from benchmarks.local_rows.judging import Finding, Result, Verdict, shown, within
from benchmarks.local_rows.layers import SMALL_EXTENT, convolutions
from benchmarks.local_rows.line import spearman
from benchmarks.local_rows.rounds import Effort, measure_networks
from benchmarks.local_rows.row import Row, Rows, contenders, written

CALIBRATION = CalibrationEffort(8.0, 0.0, everything=True)
"""One core, this moment: roofs of another hour are those of another machine where neighbours share the host."""

SWEPT_CHANNELS = (256, 128, 64, 32, 16, 8, 4)
"""The first is the one that is judged, and whose noise is measured."""
_ELEMENTS = 4096
"""Side of the square tensors of the element-wise ops, 64 MiB each: more than any cache here."""


@cache
def _here() -> Device:
    return calibrate(threads=1, effort=CALIBRATION)


def _rate(found: Sourced | None, what: str) -> Sourced:
    if found is None:
        raise ValueError(f"the calibration of this machine has no {what}")
    return found


def _peak(device: Device) -> Sourced:
    roof = device.roof("vector", "float32", 1)
    return _rate(roof.operations_per_second if roof else None, "roof of float32")


def elementwise(name: str) -> onnx.ModelProto:
    """The sum of two large tensors, or the ReLU of one."""
    builder = GraphBuilder(name, seed=None)
    shape = (_ELEMENTS, _ELEMENTS)
    x = builder.input("x", shape)
    make: dict[str, Callable[[], Value]] = {
        "Add": lambda: builder.add("add", (x, builder.input("y", shape))),
        "Relu": lambda: builder.relu("relu", x),
    }
    return builder.finish(make[name](), name="output")


def _noise(device: Device) -> list[str]:
    """What disturbed the calibration."""
    return [text for name, text in device.conditions if name == NOISY]


def _calm(device: Device, verdict: Verdict) -> Verdict:
    """The verdict, where the calibration that it rests on was not disturbed."""
    return "noisy" if _noise(device) else verdict


def _bytes(workload: Workload) -> int:
    return count(workload).totals.work.bytes_moved


def _operations(workload: Workload) -> int:
    return count(workload).totals.operations


def _theory(effort: Effort) -> Result:
    effort.progress(0, 1)
    device = _here()
    effort.progress(1, 1)
    stated = device.roof("vector", "float32", 1, basis="specified")
    triad = _rate(device.bytes_per_second(1, access="triad"), "triad")
    memory = f"triad {triad.value / 1e9:.1f} GB/s; no source here tells what the memory could do in theory"
    peak = _peak(device)
    if stated is None or stated.operations_per_second.kind != "specified":
        text = f"peak {peak.value / 1e9:.1f} Gop/s; no theory of this core is known"
        return Result((Finding(text, "noisy"), Finding(memory, "printed")), 0)
    theory = stated.operations_per_second.value
    low, high = ((peak.low or peak.value) / theory, (peak.high or peak.value) / theory)
    # A disturbance only lowers a rate.
    outside: Verdict = "contradicted" if high <= 0.3 or low > 1.05 else "noisy"
    verdict: Verdict = "passed" if low > 0.3 and high <= 1.05 else _calm(device, outside)
    text = (
        f"peak {peak.value / 1e9:.1f} of {theory / 1e9:.1f} Gop/s, {peak.value / theory:.3f} ({low:.3f} to {high:.3f})"
    )
    note = "; ".join((peak.source, *(f"noisy: {reason}" for reason in _noise(device))))
    return Result((Finding(text, verdict), Finding(memory, "printed")), 0, note=note)


def _bandwidth(effort: Effort) -> Result:
    device = _here()
    rates = {
        "Add": _rate(device.bytes_per_second(1, access="triad"), "triad").value,
        "Relu": _rate(device.bytes_per_second(1, access="copy"), "copy").value,
    }
    with written({name: elementwise(name) for name in rates}) as workloads:
        rounds = measure_networks(contenders(workloads), effort)
        moved = {name: _bytes(workload) for name, workload in workloads.items()}
    found: list[Finding] = []
    for name, rate in rates.items():
        shares = [moved[name] / seconds / rate for seconds in rounds.seconds[name]]
        verdict = _calm(device, within(shares, least=0.6, noise=rounds.noise, others=rounds.others))
        kernel = "triad" if name == "Add" else "copy"
        found.append(Finding(f"{name} {shown(shares)} of the {kernel}'s {rate / 1e9:.1f} GB/s", verdict))
    return Result(tuple(found), rounds.count, rounds.others, "plain stores, one thread")


def _intensity(effort: Effort) -> Result:
    device = _here()
    peak = _peak(device).value
    with written({f"{channels}": convolutions(channels) for channels in SWEPT_CHANNELS}) as workloads:
        rounds = measure_networks(contenders(workloads), effort)
        work = {name: (_operations(each), _operations(each) / _bytes(each)) for name, each in workloads.items()}
    shares = {
        name: [work[name][0] / seconds / peak for seconds in rounds.seconds[name]] for name in work
    }  # fmt: skip
    densest = max(work, key=lambda name: work[name][1])
    by_round = zip(*shares.values(), strict=True)
    orders = [spearman([intensity for _, intensity in work.values()], each) for each in by_round]
    swept = ", ".join(f"{work[name][1]:.3g} op/byte {shown(shares[name])}" for name in work)
    return Result(
        (
            Finding(
                f"{densest} channels {shown(shares[densest])} of {peak / 1e9:.1f} Gop/s",
                _calm(device, within(shares[densest], least=0.6, noise=rounds.noise, others=rounds.others)),
            ),
            Finding(f"Spearman {shown(orders)}", within(orders, least=0.5, others=rounds.others)),
            Finding(swept, "printed"),
        ),
        rounds.count, rounds.others, f"3x3 convolutions at {SMALL_EXTENT} x {SMALL_EXTENT}",
    )  # fmt: skip


ROWS: Rows = {
    "T144": Row("Measured peak against theory; STREAM is printed only", "0.3 < ratio <= 1.05", _theory),
    "T145": Row("A large element-wise op against measured STREAM", ">= 0.6", _bandwidth),
    "T146": Row(
        "Dense convolutions against the measured peak, and efficiency against intensity",
        ">= 0.6; Spearman > 0.5",
        _intensity,
    ),
}
