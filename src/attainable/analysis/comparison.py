"""Comparison: models side by side, on paper and at best on devices. The JSON contract of ``attainable compare``.

Every ratio is to the first model. All times are bounds and rooflines, nothing is measured.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations
from pathlib import PurePath
from typing import Literal

from attainable.analysis.differences import Differences, differences
from attainable.analysis.records import (
    Analysis,
    Coverage,
    DeviceRow,
    EngineOperations,
    Model,
    RoofRow,
    Totals,
)
from attainable.prediction.estimate import Estimate
from attainable.prediction.flip_point import Crossing, bandwidth_crossings, peak_crossings

COMPARISON_SCHEMA_VERSION = 1

Measure = Literal["bound", "roofline"]


@dataclass(frozen=True, slots=True)
class Ratios:
    """Figures of a model divided by those of the first; null where the first one's is zero."""

    macs: float | None
    operations: float | None
    parameters: float | None
    parameter_bytes: float | None
    bytes_moved: float | None
    unavoidable_bytes: float | None
    peak_activation_bytes: float | None


@dataclass(frozen=True, slots=True)
class ComparedModel:
    """A model, counted; ``label`` is its short name, different from that of every other model."""

    label: str
    model: Model
    totals: Totals
    coverage: Coverage
    ratios: Ratios


@dataclass(frozen=True, slots=True)
class DeviceTimes:
    """Bound and roofline of a model on a device; ratios are to the first model, null where that takes no time.

    ``without_roof`` are operations for which the device states no roof; their computing time is left out.
    ``compute_seconds`` and ``memory_seconds`` are the sums over the kernels of the roofline, each of which takes the
    larger of its two; ``memory_bound_share`` is the share of the roofline in kernels that wait for memory.
    """

    bound_seconds: float
    bound_by: str
    roofline_seconds: float
    bound_ratio: float | None
    roofline_ratio: float | None
    without_roof: list[EngineOperations]
    compute_seconds: float = 0.0
    memory_seconds: float = 0.0
    memory_bound_share: float = 0.0
    kernels: int = 0
    memory_bound_kernels: int = 0
    predicted_seconds: float | None = None
    predicted_low_seconds: float | None = None
    predicted_high_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class FlipPoint:
    """A bandwidth or peak of the device at which two models take equally long in the roofline.

    ``factor`` is on the device's own; ``value`` is in bytes or operations per second, null where the device states
    none. Above it the model ``faster_above`` wins, below it ``faster_below``: positions in ``models``.
    """

    roof: Literal["bandwidth", "peak"]
    factor: float
    value: float | None
    faster_above: int
    faster_below: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which model is the fastest in the roofline under an accounting, and where the two fastest change places.

    ``winner`` is a position in ``models``; ``roofline_seconds`` has a figure for each. ``flip_points`` have the nearest
    first, those of the bandwidth before those of the peak.
    """

    accounting: str
    winner: int
    roofline_seconds: list[float]
    flip_points: list[FlipPoint]


@dataclass(frozen=True, slots=True)
class DeviceComparison:
    """The models on one device, in their order. The roofs are those that at least one of them uses.

    ``verdicts`` has one for each accounting, the chosen one first.
    """

    name: str
    title: str
    threads: int | None
    accounting: str
    times: list[DeviceTimes]
    roofs: list[RoofRow]
    bytes_per_second: float | None
    bytes_per_second_source: str
    bytes_per_second_kind: str
    conditions: dict[str, str]
    verdicts: list[Verdict] = field(default_factory=list[Verdict])


@dataclass(frozen=True, slots=True)
class ClassChange:
    """Kernels of a model that computing binds on one device and memory on another; positions in ``models``.

    ``examples`` are their labels, the ones that take longest first.
    """

    model: int
    compute_bound_on: str
    memory_bound_on: str
    kernels: int
    examples: list[str]


@dataclass(frozen=True, slots=True)
class Flip:
    """Two models of which each is the faster one at best somewhere; positions in ``models`` and names of devices."""

    measure: Measure
    first: int
    second: int
    first_faster_on: list[str]
    second_faster_on: list[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Models side by side; ``differences`` op by op for exactly two."""

    models: list[ComparedModel]
    conventions: dict[str, str]
    devices: list[DeviceComparison] = field(default_factory=list[DeviceComparison])
    flips: list[Flip] = field(default_factory=list[Flip])
    class_changes: list[ClassChange] = field(default_factory=list[ClassChange])
    differences: Differences | None = None
    warnings: list[str] = field(default_factory=list[str])
    schema_version: int = COMPARISON_SCHEMA_VERSION


def compare(analyses: Sequence[Analysis]) -> Comparison:
    """Compare models that were counted, and bounded on the same devices in the same order.

    Args:
        analyses: at least two.

    Raises:
        ValueError: fewer than two, or their devices differ.
    """
    if len(analyses) < 2 or len({tuple(_key(row) for row in analysis.devices) for analysis in analyses}) != 1:
        raise ValueError("a comparison takes at least two analyses, bounded on the same devices")
    first, labels = analyses[0], _labels([analysis.model for analysis in analyses])
    devices = [_device(rows) for rows in zip(*(analysis.devices for analysis in analyses), strict=True)]
    return Comparison(
        models=[
            ComparedModel(label, analysis.model, analysis.totals, analysis.coverage, _ratios(analysis, first))
            for label, analysis in zip(labels, analyses, strict=True)
        ],
        conventions=first.conventions,
        devices=devices,
        flips=_flips(devices, len(analyses)),
        class_changes=_class_changes(analyses),
        differences=differences(*(analysis.ops for analysis in analyses)) if len(analyses) == 2 else None,
        warnings=[
            f"{label}: {warning}"
            for label, analysis in zip(labels, analyses, strict=True)
            for warning in analysis.warnings
        ],
    )


def _key(row: DeviceRow) -> tuple[str, int | None, str]:
    return row.name, row.threads, row.accounting


def _labels(models: Sequence[Model]) -> list[str]:
    """File names without extension where that tells the models apart, else paths, else numbered paths."""
    stems = [_stem(model.path) or model.name for model in models]
    paths = [model.path for model in models]
    numbered = [f"{path} ({number})" for number, path in enumerate(paths, 1)]
    return next(labels for labels in (stems, paths, numbered) if len(set(labels)) == len(labels))


def _stem(path: str) -> str:
    """The file name without extension; ``package.module:factory`` as it is, because that has none."""
    file = PurePath(path)
    return path if ":" in file.suffix else file.stem


def _ratios(analysis: Analysis, first: Analysis) -> Ratios:
    mine, base = analysis.totals, first.totals
    return Ratios(
        macs=_ratio(mine.macs, base.macs), operations=_ratio(mine.operations, base.operations),
        parameters=_ratio(mine.parameters, base.parameters),
        parameter_bytes=_ratio(mine.parameter_bytes, base.parameter_bytes),
        bytes_moved=_ratio(mine.bytes_moved, base.bytes_moved),
        unavoidable_bytes=_ratio(mine.unavoidable_bytes, base.unavoidable_bytes),
        peak_activation_bytes=_ratio(mine.peak_activation_bytes, base.peak_activation_bytes),
    )  # fmt: skip


def _ratio(number: float, base: float) -> float | None:
    return number / base if base else None


def _device(rows: Sequence[DeviceRow]) -> DeviceComparison:
    first = rows[0]
    roofs = {(roof.engine, roof.dtype): roof for row in rows for roof in row.roofs}
    return DeviceComparison(
        name=first.name, title=first.title, threads=first.threads, accounting=first.accounting,
        times=[_times(row, first) for row in rows],
        roofs=list(roofs.values()), bytes_per_second=first.bytes_per_second,
        bytes_per_second_source=first.bytes_per_second_source, bytes_per_second_kind=first.bytes_per_second_kind,
        conditions=first.conditions, verdicts=[verdict(rows)],
    )  # fmt: skip


def verdict(rows: Sequence[DeviceRow]) -> Verdict:
    """Which of several models, bounded on one device under one accounting, is the fastest there."""
    seconds = [row.roofline_seconds for row in rows]
    fastest, second, *_ = sorted(range(len(rows)), key=seconds.__getitem__)
    points = _flip_points(rows, *sorted((fastest, second)))
    return Verdict(rows[0].accounting, fastest, seconds, points)


def _times(row: DeviceRow, first: DeviceRow) -> DeviceTimes:
    memory_bound = [op for op in row.ops if op.bound_by == "memory"]
    waiting = sum(op.roofline_seconds for op in memory_bound)
    return DeviceTimes(
        row.bound_seconds, row.bound_by, row.roofline_seconds, _ratio(row.bound_seconds, first.bound_seconds),
        _ratio(row.roofline_seconds, first.roofline_seconds), row.without_roof,
        compute_seconds=sum(op.compute_seconds for op in row.ops),
        memory_seconds=sum(op.memory_seconds for op in row.ops),
        memory_bound_share=waiting / row.roofline_seconds if row.roofline_seconds else 0.0,
        kernels=sum(op.roofline_seconds > 0 for op in row.ops), memory_bound_kernels=len(memory_bound),
        predicted_seconds=row.predicted_seconds, predicted_low_seconds=row.predicted_low_seconds,
        predicted_high_seconds=row.predicted_high_seconds,
    )  # fmt: skip


def _flip_points(rows: Sequence[DeviceRow], first: int, second: int) -> list[FlipPoint]:
    """Where the order of two models changes with the bandwidth or the peak of their device."""
    estimates = [
        [Estimate(op.compute_seconds, op.memory_seconds, (), op.overhead_seconds) for op in rows[index].ops]
        for index in (first, second)
    ]
    peak = max((roof.operations_per_second for row in rows for roof in row.roofs), default=None)
    measures: tuple[tuple[Literal["bandwidth", "peak"], float | None, tuple[Crossing, ...]], ...] = (
        ("bandwidth", rows[0].bytes_per_second, bandwidth_crossings(*estimates)),
        ("peak", peak, peak_crossings(*estimates)),
    )
    return [
        FlipPoint(
            roof, crossing.factor, None if own is None else own * crossing.factor,
            *((first, second) if crossing.first_faster_above else (second, first)),
        )
        for roof, own, crossings in measures
        for crossing in crossings
    ]  # fmt: skip


_EXAMPLES = 3


def _class_changes(analyses: Sequence[Analysis]) -> list[ClassChange]:
    """Kernels that one device computes as fast as it can and another cannot feed."""
    found: list[ClassChange] = []
    for model, analysis in enumerate(analyses):
        labels = {op.id: op.label for op in analysis.ops}
        for one, other in permutations(analysis.devices, 2):
            there = {op.id: op.bound_by for op in other.ops}
            changed = [op for op in one.ops if op.bound_by == "memory" and there.get(op.id) == "compute"]
            changed.sort(key=lambda op: -op.roofline_seconds)
            examples = list(dict.fromkeys(labels.get(op.id, op.id) for op in changed))[:_EXAMPLES]
            if changed:
                found.append(ClassChange(model, other.name, one.name, len(changed), examples))
    return found


def _flips(devices: Sequence[DeviceComparison], models: int) -> list[Flip]:
    measures: tuple[Measure, ...] = ("bound", "roofline")
    found = (
        Flip(measure, first, second, _faster_on(devices, measure, first, second),
             _faster_on(devices, measure, second, first))
        for measure in measures
        for first, second in combinations(range(models), 2)
    )  # fmt: skip
    return [flip for flip in found if flip.first_faster_on and flip.second_faster_on]


def _faster_on(devices: Iterable[DeviceComparison], measure: Measure, first: int, second: int) -> list[str]:
    return [
        device.name
        for device in devices
        if _seconds(device.times[first], measure) < _seconds(device.times[second], measure)
    ]


def _seconds(times: DeviceTimes, measure: Measure) -> float:
    return times.bound_seconds if measure == "bound" else times.roofline_seconds
