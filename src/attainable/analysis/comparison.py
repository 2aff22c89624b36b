"""Comparison: models side by side, on paper and at best on devices. The JSON contract of ``attainable compare``.

Every ratio is to the first model. All times are bounds and rooflines, nothing is measured.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import PurePath
from typing import Literal

from attainable.analysis.differences import Differences, differences
from attainable.analysis.records import (
    Analysis,
    Coverage,
    DeviceRow,
    EngineOperations,
    Model,
    OpRow,
    RoofRow,
    Totals,
)

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
    """

    bound_seconds: float
    bound_by: str
    roofline_seconds: float
    bound_ratio: float | None
    roofline_ratio: float | None
    without_roof: list[EngineOperations]


@dataclass(frozen=True, slots=True)
class DeviceComparison:
    """The models on one device, in their order. The roofs are those that at least one of them uses."""

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
        differences=differences(*(analysis.ops for analysis in analyses)) if len(analyses) == 2 else None,
        warnings=[
            f"{label}: {warning}"
            for label, analysis in zip(labels, analyses, strict=True)
            for warning in analysis.warnings
        ],
    )


CONTRACTIONS = "contractions"
"""The accounting of much of the literature: the ops with MACs alone, each with its own traffic."""


def contractions_only(row: DeviceRow, ops: Iterable[OpRow]) -> DeviceRow:
    """The unfused row of a device with the roofline of the ops that have MACs alone; the bound stays that of all."""
    contractions = {op.id for op in ops if op.macs}
    seconds = sum(line.roofline_seconds for line in row.ops if line.id in contractions)
    return replace(row, accounting=CONTRACTIONS, roofline_seconds=seconds)


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
        times=[
            DeviceTimes(
                row.bound_seconds, row.bound_by, row.roofline_seconds, _ratio(row.bound_seconds, first.bound_seconds),
                _ratio(row.roofline_seconds, first.roofline_seconds), row.without_roof,
            )
            for row in rows
        ],
        roofs=list(roofs.values()), bytes_per_second=first.bytes_per_second,
        bytes_per_second_source=first.bytes_per_second_source, bytes_per_second_kind=first.bytes_per_second_kind,
        conditions=first.conditions,
    )  # fmt: skip


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
