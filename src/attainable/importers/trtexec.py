"""Reads the JSON files of NVIDIA's trtexec: ``--exportProfile``, ``--exportTimes`` and ``--exportLayerInfo``.

The profile is a list: first ``count``, how many runs were profiled, then a name, the time of all runs and the average,
in newer releases also the median, for each layer. The times are a list with one object for each run. The layer
information has a list ``Layers`` of objects, or of names where the engine was built without detailed verbosity. All
times are in milliseconds. Several of these files together describe one engine.

Source: NVIDIA/TensorRT, samples/common/sampleReporting.cpp (exportJSONProfile, exportJSONTrace, printLayerInfo), and
samples in tools/experimental/trt-engine-explorer.
"""

import re
from statistics import median

import msgspec

from attainable.importers.content import MOST_EVENTS, MOST_KERNELS, Content, Faults, decode_json, refuse
from attainable.importers.log import Log, LoggedKernel, Times, times_of
from attainable.quantities import format_seconds

_HELP = "give a file of trtexec --exportProfile=F, --exportTimes=F or --exportLayerInfo=F"
_MILLISECOND = 1e-3
_RUNTIME = "TensorRT"


class _Entry(msgspec.Struct):
    """An object of a profile or of the times; each has a part of these."""

    count: int | None = None
    name: str | None = None
    timeMs: float | None = None  # noqa: N815
    averageMs: float | None = None  # noqa: N815
    medianMs: float | None = None  # noqa: N815
    latencyMs: float | None = None  # noqa: N815
    computeMs: float | None = None  # noqa: N815


class _Layer(msgspec.Struct, rename="pascal"):
    name: str = ""
    layer_type: str = ""


class _Layers(msgspec.Struct, rename="pascal"):
    layers: list[_Layer | str]


_PROFILE = re.compile(r"\s*\[\s*\{\s*\"count\"\s*:")
_TIMES = re.compile(r"\s*\[\s*\{\s*\"start(?:Enq|H2d|Compute)Ms\"\s*:")
_LAYERS = re.compile(r"\s*\{\s*\"Layers\"\s*:")


def sniff(head: str) -> bool:
    """Whether a file that begins like this is one of the three."""
    return any(form.match(head) for form in (_PROFILE, _TIMES, _LAYERS))


def read(content: Content) -> tuple[Log, ...]:
    """Read one of the three files.

    Raises:
        InputError: the file cannot be used.
    """
    # counted before they become objects, because an empty one takes three bytes
    if content.text.count("{") > MOST_EVENTS:
        refuse(content, f"has more than {MOST_EVENTS} entries", "export fewer runs")
    if _LAYERS.match(content.text):
        return (_read_layers(content),)
    entries = decode_json(content, list[_Entry], help=_HELP)
    return (_read_profile(entries, content) if _PROFILE.match(content.text) else _read_times(entries, content),)


def _read_layers(content: Content) -> Log:
    layers = decode_json(content, _Layers, help=_HELP).layers
    if len(layers) > MOST_KERNELS:
        refuse(content, f"has more than {MOST_KERNELS} layers", _HELP)
    pairs = ((layer, "") if isinstance(layer, str) else (layer.name, layer.layer_type) for layer in layers)
    return Log(runtime=_RUNTIME, accelerator="gpu", layers=tuple(pairs))


def _read_profile(entries: list[_Entry], content: Content) -> Log:
    if len(entries) > MOST_KERNELS:
        refuse(content, f"has more than {MOST_KERNELS} layers", _HELP)
    faults = Faults(content.path, _HELP)
    kernels: list[LoggedKernel] = []
    runs = next((entry.count for entry in entries if entry.count is not None), None)
    has_medians = any(entry.medianMs is not None for entry in entries)
    for position, entry in enumerate(entries):
        if entry.name is None:
            continue
        chosen = entry.medianMs if has_medians else entry.averageMs
        if chosen is None:
            faults.add("has no time of one run", f"entry {position}")
            continue
        kernels.append(LoggedKernel(entry.name, "", _MILLISECOND * faults.checked(chosen, f"entry {position}")))
    if runs is None or runs <= 0:
        faults.add("does not tell how many runs were profiled", "entry 0")
    faults.raise_any()
    averages = [entry.averageMs for entry in entries if entry.name is not None]
    total = sum(time for time in averages if time is not None) if None not in averages else None
    if total is not None:
        total = _MILLISECOND * faults.checked(total, "the sum of the averages")
    faults.raise_any()
    return Log(
        runtime=_RUNTIME, accelerator="gpu", times=Times(basis="operators", samples=runs, average=total),
        kernels=tuple(kernels), statistic="median" if has_medians else "average",
    )  # fmt: skip


def _read_times(entries: list[_Entry], content: Content) -> Log:
    faults = Faults(content.path, _HELP)
    samples: list[float] = []
    for position, entry in enumerate(entries):
        if entry.latencyMs is None:
            faults.add("has no latency", f"entry {position}")
        else:
            samples.append(_MILLISECOND * faults.checked(entry.latencyMs, f"entry {position}"))
    faults.raise_any()
    notes = [
        "a latency is that of the copies to and from the GPU and of computing",
        "older releases of trtexec write the runs of the warm-up too, which the log does not tell",
    ]
    computing = [_MILLISECOND * entry.computeMs for entry in entries if entry.computeMs is not None]
    if computing:
        notes.append(f"computing alone took {format_seconds(median(computing))} (median)")
    return Log(runtime=_RUNTIME, accelerator="gpu", times=times_of(samples), notes=tuple(notes))
