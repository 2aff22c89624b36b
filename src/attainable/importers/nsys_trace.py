"""Reads what ``nsys stats --report cuda_gpu_trace --format csv`` prints: one row for each kernel, copy and fill.

Columns are found by their names, because releases differ: ``Start`` and ``Duration`` with their unit (``(ns)``, older
``(nsec)``), ``Device``, ``Strm``, ``Name``. Copies and fills are called ``[CUDA memcpy ...]`` and ``[CUDA memset]``.
What nsys prints before the table is skipped. The report marks no runs.

Source: NVIDIA Nsight Systems User Guide, "Statistical Analysis", report cuda_gpu_trace (older name: gputrace).
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence

from attainable.garbage import collector_paused
from attainable.importers.content import MOST_EVENTS, Content, Faults, refuse
from attainable.importers.log import Log
from attainable.importers.trace import Activity, Kind
from attainable.importers.traced_runs import log_of, require_kernels

_HELP = "give the output of nsys stats --report cuda_gpu_trace --format csv FILE.nsys-rep"
_HEADER = re.compile(r'^"?Start ?\((?:ns|us|ms|s|nsec|usec|msec|sec)\)"?,"?Duration ?\([a-z]{1,4}\)"?,', re.MULTILINE)
_TIME = re.compile(r"(Start|Duration) ?\(([a-z]{1,4})\)")
_UNITS: Mapping[str, float] = {
    "ns": 1, "nsec": 1, "us": 1e3, "usec": 1e3, "ms": 1e6, "msec": 1e6, "s": 1e9, "sec": 1e9,
}  # fmt: skip
_NUMBER_OF_GPU = re.compile(r"\(([0-9]{1,4})\)$")
_NOTES = ("Nsight Systems was on: kernels are started later than without it",)


def sniff(head: str) -> bool:
    """Whether a file that begins like this is such a report."""
    return _HEADER.search(head) is not None


@collector_paused()
def read(content: Content) -> tuple[Log, ...]:
    """Read a report.

    Raises:
        InputError: the file cannot be used, or nothing in it ran on a GPU.
    """
    rows = csv.reader(line for _, line in content.lines())
    faults = Faults(content.path, _HELP)
    columns: dict[str, int] = {}
    activities: list[Activity] = []
    numbers: dict[str, int] = {}
    try:
        for row in rows:
            if not columns:
                columns = _columns(row)
            elif len(row) > max(columns.values()):
                if len(activities) == MOST_EVENTS:
                    refuse(content, f"has more than {MOST_EVENTS} rows", "trace a shorter time")
                activities.append(_activity(row, columns, f"line {rows.line_num}", numbers, faults))
            elif row and activities:
                # the next report of the same output
                break
    except csv.Error as error:
        refuse(content, f"is no table: {error}", _HELP, line=rows.line_num)
    if not columns:
        refuse(content, "has no table of cuda_gpu_trace", _HELP)
    faults.raise_any()
    require_kernels(activities, content, _HELP)
    names = {number: _NUMBER_OF_GPU.sub("", name).strip() for name, number in numbers.items()}
    return (log_of(activities, runtime="CUDA", names=names, notes=_NOTES),)


def _columns(row: Sequence[str]) -> dict[str, int]:
    """The positions of the columns by name, and the units of the times; empty where this is no header."""
    columns = {cell.strip(): position for position, cell in enumerate(row)}
    if "Name" not in columns or not any(_TIME.fullmatch(name) for name in columns):
        return {}
    return columns


def _times(columns: Mapping[str, int]) -> Iterator[tuple[str, int, float]]:
    for name, position in columns.items():
        if (found := _TIME.fullmatch(name)) is not None and found[2] in _UNITS:
            yield found[1], position, _UNITS[found[2]]


def _activity(
    row: Sequence[str], columns: Mapping[str, int], place: str, numbers: dict[str, int], faults: Faults
) -> Activity:
    times = {"Start": 0, "Duration": 0}
    for key, position, unit in _times(columns):
        times[key] = round(_number(row[position], key, place, faults) * unit)
    name = row[columns["Name"]]
    device = row[columns["Device"]] if "Device" in columns else ""
    stream = row[columns["Strm"]] if "Strm" in columns else ""
    start = times["Start"]
    return Activity(name, _kind(name), start, start + times["Duration"], gpu=_gpu(device, numbers), stream=stream)


def _kind(name: str) -> Kind:
    if name.startswith("[CUDA memcpy"):
        return "copy"
    return "fill" if name.startswith("[CUDA memset") else "kernel"


def _number(text: str, key: str, place: str, faults: Faults) -> float:
    return faults.number(text.replace(",", ""), f"{place}, {key}")


def _gpu(device: str, numbers: dict[str, int]) -> int:
    """The number in ``NVIDIA A100 (0)``; others are counted."""
    if device not in numbers:
        told = _NUMBER_OF_GPU.search(device)
        numbers[device] = int(told[1]) if told else len(numbers)
    return numbers[device]
