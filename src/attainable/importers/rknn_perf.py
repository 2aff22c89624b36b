"""Reads what ``eval_perf`` of RKNN-Toolkit2 and ``rknn_query(RKNN_QUERY_PERF_DETAIL)`` print.

A table has a row for each operator of one frame: number, operator, type, target (CPU, GPU, NPU), shapes, cycles, time
in microseconds, use of the units, name. The cycles are one column ``DDR/NPU/Total``, or three in newer releases; cells
without a value hold a backslash or, in old releases, nothing. A name has its operator before it: ``Conv:/conv1/Conv``.
Without ``perf_debug`` there is only ``Total Time(us)``. Everything is of one frame.

Source: Rockchip, "RKNN-Toolkit2 User Guide", chapter on performance evaluation; outputs in the issues of
airockchip/rknn-toolkit2 (32, 400).
"""

import re

from attainable.importers.content import MOST_KERNELS, Content, Faults, refuse
from attainable.importers.log import Log, LoggedKernel, Times

_HELP = "give what rknn.eval_perf() prints, after init_runtime(target=..., perf_debug=True) for every operator"
_MICROSECOND = 1e-6
_LOGGED = re.compile(r"^[DIW] RKNN: \[[0-9:.]{1,20}\] ?")
_TOTAL = re.compile(r"(Total (?:Operator Elapsed (?:Per Frame )?)?Time\(us\)): *([^ ]{1,40})")
_CYCLES = re.compile(r"[0-9]{1,20}(?:/[0-9]{1,20}){2}")
_VERSION = re.compile(r"(?:SDK API Version|librknnrt version|API Version): *([0-9][0-9A-Za-z.]{0,20})")
_TARGETS = ("CPU", "NPU", "GPU")
_CYCLES_COLUMN = 6
_ONE_FRAME = "Total Time(us)"
_TITLE = "Network Layer Information Table"


def sniff(head: str) -> bool:
    """Whether a file that begins like this is such an output."""
    return _TITLE in head or _TOTAL.search(head) is not None


def read(content: Content) -> tuple[Log, ...]:
    """Read an output.

    Raises:
        InputError: the file cannot be used.
    """
    faults = Faults(content.path, _HELP)
    kernels: list[LoggedKernel] = []
    totals: dict[str, float] = {}
    version, in_table = "", False
    for number, line in content.lines():
        place, text = f"line {number}", _LOGGED.sub("", line)
        words = text.split()
        if words[:4] == ["ID", "OpType", "DataType", "Target"]:
            if kernels:
                refuse(content, "has the tables of several frames", "give the table of one", line=number)
            in_table = True
        elif (total := _TOTAL.search(text)) is not None:
            totals[total[1]] = _MICROSECOND * faults.number(total[2], place)
            in_table = False
        elif (told := _VERSION.search(text)) is not None:
            version = told[1]
        elif in_table and words and words[0].isascii() and words[0].isdigit():
            _add_row(kernels, words, place, faults)
        if len(kernels) > MOST_KERNELS:
            refuse(content, f"has more than {MOST_KERNELS} operators", _HELP)
    faults.raise_any()
    if in_table:
        refuse(content, "ends before its total", "give the whole output")
    if not totals:
        refuse(content, "has neither operators nor a total", _HELP)
    whole = totals.get(_ONE_FRAME)
    time = whole if whole is not None else next(iter(totals.values()))
    notes = () if whole is not None else ("the total is what the operators of one frame took, each timed by itself, "
                                          "which takes longer than a frame does without perf_debug",)  # fmt: skip
    times = Times(
        basis="operators" if whole is None else "runs", samples=1, median=time, average=time, minimum=time,
        maximum=time, low=time, high=time,
    )  # fmt: skip
    log = Log(
        runtime="RKNN", version=version, times=times, kernels=tuple(kernels), statistic="one run", accelerator="npu",
        notes=notes,
    )  # fmt: skip
    return (log,)


def _add_row(kernels: list[LoggedKernel], words: list[str], place: str, faults: Faults) -> None:
    if len(words) < _CYCLES_COLUMN + 3 or words[3] not in _TARGETS:
        faults.add("is no operator with its time", place)
        return
    one_column = _CYCLES.fullmatch(words[_CYCLES_COLUMN]) is not None
    column = _CYCLES_COLUMN + (1 if one_column else 3)
    if len(words) < column + 2:
        faults.add("is no operator with its time", place)
        return
    seconds = _MICROSECOND * faults.number(words[column], place)
    kind = words[1] if words[3] == "NPU" else f"{words[1]} ({words[3]})"
    kernels.append(LoggedKernel(words[-1], kind, seconds, precision=words[2].lower()))
