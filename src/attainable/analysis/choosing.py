"""Which device suits a network: all of them ranked, each with what binds it. The JSON contract of ``devices choose``.

All times are rooflines, nothing is measured. *Latency* is the roofline on all cores. *Power* is the most that the
device draws, times the latency: no inference can take more energy than that in that time, most take less. *Memory* is
whether parameters and the peak of the activations fit the main memory, then how much of that peak fits the explicit
memory on the chip.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from attainable.analysis.budget import read_limits
from attainable.analysis.counted import counted, operation_rows
from attainable.analysis.device_list import on_chip_memory
from attainable.analysis.records import EngineOperations
from attainable.analysis.settings import contraction_dtype, stand_in
from attainable.cost.count import Count, count
from attainable.devices import Device, Sourced
from attainable.errors import unknown_name
from attainable.prediction.accounting import FUSED, Accounting
from attainable.prediction.kernels import PaperKernel, paper_kernels
from attainable.prediction.roofline import Roofline, roofline
from attainable.quantities import parse_bytes, parse_joules, parse_seconds, parse_watts
from attainable.workload import Workload
from attainable.workload.dtypes import is_floating
from attainable.workload.recast import recast

CHOICE_SCHEMA_VERSION = 1

Goal = Literal["latency", "power", "memory"]
GOALS: tuple[Goal, ...] = get_args(Goal)

Limit = Literal["latency", "power", "energy", "memory"]
"""What a budget can limit: seconds, watts of the device, joules of an inference, bytes that the network needs."""

Why = Literal[
    "no_roof", "no_bandwidth", "over_latency", "over_power", "over_energy", "over_memory", "power_not_stated",
]  # fmt: skip
"""Why a device is not ranked."""


_GOAL_OF: Mapping[str, Goal] = {goal: goal for goal in GOALS}
_PARSE: Mapping[Limit, Callable[..., float]] = {
    "latency": parse_seconds, "power": parse_watts, "energy": parse_joules, "memory": parse_bytes,
}  # fmt: skip


def parse_goals(text: str) -> list[Goal]:
    """Read goals such as ``latency,power``; a repeated one counts once. Raises UnknownName."""
    said = dict.fromkeys(filter(None, (word.strip() for word in text.split(","))))
    unknown = next((word for word in said if word not in _GOAL_OF), None)
    if unknown is not None or not said:
        raise unknown_name("goal", unknown or "", GOALS)
    return [_GOAL_OF[word] for word in said]


def parse_limits(texts: Iterable[str]) -> dict[Limit, float]:
    """Read ``--budget`` flags such as ``latency=10ms,power=5W``; the smallest counts where one is given twice.

    Raises:
        InvalidQuantity: lists every part that is not ``KEY=LIMIT`` with a known key and a limit that can be read.
    """
    return read_limits(texts, _PARSE, example="latency=10ms,power=5W")


@dataclass(frozen=True, slots=True)
class RankedDevice:
    """A network on a device.

    Attributes:
        name, title, category: of the device.
        dtype: what the contractions compute in; another than the one asked for where the device has no roof for that.
        only_dtype: the device states no roof for any other type.
        seconds: the roofline.
        shares: of the seconds, by what binds: ``compute``, ``memory``, ``overhead``.
        peak: operations per second of contractions in ``dtype``.
        bytes_per_second: of the main memory.
        bytes_needed: parameters, buffers and the peak of the activations, in ``dtype``.
        capacity_bytes: of the main memory, where stated.
        fits: whether they fit; null where the capacity is not stated.
        on_chip_bytes: explicit memory of an accelerator, where stated.
        on_chip_share: how much of the peak of the activations fits there.
        power_watts: the most that the device draws, where stated.
        joules: the most that an inference takes at that power and time.
        without_roof: operations whose computing time is left out.
        without_roof_share: of all operations.
        on_front: no other device is as good in every goal and better in one; false where a goal is not known.
    """

    name: str
    title: str
    category: str
    dtype: str
    only_dtype: bool
    seconds: float
    shares: dict[str, float]
    peak: Sourced
    bytes_per_second: Sourced
    bytes_needed: int
    capacity_bytes: Sourced | None
    fits: bool | None
    on_chip_bytes: Sourced | None
    on_chip_share: float | None
    power_watts: Sourced | None
    joules: float | None
    without_roof: list[EngineOperations]
    without_roof_share: float
    on_front: bool = False

    @property
    def bound_by(self) -> str:
        """What binds for most of the time."""
        return max(self.shares, key=lambda name: self.shares[name], default="nothing")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A device that is not ranked: why, and the figure that it has, in SI base units, where it is over a limit."""

    name: str
    title: str
    why: Why
    figure: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """Devices for a network, the best first.

    Attributes:
        model: name of the network.
        dtype: what its contractions compute in, as asked for.
        goals: what counts; the ranking follows the first one, later ones break ties.
        limits: the budget, in SI base units.
        accounting: of the roofline, in words.
        ranked: devices within the budget; those that the network does not fit come last.
        left_out: the others.
    """

    model: str
    dtype: str
    goals: list[Goal]
    limits: dict[Limit, float]
    accounting: str
    ranked: list[RankedDevice]
    left_out: list[LeftOut]
    warnings: list[str] = field(default_factory=list[str])
    schema_version: int = CHOICE_SCHEMA_VERSION


def choose(
    workload: Workload, devices: Iterable[Device], *, dtype: str | None = None,
    goals: Sequence[Goal] = ("latency",), limits: Mapping[Limit, float] | None = None,
    accounting: Accounting = FUSED,
) -> Choice:  # fmt: skip
    """Rank devices for a network.

    Args:
        workload: with every dimension bound.
        devices: what can be chosen from.
        dtype: as if every floating tensor were of this type; None for the network's own.
        goals: what counts, the first one most.
        limits: devices over one of them are left out.
        accounting: of the roofline.
    """
    trial = _Trial(workload, dtype, accounting)
    ranked: list[RankedDevice] = []
    left_out: list[LeftOut] = []
    for device in devices:
        found = trial.on(device)
        over = _over(found, limits or {}) if isinstance(found, RankedDevice) else found
        if isinstance(over, LeftOut):
            left_out.append(over)
        elif isinstance(found, RankedDevice):
            ranked.append(found)
    ranked.sort(key=lambda each: (each.fits is False, *(_cost(each, goal) for goal in goals), each.name))
    return Choice(
        model=workload.name, dtype=trial.dtype, goals=list(goals), limits=dict(limits or {}),
        accounting=accounting.name, ranked=_with_front(ranked, goals), left_out=left_out, warnings=trial.warnings,
    )  # fmt: skip


_BY_PRECISION = (
    "float64", "float32", "float16", "bfloat16", "int16", "int8", "float8e4m3fn", "float8e5m2", "int4", "float4e2m1",
)  # fmt: skip


def dtypes_instead(dtype: str) -> tuple[str, ...]:
    """What a floating network computes in where there is no roof for ``dtype``: wider types first, nearest first."""
    at = _BY_PRECISION.index(dtype) if dtype in _BY_PRECISION else 0
    return (*reversed(_BY_PRECISION[:at]), *_BY_PRECISION[at + 1 :])


class _Trial:
    """A network in the element types that devices have; each is counted once."""

    def __init__(self, workload: Workload, dtype: str | None, accounting: Accounting) -> None:
        self._workload = workload
        self._accounting = accounting
        self._own = count(workload)
        self._counts: dict[str, Count] = {}
        self._kernels: dict[str, tuple[PaperKernel, ...]] = {}
        asked = self._own if dtype is None else self._recast(dtype)
        self.dtype = contraction_dtype(asked) or "float32"
        self._counts[self.dtype] = asked
        self.warnings = list(counted(self._own).warnings)

    def on(self, device: Device) -> RankedDevice | LeftOut:
        """The network on a device, in the element type that was asked for or the next one that the device has."""
        basis = self._accounting.basis
        roofs = ((dtype, device.roof("matrix", dtype, basis=basis)) for dtype in self._possible(device))
        found = next(((dtype, roof) for dtype, roof in roofs if roof is not None), None)
        if found is None:
            return LeftOut(device.name, device.title, "no_roof")
        bandwidth = device.bytes_per_second(basis=basis)
        if bandwidth is None:
            return LeftOut(device.name, device.title, "no_bandwidth")
        dtype, roof = found
        on_paper = self._recast(dtype)
        lines = self._roofline(dtype, device)
        without = _without_roof(lines)
        totals = on_paper.totals
        seconds = lines.seconds
        needed = totals.parameter_bytes + totals.buffer_bytes + totals.memory.peak_bytes
        capacity = device.memories[0].capacity_bytes
        on_chip = on_chip_memory(device)
        return RankedDevice(
            name=device.name, title=device.title, category=device.category or "", dtype=dtype,
            only_dtype=len({each.dtype for each in device.roofs if each.engine != "special"}) == 1,
            seconds=seconds, shares=_shares(lines), peak=roof.operations_per_second, bytes_per_second=bandwidth,
            bytes_needed=needed, capacity_bytes=capacity, fits=needed <= capacity.value if capacity else None,
            on_chip_bytes=on_chip,
            on_chip_share=None if on_chip is None else min(on_chip.value / max(totals.memory.peak_bytes, 1), 1.0),
            power_watts=device.power_watts, joules=device.power_watts.value * seconds if device.power_watts else None,
            without_roof=operation_rows(without),
            without_roof_share=sum(number for _, _, number in without) / max(totals.operations, 1),
        )  # fmt: skip

    def _possible(self, device: Device) -> tuple[str, ...]:
        """The type asked for, else the one that a comparison takes, else any that the device has.

        Integers stay integers: what they would be in another type is not known.
        """
        if not is_floating(contraction_dtype(self._own) or "float32"):
            return (self.dtype,)
        deployed = stand_in(self._counts[self.dtype], device)
        return (self.dtype, *([deployed] if deployed else []), *dtypes_instead(self.dtype))

    def _roofline(self, dtype: str, device: Device) -> Roofline:
        on_paper = self._recast(dtype)
        if dtype not in self._kernels:
            self._kernels[dtype] = paper_kernels(on_paper, self._accounting.kernels)
        return roofline(on_paper, device, accounting=self._accounting, kernels=self._kernels[dtype])

    def _recast(self, dtype: str) -> Count:
        if dtype not in self._counts:
            self._counts[dtype] = count(recast(self._workload, dtype))
        return self._counts[dtype]


def _shares(lines: Roofline) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for line in lines.ops:
        if line.estimate is not None and line.estimate.seconds:
            by = line.estimate.bound_by
            seconds[by] = seconds.get(by, 0.0) + line.estimate.seconds
    total = sum(seconds.values())
    return {by: part / total for by, part in sorted(seconds.items())}


def _without_roof(lines: Roofline) -> tuple[tuple[Literal["matrix", "vector"], str, int], ...]:
    found: dict[tuple[Literal["matrix", "vector"], str], int] = {}
    for line in lines.ops:
        for engine, dtype, number in line.estimate.without_roof if line.estimate else ():
            found[engine, dtype] = found.get((engine, dtype), 0) + number
    return tuple((*key, number) for key, number in sorted(found.items()))


def _over(found: RankedDevice, limits: Mapping[Limit, float]) -> LeftOut | None:
    """Why a device is not within the budget; what is not stated is not within it."""
    figures: dict[Limit, tuple[float | None, Why]] = {
        "latency": (found.seconds, "over_latency"),
        "power": (found.power_watts.value if found.power_watts else None, "over_power"),
        "energy": (found.joules, "over_energy"),
        "memory": (found.bytes_needed, "over_memory"),
    }
    for limit, most in limits.items():
        figure, why = figures[limit]
        if figure is None:
            return LeftOut(found.name, found.title, "power_not_stated")
        if figure > most:
            return LeftOut(found.name, found.title, why, figure)
    return None


_Cost = tuple[float, ...]


def _cost(found: RankedDevice, goal: Goal) -> _Cost:
    """What a goal makes small; a figure that is not known comes behind every one that is."""
    if goal == "latency":
        return (found.seconds,)
    if goal == "power":
        return (1, 0) if found.joules is None else (0, found.joules)
    on_chip = 0.0 if found.on_chip_share is None else found.on_chip_share
    return ({True: 0, None: 1, False: 2}[found.fits], -on_chip)


def _is_known(found: RankedDevice, goals: Iterable[Goal]) -> bool:
    known = {"latency": True, "power": found.joules is not None, "memory": found.fits is not None}
    return all(known[goal] for goal in goals)


def _with_front(ranked: Sequence[RankedDevice], goals: Sequence[Goal]) -> list[RankedDevice]:
    """Mark the devices that no other one beats in every goal."""
    able = [each for each in ranked if each.fits is not False and _is_known(each, goals)]
    costs = {each.name: [_cost(each, goal) for goal in goals] for each in able}
    front = {name for name, cost in costs.items() if not any(_beats(other, cost) for other in costs.values())}
    return [replace(each, on_front=each.name in front) for each in ranked]


def _beats(other: Sequence[_Cost], cost: Sequence[_Cost]) -> bool:
    return list(other) != list(cost) and all(a <= b for a, b in zip(other, cost, strict=True))
