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
        "statistic.whole log": "total over the trace",
        "trace.gpu": "GPU {number}",
        "trace.kernels": "{count} kernels",
        "trace.kernels.one": "1 kernel",
        "trace.graphs": "{count} replays of CUDA graphs",
        "trace.graphs.one": "1 replay of a CUDA graph",
        "trace.span": "{activities} in {span}",
        "trace.span.marked": "{activities} in {span}, from the first of {count} marked runs to the last",
        "trace.span.told": "{activities} in {span}, {count} runs",
        "trace.busy": "busy: of the time in which at least one kernel ran. nvidia-smi calls it GPU-Util; "
        "it does not tell how much of the GPU a kernel uses",
        "trace.copies": "only copied or filled memory",
        "trace.occupancy": "of the threads that the GPU can hold, by the trace's own estimate for its kernels",
        "trace.stream": "of the time at least one kernel ran in stream {stream}",
        "trace.gaps": "{count} gaps without a kernel: the longest {longest}, half of them over {median}",
        "trace.gaps.one": "one gap without a kernel",
        "trace.launch": "Half of the kernels take less than {kernel}, and half of the gaps in which nothing ran more "
        "than {gap}: the GPU waits for kernels to be started. CUDA graphs, larger batches or fewer kernels help.",
        "trace.copying": "In {share} of the time without a kernel it copied or filled memory: the GPU waits for "
        "copies. Pinned memory, copies beside kernels, in a stream of their own, or fewer of them help.",
        "trace.runs": "Add --runs N, the number of equal runs in this trace, to see the time of one.",
        "achieved": "Achieved",
        "achieved.counted": "counted, a run",
        "achieved.rate": "a second",
        "achieved.roof": "roof",
        "achieved.share": "of the roof",
        "achieved.operations": "{engine} {dtype}",
        "achieved.unavoidable": "bytes that no run avoids",
        "achieved.op by op": "bytes, every op on its own",
        "achieved.basis": "Counted work by the measured {statistic} of a run{device}: no counters of the hardware.",
        "achieved.device": ", beside the roofs of {device}",
        "achieved.batch": "Counted at batch {batch}; add --batch if the run had another.",
        "achieved.shapes": "Counted in the shapes of the model; add --batch or --shape if the run had others.",
        "achieved.at_least": "Some ops could not be counted: all of these are at least what is shown. To see which: "
        "attainable count MODEL; --trip-count there says how often a loop runs.",
        "achieved.floor": "at least {figure}",
        "achieved.busy": "The GPU was busy {busy} of the time and reached {share} of its {dtype} peak{bytes}.",
        "achieved.peak": "It reached {share} of the {dtype} peak of {device}{bytes}.",
        "achieved.bandwidth": " and between {low} of its memory bandwidth (if only weights, inputs and outputs moved) "
        "and {high} (if nothing stayed on the chip)",
        "achieved.kept": "More than the bandwidth means that the run kept tensors on the chip.",
        "achieved.narrower": "More than a peak means that it computed in a narrower type (TF32 in place of float32) or "
        "by an algorithm with fewer operations (Winograd).",
        "achieved.gpus": "The trace is of {count} GPUs, the roofs are of one.",
        "achieved.no_device": "Add --device NAME to see the roofs of what it ran on.",
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
        "routines": "A trace has names of routines, so that no kernel finds its ops.",
        "routines.no_model": "Add --model MODEL --device NAME to see what the network achieved beside the roofs.",
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
