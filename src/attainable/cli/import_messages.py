"""Every sentence of ours in the screen of ``attainable import``, by key.

A second language is a second table. Names enter as values only: a template never comes from a log.
"""

from collections.abc import Mapping
from types import MappingProxyType

from attainable.messages import Messages

ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        "imported": "Imported",
        "threads": "{count} threads",
        "threads.one": "1 thread",
        "batch": "batch {batch}",
        "accelerator.gpu": "GPU",
        "accelerator.npu": "NPU",
        "time.median": "median",
        "time.single": "the only run",
        "time.average": "average, the log has no median",
        "time.minimum": "the quickest run, the log has neither median nor average",
        "time.none": "The log has no time of whole runs.",
        "basis.operators": "sum of the operators",
        "samples": "{count} runs",
        "samples.one": "1 run",
        "samples.untold": "number of runs not told",
        "range": "{low}..{high}",
        "range.minimum": "from {low}",
        "range.maximum": "to {high}",
        "also.average": "average {seconds}",
        "percentile": "{percent} % of the runs took no longer than {seconds}",
        "missing": "Not in the log: {names}.",
        "figure.samples": "the number of runs",
        "figure.median": "the median",
        "figure.average": "the average",
        "figure.minimum": "the quickest run",
        "figure.maximum": "the slowest run",
        "figure.percentiles": "percentiles",
        "load": "load",
        "first": "the first run",
        "kernels.total": "all kernels together ({statistic} of each)",
        "statistic.median": "median",
        "statistic.average": "average",
        "statistic.one run": "time",
        "roofline": "roofline at best on {device}",
        "column.kernel": "Kernels",
        "column.kind": "Kind",
        "column.time": "Time",
        "column.share": "Share",
        "column.op": "Op of the model",
        "no_op": "-",
        "layout": "layout change",
        "rest": "{count} more",
        "mapped": "{share} of the kernels' time belongs to ops of {model}; {rest} is changes of layout and kernels "
        "whose ops were not found.",
        "not_mapped": "Add --model MODEL to see which ops these kernels are.",
        "not_joined": "Not a run of the analysis: {reason}.",
        "note": "note: {text}",
        "source": "Source: {path}, written by {tool}, sha256 {sha256}",
        "networks": "Networks",
        "lines": "{count} networks and settings",
        "column.threads": "Threads",
        "column.average": "Average",
        "column.median": "Median",
        "column.minimum": "Min",
        "column.maximum": "Max",
        "untold": "-",
    }
)

_ENGLISH = Messages(ENGLISH)
say = _ENGLISH.say
say_count = _ENGLISH.say_count
