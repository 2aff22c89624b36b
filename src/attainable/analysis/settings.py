"""Models counted, and bounded on devices as they are and as they would be: what ``attainable compare`` compares."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from attainable.analysis.build import Bounding
from attainable.analysis.comparison import Comparison, compare, verdict
from attainable.analysis.counted import counted
from attainable.analysis.records import Analysis, DeviceRow
from attainable.cost.count import Count, count
from attainable.devices.device import Device
from attainable.devices.what_if import UNCHANGED, Changes, changed
from attainable.prediction.accounting import FUSED, Accounting, alternatives
from attainable.workload.graph import Workload
from attainable.workload.recast import recast

_DEPLOYED = ("float16", "bfloat16", "int16", "int8")
"""Types that networks are converted to for a device without their own; of equally fast ones the first loses least."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where models are compared: a device, the element type that they are taken to have on it, and what is different.

    ``dtype`` is empty for the models' own type.
    """

    device: Device
    dtype: str = ""
    changes: Changes = UNCHANGED

    @property
    def name(self) -> str:
        """The device's name, with the type and the changes behind it."""
        typed = f"{self.device.name}@{self.dtype}" if self.dtype else self.device.name
        return f"{typed} if {self.changes.text}" if self.changes.text else typed


Rebatched = Callable[[int], Sequence[Workload]]
"""The compared models at another batch size."""


def compared_on(
    workloads: Sequence[Workload], settings: Sequence[Setting] = (), *, threads: int | None = None,
    accounting: Accounting = FUSED, rebatched: Rebatched | None = None,
) -> Comparison:  # fmt: skip
    """Count models side by side, and bound them on devices.

    A device that has no roof for the models' type is taken to run them as if they were converted to the fastest type
    that it has. A change that a roofline shows under some terms only makes them the terms of all devices.

    Args:
        workloads: at least two.
        settings: the devices.
        threads: cores in use on them; None for all.
        accounting: of the rooflines.
        rebatched: reads the models again where a setting changes their batch.

    Raises:
        ValueError: fewer than two models.
        InvalidQuantity: a device does not state what a setting changes.
    """
    batches = {setting.changes.batch for setting in settings if setting.changes.batch is not None}
    at_batch = {batch: rebatched(batch) for batch in batches} if rebatched else {}
    models = [
        _Model(workload, {batch: others[index] for batch, others in at_batch.items()})
        for index, workload in enumerate(workloads)
    ]
    terms = _terms(accounting, [setting.changes for setting in settings])
    analyses = [
        replace(
            counted(model.own),
            devices=[model.row(setting, threads, terms) for setting in settings],
        )
        for model in models
    ]
    result = compare(analyses)
    devices = [
        replace(
            device,
            verdicts=[
                verdict([model.row(setting, threads, other) for model in models])
                for other in dict.fromkeys((terms, *alternatives(terms)))
            ],
        )
        for device, setting in zip(result.devices, settings, strict=True)
    ]
    converted = dict.fromkeys(note for model in models for setting in settings for note in model.converted(setting))
    return replace(result, devices=devices, warnings=[*result.warnings, *converted, *_too_many(settings, threads)])


def bounded_on(
    workload: Workload, setting: Setting, *, threads: int | None = None, accounting: Accounting = FUSED
) -> Analysis:
    """A model counted in the type that it has on a device, and bounded there.

    Raises:
        InvalidQuantity: the device does not state what the setting changes.
    """
    model = _Model(workload, {})
    dtype = model.dtype(setting)
    taken = model.own if not dtype else count(recast(workload, dtype))
    row = Bounding(taken).row(
        changed(setting.device, setting.changes, threads=threads, basis=accounting.basis),
        threads=threads,
        accounting=accounting,
        name=setting.name,
    )
    analysis = counted(taken)
    return replace(analysis, devices=[row], warnings=[*analysis.warnings, *model.converted(setting)])


def _too_many(settings: Sequence[Setting], threads: int | None) -> Iterator[str]:
    """What the user has to know of more threads than a device has cores."""
    for device in dict.fromkeys(setting.device for setting in settings):
        if threads is not None and device.cores is not None and threads > device.cores:
            yield f"{device.name} has {device.cores} cores for {threads} threads: bounded as if it used all its cores"


def _terms(accounting: Accounting, changes: Sequence[Changes]) -> Accounting:
    """The accounting under which the changes can be seen, beside devices without them."""
    sram, launch = (any(each.changes(key) for each in changes) for key in ("sram", "launch"))
    return replace(
        accounting, memory="caches" if sram else accounting.memory, launch=accounting.launch or launch
    )  # fmt: skip


class _Model:
    """A model under all the batches and types that the settings take it in, each counted once."""

    def __init__(self, workload: Workload, at_batch: Mapping[int, Workload]) -> None:
        self.own = count(workload)
        self._workload = workload
        self._at_batch = at_batch
        self._boundings: dict[tuple[int | None, str], Bounding] = {(None, ""): Bounding(self.own)}

    def row(self, setting: Setting, threads: int | None, accounting: Accounting) -> DeviceRow:
        """The model on the device of a setting."""
        device = changed(setting.device, setting.changes, threads=threads, basis=accounting.basis)
        key = (setting.changes.batch, self.dtype(setting))
        if key not in self._boundings:
            batch, dtype = key
            base = self._workload if batch is None else self._at_batch[batch]
            self._boundings[key] = Bounding(count(recast(base, dtype) if dtype else base))
        return self._boundings[key].row(device, threads=threads, accounting=accounting, name=setting.name)

    def converted(self, setting: Setting) -> Iterator[str]:
        """What the user has to know of a type that nobody asked for."""
        dtype = self.dtype(setting)
        if dtype and not setting.dtype and not setting.changes.dtype:
            own = contraction_dtype(self.own)
            yield f"{setting.device.name} has no roof for {own}: bounded as if the models were quantised to {dtype}"

    def dtype(self, setting: Setting) -> str:
        """The type that the model is taken to have; empty for its own."""
        return setting.changes.dtype or setting.dtype or stand_in(self.own, setting.device)


def stand_in(count: Count, device: Device) -> str:
    """The type that a network is taken to have on a device without a roof for its own; empty where it has one.

    The fastest of the types that networks are converted to, as the device's toolchain would use it.
    """
    own = contraction_dtype(count)
    if not own or device.roof("matrix", own) is not None:
        return ""
    speeds = {
        dtype: roof.operations_per_second.value
        for dtype in _DEPLOYED
        if (roof := device.roof("matrix", dtype)) is not None
    }
    return max(speeds, key=lambda dtype: speeds[dtype], default="")


def contraction_dtype(count: Count) -> str:
    """The element type of most contractions, else of most operations; empty where nothing computes."""
    rows = count.totals.work.operations
    contractions = [row for row in rows if row[0] == "matrix"]
    return max(contractions or rows, key=lambda row: row[2], default=("", "", 0))[1]
