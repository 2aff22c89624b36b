"""Reads what ncnn's benchncnn prints: a few settings, then a line for each network.

A line has the name of the network and the smallest, the largest and the average time in milliseconds of ``loop_count``
runs. There is no median. Several outputs in one file are read one after the other.

Source: Tencent/ncnn, benchmark/benchncnn.cpp, and the outputs in benchmark/README.md.
"""

import re
from collections.abc import Mapping

from attainable.importers.content import MOST_NETWORKS, Content, Faults, refuse
from attainable.importers.log import Log, Times

_HELP = "give the whole output of benchncnn: benchncnn 20 1 2>log.txt"
_MILLISECOND = 1e-3
_SETTING = re.compile(r"(loop_count|num_threads|powersave|gpu_device|cooling_down) = (-?[0-9]{1,9})")
_TIME = re.compile(r"min =[ \t]{0,40}([^ \t]{1,40})[ \t]{1,40}max =[ \t]{0,40}([^ \t]{1,40})[ \t]{1,40}avg ="
                   r"[ \t]{0,40}([^ \t]{1,40})")  # fmt: skip
_FIRST = "loop_count"
_CLUSTERS: Mapping[str, str] = {"1": "little cores only", "2": "big cores only"}


def sniff(head: str) -> bool:
    """Whether a file that begins like this is such an output."""
    times = all(word in head for word in ("min =", "max =", "avg ="))
    return times or ("loop_count = " in head and "powersave" in head)


def read(content: Content) -> tuple[Log, ...]:
    """Read an output.

    Returns:
        A log for each network.

    Raises:
        InputError: the file cannot be used.
    """
    faults = Faults(content.path, _HELP)
    settings: dict[str, str] = {}
    logs: list[Log] = []
    for number, line in content.lines():
        setting = _SETTING.search(line)
        if setting is not None:
            # the first line of an output: settings of one before it are not of this one
            settings = {} if setting[1] == _FIRST else settings
            settings[setting[1]] = setting[2]
        elif "min =" in line:
            logs.append(_log(line, number, settings, faults))
        if len(logs) > MOST_NETWORKS:
            refuse(content, f"has more than {MOST_NETWORKS} networks", _HELP)
    faults.raise_any()
    if not logs:
        refuse(content, "has no line with times", _HELP)
    return tuple(logs)


def _log(line: str, number: int, settings: Mapping[str, str], faults: Faults) -> Log:
    name, _, times = line.partition("min =")
    found = _TIME.match("min =" + times)
    place = f"line {number}"
    if found is None:
        faults.add("lacks the smallest, largest or average time", place)
        return Log(runtime="ncnn")
    minimum, maximum, average = (_MILLISECOND * faults.number(text, place) for text in found.groups())
    if not minimum <= average <= maximum:
        faults.add("the average is not between the smallest and the largest time", place)
    threads, loops = int(settings.get("num_threads", 0)), int(settings.get("loop_count", 0))
    network = name.strip()
    cluster = _CLUSTERS.get(settings.get("powersave", ""))
    return Log(
        runtime="ncnn", network=network,
        times=Times(samples=loops if loops > 0 else None, average=average, minimum=minimum, maximum=maximum),
        threads=threads if threads > 0 else None,
        precision="int8" if network.endswith("_int8") else "",
        accelerator="gpu" if settings.get("gpu_device", "-1") != "-1" else "",
        notes=(f"it ran on the {cluster}",) if cluster else (),
    )  # fmt: skip
