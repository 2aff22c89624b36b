"""Reads what TFLite's benchmark_model prints, with or without its profile of operators.

Times of runs are in microseconds, in lines ``count=50 first=.. min=.. max=.. avg=..``: the first one is of the warm-up,
the second one of the timed runs; newer releases add ``median`` and percentiles. The profile is a table ``Run Order``
with times in milliseconds: a kernel's average is that of one call, and ``times called`` counts calls of one run, in
whole numbers.

Source: tensorflow/tensorflow, tensorflow/lite/tools/benchmark/{benchmark_model.cc, README.md},
tensorflow/core/util/{stats_calculator.cc, stats_calculator.h}; google-ai-edge/LiteRT, the same tool.
"""

import re
from dataclasses import dataclass, field

from attainable.importers.content import MOST_KERNELS, MOST_NETWORKS, Content, Faults, refuse
from attainable.importers.log import Log, LoggedKernel, Times

_HELP = "give the whole output: benchmark_model --graph=M.tflite --enable_op_profiling=true >log.txt 2>&1"
_MICROSECOND, _MILLISECOND = 1e-6, 1e-3
_COUNT = re.compile(r"(?:^|[\s:])count=([0-9]{1,12})((?: [a-z0-9]{1,12}=[^ ]{1,40}){1,16})")
_FIGURE = re.compile(r" ([a-z0-9]{1,12})=([^ (]{1,40})")
_PERCENTILE = re.compile(r"p([0-9]{1,2})")
_THREADS = re.compile(r"(?:#threads used for CPU inference|Num threads): \[([0-9]{1,6})\]")
_GRAPH = re.compile(r"Graph: \[([^\]]{1,4096})\]")
_INFERENCE = re.compile(r"(Init|First inference|Inference \(avg\)): ([^, ]{1,40})")
_INITIALIZED = re.compile(r"Initialized session in ([^ ]{1,40}?)ms")
_COLUMNS = ("[first]", "[avg ms]", "[%]", "[cdf%]", "[mem KB]", "[times called]")
_RULE, _RUN_ORDER, _KIND = "=====", "Run Order", "[node type]"
_NEVER_IN_A_RUN = ("AllocateTensors", "ModifyGraphWithDelegate")


def sniff(head: str) -> bool:
    """Whether a file that begins like this is such an output."""
    return any(mark in head for mark in _MARKS)


_MARKS = (
    "Running benchmark for at least", "Log parameter values verbosely", "Inference timings in us:", "[times called]",
    "Operator-wise Profiling Info",
)  # fmt: skip


@dataclass(slots=True)
class _Found:
    """What was read so far."""

    counts: list[Times] = field(default_factory=list[Times])
    profiled: Times | None = None
    rows: list[tuple[LoggedKernel, float]] = field(default_factory=list[tuple[LoggedKernel, float]])
    threads: int | None = None
    graph: str = ""
    inference: dict[str, float] = field(default_factory=dict[str, float])
    benchmarks: int = 0


def read(content: Content) -> tuple[Log, ...]:
    """Read an output.

    Raises:
        InputError: the file cannot be used.
    """
    faults, found = Faults(content.path, _HELP), _Found()
    table, columns = "", 0
    for number, line in content.lines():
        place = f"line {number}"
        if _RULE in line:
            table, columns = ("order" if _RUN_ORDER in line else "other"), 0
            if table == "order":
                # one of the initialisation comes before that of the runs
                found.rows.clear()
        elif not line.strip():
            table = ""
        elif not table:
            _add_figures(found, line, place, faults)
        elif table == "order" and _KIND in line:
            columns = _columns(line, place, faults)
        elif table == "order" and columns:
            _add_row(found, line, columns, place, faults)
        if len(found.rows) > MOST_KERNELS or len(found.counts) > MOST_NETWORKS:
            refuse(content, f"has more than {MOST_KERNELS} rows, or {MOST_NETWORKS} runs of the tool", _HELP)
    if table == "order":
        refuse(content, "ends within its table", "give the whole output")
    faults.raise_any()
    return (_log(found, content),)


def _log(found: _Found, content: Content) -> Log:
    if len(found.counts) > 1:
        times = found.counts[1]
    elif found.counts and found.benchmarks < 2:
        refuse(content, "ends after the warm-up", "let benchmark_model run to its end")
    elif "Inference (avg)" in found.inference:
        times = Times(average=found.inference["Inference (avg)"])
    elif found.rows:
        times = Times()
    else:
        refuse(content, "has no times", _HELP)
    notes: list[str] = []
    kernels = _kernels(found, notes)
    return Log(
        runtime="TensorFlow Lite", network=re.split(r"[/\\]", found.graph)[-1].rpartition(".")[0], times=times,
        kernels=kernels, statistic="average", threads=found.threads,
        load_seconds=found.inference.get("Init"), first_run_seconds=found.inference.get("First inference"),
        notes=tuple(notes),
    )  # fmt: skip


def _add_figures(found: _Found, line: str, place: str, faults: Faults) -> None:
    if "Running benchmark for at least" in line:
        found.benchmarks += 1
    if (threads := _THREADS.search(line)) is not None and int(threads[1]) > 0:
        found.threads = int(threads[1])
    if (graph := _GRAPH.search(line)) is not None:
        found.graph = graph[1]
    if "Inference timings in us:" in line:
        for key, text in _INFERENCE.findall(line):
            found.inference[key] = _MICROSECOND * faults.number(text, place)
    elif (loaded := _INITIALIZED.search(line)) is not None:
        found.inference.setdefault("Init", _MILLISECOND * faults.number(loaded[1], place))
    if "Memory (bytes)" in line or (counted := _COUNT.search(line)) is None:
        return
    times = _times(counted, place, faults)
    if "Timings (microseconds)" in line:
        found.profiled = times
    else:
        found.counts.append(times)


def _times(counted: re.Match[str], place: str, faults: Faults) -> Times:
    figures = {key: _MICROSECOND * faults.number(text, place) for key, text in _FIGURE.findall(counted[2])}
    # where all runs took the same time, it is printed once
    same = None if "avg" in figures else figures.get("curr")
    percentiles = ((match, seconds) for key, seconds in figures.items() if (match := _PERCENTILE.fullmatch(key)))
    minimum, maximum = figures.get("min", same), figures.get("max", same)
    return Times(
        samples=int(counted[1]), median=figures.get("median", same), average=figures.get("avg", same), minimum=minimum,
        maximum=maximum, low=minimum, high=maximum,
        percentiles=tuple((float(match[1]), seconds) for match, seconds in percentiles),
    )  # fmt: skip


def _columns(line: str, place: str, faults: Faults) -> int:
    """How many numbers stand between the kind and the name of a row; 0, and a fault, in a table of another form."""
    if not all(column in line for column in _COLUMNS):
        faults.add("is a table without the usual columns", place)
        return 0
    return len(_COLUMNS) + ("[start]" in line)


def _add_row(found: _Found, line: str, columns: int, place: str, faults: Faults) -> None:
    cells = [cell.strip() for cell in (line.split("\t") if "\t" in line else re.split(r" {2,}", line))]
    while cells and not cells[0]:
        del cells[0]
    if len(cells) < columns + 2:
        faults.add("is no row of the table that it stands in", place)
        return
    kind, numbers, name = cells[0], cells[1 : columns + 1], " ".join(cells[columns + 1 :])
    *_, average, share, _, _, calls = numbers
    seconds = _MILLISECOND * faults.number(average, place)
    part = faults.number(share.removesuffix("%"), place, what="share") / 100
    called = faults.whole(calls, place, what="number of calls")
    if kind not in _NEVER_IN_A_RUN:
        found.rows.append((LoggedKernel(name, kind, seconds, calls=called), part))


def _kernels(found: _Found, notes: list[str]) -> tuple[LoggedKernel, ...]:
    """The rows with times of whole runs.

    Old releases write 0 calls for everything that is called once. In newer ones 0 stands where some runs did not call
    it: then the share of the profiled time tells.
    """
    counted = any(kernel.calls for kernel, _ in found.rows)
    total = found.profiled.average if found.profiled is not None else None
    kernels: list[LoggedKernel] = []
    for kernel, share in found.rows:
        if kernel.calls or not counted:
            calls = max(1, kernel.calls)
            kernels.append(LoggedKernel(kernel.name, kernel.kind, calls * kernel.seconds, calls))
        elif total is not None:
            kernels.append(LoggedKernel(kernel.name, kernel.kind, share * total, 0))
        else:
            notes.append(f"{kernel.name} did not run every time and has no time of one run: left out")
    return tuple(kernels)
