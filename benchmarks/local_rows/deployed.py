"""The row on another program that runs beside a network."""

from contextlib import ExitStack

from attainable import zoo
from attainable.measurement.claim import own_noise
from attainable.measurement.inputs import make_inputs
from attainable.measurement.load import Load, kept_busy
from attainable.runtimes.onnxruntime import RUNTIME
from attainable.timing.conditions import others_share, read_cpu_times
from benchmarks.local_rows.judging import Finding, Result, shown, within
from benchmarks.local_rows.rounds import Effort
from benchmarks.local_rows.row import Row, Rows, written
from benchmarks.local_rows.turns import take_turns, timed_session

HOG = Load(memory_share=0.02)
"""Writes over a fiftieth of the free memory, far more than a cache holds, again and again."""

HOGGED = ("mobilenet_v2", "resnet18")
_DEADLINE_SECONDS = 60.0


def _hogged(effort: Effort) -> Result:
    before = read_cpu_times()
    # Of each network: alone, beside the hog, alone again.
    times: dict[str, list[list[float]]] = {name: [] for name in HOGGED}
    with written({name: zoo.build(name) for name in HOGGED}) as workloads:
        arrays = {name: make_inputs(workload).arrays for name, workload in workloads.items()}
        for done in range(effort.rounds):
            with ExitStack() as workers:
                timed = [
                    timed_session(
                        workers.enter_context(
                            RUNTIME.open(workloads[name], arrays[name], threads=1, deadline_seconds=_DEADLINE_SECONDS)
                        )
                    )
                    for name in HOGGED
                ]
                alone = take_turns(timed, effort.seconds)
                with kept_busy(HOG):
                    beside = take_turns(timed, effort.seconds)
                again = take_turns(timed, effort.seconds)
            for name, *three in zip(HOGGED, alone, beside, again, strict=True):
                times[name].append(three)
            effort.progress(done + 1, effort.rounds)
    # The hog is a child that has ended, hence none of the others.
    others = others_share(before, read_cpu_times())
    found: list[Finding] = []
    for name, rounds in times.items():
        ratios = [beside / (0.5 * (alone + again)) for alone, beside, again in rounds]
        noise = own_noise([alone / again for alone, _, again in rounds])
        verdict = within(ratios, least=1.1, noise=noise, others=others)
        found.append(Finding(f"{name} {shown(ratios)} times as long", verdict))
    return Result(tuple(found), effort.rounds, others, f"beside --load {HOG}, 1 thread")


ROWS: Rows = {
    "T155": Row("A network beside a program that writes over memory", "ratio > 1.1", _hogged),
}
