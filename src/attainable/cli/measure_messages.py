"""Every sentence of ours in the screens of ``attainable measure``, by key.

A second language is a second table. Names enter as values only: a template never comes from a model.
"""

from collections.abc import Mapping
from types import MappingProxyType

from attainable.messages import Messages

ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        # what stands before the times of a run
        "run.on_host": "on {host}",
        "check.right": "right: within {error} of {reference} without optimisation ({usual} is allowed)",
        "check.equal": "right: equal to {reference} without optimisation",
        "check.wrong": "WRONG outputs, compared with {reference} without optimisation:",
        "check.more_wrong": "  and {count} more outputs",
        "check.absent": "outputs not compared: {why}",
        "check.yes": "yes",
        "check.no": "NO",
        "check.open": "?",
        "check.precision": "ran in {ran}; the model's own type is {own}",
        "check.quiet": "quiet{others}",
        "check.unknown": "not known whether the machine was quiet{others}",
        "check.noisy": "noisy, no claim: {reason}{more}",
        "check.others": ": others used {share} of the machine",
        "check.more_reasons": ", and {count} more",
        # one run
        "run.throughput": "inferences per second, batch {batch}",
        "run.p90": "90 % of the runs took no longer",
        "run.p99": "99 % of the runs took no longer",
        "run.no_percentile": "p90 takes {p90} runs, p99 {p99}: there are {samples}",
        "run.first": "the first run",
        "run.import": "importing the runtime",
        "run.read": "reading the file before that",
        "run.parse": "of loading: parsing",
        "run.optimise": "of loading: optimising, choosing kernels, packing weights",
        "run.memory": "resident memory more, for the model, after its first run",
        "run.faults": "page faults during {samples} runs, {major} of them from a disk",
        "run.switches": "context switches, {involuntary} of them forced by other programs",
        "run.no_usage": "page faults and context switches: not counted by this system",
        "run.energy": "energy of a run ({source})",
        "run.no_energy": "energy: {source}",
        "run.gpu_energy": "energy of a run (NVML counters of all GPU boards, all programs)",
        "run.processors": "bound to",
        "run.processors_list": "processors {list}",
        "run.period": "period; {missed} of the periods missed",
        "run.beside": "{name} beside it, median",
        "run.load": "{load} beside it",
        "run.host": "measured there: {cpu}, {processors} logical processors, {system}; others used {others} of it",
        "run.unknown": "an unknown share",
        "run.more": "More of this run",
        # sweeps
        "sweep.title": "Latency and throughput",
        "sweep.batch": "Batch",
        "sweep.threads": "Threads",
        "sweep.median": "Median",
        "sweep.interval": "95 %",
        "sweep.p90": "p90",
        "sweep.rate": "Inf/s",
        "sweep.memory": "Peak RSS",
        "sweep.missed": "Missed",
        "sweep.right": "Right",
        "sweep.wrong": "WRONG outputs: {cells} (the warnings tell how).",
        "sweep.noisy": "Noisy: {cells} (the warnings tell why).",
        "sweep.cell": "{batch}x{threads}",
        "sweep.legend": "A run is a batch; 95 %: interval of the median; inf/s: batch by median; right: outputs.",
        # A/B
        "compare.place": "against {first}",
        "compare.title": "{second}",
        "compare.slower": "{second} is {change} slower (95 % interval {low} to {high})",
        "compare.faster": "{second} is faster: it takes {change} less time (95 % interval {low} to {high})",
        "compare.none": "no difference beyond this machine's noise of {within}",
        "compare.noisy_own": "noisy: no claim ({first} against itself differs by {noise})",
        "compare.noisy_wide": "noisy: no claim (the difference lies between {low} and {high})",
        "compare.noisy_others": "noisy: no claim (others used {others} of the machine)",
        "compare.few": "{pairs} pairs give no 95 % interval: no claim",
        "compare.same": "{name} ({letter})",
        "compare.threads": "{count} threads",
        "compare.threads.one": "1 thread",
        "compare.time": "median run of {name}",
        "compare.pairs": "pairs of fresh processes, in turns",
        "compare.noise": "{first} against itself, {pairs} pairs",
        "compare.no_noise": "unknown",
        "compare.memory": "peak resident memory of {name}",
        "open.title": "Open batch dimension against the same file with it fixed, batch {batch}",
    }
)

_SPOKEN = Messages(ENGLISH)
say, say_count = _SPOKEN.say, _SPOKEN.say_count
