"""What people already have: the logs of other tools, read into one record.

A format is a file with ``sniff`` and ``read``, and a row in ``FORMATS``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from attainable.errors import InputError, unknown_name
from attainable.importers import (
    benchncnn,
    nsys_database,
    nsys_trace,
    onnxruntime_profile,
    openvino_report,
    rknn_perf,
    tflite_benchmark,
    torch_trace,
    trtexec,
)
from attainable.importers.content import Content, read_content
from attainable.importers.log import Log, LoggedKernel, Source, Times

_HEAD = 4096
"""Characters at the beginning of a file that tell its format."""

_TEXT_HEAD = 65_536
"""The same for outputs, which may stand behind what a shell or a system log prints."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format of logs.

    Attributes:
        tool: what writes it.
        read: the logs in a file.
        sniff: whether a file that begins like this has it.
        extensions: of such files, the usual one first.
        head: how many characters of the beginning ``sniff`` is shown.
    """

    tool: str
    read: Callable[[Content], tuple[Log, ...]]
    sniff: Callable[[str], bool]
    extensions: tuple[str, ...]
    head: int = _HEAD


FORMATS: dict[str, Format] = {
    "onnxruntime": Format("ONNX Runtime's profiler", onnxruntime_profile.read, onnxruntime_profile.sniff, (".json",)),
    "openvino": Format("OpenVINO's benchmark_app", openvino_report.read, openvino_report.sniff, (".csv",)),
    "trtexec": Format("trtexec", trtexec.read, trtexec.sniff, (".json",)),
    "benchncnn": Format("benchncnn", benchncnn.read, benchncnn.sniff, (".txt", ".log", ".md"), _TEXT_HEAD),
    "tflite": Format("benchmark_model", tflite_benchmark.read, tflite_benchmark.sniff, (".txt", ".log"), _TEXT_HEAD),
    "rknn": Format("RKNN's eval_perf", rknn_perf.read, rknn_perf.sniff, (".txt", ".log"), _TEXT_HEAD),
    "torch": Format("PyTorch's profiler", torch_trace.read, torch_trace.sniff, (".json", ".json.gz")),
    "nsys": Format("Nsight Systems", nsys_trace.read, nsys_trace.sniff, (".csv", ".sqlite"), _TEXT_HEAD),
}
"""The formats that are read, by name."""


def read_log(path: Path, format: str | None = None) -> tuple[Log, ...]:
    """Read a log.

    Args:
        path: of the file.
        format: a key of ``FORMATS``; None to tell by the content.

    Returns:
        The runs in it: one, but for formats that list several networks.

    Raises:
        UnknownName: there is no such format.
        InputError: the file cannot be read, has no known format, or figures that cannot be used.
    """
    if format is not None and format not in FORMATS:
        raise unknown_name("format of logs", format, FORMATS)
    if nsys_database.is_database(path) and format in (None, "nsys"):
        database = nsys_database.content_of_database(path)
        return _with_source(nsys_database.read(database), database, "nsys")
    return logs_of(read_content(path), format)


def logs_of(content: Content, format: str | None = None) -> tuple[Log, ...]:
    """The runs in a log that is in memory; see ``read_log``."""
    name = format or _sniffed(content)
    return _with_source(FORMATS[name].read(content), content, name)


def _with_source(logs: Sequence[Log], content: Content, format: str) -> tuple[Log, ...]:
    source = Source(content.path, content.sha256, content.bytes, format, FORMATS[format].tool)
    return tuple(replace(log, sources=(source,)) for log in logs)


def _sniffed(content: Content) -> str:
    found = [name for name, format in FORMATS.items() if format.sniff(content.text[: format.head])]
    if len(found) == 1:
        return found[0]
    what = f"could be of the formats {' and '.join(found)}" if found else "has none of the formats that are read"
    listed = "; ".join(f"{name} ({format.tool}, {format.extensions[0]})" for name, format in FORMATS.items())
    raise InputError(what, where=content.path, help=f"name its format with --format: {listed}")


def merged(logs: Sequence[Log]) -> Log:
    """One run that several files tell: one of them its times, another its kernels, a third the kinds of these.

    Raises:
        InputError: they are of several runtimes, or two of them tell the same.
    """
    where = ", ".join(source.path for log in logs for source in log.sources)
    help = "import them one by one"
    runtimes = dict.fromkeys(log.runtime for log in logs)
    if len(runtimes) > 1:
        raise InputError(f"are of several runtimes: {', '.join(runtimes)}", where=where, help=help)
    with_kernels = [log for log in logs if log.kernels]
    with_times = [log for log in logs if log.times.typical is not None and log.times.basis == "runs"]
    if len(with_kernels) > 1 or len(with_times) > 1:
        raise InputError("tell the same more than once", where=where, help=help)
    kernels = with_kernels[0] if with_kernels else None
    times = with_times[0] if with_times else kernels or logs[0]
    kinds = dict(pair for log in logs for pair in log.layers)
    return replace(
        times,
        kernels=_with_kinds(kernels.kernels, kinds) if kernels is not None else (),
        statistic=kernels.statistic if kernels is not None else times.statistic,
        notes=tuple(dict.fromkeys(note for log in logs for note in log.notes)),
        sources=tuple(source for log in logs for source in log.sources),
        layers=tuple(kinds.items()),
    )


def _with_kinds(kernels: Sequence[LoggedKernel], kinds: dict[str, str]) -> tuple[LoggedKernel, ...]:
    return tuple(replace(kernel, kind=kernel.kind or kinds.get(kernel.name, "")) for kernel in kernels)


__all__ = ["FORMATS", "Format", "Log", "LoggedKernel", "Source", "Times", "logs_of", "merged", "read_log"]
