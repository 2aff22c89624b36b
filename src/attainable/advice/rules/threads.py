"""Rules about threads and processors."""

import math
from collections.abc import Sequence

from attainable.advice.messages import say, say_count
from attainable.advice.rule import Candidate, Conclusion, Probed, Rule, Situation, Variant
from attainable.quantities import format_seconds
from attainable.timing.conditions import Conditions


def threads_beyond_quota(situation: Situation) -> Sequence[Candidate | Conclusion]:
    """Threads beyond the processors granted.

    What it sees:
        The run asked for more threads than there are processors that it may use: by the affinity mask, or by the quota
        of the control group, which is how containers are given "2 CPUs" on a machine with many more.

    Why it costs time:
        The threads of a kernel wait for each other at its end, spinning. With fewer processors than threads some of
        them are not running while the others burn the processor waiting; under a quota the spinning uses up the grant,
        and then the kernel stops the whole group until the next period, 0.1 s by default.

    What to do:
        Ask for as many threads as processors are granted: `--threads` here, `intra_op_num_threads` in onnxruntime. Left
        at its default onnxruntime takes the physical cores that it sees, and it does not see a quota. The network is
        measured here both ways, in turns.

    Source:
        onnxruntime issue 7207; Linux, Documentation/scheduler/sched-bwc.rst. Measured with onnxruntime 1.31.1 on 2
        processors: 4 threads 3.4 times, 8 threads 5.0 times slower than 2.
    """
    threads, conditions = situation.run.threads, situation.conditions
    allowed = _allowed(conditions)
    if threads <= allowed:
        return [Conclusion(None, say("threads.within", {"threads": _count(threads), "limit": _limit(conditions)}))]
    workload = situation.count.workload

    def conclude(probed: Probed) -> Conclusion:
        values = {"threads": threads, "allowed": allowed, "limit": _limit(conditions)}
        times = {
            "asked": format_seconds(probed.typical_seconds(0)), "fewer": format_seconds(probed.typical_seconds(1))
        }  # fmt: skip
        saving = probed.typical_saving(1)
        observation = say("threads.seen", {**values, **times})
        if saving.low <= 0:
            return Conclusion(None, observation)
        return Conclusion(saving, observation, say("threads.headline", values), say("threads.action", values))

    return [
        Candidate(
            ops=(),
            at_stake_seconds=situation.run.median_seconds,
            variants=tuple(Variant(number, lambda folder: workload, situation.inputs) for number in (threads, allowed)),
            conclude=conclude,
        )
    ]


def _allowed(conditions: Conditions) -> int:
    quota = conditions.processors if conditions.cpu_quota is None else math.floor(conditions.cpu_quota)
    return max(1, min(conditions.processors, quota))


def _limit(conditions: Conditions) -> str:
    if conditions.cpu_quota is None:
        return say("threads.no_quota", {"processors": conditions.processors})
    return say("threads.quota", {"processors": conditions.processors, "quota": f"{conditions.cpu_quota:g}"})


def _count(threads: int) -> str:
    return say_count("threads.count", threads)


RULES: dict[str, Rule] = {
    "THR001": Rule("THR001", "Threads beyond the processors granted", "threads", threads_beyond_quota),
}
"""Rules about threads, by code."""
