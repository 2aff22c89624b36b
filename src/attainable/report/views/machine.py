"""Which row of an analysis is which: the run that is shown, the machine it ran on, the other devices."""

import re

from attainable.analysis.records import Analysis, DeviceRow
from attainable.analysis.run_records import RunRow
from attainable.names import short_name, short_sentence

LOCAL = "local"
"""The name of the machine that ran the tool; the same in every saved analysis."""

_DECORATION = re.compile(r"\((?:R|TM|tm|C)\)|\bCPU\b(?! family)|\bProcessor\b|@.*|\(?\b(?:cpu )?family \d+.*")
_SHORT_DTYPES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16", "float64": "f64", "int8": "i8", "uint8": "u8"}


def shown_run(analysis: Analysis) -> RunRow | None:
    """The run that the report explains: the first one."""
    return analysis.runs[0] if analysis.runs else None


def machine_device(analysis: Analysis) -> DeviceRow | None:
    """Bound and roofline of the machine that ran the network; None where its roofs are not known."""
    run = shown_run(analysis)
    name = run.device if run else LOCAL
    rows = [device for device in analysis.devices if device.name == name]
    same_threads = [device for device in rows if run and device.threads == run.threads]
    return next(iter([*same_threads, *rows]), None)


def shown_device(analysis: Analysis) -> DeviceRow | None:
    """The device that rooflines are drawn for: the machine of the run, else the first one."""
    run = shown_run(analysis)
    machine = machine_device(analysis)
    # the rooflines of groups are of the machine, so that another device's roofs would contradict them
    if machine or run:
        return machine
    return analysis.devices[0] if analysis.devices else None


def short_cpu(text: str) -> str:
    """A processor's name without trade marks, stepping and clock; the full one stands under the conditions."""
    # a title of a megabyte is cut before it is searched
    shown = short_sentence(text)
    return " ".join(_DECORATION.sub(" ", shown).split()) or shown


def device_title(device: DeviceRow) -> str:
    """The short name of a device."""
    return short_name(short_cpu(device.title))


def short_dtype(dtype: str) -> str:
    """``f32`` for ``float32``; unknown ones as they are."""
    return _SHORT_DTYPES.get(dtype, dtype)


def roof_kinds(device: DeviceRow) -> tuple[str, ...]:
    """Where the roofs of a device come from: measured, specified, assumed; each once, sorted."""
    kinds = {roof.kind for roof in device.roofs}
    if device.bytes_per_second:
        kinds.add(device.bytes_per_second_kind)
    return tuple(sorted(kinds - {""}))
