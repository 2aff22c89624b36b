"""What to know before trusting a measurement: one list of warnings, each with the next thing to try."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from attainable.quantities import format_seconds, format_share
from attainable.runtimes import Profile
from attainable.timing.gate import Verdict
from attainable.timing.statistics import Summary

_FEWEST_SAMPLES = 20
_WIDE = 0.02
_DRIFT = 0.05
_WAITING = 0.9
_PROFILER_SHARE = 0.1
_PROFILER_SECONDS = 0.2e-3
_ATTRIBUTED = 0.95
_TOGETHER = 0.85


@dataclass(frozen=True, slots=True)
class Timed:
    """Timed runs and what happened meanwhile.

    Attributes:
        seconds: of each run.
        block_medians: of consecutive blocks of these runs.
        cpu_share: processor time of the worker by wall-clock time; 1 for one thread that never waited.
        peak_rss_bytes: of the worker.
    """

    seconds: tuple[float, ...]
    block_medians: tuple[float, ...]
    cpu_share: float
    peak_rss_bytes: int


_WAYS_OUT = {
    "others": "close them",
    "steal": "measure at another time, or on a machine that is not shared",
    "quota": "raise the quota, or give fewer --threads",
    "heat": "let it cool down, and give it air",
    "clock": "fix the clock (attainable doctor says how), or measure again",
    "hand-over": "measure again later, or with --threads 1",
    "one core": "give no more --threads than there are cores",
}
"""What to do, by the kind of a disturbance."""


def doubts_of_gate(verdict: Verdict, *, attempts: int) -> Iterator[str]:
    """Doubts about the machine: the mark of a cell that did not get through the gate, with every reason."""
    tried = f" in each of {attempts} attempts, this being the quietest" if attempts > 1 else ""
    for each in verdict.disturbances:
        yield f"noisy, no claim: {each.sentence}{tried}; {_WAYS_OUT[each.kind]}"


def doubts_of_times(timed: Timed, summary: Summary, *, threads: int) -> Iterator[str]:
    """Doubts about the times of whole runs."""
    if summary.count < _FEWEST_SAMPLES:
        yield f"only {summary.count} runs fitted into the time budget; give more with --time-budget"
    if summary.relative_half_width > _WIDE:
        yield (
            f"noisy: the 95 % interval is {format_seconds(summary.low)} to {format_seconds(summary.high)}; "
            "close other programs or give more time with --time-budget"
        )
    half = len(timed.block_medians) // 2
    if half >= 2:
        early, late = median(timed.block_medians[:half]), median(timed.block_medians[-half:])
        if abs(late - early) > _DRIFT * early:
            yield (
                f"runs took {format_seconds(early)} at first and {format_seconds(late)} at last; "
                "the machine changed meanwhile, measure again"
            )
    if threads == 1 and timed.cpu_share < _WAITING:
        yield f"the run had a processor for {format_share(timed.cpu_share)} of its time only; close other programs"


def doubts_of_profile(profile: Profile, attributed: float) -> Iterator[str]:
    """Doubts about the times of kernels."""
    if profile.plain_seconds:
        plain, profiled = median(profile.plain_seconds), median(profile.profiled_seconds)
        if profiled - plain > max(_PROFILER_SHARE * plain, _PROFILER_SECONDS):
            yield (
                f"the profiler slowed runs from {format_seconds(plain)} to {format_seconds(profiled)}; "
                f"{format_seconds(profile.profiler_seconds)} were subtracted from each kernel, "
                "so that short kernels are rough"
            )
        kernels = sum(kernel.seconds for kernel in profile.kernels)
        if profile.kernels and kernels < _TOGETHER * plain:
            yield (
                f"the kernels add up to {format_seconds(kernels)}, a run takes {format_seconds(plain)}: interruptions "
                "hit whole runs rather than single kernels; close other programs"
            )
    if profile.kernels and attributed < _ATTRIBUTED:
        yield f"{format_share(1 - attributed)} of the kernels' time could not be traced to ops of the model"
