"""Every sentence of ours that a person reads in a report or in the terminal, by key.

A second language is a second table. Names enter as values only: a template never comes from a model.
"""

from collections.abc import Mapping
from types import MappingProxyType

Values = Mapping[str, str | int]

ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        # the head line
        "subject.here": "on this machine ({machine})",
        "subject.device": "on {device}",
        "subject.paper": "on paper",
        "subject.cores": "{count} cores",
        "subject.cores.one": "1 core",
        "subject.threads": "{count} threads",
        "subject.threads.one": "1 thread",
        "subject.batch": "batch {count}",
        "subject.input": "input {shape}",
        # verdict
        "verdict.title": "Verdict",
        "verdict.at_best": "At best",
        "verdict.at_best_on": "At best on {device}",
        "verdict.predicted": "Predicted",
        "verdict.measured": "Measured",
        "verdict.roofs": "{kinds} roofs",
        "verdict.and": " and ",
        "verdict.compute": "compute binds",
        "verdict.memory": "memory binds",
        "verdict.nothing": "nothing to compute or to move",
        "verdict.no_roof": "this device states no roof for this network",
        "verdict.without_roof": "{dtypes} has no roof here and is left out",
        "verdict.uncounted": "ops that could not be counted are left out",
        "verdict.no_device": "the roofs of this machine are not known: run `attainable devices calibrate`",
        "verdict.no_predictor": "not calibrated: this version has no predictor yet",
        "verdict.no_run": "the network was not run",
        "verdict.failed": "the run failed, see the errors",
        "verdict.samples": "{count} runs",
        "verdict.samples.one": "1 run",
        "verdict.interval": "± {half}",
        "verdict.interval_between": "{low} to {high}",
        "verdict.of_bound": "{share} of the bound",
        "verdict.beats_bound": "{share} of the bound: a faster algorithm (Winograd, FFT), or a roof that is too low",
        # kinds of numbers
        "kind.counted": "counted",
        "kind.bound": "bound",
        "kind.predicted": "predicted",
        "kind.measured": "measured",
        "kind.roofline": "roofline",
        "state.not_measured": "not measured",
        "state.not_available": "not available",
        # indicators
        "indicator.title": "Indicators",
        "indicator.accuracy": "Accuracy",
        "indicator.latency": "Latency",
        "indicator.memory": "Memory",
        "indicator.energy": "Energy",
        "indicator.accuracy.why": "no outputs were compared",
        "indicator.latency.median": "median of one inference",
        "indicator.memory.peak": "peak of the activations",
        "indicator.memory.weights": "weights and buffers",
        "indicator.memory.resident": "peak resident memory, runtime included",
        "indicator.energy.why": "no energy counter was read",
        # where it goes
        "hotspots.title": "Where it goes",
        "hotspots.paper_title": "Where it would go: roofline, not measured",
        "hotspots.rest": "everything else",
        "hotspots.none": "Nothing was measured, and no roofline is known.",
        "hotspots.measured": "Kernels as {runtime} {version} ran them, by its own profiler: {seconds} in all.",
        "hotspots.groups_only": "Each row stands beside the roofline of what its kernels must read and write.",
        "hotspots.attributed": "{share} of the time belongs to ops of the model; the rest is the runtime's own.",
        "hotspots.paper": "Kernels at the roofline of {device} ({accounting}): {seconds} in all.",
        "hotspots.cache": "Over 100 %, cache: the tensors came from a cache instead of memory.",
        "hotspots.algorithm": "Over 100 %, algorithm: fewer operations than counted (Winograd, FFT), or a peak too low.",
        "hotspots.over_memory": "cache",
        "hotspots.over_compute": "algorithm",
        "hotspots.with": "with {kinds}",
        "hotspots.legend": "Bars: time measured; the dark part is the roofline.",
        "hotspots.legend_paper": "Bars: time at the roofline.",
        # chart
        "chart.title": "Roofline",
        "chart.x": "operational intensity, operations per byte",
        "chart.y": "operations per second",
        "chart.measured": "Each mark is a row of “Where it goes”: as high as it was measured; a line leads to its roof.",
        "chart.paper": "Nothing was measured: each mark is an operator on its roof, with its traffic counted unfused.",
        "chart.reading": "Marks on the slope wait for memory, marks under the plateau for arithmetic.",
        "chart.none": "There is nothing to draw: neither roofs nor measured groups are known.",
        "chart.left_out": "{count} rows move bytes without computing and cannot be drawn.",
        "chart.left_out.one": "1 row moves bytes without computing and cannot be drawn.",
        "chart.undrawn": "{count} more rows, all small, are not drawn.",
        "chart.undrawn.one": "1 more row, a small one, is not drawn.",
        "chart.table": "The chart as a table",
        "chart.plateau": "{rate}, {dtype} {engine}, {kind}",
        "chart.slope": "{rate}, memory, {kind}",
        "chart.label": "Roofline chart: {points} marks under {roofs} roofs, both axes logarithmic",
        "chart.compute": "compute binds",
        "chart.memory": "memory binds",
        # columns
        "column.rank": "#",
        "column.label": "Work",
        "column.operator": "Operator",
        "column.times": "Times",
        "column.time": "Time",
        "column.share": "Share",
        "column.bound": "Binds",
        "column.of_roof": "Of roof",
        "column.macs": "MACs",
        "column.operations": "Operations",
        "column.parameters": "Parameters",
        "column.bytes": "Moved",
        "column.intensity": "Op/byte",
        "column.roofline": "Roofline",
        "column.attained": "Attained",
        "column.roof": "Its roof",
        # work on paper
        "work.title": "The work on paper",
        "work.macs": "MACs",
        "work.operations": "operations",
        "work.parameters": "parameters",
        "work.moved": "moved, op by op",
        "work.unavoidable": "unavoidable traffic",
        "work.intensity": "operations per byte moved",
        "work.peak": "peak of the activations",
        "work.at_least": "at least",
        "work.coverage": "{counted} of {ops} ops counted.",
        "work.short_conventions": "1 MAC = 2 operations; all ops; each input read once, each output written once; "
        "peak without in-place reuse. All figures are counted from the shapes.",
        # operators
        "operators.title": "Operators",
        "operators.about": "Equal ops share a row. Operations, parameters and bytes are counted, the roofline is that of "
        "{device} ({accounting}).",
        "operators.about_paper": "Equal ops share a row. Operations, parameters and bytes are counted.",
        "operators.measured": "Measured time stands at the op that works most in its kernel; the others ran with it.",
        "operators.rest": "{count} more rows are not shown: {operations} operations and {bytes} in all.",
        "operators.rest.one": "1 more row is not shown: {operations} operations and {bytes}.",
        "operators.in_kernel": "in a kernel above",
        "operators.folded": "folded",
        "operators.none": "The network has no ops.",
        # findings, faults, method
        "findings.title": "Findings",
        "findings.none": "None yet: this version has no advice rules.",
        "findings.saves": "saves {low} to {high}",
        "findings.confidence": "confidence: {confidence}",
        "errors.title": "Errors",
        "errors.about": "This analysis is not complete. What is shown stands; what failed is missing.",
        "errors.failed": "{stage} failed: {what}",
        "errors.where": "at {where}",
        "errors.help": "help: {help}",
        "warnings.title": "Warnings",
        "method.title": "Method",
        "method.model": "Model",
        "method.conventions": "Conventions of counting",
        "method.roofs": "Roofs of {device}",
        "method.run": "Conditions of the run",
        "method.device": "Conditions of {device}",
        "method.environment": "Environment",
        "method.numbers": "Kinds of numbers",
        "method.kind.counted": "from the shapes alone",
        "method.kind.bound": "the larger of all operations at peak and of the unavoidable bytes at the speed of memory; "
        "nothing is faster, fast algorithms excepted",
        "method.kind.roofline": "kernel by kernel, the larger of operations at peak and bytes at the speed of memory; "
        "a cache may beat it",
        "method.kind.measured": "the runtime really ran it; median, with its interval",
        "method.whole_device": "whole device",
        "method.file": "file",
        "method.format": "format",
        "method.format_value": "{format}, opset {opset}",
        "method.size": "size",
        "method.size_external": "{file}, and {external} of weights in other files",
        "method.sha256": "sha256",
        "method.parameters": "parameters",
        "method.buffers": "buffers",
        "method.input": "input",
        "method.output": "output",
        "method.bindings": "bindings",
        "method.scalar": "scalar",
        "method.unknown_shape": "unknown shape",
        "method.memory": "memory",
        "footer.made": "Made by attainable {version}, schema {schema}. Everything in this file works offline.",
        "count.title": "Most operations",
        "count.coverage": "Coverage",
    }
)
"""The sentences in English. ``.one`` is the form for exactly one."""


def say(key: str, values: Values = MappingProxyType({})) -> str:
    """The sentence of a key with its values filled in."""
    return ENGLISH[key].format_map(values)


def say_count(key: str, count: int, values: Values = MappingProxyType({})) -> str:
    """The sentence of a key for a number of things, in the singular where it is one."""
    chosen = f"{key}.one" if count == 1 and f"{key}.one" in ENGLISH else key
    return say(chosen, {**values, "count": count})
