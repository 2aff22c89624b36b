"""Reads the CSV reports of OpenVINO's benchmark_app: ``benchmark_report.csv`` and the tables of counters.

The report has sections of ``key;value`` rows: the command line, the configuration, the results with times in
milliseconds. A table of counters (``-report_type average_counters`` or ``detailed_counters``) has a row for each layer
of the executed graph, and ends with a total; the detailed file has one table for each infer request. What was fused
into a layer follows it, not run, with the implementation ``undef``.

Source: openvinotoolkit/openvino, samples/cpp/benchmark_app/statistics_report.cpp and
tools/benchmark_tool/openvino/tools/benchmark/{main.py, utils/statistics_report.py}; src/plugins/intel_cpu/src/graph.cpp
(the order of the counters); read against files that 2026.4 writes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from attainable.importers.content import MOST_KERNELS, Content, Faults, refuse
from attainable.importers.log import Accelerator, Log, LoggedKernel, Times

_HELP = "give benchmark_report.csv, or a benchmark_..._counters_report.csv beside it, as benchmark_app wrote it"
_HEADER = "layerName;execStatus;layerType;execType;"
_SECTIONS = ("Command line parameters", "Configuration setup", "Execution results", "Group Latencies")
_MILLISECOND = 1e-3
_FIELDS = 5
"""Columns behind the name of a layer, which may hold semicolons itself."""

_PERCENTILE = re.compile(r"latency \(([0-9]{1,2}|100) percentile\) \(ms\)")
_FUSED = "undef"


def sniff(head: str) -> bool:
    """Whether a file that begins like this is such a report."""
    first = head.lstrip().split("\n", 1)[0].strip().rstrip(";")
    return first.startswith(_HEADER) or first in _SECTIONS


def read(content: Content) -> tuple[Log, ...]:
    """Read a report or a table of counters.

    Raises:
        InputError: the file cannot be used.
    """
    is_table = content.text.lstrip().startswith(_HEADER)
    return (_read_counters(content) if is_table else _read_report(content),)


def _read_report(content: Content) -> Log:
    faults = Faults(content.path, _HELP)
    section, found = "", dict[tuple[str, str], tuple[int, str]]()
    for number, line in content.lines():
        text = line.strip().rstrip(";")
        if text in _SECTIONS:
            section = text
        elif text and section != "Group Latencies":
            key, _, value = text.partition(";")
            found.setdefault((section, key.strip()), (number, value.strip()))

    def told(section: str, key: str) -> str:
        return found.get((section, key), (0, ""))[1]

    def seconds(key: str) -> float | None:
        number, value = found.get((_SECTIONS[2], key), (0, ""))
        return _MILLISECOND * faults.number(value, f"line {number}") if value else None

    def whole(section: str, key: str, what: str) -> int | None:
        number, value = found.get((section, key), (0, ""))
        return faults.whole(value, f"line {number}", what=what) if value else None

    if not any(section == _SECTIONS[2] for section, _ in found):
        refuse(content, "has no results", "let benchmark_app run to its end")
    command, setup, results = _SECTIONS[:3]
    percentiles = [
        (float(match[1]), time)
        for section, key in found
        if section == results and (match := _PERCENTILE.fullmatch(key)) and (time := seconds(key)) is not None
    ]
    requests = whole(setup, "number of parallel infer requests", "number of requests")
    samples = whole(results, "total number of iterations", "number of iterations")
    minimum, maximum = seconds("min latency"), seconds("max latency")
    log = Log(
        runtime="OpenVINO", network=_network(told(setup, "topology"), told(command, "-m") or told(command, "m")),
        times=Times(
            samples=samples, median=seconds("latency (ms)"), average=seconds("avg latency"), minimum=minimum,
            maximum=maximum, low=minimum, high=maximum, percentiles=tuple(percentiles),
        ),
        threads=whole(command, "-nthreads", "number of threads") or whole(command, "nthreads", "number of threads"),
        batch=whole(setup, "batch size", "batch size"), precision=told(command, "-infer_precision"),
        accelerator=_accelerator(told(setup, "target device") or told(command, "-d")),
        load_seconds=_sum(seconds("read model time (ms)"), seconds("compile model time (ms)")),
        first_run_seconds=seconds("first inference time (ms)"),
        notes=(
            (f"{requests} requests ran at the same time: a latency includes waiting for the others",)
            if requests is not None and requests > 1 else ()
        ),
    )  # fmt: skip
    faults.raise_any()
    return log


def _network(topology: str, path: str) -> str:
    """The file's name without its folders, which tells more than the name inside of it."""
    stem = re.split(r"[/\\]", path)[-1]
    return stem.rpartition(".")[0] or stem or topology


def _accelerator(device: str) -> Accelerator:
    for word, accelerator in _ACCELERATORS.items():
        if device.upper().startswith(word):
            return accelerator
    return ""


_ACCELERATORS: Mapping[str, Accelerator] = {"GPU": "gpu", "NPU": "npu"}


def _sum(*times: float | None) -> float | None:
    known = [time for time in times if time is not None]
    return sum(known) if known else None


def _read_counters(content: Content) -> Log:
    faults = Faults(content.path, _HELP)
    tables: list[list[_Layer]] = []
    rows, ended = 0, False
    for number, line in content.lines():
        text = line.strip()
        if text.startswith(_HEADER):
            columns = text.rstrip(";").split(";")
            if columns[4:5] != ["realTime (ms)"]:
                refuse(content, "has a table without realTime (ms)", _HELP, line=number)
            tables.append([])
            ended = False
        elif text.startswith("Total;"):
            ended = True
        elif text and not ended:
            _add_layer(tables[-1], text, number, faults)
            rows += 1
            if rows > MOST_KERNELS:
                refuse(content, f"has more than {MOST_KERNELS} layers", "give the average counters")
    if not ended:
        refuse(content, "ends before its total", "let benchmark_app run to its end")
    faults.raise_any()
    notes = ["counters are averages since the model was compiled, the first run among them"]
    if len(tables) > 1:
        notes.append(f"averages over {len(tables)} infer requests")
    return Log(runtime="OpenVINO", kernels=_averaged(tables), statistic="average", notes=tuple(notes))


@dataclass(slots=True)
class _Layer:
    """A row of a table, and the names of those behind it that were fused into it."""

    name: str
    kind: str
    seconds: float
    precision: str
    fused: list[str] = field(default_factory=list[str])


def _add_layer(table: list[_Layer], text: str, number: int, faults: Faults) -> None:
    name, *fields = text.removesuffix(";").rsplit(";", _FIELDS)
    if len(fields) != _FIELDS:
        faults.add("is no layer with its counters", f"line {number}")
        return
    status, kind, implementation, real, _ = fields
    seconds = _MILLISECOND * faults.number(real, f"line {number}")
    if status.rpartition(".")[2] == "EXECUTED":
        table.append(_Layer(name, kind, seconds, implementation.rpartition("_")[2].lower()))
    elif implementation == _FUSED and table:
        table[-1].fused.append(name)


def _averaged(tables: list[list[_Layer]]) -> tuple[LoggedKernel, ...]:
    """Averages over the tables; a layer keeps the place where it stood first."""
    first: dict[tuple[str, str], _Layer] = {}
    sums: dict[tuple[str, str], float] = {}
    for layer in (layer for table in tables for layer in table):
        key = (layer.name, layer.kind)
        first.setdefault(key, layer)
        sums[key] = sums.get(key, 0.0) + layer.seconds
    return tuple(
        LoggedKernel(
            layer.name, layer.kind, sums[key] / len(tables), fused=tuple(layer.fused), precision=layer.precision
        )
        for key, layer in first.items()
    )  # fmt: skip
